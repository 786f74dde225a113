"""What the journal keeps of a commit, as bytes: each format is read for ever, an unknown one refused by its number."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdall.session.journal.log_format import LOG_FORMAT, UnreadableBody, decode_record, encode_record
from holdall.session.journal.log_record import CallState, LogRecord, Operation, Part, inverse
from holdall.store import Change, Members, Verb

_GOLDEN = Path(__file__).parent / "golden"

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.decimals(allow_nan=False, allow_infinity=False),
    _TEXT,
    st.binary(max_size=8),
    st.datetimes(timezones=st.just(dt.UTC)),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.uuids(),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.builds(Members.of, st.lists(inner, max_size=3), st.lists(inner, max_size=3)),
        st.dictionaries(_TEXT, inner, max_size=3),
    ),
    max_leaves=8,
)


def _like(left: Any, right: Any) -> bool:
    """Equal, and of one type all the way down: True is not 1 here, nor a list a tuple."""
    if type(left) is not type(right):
        return False
    if isinstance(left, Members) and not _like(left.before, right.before):
        return False
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(_like, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_like(left[name], right[name]) for name in left)
    return bool(left == right)


@given(
    st.lists(
        st.builds(
            Operation,
            st.sampled_from(Verb),
            _TEXT,
            _VALUES,
            st.lists(_TEXT, max_size=3).map(tuple),
            st.lists(_VALUES, max_size=3).map(tuple),
            st.none() | st.integers(0, 9),
            st.none() | _TEXT,
            st.none() | st.lists(_VALUES, max_size=3).map(tuple),
            st.sampled_from(CallState),
            _TEXT,
        ),
        max_size=3,
    ),
    st.booleans(),
)
def test_what_the_journal_gives_back_is_what_was_put_in(operations: list[Operation], flag: bool) -> None:
    record = LogRecord(
        [Part("main", operations, flag, not flag, "why", flag, "c0ffee"), Part("other", [])], "shop", flag
    )
    back = decode_record(encode_record(record))
    assert (back.application, back.is_decided) == ("shop", flag)
    heads = [(part.store, part.by_call, part.is_done, part.error, part.is_held, part.identity) for part in back.parts]
    assert heads == [("main", flag, not flag, "why", flag, "c0ffee"), ("other", False, False, "", False, "")]
    for before, after in zip(operations, back.parts[0].operations, strict=True):
        for name in before.__struct_fields__:
            assert _like(getattr(before, name), getattr(after, name)), name


def test_what_undoes_an_operation() -> None:
    added = Operation(Verb.ADD, "city", 7, ("id", "name"), (7, "Roma"), token="t-1")
    assert inverse(added, None) == Change(Verb.REMOVE, "city", 7, token="t-1-undo")
    assert inverse(added, "version") == Change(Verb.REMOVE, "city", 7, version=1, token="t-1-undo")
    removed = Operation(Verb.REMOVE, "city", 7, ("id", "name"), (), 3, old=(7, "Roma"))
    assert inverse(removed, "version") == Change(Verb.ADD, "city", 7, ("id", "name"), (7, "Roma"))
    changed = Operation(Verb.UPDATE, "city", 7, ("name",), ("Rome",), old=("Roma",))
    assert inverse(changed, None) == Change(Verb.UPDATE, "city", 7, ("name",), ("Roma",))
    assert inverse(Operation(Verb.UPDATE, "city", 7, ("name",), ("Rome",)), None) is None


def test_what_undoes_a_change_of_a_list_leaves_what_others_did_to_it() -> None:
    """With a version nobody else can have changed it, and the list is as it was, in its order."""
    tags = Members.of((1, 3, 4), (1, 2, 3))
    changed = Operation(Verb.UPDATE, "book", 7, ("name", "tags"), ("new", tags), old=("old", (1, 2, 3)))
    undone = inverse(changed, None)
    assert undone is not None
    name, back = undone.values
    assert (name, back, back.come, back.gone) == ("old", (1, 3, 2), [2], [4])
    assert back.is_in_order
    assert back.applied_to((9, 1, 4, 8)) == (9, 1, 8, 2)
    guarded = Operation(Verb.UPDATE, "book", 7, ("tags", "version"), (tags, 4), 3, old=((1, 2, 3), 3))
    assert inverse(guarded, "version") == Change(Verb.UPDATE, "book", 7, ("tags", "version"), ((1, 2, 3), 5), 4)


def _sample() -> LogRecord:
    """A record with a value of every kind."""
    moment = dt.datetime(2026, 1, 2, 3, 4, 5, 678_901, dt.UTC)
    values = (
        None, True, 7, -(2**63), 1.5, Decimal("1.50"), "text", b"bytes", moment, moment.date(), dt.time(1, 2, 3, 4),
        dt.timedelta(days=-1, microseconds=5), UUID(int=7), (1, ("a", 2)), [1, {"a": None}], {"b": (1,)},
    )  # fmt: skip
    fields = tuple([f"field{number}" for number in range(len(values))])
    added = Operation(Verb.ADD, "note", (1, "a"), fields, values)
    changed = Operation(Verb.UPDATE, "city", 7, ("name", "version"), ("Roma", 4), 3, "token", ("Rome", 3))
    removed = Operation(Verb.REMOVE, "city", 8, ("id",), (), 1, old=(8,), state=CallState.ORPHANED, error="why")
    parts = [
        Part("main", [added], is_done=True),
        Part("files", [changed], is_held=True),
        Part("remote", [removed], by_call=True, error="refused"),
    ]
    return LogRecord(parts, "shop", is_decided=True)


def _sample_with_members() -> LogRecord:
    """The same, with lists of which it is known what came and went."""
    record = _sample()
    values = ("text", Members.of((2, 3, 4), (1, 2, 3)), Members.of(((1, "a"),), ()))
    listed = Operation(Verb.UPDATE, "book", 1, ("name", "tags", "pairs"), values, old=("text", (1, 2, 3), ()))
    record.parts.append(Part("lists", [listed], is_held=True))
    return record


def _sample_with_identities() -> LogRecord:
    """The same, with what tells each store from another one of its name."""
    record = _sample_with_members()
    for number, part in enumerate(record.parts):
        part.identity = "" if part.by_call else f"{number:032x}"
    return record


def _sample_with_origins() -> LogRecord:
    """The same, with a record that has another key than before."""
    record = _sample_with_identities()
    record.parts[0].operations[0].origin = (1, "b")
    return record


_SAMPLES = [_sample, _sample_with_members, _sample_with_identities, _sample_with_origins]


@pytest.mark.parametrize("number, sample", list(enumerate(_SAMPLES, 1)))
def test_what_an_earlier_holdall_wrote_is_read(number: int, sample: Callable[[], LogRecord]) -> None:
    """Never write these files anew: a change of the format gets a new number and a file of its own."""
    body = bytes.fromhex((_GOLDEN / f"log_format_{number}.hex").read_text())
    if number >= 3:  # the newest, and the one without what that has more
        assert encode_record(sample()) == body
    back = decode_record(body)
    for part, expected in zip(back.parts, sample().parts, strict=True):
        for found, wanted in zip(part.operations, expected.operations, strict=True):
            assert _like(msgspec.structs.astuple(found), msgspec.structs.astuple(wanted))
    assert back == sample()


def test_every_format_has_a_golden_file() -> None:
    assert {path.name for path in _GOLDEN.iterdir()} == {f"log_format_{n}.hex" for n in range(1, LOG_FORMAT + 1)}


@pytest.mark.parametrize(
    "body, reason",
    [
        (msgspec.msgpack.encode((9, "shop", [], [], False)), "its format is 9"),
        (msgspec.msgpack.encode(([], [], False)), "its format is none"),
        (b"", "damaged"),
        (b"\xc1", "damaged"),
        (msgspec.msgpack.encode((1, "shop", [("main", False)], [[]], False)), "damaged"),
        (msgspec.msgpack.encode((1, "shop", [], msgspec.msgpack.Ext(99, b"x"), False)), "value of kind 99"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(body: bytes, reason: str) -> None:
    with pytest.raises(UnreadableBody, match=reason):
        decode_record(body)
