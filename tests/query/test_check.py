from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import IntEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings

from holdall.errors import LimitExceeded, QueryError
from holdall.query import (
    MAX_DEPTH,
    MAX_INT,
    Compare,
    Condition,
    Every,
    FieldSchema,
    Kind,
    Not,
    Op,
    Query,
    Some,
    SortKey,
    check,
    is_of_kind,
    operators_of,
)
from holdall.testing.conformance import SCHEMAS as WORLD
from holdall.testing.conformance import tables
from holdall.testing.strategies import queries
from tests.support.query_records import SCHEMAS


class _Level(IntEnum):
    LOW = 1


def _compare(path: str, op: Op, value: Any) -> Compare:
    return Compare(tuple(path.split(".")), op, value)


@pytest.mark.parametrize(
    "query,told",
    [
        (Query("nowhere"), "nowhere"),
        (Query("book", _compare("nothing", Op.EQ, 1)), "nothing"),
        (Query("book", _compare("author.nothing", Op.EQ, 1)), "author has no field"),
        (Query("book", _compare("title.author", Op.EQ, 1)), "no reference"),
        (Query("country", _compare("authors.name", Op.EQ, "x")), "no reference"),
        (Query("book", Compare((), Op.EQ, 1)), "empty path"),
        (Query("book", _compare("pages", Op.CONTAINS, "1")), "contains does not fit"),
        (Query("book", _compare("lent", Op.LT, True)), "lt does not fit"),
        (Query("book", _compare("author", Op.GT, 1)), "gt does not fit"),
        (Query("shelf", _compare("note", Op.BETWEEN, (1, 2))), "between does not fit"),
        (Query("shelf", _compare("books", Op.EQ, (1,))), "eq does not fit"),
        (Query("country", _compare("authors", Op.IS_NULL, True)), "is_null does not fit"),
        (Query("book", _compare("pages", Op.EQ, "1")), "this str"),
        (Query("book", _compare("pages", Op.EQ, None)), "use is_null"),
        (Query("book", _compare("pages", Op.EQ, True)), "this bool"),
        (Query("book", _compare("pages", Op.IN, (1, 1.5))), "this float"),
        (Query("book", _compare("pages", Op.IN, [1])), "takes a tuple"),
        (Query("book", _compare("pages", Op.BETWEEN, (1,))), "takes a pair"),
        (Query("book", _compare("pages", Op.BETWEEN, (1, None))), "null"),
        (Query("book", _compare("pages", Op.IS_NULL, 0)), "True or False"),
        (Query("book", _compare("price", Op.EQ, 0.5)), "this float"),
        (Query("book", _compare("shelf", Op.EQ, "a")), "this str"),
        (Query("book", _compare("shelf", Op.EQ, ("a", "1"))), "this tuple"),
        (Query("book", _compare("shelf", Op.IN, ("a", 1))), "this str"),
        (Query("book", Some(("author",), _compare("id", Op.EQ, 1))), "no Many"),
        (Query("country", Every(("authors",), _compare("title", Op.EQ, "x"))), "author has no field"),
        (Query("book", sort_keys=(SortKey(("nothing",)),)), "nothing"),
        (Query("book", sort_keys=(SortKey(("shelf",)),)), "no order"),
        (Query("shelf", sort_keys=(SortKey(("note",)),)), "no order"),
        (Query("country", sort_keys=(SortKey(("authors",)),)), "no order"),
        (Query("book", sort_keys=(SortKey(("id",)),), position=()), "position needs 1"),
        (Query("book", sort_keys=(SortKey(("id",)),), position=("1",)), "this str"),
        (Query("book", position=(1,)), "position needs 0"),
        (Query("book", projection=(("nothing",),)), "nothing"),
        (Query("country", projection=(("authors",),)), "cannot be projected"),
        (Query("book", projection=(("shelf", "books"),)), "cannot be projected"),
        (Query("book", max_rows=-1), "negative"),
        (Query("book", skip=-1), "negative"),
    ],
)
def test_refused(query: Query[Any], told: str) -> None:
    with pytest.raises(QueryError, match=told):
        check(query, SCHEMAS)


