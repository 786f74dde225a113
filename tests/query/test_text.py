from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdall.errors import LimitExceeded, QueryError
from holdall.query import (
    ALWAYS,
    MAX_DEPTH,
    MAX_TEXT,
    NEVER,
    And,
    Compare,
    Condition,
    Every,
    Not,
    Op,
    Or,
    Query,
    Some,
    SortKey,
    Stated,
    format_condition,
    format_query,
    parse_condition,
    parse_query,
)
from tests.support.draws import draws

_names = st.sampled_from(("title", "where", "a`b", "", "über", "null", "x y", "_1", "1", "and")) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=5
)
_paths = st.lists(_names, min_size=1, max_size=3).map(tuple)
_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**300), 10**300),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(allow_nan=False, allow_infinity=False),
    _text,
    st.binary(max_size=8),
    st.datetimes(),
    st.datetimes(timezones=st.sampled_from((UTC, timezone(timedelta(hours=-5, minutes=-30))))),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.uuids(),
)
_values = st.recursive(
    _scalars,
    lambda item: (
        st.lists(item, max_size=3) | st.lists(item, max_size=3).map(tuple) | st.dictionaries(_text, item, max_size=2)
    ),
    max_leaves=5,
)


@st.composite
def _comparisons(draw: st.DrawFn) -> Condition:
    op = draw(st.sampled_from(Op))
    value: st.SearchStrategy[Any] = _values
    if op is Op.IS_NULL:
        value = st.booleans()
    elif op is Op.BETWEEN:
        value = st.tuples(_values, _values)
    elif op in (Op.IN, Op.NOT_IN):
        value = st.lists(_values, max_size=3).map(tuple)
    return Compare(draw(_paths), op, draw(value))


_conditions = st.recursive(
    _comparisons(),
    lambda item: st.one_of(
        st.lists(item, max_size=3).map(lambda items: And(tuple(items))),
        st.lists(item, max_size=3).map(lambda items: Or(tuple(items))),
        item.map(Not),
        st.builds(Some, _paths, item),
        st.builds(Every, _paths, item),
    ),
    max_leaves=6,
)
_queries: st.SearchStrategy[Query[Any]] = st.builds(
    Query,
    _names,
    _conditions | st.just(ALWAYS),
    st.lists(st.builds(SortKey, _paths, st.booleans(), st.sampled_from((None, "first", "last"))), max_size=3).map(
        tuple
    ),
    st.none() | st.integers(0, 10**6),
    st.integers(0, 10**6) | st.just(0),
    st.none() | st.lists(_values, max_size=3).map(tuple),
    st.lists(_paths, max_size=3).map(tuple),
)


def _typed(value: Any) -> Any:
    """The value with the types of everything in it, which ``==`` alone would let pass: 1, True, 1.0, Decimal(1)."""
    if isinstance(value, tuple | list):
        return (type(value), [_typed(item) for item in value])
    if isinstance(value, dict):
        return {name: _typed(item) for name, item in value.items()}
    return (type(value), value, str(value))


def _compares(condition: Condition) -> list[Any]:
    match condition:
        case Compare(_, _, value):
            return [_typed(value)]
        case And(items) | Or(items):
            return [found for item in items for found in _compares(item)]
        case Not(item) | Some(_, item) | Every(_, item):
            return _compares(item)
        case Stated():
            return []
    raise AssertionError(condition)


@settings(max_examples=draws(120, 300))
@given(_queries)
def test_round_trip(query: Query[Any]) -> None:
    text = format_query(query)
    read = parse_query(text)
    assert read == query
    assert _compares(read.condition) == _compares(query.condition)
    assert _typed(read.position) == _typed(query.position)
    assert format_query(read) == text


@given(_conditions)
def test_conditions_round_trip(condition: Condition) -> None:
    assert parse_condition(format_condition(condition)) == condition


