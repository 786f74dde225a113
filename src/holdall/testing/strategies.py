"""Hypothesis strategies for values, conditions and queries that fit given collections."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from holdall.query import (
    And,
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
)
from holdall.testing.pool import POOL, TEXT_ALPHABET

__all__ = ["conditions", "paths", "queries", "sort_keys", "values"]

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


def values(field: FieldSchema, known: Sequence[Any] = ()) -> st.SearchStrategy[Any]:
    """Border values for this field, often one of ``known``; never null."""
    if field.kind in (Kind.REF, Kind.MANY):
        parts = [values(part) for part in field.target_key]
        key = parts[0] if len(parts) == 1 else st.tuples(*parts)
        if field.kind is Kind.MANY:
            return st.lists(key, max_size=3, unique=True).map(tuple)
        return st.sampled_from(known) | key if known else key
    pool = st.sampled_from(POOL[field.kind])
    fitting = pool if field.max_length is None else pool.filter(lambda value: len(value) <= (field.max_length or 0))
    drawn = fitting | _GENERIC[field.kind]
    return st.sampled_from(known) | drawn if known else drawn


def paths(schemas: Mapping[str, Schema], schema: Schema, kinds: Collection[Kind], depth: int = 2) -> list[Path]:
    """Every path from this collection to a field of these kinds through at most ``depth`` references."""
    found: list[Path] = [(field.name,) for field in schema.fields if field.kind in kinds]
    for field in schema.fields if depth else ():
        if field.kind is Kind.REF and field.target is not None and field.target in schemas:
            found += [(field.name, *path) for path in paths(schemas, schemas[field.target], kinds, depth - 1)]
    return found


def conditions(
    tables: Mapping[str, Table],
    collection: str,
    operators: Collection[Op] = frozenset(Op),
    depth: int = 2,
    with_many: bool = True,
    max_leaves: int = 5,
) -> st.SearchStrategy[Condition]:
    """Conditions on this collection, with paths through at most ``depth`` references."""
    schemas = {name: table.schema for name, table in tables.items()}
    schema = schemas[collection]
    leaves = [
        _comparison(tables, schema, path, fitting)
        for path in paths(schemas, schema, frozenset(Kind) - {Kind.MANY}, depth)
        if (fitting := sorted(operators_of(resolve(schemas, schema, path)[-1][1].kind) & frozenset(operators)))
    ]
    many = paths(schemas, schema, {Kind.MANY}, min(depth, 1)) if with_many else []
    leaf = st.one_of(leaves)
    if many:
        leaf = leaf | st.sampled_from(many).flatmap(lambda path: _quantified(tables, schema, path, operators, depth))
    return st.recursive(
        leaf,
        lambda item: (
            st.lists(item, max_size=3).map(lambda items: And(tuple(items)))
            | st.lists(item, max_size=3).map(lambda items: Or(tuple(items)))
            | item.map(Not)
        ),
        max_leaves=max_leaves,
    )


def sort_keys(schemas: Mapping[str, Schema], schema: Schema, depth: int = 2) -> st.SearchStrategy[SortKey]:
    """Sort keys for this collection, in every direction and placing of missing values."""
    sortable = [
        path
        for path in paths(schemas, schema, frozenset(Kind) - {Kind.JSON, Kind.MANY}, depth)
        if len(resolve(schemas, schema, path)[-1][1].target_key) < 2
    ]
    return st.builds(SortKey, st.sampled_from(sortable), st.booleans(), st.sampled_from((None, "first", "last")))


@st.composite
def queries(
    draw: st.DrawFn,
    tables: Mapping[str, Table],
    operators: Collection[Op] = frozenset(Op),
    depth: int = 2,
    with_many: bool = True,
) -> Query[Any]:
    """Whole queries on any of these collections: condition, sort, limit, offset, position, projection."""
    schemas = {name: table.schema for name, table in tables.items()}
    schema = schemas[draw(st.sampled_from(sorted(schemas)))]
    query: Query[Any] = Query(schema.name, draw(conditions(tables, schema.name, operators, depth, with_many)))
    keys = draw(st.lists(sort_keys(schemas, schema, depth), max_size=3))
    if keys:
        query = query.sort(*keys)
        if draw(st.integers(0, 3)) == 0:
            query = query.after(*(draw(_position_value(tables, schema, key.path)) for key in keys))
    if draw(st.booleans()):
        query = query.limit(draw(st.integers(0, 10))).offset(draw(st.integers(0, 3)))
    if draw(st.booleans()):
        stored = [(field.name,) for field in schema.stored]
        further = paths(schemas, schema, frozenset(Kind) - {Kind.MANY}, depth)
        query = query.only(*draw(st.lists(st.sampled_from([*stored, *further]), min_size=1, max_size=4)))
    return query


def _known(tables: Mapping[str, Table], schema: Schema, path: Path) -> tuple[FieldSchema, list[Any]]:
    owner, field = resolve({name: table.schema for name, table in tables.items()}, schema, path)[-1]
    place = owner.positions[field.name]
    present = [row[place] for row in tables[owner.name].rows if row[place] is not None]
    return field, present


def _position_value(tables: Mapping[str, Table], schema: Schema, path: Path) -> st.SearchStrategy[Any]:
    field, known = _known(tables, schema, path)
    return values(field, known) | st.none()


def _comparison(
    tables: Mapping[str, Table], schema: Schema, path: Path, operators: Sequence[Op]
) -> st.SearchStrategy[Condition]:
    field, known = _known(tables, schema, path)
    one = values(field, known)

    def compared(op: Op) -> st.SearchStrategy[Condition]:
        if op is Op.IS_NULL:
            value: st.SearchStrategy[Any] = st.booleans()
        elif op is Op.BETWEEN:
            value = st.tuples(one, one)
        elif op in (Op.IN, Op.NOT_IN):
            value = st.lists(one, max_size=4).map(tuple)
        else:
            value = one
        return st.builds(Compare, st.just(path), st.just(op), value)

    return st.sampled_from(operators).flatmap(compared)


def _quantified(
    tables: Mapping[str, Table], schema: Schema, path: Path, operators: Collection[Op], depth: int
) -> st.SearchStrategy[Condition]:
    schemas = {name: table.schema for name, table in tables.items()}
    target = str(resolve(schemas, schema, path)[-1][1].target)
    inner = conditions(tables, target, operators, max(depth - 1, 0), depth > 1, 3)
    return st.builds(Some, st.just(path), inner) | st.builds(Every, st.just(path), inner)
