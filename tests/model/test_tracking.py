from __future__ import annotations

import copy
import gc
import pickle
import weakref
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from holdall.errors import FrozenError, StateError, ValidationError
from holdall.model import (
    JSON,
    Frozen,
    InstanceState,
    Model,
    Ref,
    State,
    assign,
    field,
    set_track,
    state_of,
    track_of,
)
from tests.support.session_without_store import Session


class Note(Model):
    id: int = field(pk=True)
    text: str = ""
    stars: int | None = field(default=None, ge=0)
    other: Ref[Note | None] = field(default=None)
    tags: list[str] = field(default_factory=list)
    data: JSON = None
    code: str = field(default="c", frozen=Frozen.UPDATE)


def kept(**values: Any) -> tuple[Session, Note]:
    session, note = Session(), Note(id=1, **values)
    session.keep(note)
    return session, note


def test_the_first_old_value_is_kept_and_setting_it_back_is_clean() -> None:
    session, note = kept(text="a")
    note.text = "b"
    note.text = "c"
    assert (state_of(note), note.is_field_modified("text"), note.is_field_modified("stars")) == (
        State.DIRTY,
        True,
        False,
    )
    track = track_of(note)
    assert track is not None
    assert track.old == {"text": "a"}
    note.stars = 3
    note.text = "a"
    assert (state_of(note), track.old) == (State.DIRTY, {"stars": None})
    note.stars = None
    assert (state_of(note), track_of(note)) == (State.CLEAN, session.link)
    assert session.told == [("touched", note), ("became_clean", note)]


def test_writing_the_same_value_touches_nothing() -> None:
    session, note = kept(text="a", other=2, tags=["x"])
    note.text = "a"
    note.other = 2
    note.other = note.other
    note.tags = ["x"]
    assert (session.told, state_of(note)) == ([], State.CLEAN)


def test_references_go_back_by_key() -> None:
    _, note = kept(other=2)
    note.other = Note(id=3)
    assert state_of(note) is State.DIRTY
    note.other = Note(id=2)
    assert state_of(note) is State.CLEAN
    note.other = None
    assert state_of(note) is State.DIRTY


def test_unbound_and_discarded_records_are_not_tracked() -> None:
    note = Note(id=1)
    note.text = "a"
    assert (state_of(note), note.is_field_modified("text")) == (State.UNBOUND, False)
    set_track(note, InstanceState(None, State.DISCARDED))
    note.text = "b"
    assert (state_of(note), note.is_field_modified("text")) == (State.DISCARDED, False)
    with pytest.raises(ValueError, match="Note has no field 'txt'"):
        note.is_field_modified("txt")


def test_new_records_stay_new_and_deleted_ones_deleted() -> None:
    session, note = Session(), Note(id=1)
    session.mark_new(note)
    note.text = "a"
    assert (state_of(note), note.is_field_modified("text")) == (State.NEW, False)
    set_track(note, InstanceState(session.link, State.DELETED))
    note.text = "b"
    assert (state_of(note), note.is_field_modified("text")) == (State.DELETED, True)
    note.text = "a"
    assert (state_of(note), note.is_field_modified("text")) == (State.DELETED, False)


def test_writes_in_flight_are_collected() -> None:
    session, note = kept()
    note.text = "a"
    session.link.edited = {}
    note.text = "b"
    assert session.link.edited == {id(note): note}


def test_a_write_the_session_refuses_changes_nothing() -> None:
    class Refusing(Session):
        def touched(self, record: Any) -> None:
            raise RuntimeError

    session, note = Refusing(), Note(id=1, text="a")
    session.keep(note)
    with pytest.raises(RuntimeError):
        note.text = "b"
    with pytest.raises(FrozenError):
        note.code = "d"
    with pytest.raises(ValidationError):
        note.stars = -1
    assert (note.text, note.code, note.stars) == ("a", "c", None)
    assert (state_of(note), track_of(note)) == (State.CLEAN, session.link)


def test_mutable_values_are_watched_when_they_are_handed_out() -> None:
    session, note = kept(tags=["a"])
    note.text  # noqa: B018
    note.data  # noqa: B018 - None cannot be changed in place
    assert session.told == []
    assert note.tags == ["a"]
    assert session.told == [("watch", note)]
    note.data = {"a": 1}
    assert note.data == {"a": 1}
    assert session.told == [("watch", note), ("touched", note), ("watch", note)]
    fresh = Note(id=2)
    fresh.tags.append("x")
    assert len(session.told) == 3
    session.mark_new(fresh)
    fresh.tags.append("y")
    assert fresh.tags == ["x", "y"]
    assert session.told[3:] == [("watch", fresh)] * 2