def _refusal_of(text: str) -> str | None:
    """What the parser says against the text; if nothing, the query is seen to have a text of its own."""
    try:
        query = parse_query(text)
    except QueryError as error:
        return str(error)
    assert parse_query(format_query(query)) == query
    return None


_WORDS = [
    "book",
    "where",
    "sort",
    "(",
    ")",
    ",",
    ".",
    "-",
    "=",
    '"x"',
    "`a`",
    "1",
    "and",
    "or",
    "not",
    "in",
    "limit",
    "is",
    "null",
    "some",
    "[",
    "{",
    "}",
    ":",
    "1e5",
    '"',
]


@settings(max_examples=draws(120, 300))
@given(st.lists(st.sampled_from(_WORDS), max_size=12).map(" ".join) | st.text(max_size=30))
def test_any_text_parses_or_is_refused(text: str) -> None:
    refusal = _refusal_of(text)
    assert refusal is None or refusal.startswith("at character ")


@pytest.mark.parametrize(
    "text,query",
    [
        ("book", Query("book")),
        (
            'book where author.country.code = "FR" and pages > 100 sort -pages nulls last limit 20',
            Query(
                "book",
                And((Compare(("author", "country", "code"), Op.EQ, "FR"), Compare(("pages",), Op.GT, 100))),
                (SortKey(("pages",), True, "last"),),
                20,
            ),
        ),
        ("b where not a = 1 or b in ()", Query("b", Or((Not(Compare(("a",), Op.EQ, 1)), Compare(("b",), Op.IN, ()))))),
        ("b sort x, -y after (1, null) offset 5 only `only`, a.b", Query(
            "b", sort_keys=(SortKey(("x",)), SortKey(("y",), True)), position=(1, None), skip=5,
            projection=(("only",), ("a", "b")),
        )),
        ("b where a between -1 and 1.5 and c is not null", Query(
            "b", And((Compare(("a",), Op.BETWEEN, (-1, 1.5)), Compare(("c",), Op.IS_NULL, False)))
        )),
        ("b where some many (every more (and()))", Query("b", Some(("many",), Every(("more",), ALWAYS)))),
        ("b where or()", Query("b", NEVER)),
        ("b where (a = 1 and a = 1) and a = 1", Query("b", And((
            And((Compare(("a",), Op.EQ, 1), Compare(("a",), Op.EQ, 1))), Compare(("a",), Op.EQ, 1),
        )))),
        ('b where a not in (("x", 1), ("y", 2))', Query("b", Compare(("a",), Op.NOT_IN, (("x", 1), ("y", 2))))),
        ('b where a = {"x": [1, null]}', Query("b", Compare(("a",), Op.EQ, {"x": [1, None]}))),
        ('b where a icontains "é\\n"', Query("b", Compare(("a",), Op.ICONTAINS, "é\n"))),
    ],
)  # fmt: skip
def test_written(text: str, query: Query[Any]) -> None:
    assert parse_query(text) == query
    assert format_query(query) == text


def test_white_space_is_free() -> None:
    assert parse_query("\n b\twhere(a=1)  limit\n2 ") == parse_query("b where a = 1 limit 2")


@pytest.mark.parametrize(
    "value,text",
    [
        (Decimal("1.50"), 'decimal"1.50"'),
        (datetime(2024, 5, 1, 12, tzinfo=UTC), 'datetime"2024-05-01T12:00:00+00:00"'),
        (date(2024, 5, 1), 'date"2024-05-01"'),
        (time(12, 30), 'time"12:30:00"'),
        (timedelta(days=-1, microseconds=5), 'timedelta"-1d 0s 5us"'),
        (UUID(int=1), 'uuid"00000000-0000-0000-0000-000000000001"'),
        (b"\xff\0", 'bytes"ff00"'),
        (1e22, "1e+22"),
        (-0.0, "-0.0"),
        ((1,), "(1)"),
    ],
)
def test_values(value: Any, text: str) -> None:
    assert format_condition(Compare(("a",), Op.EQ, value)) == f"a = {text}"


