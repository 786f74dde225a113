from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdall.errors import QueryError
from holdall.query import (
    ALWAYS,
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
    count,
    evaluate,
    matches,
)
from holdall.testing.conformance import tables as world_tables
from holdall.testing.strategies import conditions, queries
from tests.support.query_records import library

SMALL = library(
    country=[("FR", "France"), ("US", "United States")],
    author=[(1, "Ursula", "US", None), (2, "Émile", "FR", 1), (3, "nobody", None, 2), (4, "lost", "XX", 99)],
    shelf=[
        ("a", 1, {"x": [1, True]}, (1, 2)),
        ("a", 2, None, ()),
        ("b", 1, {"x": [True, 1]}, (2, 77, 3)),
        ("b", 2, 1, (77,)),
    ],
    book=[
        (1, "The Dispossessed", 387, Decimal("9.90"), 0.3, True, 1, ("a", 1)),
        (2, "germinal", 591, Decimal("10"), 0.5, False, 2, ("b", 1)),
        (3, None, None, None, None, None, None, None),
        (4, "100% _pure_", 0, Decimal("0.5"), 0.5, False, 99, ("z", 9)),
    ],
)


def ids(condition: Condition, collection: str = "book") -> list[Any]:
    return [row[0] for row in evaluate(Query(collection, condition), SMALL)]


def compare(path: str, op: Op, value: Any) -> Compare:
    return Compare(tuple(path.split(".")), op, value)


@pytest.mark.parametrize(
    "path,op,value,expected",
    [
        ("pages", Op.EQ, 387, [1]),
        ("pages", Op.NE, 387, [2, 4]),  # null is not unequal either
        ("pages", Op.LT, 387, [4]),
        ("pages", Op.LE, 387, [1, 4]),
        ("pages", Op.GT, 387, [2]),
        ("pages", Op.GE, 387, [1, 2]),
        ("pages", Op.IN, (0, 591, 7), [2, 4]),
        ("pages", Op.IN, (), []),
        ("pages", Op.NOT_IN, (0, 591), [1]),
        ("pages", Op.NOT_IN, (), [1, 2, 4]),
        ("pages", Op.BETWEEN, (0, 387), [1, 4]),
        ("pages", Op.BETWEEN, (387, 0), []),
        ("pages", Op.IS_NULL, True, [3]),
        ("pages", Op.IS_NULL, False, [1, 2, 4]),
        ("title", Op.CONTAINS, "is", [1]),
        ("title", Op.CONTAINS, "", [1, 2, 4]),
        ("title", Op.CONTAINS, "%", [4]),
        ("title", Op.CONTAINS, "_", [4]),
        ("title", Op.CONTAINS, "GERM", []),
        ("title", Op.ICONTAINS, "GERM", [2]),
        ("title", Op.STARTSWITH, "The", [1]),
        ("title", Op.STARTSWITH, "the", []),
        ("title", Op.ENDSWITH, "pure_", [4]),
        ("title", Op.LT, "The", [4]),  # by code point: digits, capitals, small letters
        ("title", Op.GT, "The Dispossessed", [2]),
        ("price", Op.EQ, 10, [2]),  # numbers compare by value
        ("price", Op.EQ, Decimal("9.9000"), [1]),
        ("weight", Op.GE, 0.5, [2, 4]),
        ("weight", Op.LT, 1, [1, 2, 4]),
        ("lent", Op.EQ, False, [2, 4]),
        ("lent", Op.NE, False, [1]),
        ("author", Op.EQ, 99, [4]),  # the key itself is there, though it points at nothing
        ("author.id", Op.EQ, 99, []),
        ("author.id", Op.IS_NULL, True, [3, 4]),
        ("author.name", Op.NE, "Ursula", [2]),
        ("author.country.name", Op.EQ, "France", [2]),
        ("author.country.name", Op.IS_NULL, True, [3, 4]),
        ("author.mentor.mentor.name", Op.IS_NULL, True, [1, 2, 3, 4]),
        ("author.mentor.name", Op.EQ, "Ursula", [2]),
        ("shelf", Op.EQ, ("a", 1), [1]),
        ("shelf", Op.NE, ("a", 1), [2, 4]),
        ("shelf", Op.IN, (("a", 1), ("z", 9)), [1, 4]),
        ("shelf.room", Op.IN, ("b", "z"), [2]),
    ],
)
def test_comparisons(path: str, op: Op, value: Any, expected: list[int]) -> None:
    assert ids(compare(path, op, value)) == expected
    assert ids(Not(compare(path, op, value))) == [key for key in (1, 2, 3, 4) if key not in expected]


def test_case_is_ignored_by_lower_case() -> None:
    assert ids(compare("name", Op.ICONTAINS, "éMILE"), "author") == [2]
    assert ids(compare("name", Op.ICONTAINS, "emile"), "author") == []


