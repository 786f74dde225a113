from __future__ import annotations

import datetime as dt
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from holdall.session.commit.entry import CallState, Entry, Operation, Part, decode_entry, encode_entry, inverse
from holdall.store import Change, Verb

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
    entry = Entry([Part("main", operations, flag, not flag, "why"), Part("other", [])])
    back = decode_entry(encode_entry(entry))
    assert [(part.store, part.by_call, part.is_done, part.error) for part in back.parts] == [
        ("main", flag, not flag, "why"),
        ("other", False, False, ""),
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