@pytest.mark.parametrize(
    "text,place",
    [
        ("", 1),
        ("book where", 11),
        ("book where a", 13),
        ("book where a =", 15),
        ("book where a = 1 and", 21),
        ("book where a ~ 1", 14),
        ("book where (a = 1", 18),
        ("book where a = 1)", 17),
        ('book where a = "x', 16),
        ('book where a = "\\q"', 16),
        ('book where a = "\\ud800"', 16),
        ('book where a = decimal"x"', 16),
        ('book where a = decimal"NaN"', 16),
        ('book where a = date"2024-13-01"', 16),
        ('book where a = timedelta"999999999d 99999s 0us"', 16),
        ('book where a = pickle"x"', 16),
        ("book where a = 1e999", 16),
        (f"book where a = {'9' * 500}", 16),
        ("book where a in b", 17),
        ("book where a between 1", 23),
        ("book where a in 1", 17),
        ("book where a is 1", 17),
        ("book where a = {1: 2}", 17),
        ("book sort", 10),
        ("book sort a nulls middle", 19),
        ("book limit -1", 12),
        ("book limit 1.5", 12),
        ("book limit 1 limit 2", 14),
        ("book offset 1 limit 2", 15),
        ("book limit 9999999999999999999999", 12),
        ("book; drop", 5),
        ("where", 1),
        ("book where `a = 1", 12),
        ("book only a.", 13),
    ],
)
def test_refused_with_the_place(text: str, place: int) -> None:
    with pytest.raises(QueryError, match=f"^at character {place}: "):
        parse_query(text)


def test_the_refusal_does_not_repeat_long_words() -> None:
    with pytest.raises(QueryError) as caught:
        parse_query(f"book {'x' * 10_000}")
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    "text",
    [
        "b where " + "(" * 5_000 + "a = 1" + ")" * 5_000,
        "b where " + "not " * 5_000 + "a = 1",
        "b where a = " + "[" * 5_000 + "]" * 5_000,
        "b where " + "and(" * 5_000,
        "b where " + "some x (" * 5_000,
        " " * (MAX_TEXT + 1),
    ],
)
def test_bounds(text: str) -> None:
    with pytest.raises(LimitExceeded):
        parse_query(text)


def test_the_deepest_that_is_written_is_read() -> None:
    for wrap in (
        lambda inner: And((inner, inner if isinstance(inner, Compare) else ALWAYS)),
        lambda inner: Or((inner,)),
        lambda inner: Not(Or((inner, NEVER))),
        lambda inner: Some(("x",), And((inner, NEVER))),
    ):
        condition: Condition = Compare(("a",), Op.EQ, 1)
        while True:
            deeper = wrap(condition)
            try:
                text = format_condition(deeper)
            except LimitExceeded:
                break
            condition = deeper
            assert parse_condition(text) == condition
        assert len(format_condition(condition)) > MAX_DEPTH


@pytest.mark.parametrize(
    "condition",
    [
        Compare((), Op.EQ, 1),
        Compare(("a",), Op.EQ, float("nan")),
        Compare(("a",), Op.EQ, Decimal("Infinity")),
        Compare(("a",), Op.EQ, "\ud800"),
        Compare(("a",), Op.EQ, object()),
        Compare(("a",), Op.EQ, {1: 2}),
        Compare(("a",), Op.IN, [1]),
        Compare(("a",), Op.BETWEEN, (1, 2, 3)),
        Compare(("a",), Op.IS_NULL, None),
    ],
)
def test_what_has_no_text(condition: Condition) -> None:
    with pytest.raises(QueryError):
        format_condition(condition)


def test_negative_parts_have_no_text() -> None:
    with pytest.raises(QueryError):
        format_query(Query("b", max_rows=-1))
