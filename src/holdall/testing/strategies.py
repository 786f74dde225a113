"""Hypothesis strategies for values, conditions and queries that fit given collections."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from hypothesis import strategies as st

from holdall.query import (
    And,
    AnyQuery,
    Compare,
    Condition,
    Every,
    FieldSchema,
    Kind,
    Not,
    Op,
    Or,
    Path,
    Query,
    Schema,
    Some,
    SortKey,
    Table,
    operators_of,
    resolve,
    value_getter,
)
from holdall.testing.pool import OBJECT_IDS, POOL, TEXT_ALPHABET

__all__ = ["conditions", "paths", "queries", "sort_keys", "values"]

_Leaf: TypeAlias = tuple[Path, st.SearchStrategy[Op], st.SearchStrategy[Any]]

_TEXT = st.text(TEXT_ALPHABET, max_size=6)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from((0.5, -2.25)) | _TEXT,
    lambda item: st.lists(item, max_size=2) | st.dictionaries(_TEXT, item, max_size=2),
    max_leaves=4,
)
_GENERIC: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.BOOL: st.booleans(),
    Kind.INT: st.integers(-(2**53), 2**53),
    Kind.FLOAT: st.floats(allow_nan=False, allow_infinity=False, width=32),
    Kind.DECIMAL: st.decimals(-99999, 99999, places=4),
    Kind.STR: _TEXT,
    Kind.BYTES: st.binary(max_size=4),
    Kind.DATETIME: st.datetimes(datetime(1001, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    Kind.DATE: st.dates(datetime(1001, 1, 1).date()),  # noqa: DTZ001
    Kind.TIME: st.times(),
    Kind.TIMEDELTA: st.timedeltas(timedelta(-30), timedelta(30)),
    Kind.UUID: st.uuids(),
    Kind.JSON: _JSON.filter(lambda value: value is not None),
}

_SELDOM = st.integers(0, 3).map(lambda number: number == 0)
_NODES: st.SearchStrategy[Any] = st.sampled_from((None, None, And, Or, Not))


def values(field: FieldSchema, known: Sequence[Any] = ()) -> st.SearchStrategy[Any]:
    """Border values for this field, often one of ``known``; never null. Example: :func:`queries`."""
    if field.kind in (Kind.REF, Kind.MANY):
        parts = [values(part) for part in field.target_key]
        key = parts[0] if len(parts) == 1 else st.tuples(*parts)
        if field.kind is Kind.MANY:
            return st.lists(key, max_size=3, unique=True).map(tuple)
        return st.sampled_from(known) | key if known else key
    if field.is_object_id:
        made = st.sampled_from(OBJECT_IDS) | st.binary(min_size=12, max_size=12).map(bytes.hex)
        return st.sampled_from(known) | made if known else made
    pool = st.sampled_from(POOL[field.kind])
    fitting = pool if field.max_length is None else pool.filter(lambda value: len(value) <= (field.max_length or 0))
    drawn = fitting | _GENERIC[field.kind]
    return st.sampled_from(known) | drawn if known else drawn


def paths(schemas: Mapping[str, Schema], schema: Schema, kinds: Collection[Kind], depth: int = 2) -> list[Path]:
    """Return every path from this collection to a field of these kinds through at most ``depth`` references.

    Example: :func:`queries`.
    """
    fields = (*schema.fields, *schema.nested)
    found: list[Path] = [(field.name,) for field in fields if field.kind in kinds]
    for field in fields if depth else ():
        if field.kind is Kind.REF and field.target is not None and field.target in schemas:
            found += [(field.name, *path) for path in paths(schemas, schemas[field.target], kinds, depth - 1)]
    return found


def conditions(
    tables: Mapping[str, Table],
    collection: str,
    operators: Collection[Op] = frozenset(Op),
    depth: int = 2,
    with_many: bool = True,
    levels: int = 2,
) -> st.SearchStrategy[Condition]:
    """Conditions on this collection, with paths through at most ``depth`` references.

    ``levels`` is how many of And, Or and Not may stand above a comparison.

    Example: :func:`queries`.
    """
    schemas = {name: table.schema for name, table in tables.items()}
    schema = schemas[collection]
    leaves = []
    for path in paths(schemas, schema, frozenset(Kind) - {Kind.MANY}, depth):
        field, known = _known(tables, schema, path)
        fitting = sorted(operators_of(field) & frozenset(operators))
        if fitting:
            leaves.append((path, st.sampled_from(fitting), values(field, known)))
    leaf = _comparisons(st.sampled_from(leaves))
    many = paths(schemas, schema, {Kind.MANY}, min(depth, 1)) if with_many else []
    if many:
        targets = {path: str(resolve(schemas, schema, path)[-1][1].target) for path in many}
        inner = {
            target: conditions(tables, target, operators, max(depth - 1, 0), depth > 1, 1)
            for target in sorted(set(targets.values()))
        }
        leaf |= st.one_of(
            [st.builds(kind, st.just(path), inner[targets[path]]) for path in many for kind in (Some, Every)]
        )
    return _trees(leaf, levels)


def sort_keys(schemas: Mapping[str, Schema], schema: Schema, depth: int = 2) -> st.SearchStrategy[SortKey]:
    """Sort keys for this collection, in every direction and placing of missing values. Example: :func:`queries`."""
    sortable = [
        path
        for path in paths(schemas, schema, frozenset(Kind) - {Kind.JSON, Kind.MANY}, depth)
        if len(resolve(schemas, schema, path)[-1][1].target_key) < 2
    ]
    return st.builds(SortKey, st.sampled_from(sortable), st.booleans(), st.sampled_from((None, "first", "last")))


def queries(
    tables: Mapping[str, Table],
    operators: Collection[Op] = frozenset(Op),
    depth: int = 2,
    with_many: bool = True,
) -> st.SearchStrategy[AnyQuery]:
    """Whole queries on any of these collections: condition, sort, limit, offset, position, projection.

    >>> from hypothesis import given
    >>> from holdall.query import evaluate
    >>> from holdall.testing.conformance import tables
    >>> @given(queries(tables()))
    ... def test_no_query_fails(query):
    ...     evaluate(query, tables())
    """
    return st.one_of([_queries_on(tables, name, operators, depth, with_many) for name in sorted(tables)])


def _queries_on(
    tables: Mapping[str, Table], collection: str, operators: Collection[Op], depth: int, with_many: bool
) -> st.SearchStrategy[AnyQuery]:
    schemas = {name: table.schema for name, table in tables.items()}
    schema = schemas[collection]
    asked = conditions(tables, collection, operators, depth, with_many)
    keys = st.lists(sort_keys(schemas, schema, depth), max_size=3)
    own = [(field.name,) for field in schema.stored]
    further = paths(schemas, schema, frozenset(Kind) - {Kind.MANY}, depth)
    projected = st.lists(st.sampled_from([*own, *further]), min_size=1, max_size=4)

    @st.composite
    def draw_query(draw: st.DrawFn) -> AnyQuery:
        query: AnyQuery = Query(collection, draw(asked)).sort(*draw(keys))
        has_position: bool = draw(_SELDOM)
        if query.sort_keys and has_position:
            query = query.after(*(draw(_position_value(tables, schema, key.path)) for key in query.sort_keys))
        if draw(st.booleans()):
            query = query.limit(draw(st.integers(0, 10))).offset(draw(st.integers(0, 3)))
        return query.only(*draw(projected)) if draw(st.booleans()) else query

    return draw_query()


def _known(tables: Mapping[str, Table], schema: Schema, path: Path) -> tuple[FieldSchema, list[Any]]:
    owner, field = resolve({name: table.schema for name, table in tables.items()}, schema, path)[-1]
    value_of = value_getter(owner, field)
    present = [value for row in tables[owner.name].rows if (value := value_of(row)) is not None]
    return field, present


def _position_value(tables: Mapping[str, Table], schema: Schema, path: Path) -> st.SearchStrategy[Any]:
    field, known = _known(tables, schema, path)
    return values(field, known) | st.none()


@st.composite
def _comparisons(draw: st.DrawFn, leaves: st.SearchStrategy[_Leaf]) -> Condition:
    path, operators, one = draw(leaves)
    op = draw(operators)
    if op is Op.IS_NULL:
        return Compare(path, op, draw(st.booleans()))
    if op is Op.BETWEEN:
        return Compare(path, op, (draw(one), draw(one)))
    if op in (Op.IN, Op.NOT_IN):
        return Compare(path, op, tuple(draw(st.lists(one, max_size=4))))
    return Compare(path, op, draw(one))


@st.composite
def _trees(draw: st.DrawFn, leaf: st.SearchStrategy[Condition], levels: int) -> Condition:
    kind = draw(_NODES) if levels else None
    if kind is None:
        return draw(leaf)
    if kind is Not:
        return Not(draw(_trees(leaf, levels - 1)))
    items = tuple([draw(_trees(leaf, levels - 1)) for _ in range(draw(st.integers(0, 3)))])
    return And(items) if kind is And else Or(items)