@pytest.mark.parametrize(
    "value,rooms",
    [
        ({"x": [1, True]}, [("a", 1)]),  # true is not 1
        ({"x": [True, 1]}, [("b", 1)]),
        (1, [("b", 2)]),
        (True, []),
        ({"x": [1]}, []),
    ],
)
def test_json_equality(value: Any, rooms: list[tuple[str, int]]) -> None:
    query: Query[Any] = Query("shelf", Compare(("note",), Op.EQ, value), projection=(("room",), ("number",)))
    assert evaluate(query, SMALL) == rooms
    assert evaluate(query.where(Compare(("note",), Op.IN, (value, "x"))), SMALL) == rooms
    assert len(evaluate(Query("shelf", Compare(("note",), Op.NE, value)), SMALL)) == 3 - len(rooms)


def test_json_objects_have_no_order() -> None:
    tables = library(shelf=[("a", 1, {"x": 1, "y": None}, ())])
    assert count(Query("shelf", Compare(("note",), Op.EQ, {"y": None, "x": 1})), tables) == 1
    assert count(Query("shelf", Compare(("note",), Op.EQ, {"x": 1})), tables) == 0


def test_some_and_every_over_records_that_refer_back() -> None:
    named = compare("name", Op.STARTSWITH, "É")
    assert ids(Some(("authors",), named), "country") == ["FR"]
    assert ids(Every(("authors",), named), "country") == ["FR"]
    assert ids(Some(("authors",), ALWAYS), "country") == ["FR", "US"]
    assert ids(Some(("authors",), NEVER), "country") == []
    assert ids(Every(("pupils",), NEVER), "author") == [3, 4]
    assert ids(Some(("pupils",), Some(("pupils",), ALWAYS)), "author") == [1]
    assert ids(Not(Some(("pupils",), ALWAYS)), "author") == [3, 4]


