"""Every move of a record between states is in the table, or refused; each record is filed where its state says."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any
from weakref import ref

import pytest
from hypothesis import given
from hypothesis import strategies as st

import holdall.session
from holdall import Model, State, field, state_of
from holdall.model import SessionLink, track_of
from holdall.session.record_states import MOVES, IllegalMove, RecordStates

_SESSION = Path(holdall.session.__file__).parent


class Note(Model):
    id: int = field(pk=True)
    text: str = field(default="")


class Nobody:
    """A session that is asked nothing."""


def _states() -> RecordStates:
    asked: Any = Nobody()
    return RecordStates(SessionLink(ref(asked), lambda record: None))


def _filed(states: RecordStates, record: Any) -> set[str]:
    groups = {"new": states.new, "dirty": states.dirty, "deleted": states.deleted}
    return {name for name, group in groups.items() if id(record) in group}


_FILED = {State.NEW: {"new"}, State.DIRTY: {"dirty"}, State.DELETED: {"deleted"}}


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(State), st.booleans()), max_size=30))
def test_a_record_is_where_its_last_legal_move_brought_it(moves: list[tuple[int, State, bool]]) -> None:
    states, records = _states(), [Note(id=number) for number in range(4)]
    expected = [State.UNBOUND] * 4
    stays_new = [False] * 4  # removed while it was new
    for number, to, has_old in moves:
        record, before = records[number], track_of(records[number])
        old = {"text": "x"} if has_old else None
        if to not in MOVES[expected[number]]:
            with pytest.raises(IllegalMove, match=f"Note that is {expected[number].value} cannot become {to.value}"):
                states.move(record, to, old)
            assert track_of(record) is before
        else:
            stays_new[number] = to is State.DELETED and "new" in _filed(states, record)
            track = states.move(record, to, old)
            assert track_of(record) is track
            assert track is not None
            expected[number] = to
            if to in (State.DIRTY, State.DELETED):
                assert track.old == old
        for place, each in enumerate(records):
            assert state_of(each) is expected[place]
            assert _filed(states, each) == ({"new"} if stays_new[place] else _FILED.get(expected[place], set()))


@given(st.sampled_from(State), st.sampled_from(State))
def test_what_is_put_back_is_as_it_was(first: State, then: State) -> None:
    states, record = _states(), Note(id=1)
    if first is not State.UNBOUND:
        states.move(record, first)
    before, filed = track_of(record), _filed(states, record)
    if before is None or then not in MOVES[first]:
        return
    states.move(record, then)
    states.put_back(record, before)
    assert (track_of(record), _filed(states, record)) == (before, filed)


def test_many_become_clean_as_one_does() -> None:
    for state in (State.NEW, State.DIRTY, State.DELETED):
        for some in (3, 5):
            states, records = _states(), [Note(id=number) for number in range(5)]
            for record in records:
                states.move(record, state)
            states.clean_all(records[:some])
            assert [state_of(record) for record in records] == [State.CLEAN] * some + [state] * (5 - some)
            assert [_filed(states, record) for record in records] == [set()] * some + [_FILED[state]] * (5 - some)


def test_only_records_are_taken() -> None:
    states = _states()
    with pytest.raises(TypeError):
        states.take([Note(id=1), "no record"])


def test_nobody_else_moves_records() -> None:
    movers = [
        path.relative_to(_SESSION).as_posix()
        for path in _SESSION.rglob("*.py")
        if any(isinstance(node, ast.Name) and node.id == "set_track" for node in ast.walk(ast.parse(path.read_text())))
    ]
    assert movers == ["record_states.py"]
