"""Reading: the rows of the collections a query reaches, by key where it asks for keys, else through ``select``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Protocol

from holdall.query import And, Compare, Kind, Op, Query, Schema, check, compile_condition, resolve, select
from holdall.stores.yaml.bounds import Growth
from holdall.stores.yaml.journal import FileEdit
from holdall.stores.yaml.record import Row

__all__ = ["Shelf", "View"]

_FEW = 20  # keys worth looking up one by one instead of going through the folder


class Shelf(Protocol):
    """Where the records of one collection lie: ``RecordFiles`` or ``CollectionFile``."""

    schema: Schema

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders in which files are staged."""
        ...

    def rows(self) -> Mapping[Any, Row]:
        """Every row under its key, as the files now say."""
        ...

    def readable(self) -> Mapping[Any, Row]:
        """Every row that can be read, where each record has a file of its own; otherwise every row."""
        ...

    def row(self, key: Any) -> Row | None:
        """One row."""
        ...

    def keys(self) -> Collection[Any]:
        """The keys of all records, whether they can be read or not."""
        ...

    def edits(self, changed: Mapping[Any, Row | None], waiting: Growth) -> tuple[list[FileEdit], Growth]:
        """The file edits that bring about these rows, None removing one; and by how much they make it larger.

        Raises LimitExceeded where that leaves no room for the growth that waits.
        """
        ...

    def problems(self) -> list[str]:
        """What does not fit the schema, a sentence each."""
        ...

    def create(self) -> None:
        """Create what is missing."""
        ...

    def drop(self) -> None:
        """Remove the collection's files."""
        ...


class View:
    """The store's rows during one call, each collection looked at once; also the ``Lookup`` of relation paths."""

    def __init__(self, shelves: Mapping[str, Shelf]) -> None:
        self._shelves = shelves
        self._schemas = {name: shelf.schema for name, shelf in shelves.items()}
        self._rows: dict[str, Mapping[Any, Row]] = {}
        self._readable: dict[str, Mapping[Any, Row]] = {}

    @property
    def schemas(self) -> Mapping[str, Schema]:
        """Every collection by name."""
        return self._schemas

    def rows(self, collection: str) -> Mapping[Any, Row]:
        """Every row of the collection under its key."""
        rows = self._rows.get(collection)
        if rows is None:
            rows = self._rows[collection] = self._shelves[collection].rows()
        return rows

    def readable(self, collection: str) -> Mapping[Any, Row]:
        """Every row of the collection that can be read."""
        rows = self._readable.get(collection)
        if rows is None:
            rows = self._readable[collection] = self._shelves[collection].readable()
        return rows

    def row(self, collection: str, key: Any) -> Row | None:
        """One row of the collection."""
        rows = self._readable.get(collection, {})
        return rows[key] if key in rows else self._shelves[collection].row(key)

    def keys(self, collection: str) -> Collection[Any]:
        """The keys of the collection's records, whether they can be read or not."""
        return self._shelves[collection].keys()

    def by_key(self, collection: str) -> Callable[[Any], Row | None]:
        """A function from a key to the row that has it, or None."""
        return self.rows(collection).get

    def referring(self, collection: str, field: str) -> Callable[[Any], Iterable[Row]]:
        """A function from a key to the rows whose Ref ``field`` is that key, or whose Many holds it."""
        position = self._schemas[collection].positions[field]
        is_many = self._schemas[collection].by_name[field].kind is Kind.MANY
        index: dict[Any, list[Row]] = {}
        for row in self.rows(collection).values():
            for key in row[position] or () if is_many else (row[position],):
                index.setdefault(key, []).append(row)
        return lambda key: index.get(key, ())

    def fetch(self, query: Query[Any]) -> list[Row]:
        """The rows the query means. Raises QueryError for one that does not fit the collections."""
        check(query, self._schemas)
        found = select(query, self._candidates(query), self)
        return [_copied(row) for row in found] if self._has_json(query) else found

    def count(self, query: Query[Any]) -> int:
        """How many rows the query's condition means."""
        check(query, self._schemas)
        meets = compile_condition(query.condition, self._schemas[query.collection], self)
        return sum(map(meets, self._candidates(query)))

    def _candidates(self, query: Query[Any]) -> Iterable[Row]:
        wanted = _wanted_keys(self._schemas[query.collection], query)
        if wanted is None:
            return self.rows(query.collection).values()
        find = self._shelves[query.collection].row if len(wanted) <= _FEW else self.by_key(query.collection)
        return [row for key in wanted if (row := find(key)) is not None]

    def _has_json(self, query: Query[Any]) -> bool:
        schema = self._schemas[query.collection]
        paths = query.projection or tuple((field.name,) for field in schema.stored)
        return any(resolve(self._schemas, schema, path)[-1][1].kind is Kind.JSON for path in paths)


def _wanted_keys(schema: Schema, query: Query[Any]) -> list[Any] | None:
    items = query.condition.items if isinstance(query.condition, And) else (query.condition,)
    equal: dict[str, Any] = {}
    for item in items:
        if isinstance(item, Compare) and len(item.path) == 1 and item.path[0] in schema.key:
            if item.op is Op.EQ:
                equal[item.path[0]] = item.value
            elif item.op is Op.IN and len(schema.key) == 1:
                return list(dict.fromkeys(item.value))
    if len(equal) < len(schema.key):
        return None
    return [equal[schema.key[0]]] if len(schema.key) == 1 else [tuple([equal[name] for name in schema.key])]


def _copied(value: Any) -> Any:
    """A copy whose JSON a caller may change."""
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return tuple([_copied(item) for item in value]) if isinstance(value, tuple) else value