def test_some_and_every_over_stored_keys_pass_by_those_of_nobody() -> None:
    rooms = [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
    asked: dict[str, Condition] = {
        "some": Some(("books",), ALWAYS),
        "every": Every(("books",), compare("pages", Op.GE, 0)),
        "none": Every(("books",), NEVER),
    }
    found = {name: [row[:2] for row in evaluate(Query("shelf", condition), SMALL)] for name, condition in asked.items()}
    assert found == {
        "some": [rooms[0], rooms[2]],
        "every": [rooms[0], rooms[1], rooms[3]],
        "none": [rooms[1], rooms[3]],
    }


def test_many_behind_a_reference() -> None:
    assert ids(Some(("author", "pupils"), compare("name", Op.EQ, "Émile"))) == [1]
    assert ids(Some(("shelf", "books"), compare("id", Op.EQ, 2))) == [1, 2]
    assert ids(Every(("author", "pupils"), NEVER)) == [3, 4]  # a missing author has no pupils
    assert ids(Some(("author", "pupils"), ALWAYS)) == [1, 2]


def test_empty_conjunction_and_disjunction() -> None:
    assert ids(ALWAYS) == [1, 2, 3, 4]
    assert ids(NEVER) == []
    assert ids(And((ALWAYS, Or((NEVER, compare("id", Op.EQ, 2)))))) == [2]


@pytest.mark.parametrize(
    "key,expected",
    [
        (SortKey(("pages",)), [3, 4, 1, 2]),
        (SortKey(("pages",), True), [2, 1, 4, 3]),
        (SortKey(("pages",), False, "last"), [4, 1, 2, 3]),
        (SortKey(("pages",), True, "first"), [3, 2, 1, 4]),
        (SortKey(("weight",)), [3, 1, 2, 4]),
        (SortKey(("weight",), True), [2, 4, 1, 3]),  # equal ones by key, ascending, all the same
        (SortKey(("id",), True), [4, 3, 2, 1]),
        (SortKey(("lent",)), [3, 2, 4, 1]),
        (SortKey(("title",)), [3, 4, 1, 2]),
        (SortKey(("author", "name")), [3, 4, 1, 2]),  # nobody's books stay, as missing
        (SortKey(("author", "country", "name"), False, "last"), [2, 1, 3, 4]),
    ],
)
def test_sorting(key: SortKey, expected: list[int]) -> None:
    assert [row[0] for row in evaluate(Query("book", sort_keys=(key,)), SMALL)] == expected


def test_several_sort_keys() -> None:
    keys = (SortKey(("weight",), True, "first"), SortKey(("pages",)))
    assert [row[0] for row in evaluate(Query("book", sort_keys=keys), SMALL)] == [3, 4, 2, 1]


def test_a_part_without_a_sort_is_by_key() -> None:
    backwards = library(book=list(reversed(SMALL["book"].rows)))
    query: Query[Any] = Query("book", projection=(("id",),))
    assert evaluate(query.limit(2), backwards) == [(1,), (2,)]
    assert evaluate(query.offset(3), backwards) == [(4,)]
    assert evaluate(query.limit(2).offset(3), backwards) == [(4,)]
    assert evaluate(query.limit(0), backwards) == []
    assert evaluate(query, backwards) == [(4,), (3,), (2,), (1,)]


@pytest.mark.parametrize(
    "key,position,expected",
    [
        (SortKey(("pages",)), None, [4, 1, 2]),
        (SortKey(("pages",)), 0, [1, 2]),
        (SortKey(("pages",), True), 387, [4, 3]),
        (SortKey(("pages",), True), None, []),
        (SortKey(("pages",), False, "last"), 591, [3]),
        (SortKey(("pages",), True, "first"), None, [2, 1, 4]),
        (SortKey(("weight",)), 0.3, [2, 4]),
        (SortKey(("weight",)), 0.5, []),  # rows equal to the position are not after it
    ],
)
def test_positions(key: SortKey, position: Any, expected: list[int]) -> None:
    query: Query[Any] = Query("book", sort_keys=(key,)).after(position)
    assert [row[0] for row in evaluate(query, SMALL)] == expected


def test_projection() -> None:
    query: Query[Any] = Query("book", projection=(("author", "country", "name"), ("id",), ("shelf",), ("id",)))
    assert evaluate(query, SMALL) == [
        ("United States", 1, ("a", 1), 1),
        ("France", 2, ("b", 1), 2),
        (None, 3, None, 3),
        (None, 4, ("z", 9), 4),
    ]


def test_count_leaves_the_part_aside() -> None:
    query = Query[Any]("book", compare("pages", Op.GE, 0)).sort(SortKey(("id",))).after(1).limit(1).offset(5)
    assert count(query, SMALL) == 3
    assert count(Query("book"), SMALL) == 4


def test_matches_one_row() -> None:
    query: Query[Any] = Query("book", compare("author.country.code", Op.EQ, "FR"))
    assert [matches(query, row, SMALL) for row in SMALL["book"].rows] == [False, True, False, False]


def test_what_does_not_fit_is_refused() -> None:
    for call in (evaluate, count):
        with pytest.raises(QueryError):
            call(Query("book", compare("nothing", Op.EQ, 1)), SMALL)


WORLD = world_tables()
EACH = settings(max_examples=60)
BOOKS = conditions(WORLD, "book")


def _keys(condition: Condition) -> set[Any]:
    return {row[0] for row in evaluate(Query("book", condition, projection=(("id",),)), WORLD)}


@EACH
@given(BOOKS, BOOKS)
def test_logic_is_that_of_sets(left: Condition, right: Condition) -> None:
    everything = _keys(ALWAYS)
    assert _keys(Not(left)) == everything - _keys(left)
    assert _keys(And((left, right))) == _keys(left) & _keys(right)
    assert _keys(Or((left, right))) == _keys(left) | _keys(right)


@EACH
@given(queries(WORLD))
def test_a_part_is_a_slice_of_the_whole(query: Query[Any]) -> None:
    whole = evaluate(query.limit(None).offset(10**6).limit(10**6).offset(0), WORLD)  # ordered, yet uncut
    end = None if query.max_rows is None else query.skip + query.max_rows
    if query.sort_keys or query.max_rows is not None or query.skip:
        assert evaluate(query, WORLD) == whole[query.skip : end]
    assert len(whole) == count(query, WORLD) or query.position is not None


@EACH
@given(queries(WORLD), st.integers(0, 5))
def test_following_positions_of_a_total_order_gives_every_row_once(query: Query[Any], size: int) -> None:
    schema = WORLD[query.collection].schema
    total = (*query.sort_keys, *(SortKey((name,), descending=True) for name in schema.key))
    paths = tuple(key.path for key in total)
    whole: Query[Any] = Query(query.collection, query.condition, total, projection=paths)
    rows = evaluate(whole, WORLD)
    if size < len(rows):
        assert evaluate(whole.after(*rows[size]), WORLD) == rows[size + 1 :]


def _depth(levels: int, wrap: Callable[[Condition], Condition]) -> Condition:
    condition: Condition = compare("id", Op.EQ, 1)
    for _ in range(levels):
        condition = wrap(condition)
    return condition


def test_the_deepest_condition_is_evaluated() -> None:
    assert ids(_depth(49, lambda inner: And((inner, ALWAYS)))) == [1]
    assert ids(_depth(49, lambda inner: Or((NEVER, inner)))) == [1]
    assert len(evaluate(Query("author", _depth(49, lambda inner: Every(("pupils",), inner))), SMALL)) == 4
