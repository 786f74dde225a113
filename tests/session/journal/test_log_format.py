"""What the journal keeps of a commit, as bytes: each format is read for ever, an unknown one refused by its number."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdall.session.journal.log_format import LOG_FORMAT, UnknownFormat, decode_record, encode_record
from holdall.session.journal.log_record import CallState, LogRecord, Operation, Part, inverse
from holdall.store import Change, Verb

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
        st.lists(inner, max_size=3), st.lists(inner, max_size=3).map(tuple), st.dictionaries(_TEXT, inner, max_size=3)
    ),
    max_leaves=8,
)


def _like(left: Any, right: Any) -> bool:
    """Equal, and of one type all the way down: True is not 1 here, nor a list a tuple."""
    if type(left) is not type(right):
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
    record = LogRecord([Part("main", operations, flag, not flag, "why", flag), Part("other", [])], "shop", flag)
    back = decode_record(encode_record(record))
    assert (back.application, back.is_decided) == ("shop", flag)
    assert [(part.store, part.by_call, part.is_done, part.error, part.is_held) for part in back.parts] == [
        ("main", flag, not flag, "why", flag),
        ("other", False, False, "", False),
    ]
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


def test_what_an_earlier_holdall_wrote_is_read() -> None:
    """Never write these files anew: a change of the format gets a new number and a file of its own."""
    assert LOG_FORMAT == 1
    body = bytes.fromhex((_GOLDEN / "log_format_1.hex").read_text())
    assert encode_record(_sample()) == body
    back = decode_record(body)
    assert _like(
        msgspec.structs.astuple(back.parts[0].operations[0]), msgspec.structs.astuple(_sample().parts[0].operations[0])
    )
    assert back == _sample()


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
    with pytest.raises(UnknownFormat, match=reason):
        decode_record(body)
