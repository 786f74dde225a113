"""Hypothesis strategies for queries of groups that fit given collections."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hypothesis import strategies as st

from holdall.errors import QueryError
from holdall.query import (
    ALWAYS,
    Aggregate,
    AnyQuery,
    Compare,
    Condition,
    Function,
    Grouping,
    Kind,
    Op,
    Path,
    Query,
    Schema,
    SortKey,
    Table,
    columns_schema,
    operators_of,
)
from holdall.query.aggregate import grouped_by
from holdall.testing.strategies import conditions, paths, values

__all__ = ["aggregates_of", "grouped_queries"]


def aggregates_of(schemas: Mapping[str, Schema], schema: Schema, depth: int = 2) -> list[Aggregate]:
    """Every aggregate that fits a field of this collection, or behind at most ``depth`` references; floats are not
    summed, as the sum depends on their order. Example: :func:`grouped_queries`.
    """
    found = [Aggregate(Function.ROWS)]
    for path in paths(schemas, schema, frozenset(Kind), depth):
        for function in Function:
            aggregate = Aggregate(function, path)
            if function is not Function.ROWS and _fits(schemas, schema, aggregate):
                found.append(aggregate)
    return found


def grouped_queries(
    tables: Mapping[str, Table],
    collection: str,
    operators: Collection[Op] = frozenset(Op),
    depth: int = 2,
    with_many: bool = False,
) -> st.SearchStrategy[AnyQuery]:
    """Queries of groups: what they group by and aggregate, having, sort, limit and offset.

    >>> from hypothesis import given
    >>> from holdall.query import evaluate
    >>> from holdall.testing.conformance import tables
    >>> @given(grouped_queries(tables(), "book"))
    ... def test_no_query_fails(query):
    ...     evaluate(query, tables())
    """
    schemas = {name: table.schema for name, table in tables.items()}
    schema = schemas[collection]
    asked = conditions(tables, collection, operators, depth, with_many)
    groupable = [
        path
        for path in paths(schemas, schema, frozenset(Kind) - {Kind.JSON, Kind.MANY}, depth)
        if _fits(schemas, schema, Aggregate(Function.COUNT, path))
    ]
    grouped = st.lists(st.sampled_from(groupable), max_size=2, unique=True).map(tuple)
    made = st.lists(st.sampled_from(aggregates_of(schemas, schema, depth)), max_size=3, unique=True)

    @st.composite
    def draw_query(draw: st.DrawFn) -> AnyQuery:
        by, known = draw(grouped), draw(made)
        if not by and not known:
            known = [Aggregate(Function.ROWS)]
        columns: list[Path] = [*by, *[(aggregate.name,) for aggregate in known]]
        condition = draw(asked) if draw(st.booleans()) else ALWAYS
        query: AnyQuery = Query(collection, condition, grouping=Grouping(by, tuple(known)))
        having = draw(_having(columns_schema(query, schemas), known)) if draw(st.booleans()) else ALWAYS
        sort = tuple(draw(st.lists(st.builds(SortKey, st.sampled_from(columns), st.booleans()), max_size=2)))
        shown = tuple(draw(st.lists(st.sampled_from(columns), min_size=1, max_size=4)))
        limit = draw(st.none() | st.integers(0, 6))
        skip = draw(st.integers(0, 2)) if limit is not None else 0
        settled = grouped_by(by, known, having, sort, shown)
        return Query(collection, condition, sort, limit, skip, None, shown, grouping=settled)

    return draw_query()


def _fits(schemas: Mapping[str, Schema], schema: Schema, aggregate: Aggregate) -> bool:
    query: AnyQuery = Query(schema.name, grouping=Grouping((), (aggregate,)))
    try:
        kind = columns_schema(query, schemas).fields[0].kind
    except QueryError:
        return False
    is_sum = aggregate.function in (Function.SUM, Function.AVG)
    return not is_sum or kind is not Kind.FLOAT or aggregate.path[-1].endswith("int")


@st.composite
def _having(draw: st.DrawFn, columns: Schema, known: Collection[Aggregate]) -> Condition:
    names = sorted(aggregate.name for aggregate in known)
    if not names:
        return ALWAYS
    name = draw(st.sampled_from(names))
    field = columns.field(name)
    op = draw(st.sampled_from(sorted(operators_of(field) & {Op.EQ, Op.NE, Op.LT, Op.GE, Op.IS_NULL})))
    return Compare((name,), op, draw(st.booleans() if op is Op.IS_NULL else values(field)))