def test_assigning_several_fields_is_all_or_nothing() -> None:
    _, note = kept(text="a")
    with pytest.raises(ValidationError) as caught:
        assign(note, {"text": "b", "stars": -1, "code": "x", "nothing": 1})
    assert [(error.path, error.code) for error in caught.value.errors] == [
        ("stars", "ge"), ("code", "frozen"), ("nothing", "unknown"),
    ]  # fmt: skip
    assert (note.text, state_of(note)) == ("a", State.CLEAN)
    assign(note, {"text": "b", "stars": 1})
    assert (note.text, note.stars, state_of(note)) == ("b", 1, State.DIRTY)


def test_records_are_equal_only_if_they_are_one() -> None:
    one, other = Note(id=1), Note(id=1)
    assert one == one
    assert one != other
    assert len({one, other, one}) == 2


def test_repr_ends_in_a_circle() -> None:
    note = Note(id=1, text="x" * 1000)
    note.other = note
    assert repr(note).startswith("Note(id=1, text='xxx")
    assert len(repr(note)) < 400
    assert "other=1" in repr(note)


def test_copies_are_unbound_and_independent() -> None:
    _, note = kept(text="a", tags=["x"], data={"a": [1]}, other=3)
    note.text = "b"
    for made in (copy.copy(note), copy.deepcopy(note), pickle.loads(pickle.dumps(note))):
        assert state_of(made) is State.UNBOUND
        assert made.fields == note.fields
        made.text = "c"
    assert note.text == "b"
    deep = copy.deepcopy(note)
    deep.tags.append("y")
    assert note.tags == ["x"]


def test_pickling_keeps_keys_and_refuses_where_there_is_none() -> None:
    note = Note(id=1, other=Note(id=2))
    assert pickle.loads(pickle.dumps(note)).other == 2

    class Auto(Model):
        id: int = field(pk=True, generated=True)
        next: Ref[Auto | None] = field(default=None)

    with pytest.raises(StateError, match="commit it before pickling"):
        pickle.dumps(Auto(next=Auto()))


def test_json_of_a_record_is_that_of_its_slots() -> None:
    assert msgspec.json.decode(msgspec.json.encode(Note(id=1, tags=["a"])))["tags"] == ["a"]


def test_a_session_is_freed_while_its_records_live() -> None:
    session, note = kept()
    note.text = "b"
    gone = weakref.ref(session)
    del session
    gc.collect()
    assert gone() is None
    note.text = "c"
    assert note.tags == []


class TrackingMachine(RuleBasedStateMachine):
    """A kept record against plain dicts of what it was and what it is."""

    def __init__(self) -> None:
        super().__init__()
        self.session, self.note = kept()
        self.base: dict[str, Any] = dict.fromkeys(["text", "stars", "other"])
        self.base["text"] = ""
        self.now = dict(self.base)
        self.is_deleted = False

    def changed(self) -> dict[str, Any]:
        return {name: value for name, value in self.base.items() if self.now[name] != value}

    @rule(value=st.sampled_from(["", "a", "b"]))
    def write_text(self, value: str) -> None:
        self.note.text = self.now["text"] = value

    @rule(value=st.sampled_from([None, 0, 1]))
    def write_stars(self, value: int | None) -> None:
        self.note.stars = self.now["stars"] = value

    @rule(value=st.sampled_from([None, 1, 2]), as_record=st.booleans())
    def write_reference(self, value: int | None, as_record: bool) -> None:
        self.note.other = Note(id=value) if as_record and value else value
        self.now["other"] = value

    @rule(name=st.sampled_from(["text", "stars", "other", "code"]))
    def write_wrong(self, name: str) -> None:
        with pytest.raises((ValidationError, FrozenError)):
            setattr(self.note, name, 1.5)

    @precondition(lambda self: not self.is_deleted)
    @rule()
    def delete(self) -> None:
        set_track(self.note, InstanceState(self.session.link, State.DELETED, self.changed() or None))
        self.is_deleted = True

    @precondition(lambda self: not self.is_deleted)
    @rule()
    def settle(self) -> None:
        self.session.keep(self.note)
        self.base = dict(self.now)

    @invariant()
    def is_as_it_must_be(self) -> None:
        note, changed = self.note, self.changed()
        assert {"text": note.text, "stars": note.stars, "other": note.other.key} == self.now
        assert {name for name in self.base if note.is_field_modified(name)} == set(changed)
        expected = State.DELETED if self.is_deleted else State.DIRTY if changed else State.CLEAN
        assert state_of(note) is expected
        track = track_of(note)
        assert track is not None
        old = track.old or {}
        assert {name: note.__holdall__.by_name[name].encode(value) for name, value in old.items()} == changed


TrackingMachine.TestCase.settings = settings(max_examples=50, stateful_step_count=30)
TestTracking = TrackingMachine.TestCase
