from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings

from holdall.query import (
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
    condition_shape,
    nodes,
    paths_of,
    replace,
    shape,
    split,
    values,
)
from holdall.testing.conformance import tables
from holdall.testing.strategies import conditions, queries

A = Compare(("a",), Op.EQ, 1)
B = Compare(("b", "c"), Op.IN, (1, 2))
TREE = And((A, Not(B), Or((Some(("many",), A), Every(("x", "many"), B)))))
WORLD = tables()
EACH = settings(max_examples=60)


def test_nodes_come_from_the_top_left_to_right() -> None:
    some, every = Some(("many",), A), Every(("x", "many"), B)
    assert list(nodes(TREE)) == [TREE, A, Not(B), B, Or((some, every)), some, A, every, B]


def test_paths_start_at_the_collection() -> None:
    query: Query[Any] = Query("q", TREE, (SortKey(("s",)),), projection=(("p", "q"),))
    assert list(paths_of(query)) == [
        ("a",),
        ("b", "c"),
        ("many",),
        ("many", "a"),
        ("x", "many"),
        ("x", "many", "b", "c"),
        ("s",),
        ("p", "q"),
    ]


def test_replace_goes_from_the_leaves_up() -> None:
    def change(node: Condition) -> Condition:
        if node == A:
            return B
        return node.item if isinstance(node, Not) else node

    assert replace(TREE, change) == And((B, B, Or((Some(("many",), B), Every(("x", "many"), B)))))


@EACH
@given(conditions(WORLD, "book"))
def test_replacing_nothing_copies_nothing(condition: Condition) -> None:
    assert replace(condition, lambda node: node) is condition
    assert sum(1 for _ in nodes(condition)) >= 1


def _put(query: Query[Any], fill: list[Any]) -> Query[Any]:
    """The query with its values, in the order of ``values``, taken from ``fill``."""
    taken = iter(fill)

    def walk(node: Condition) -> Condition:
        if isinstance(node, Compare):
            return node if node.op is Op.IS_NULL else Compare(node.path, node.op, next(taken))
        if isinstance(node, And | Or):
            return type(node)(tuple(walk(item) for item in node.items))
        if isinstance(node, Not):
            return Not(walk(node.item))
        assert isinstance(node, Some | Every)
        return type(node)(node.path, walk(node.condition))

    condition = walk(query.condition)
    position = None if query.position is None else tuple(next(taken) for _ in query.position)
    rows = None if query.max_rows is None else next(taken)
    skip = next(taken) if query.skip else 0
    assert next(taken, None) is None
    return msgspec.structs.replace(query, condition=condition, position=position, max_rows=rows, skip=skip)


@EACH
@given(queries(WORLD))
def test_shape_and_values_are_the_whole_query(query: Query[Any]) -> None:
    found = values(query)
    assert _put(query, found) == query
    other = _put(query, [object() if value is not None else None for value in found[:-2]] + found[-2:])
    assert shape(other) == shape(query)
    assert hash(shape(other)) == hash(shape(query))
    assert split(query) == (shape(query), found)


def test_shapes_differ_where_the_compiled_text_would() -> None:
    base: Query[Any] = Query("q", A).sort(SortKey(("s",)), SortKey(("t",)))
    different: list[Query[Any]] = [
        base,
        Query("r", A).sort(SortKey(("s",)), SortKey(("t",))),
        base.where(B),
        base.limit(1),
        base.offset(1),
        base.after(1, 2),
        base.after(None, 2),
        base.after(1, None),
        base.sort(SortKey(("s",), True)),
        base.sort(SortKey(("s",), nulls="last")),
        base.only(("a",)),
        Query("q", Compare(("a",), Op.NE, 1)),
        Query("q", Compare(("b",), Op.EQ, 1)),
        Query("q", Compare(("a",), Op.IS_NULL, True)),
        Query("q", Compare(("a",), Op.IS_NULL, False)),
        Query("q", And((A, A))),
        Query("q", Or((A, A))),
        Query("q", And((And((A,)), A))),
        Query("q", Not(A)),
        Query("q", Some(("a",), A)),
        Query("q", Every(("a",), A)),
    ]
    assert len({shape(query) for query in different}) == len(different)


def test_lengths_of_lists() -> None:
    short: Query[Any] = Query("q", Compare(("a",), Op.IN, (1,)))
    long: Query[Any] = Query("q", Compare(("a",), Op.IN, (1, 2, 3)))
    assert shape(short) == shape(long)
    assert split(short, len((0,)).__add__)[0] != split(long, len((0,)).__add__)[0]
    assert condition_shape(short.limit(1)) == condition_shape(short.limit(2))
    assert condition_shape(short)[1] == [(1,)]
