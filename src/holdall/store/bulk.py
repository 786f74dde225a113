"""Bulk changes: one update or removal of all records that a query means, and what it does to each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, runtime_checkable

import msgspec

from holdall.errors import LimitExceeded, StoreError
from holdall.query import AnyQuery, Kind, Path, Row, Schema, Value, paths_behind
from holdall.query.value_columns import ValueColumns
from holdall.store.change import Change, Verb

__all__ = [
    "BulkChange",
    "BulkChanging",
    "Computed",
    "changes_of_rows",
    "demand_at_most",
    "demand_settable",
    "getter_of",
]


class Computed(msgspec.Struct, frozen=True):
    """The value that a formula of the record's own fields has before the change.

    >>> from holdall.query import parse_condition
    >>> Computed(parse_condition("add(pages, 1) > 0").path)
    Computed(path=('add(pages, 1)',))
    """

    path: Path


class BulkChange(msgspec.Struct, frozen=True):
    """An update or removal of every record that a query means, as it is stored when this is done.

    ``fields`` and ``values`` run in parallel, as in Change; a value may be Computed. The version of a collection is
    counted up by itself, and is not among them. More records than ``most`` are not changed, but refused.

    >>> from holdall.query import parse_query
    >>> BulkChange(Verb.UPDATE, parse_query("book where pages > 500"), ("shelf",), ("top",), most=100).fields
    ('shelf',)
    """

    verb: Verb
    query: AnyQuery
    fields: tuple[str, ...] = ()
    values: tuple[Value, ...] = ()
    most: int | None = None


@runtime_checkable
class BulkChanging(Protocol):
    """A transaction that makes bulk changes, Feature.BULK_CHANGES. In its absence the session reads what is to be
    changed, within a bound, and changes each.

    A store may have the method, too: then it makes one bulk change as a transaction by itself.

    >>> from holdall.query import FieldSchema, Kind, Query, Schema
    >>> from holdall.store import BulkChange, Change, Verb, open_store
    >>> store = open_store("main", "memory:")
    >>> store.bind([Schema("book", (FieldSchema("id", Kind.INT),), key=("id",))])
    >>> async def example() -> int:
    ...     async with store.transaction() as transaction:
    ...         await transaction.apply([Change(Verb.ADD, "book", key, ("id",), (key,)) for key in (1, 2)])
    ...         return await transaction.change_all(BulkChange(Verb.REMOVE, Query("book")))
    >>> import asyncio
    >>> asyncio.run(example())
    2
    """

    async def change_all(self, change: BulkChange) -> int:
        """Change every record that the query means; how many there were.

        Raises LimitExceeded where there are more than ``most``, and what ``apply`` raises; then nothing of it is done.
        """
        ...


def changes_of_rows(change: BulkChange, schema: Schema, rows: Iterable[Row]) -> list[Change]:
    """Return what a bulk change does to each of the rows that its query means.

    >>> from holdall.query import FieldSchema, Kind, Query, Schema
    >>> book = Schema("book", (FieldSchema("id", Kind.INT), FieldSchema("pages", Kind.INT)), key=("id",))
    >>> found = changes_of_rows(BulkChange(Verb.UPDATE, Query("book"), ("pages",), (0,)), book, [(7, 474)])
    >>> found[0].key, found[0].values
    (7, (0,))
    """
    if change.verb is Verb.REMOVE:
        return [Change(Verb.REMOVE, schema.name, schema.key_of(row)) for row in rows]
    values_of = _values_of(change, schema)
    if schema.version is None:
        return [Change(Verb.UPDATE, schema.name, schema.key_of(row), change.fields, values_of(row)) for row in rows]
    place, fields = schema.positions[schema.version], (*change.fields, schema.version)
    return [
        Change(Verb.UPDATE, schema.name, schema.key_of(row), fields, (*values_of(row), row[place] + 1)) for row in rows
    ]


def _values_of(change: BulkChange, schema: Schema) -> Callable[[Row], tuple[Value, ...]]:
    """The function from a row to its new values."""
    if not any(isinstance(value, Computed) for value in change.values):
        return lambda row: change.values
    getters = [getter_of(schema, value.path) if isinstance(value, Computed) else None for value in change.values]
    pairs = list(zip(getters, change.values, strict=True))
    return lambda row: tuple([value if get is None else get(row) for get, value in pairs])


def getter_of(schema: Schema, path: Path) -> Callable[[Row], Value]:
    """Return the function from a whole row to what a formula of its own fields gives.

    >>> from holdall.query import FieldSchema, Kind, Schema, parse_condition
    >>> book = Schema("book", (FieldSchema("id", Kind.INT), FieldSchema("pages", Kind.INT)), key=("id",))
    >>> getter_of(book, parse_condition("add(pages, 1) > 0").path)((7, 474))
    475
    """
    paths = paths_behind(path) or tuple([(name,) for name in schema.key])
    get = ValueColumns({schema.name: schema}, schema, paths).getter(path)
    places = [schema.positions[own] for (own,) in paths]
    return lambda row: get(tuple([row[place] for place in places]))


def demand_settable(store: str, schema: Schema, names: Iterable[str]) -> None:
    """Raise StoreError for a field that bulk changes cannot set: of the key, the version, a list of references.

    >>> from holdall.query import FieldSchema, Kind, Schema
    >>> demand_settable("main", Schema("book", (FieldSchema("id", Kind.INT),), key=("id",)), ["id"])
    Traceback (most recent call last):
    holdall.errors.StoreError: store 'main': a bulk change cannot set book.id
    """
    for field in map(schema.field, names):
        if field.name in schema.key or field.name == schema.version or field.kind is Kind.MANY:
            raise StoreError(store, f"a bulk change cannot set {schema.name}.{field.name}")


def demand_at_most(change: BulkChange, number: int) -> None:
    """Raise LimitExceeded where a bulk change would change more records than it may. Example: :class:`BulkChange`."""
    if change.most is not None and number > change.most:
        what = f"{change.query.collection} to be changed at once"
        raise LimitExceeded(what, change.most, "narrow the query, or raise max_affected")