def test_a_deep_condition_is_refused_without_recursion() -> None:
    condition: Condition = _compare("id", Op.EQ, 1)
    for _ in range(MAX_DEPTH - 1):
        condition = Not(condition)
    check(Query("book", condition), SCHEMAS)
    for _ in range(100_000):
        condition = Not(condition)
    with pytest.raises(LimitExceeded):
        check(Query("book", condition), SCHEMAS)
    while isinstance(condition, Not):  # taken apart from outside, as freeing it whole would go as deep
        condition = condition.item


@settings(max_examples=100)
@given(queries(tables()))
def test_fitting_queries_pass(query: Query[Any]) -> None:
    check(query, WORLD)


_NOW = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "kind,good,bad",
    [
        (Kind.BOOL, [True, False], [0, 1, None, "true"]),
        (Kind.INT, [0, MAX_INT, -MAX_INT], [True, 1.0, MAX_INT + 1, -MAX_INT - 1, "1", _Level.LOW, None]),
        (Kind.FLOAT, [0.5, 1, -0.0], [float("nan"), float("inf"), True, Decimal(1), "0.5"]),
        (Kind.DECIMAL, [Decimal("0.5"), 1], [Decimal("NaN"), Decimal("Infinity"), 0.5, True]),
        (Kind.STR, ["", "é😀"], ["a\0b", "\ud800", "é\udfff", b"", 1]),
        (Kind.BYTES, [b"", b"\0"], ["", bytearray()]),
        (
            Kind.DATETIME,
            [_NOW],
            [_NOW.replace(tzinfo=None), _NOW.astimezone(timezone(timedelta(hours=1))), _NOW.date()],
        ),
        (Kind.DATE, [_NOW.date()], [_NOW, "2024-01-01"]),
        (Kind.TIME, [time(1)], [time(1, tzinfo=UTC), timedelta(1)]),
        (Kind.TIMEDELTA, [timedelta(-1)], [1, time(1)]),
        (Kind.UUID, [UUID(int=1)], ["00000000-0000-0000-0000-000000000001", 1]),
        (Kind.JSON, [{}, [None], {"a": [1, 0.5, "x", True]}, "", 0], [{1: 2}, [float("nan")], (1,), date.min, ["\0"]]),
    ],
)
def test_kinds(kind: Kind, good: list[Any], bad: list[Any]) -> None:
    field = FieldSchema("value", kind)
    assert [value for value in good if not is_of_kind(field, value)] == []
    assert [value for value in bad if is_of_kind(field, value)] == []


def test_kinds_of_references() -> None:
    place = (FieldSchema("room", Kind.STR), FieldSchema("number", Kind.INT))
    reference = FieldSchema("shelf", Kind.REF, target="shelf", target_key=place)
    many = FieldSchema("shelves", Kind.MANY, target="shelf", target_key=place)
    nested = FieldSchema("row", Kind.REF, target="row", target_key=(reference, place[1]))
    assert is_of_kind(reference, ("a", 1))
    assert not is_of_kind(reference, ("a", 1, 2))
    assert not is_of_kind(reference, ["a", 1])
    assert is_of_kind(many, ())
    assert is_of_kind(many, (("a", 1), ("b", 2)))
    assert not is_of_kind(many, ("a", 1))
    assert is_of_kind(nested, (("a", 1), 2))
    assert not is_of_kind(nested, ("a", 2))


def test_json_too_deep_is_no_json() -> None:
    value: Any = []
    for _ in range(100_000):
        value = [value]
    assert not is_of_kind(FieldSchema("value", Kind.JSON), value)
    while value:
        value = value[0]


def test_every_kind_says_its_operators() -> None:
    assert operators_of(Kind.MANY) == frozenset()
    assert all(Op.IS_NULL in operators_of(kind) for kind in Kind if kind is not Kind.MANY)
    assert {kind for kind in Kind if Op.ICONTAINS in operators_of(kind)} == {Kind.STR}
    assert {kind for kind in Kind if Op.EQ in operators_of(kind) and Op.LT not in operators_of(kind)} == {
        Kind.BOOL,
        Kind.JSON,
        Kind.REF,
    }
