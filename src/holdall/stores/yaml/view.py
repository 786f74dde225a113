"""Reading: the rows of the collections a query reaches, by key where it asks for keys, else through ``select``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from holdall.query import (
    AnyQuery,
    Key,
    Kind,
    Query,
    Schema,
    Value,
    check,
    compile_condition,
    is_formula,
    resolve,
    select,
)
from holdall.store import keys_asked
from holdall.stores.yaml.bounds import Growth
from holdall.stores.yaml.damage import Damage, is_damaged
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

    def rows(self) -> Mapping[Key, Row]:
        """Every row that can be read under its key, as the files now say."""
        ...

    def damages(self) -> Sequence[Damage]:
        """The records that cannot be read; ``rows`` was called right before."""
        ...

    def row(self, key: Key) -> Row | Damage | None:
        """One row, or what is known of it where it cannot be read."""
        ...

    def keys(self) -> Collection[Key]:
        """The keys of all records, whether they can be read or not."""
        ...

    def edits(
        self,
        changed: Mapping[Key, Row | None],
        waiting: Growth,
        written: Mapping[str, FileEdit],
        moved: Mapping[Key, Key],
    ) -> tuple[list[FileEdit], Growth]:
        """The file edits that bring about these rows, None removing one; and by how much they make it larger.

        ``moved`` are the keys that records have in the files, by those that they get; what else stands there goes
        along.

        ``written`` are the edits of other collections in the same change, by file; one of the same file is continued.
        Raises LimitExceeded where that leaves no room for the growth that waits.
        """
        ...

    def obstacles(self) -> list[str]:
        """The faults that keep the collection from being used, a sentence each."""
        ...

    def problems(self) -> list[str]:
        """The differences from the schema, a sentence each."""
        ...

    def create(self) -> None:
        """Create what is missing."""
        ...

    def drop(self, written: Mapping[str, FileEdit]) -> list[FileEdit]:
        """Remove the collection's files, and return the edits of those that hold more."""
        ...


class View:
    """The store's rows during one call, each collection looked at once; also the ``Lookup`` of relation paths."""

    def __init__(self, store: str, shelves: Mapping[str, Shelf]) -> None:
        self._store = store
        self._shelves = shelves
        self._schemas = {name: shelf.schema for name, shelf in shelves.items()}
        self._rows: dict[str, Mapping[Key, Row]] = {}
        self._stored: dict[str, Mapping[Key, Row]] = {}
        self._keys: dict[str, Collection[Value]] = {}
        self._damages: dict[int, tuple[Row, Damage]] = {}  # by what stands in for them

    @property
    def schemas(self) -> Mapping[str, Schema]:
        """Every collection by name."""
        return self._schemas

    def rows(self, collection: str) -> Mapping[Key, Row]:
        """Every row of the collection under its key, stand-ins for those that cannot be read included."""
        rows = self._rows.get(collection)
        if rows is None:
            rows = self.stored(collection)
            damages = self._shelves[collection].damages()
            if damages:
                rows = {**rows, **{self._key_of(collection, damage): self._stand_in(damage) for damage in damages}}
            self._rows[collection] = rows
        return rows

    def stored(self, collection: str) -> Mapping[Key, Row]:
        """Every row of the collection that can be read."""
        stored = self._stored.get(collection)
        if stored is None:
            stored = self._stored[collection] = self._shelves[collection].rows()
        return stored

    def row(self, collection: str, key: Key) -> Row | Damage | None:
        """One row of the collection, or what is known of it where it cannot be read."""
        row = self._stored.get(collection, {}).get(key)
        return row if row is not None else self._shelves[collection].row(key)

    def keys(self, collection: str) -> Collection[Key]:
        """The keys of the collection's records, whether they can be read or not."""
        keys = self._keys.get(collection)
        if keys is None:
            keys = self._keys[collection] = self._shelves[collection].keys()
        return keys

    def _key_of(self, collection: str, damage: Damage) -> Key:
        key = self._schemas[collection].key_of(damage.row)
        return object() if is_damaged(key if isinstance(key, tuple) else (key,)) else key

    def _stand_in(self, damage: Damage) -> Row:
        row = damage.stand_in
        self._damages[id(row)] = (row, damage)
        return row

    def by_key(self, collection: str) -> Callable[[Key], Row | None]:
        """A function from a key to the row that has it, or None."""
        return self.rows(collection).get

    def referring(self, collection: str, field: str) -> Callable[[Key], Iterable[Row]]:
        """A function from a key to the rows whose Ref ``field`` is that key, or whose Many holds it."""
        position = self._schemas[collection].positions[field]
        is_many = self._schemas[collection].by_name[field].kind is Kind.MANY
        index: dict[Key, list[Row]] = {}
        for row in self.rows(collection).values():
            for key in row[position] or () if is_many else (row[position],):
                index.setdefault(key, []).append(row)
        return lambda key: index.get(key, ())

    def all_of(self, collection: str) -> Iterable[Row]:
        """Every row of the collection."""
        return self.rows(collection).values()

    def found(self, query: AnyQuery) -> Iterable[Row]:
        """The rows that a query by itself means."""
        return select(query, self.rows(query.collection).values(), self)

    def fetch(self, query: AnyQuery) -> list[Row]:
        """The rows the query means. Raises QueryError for one that does not fit the collections, and CorruptRecord."""
        check(query, self._schemas)
        candidates = self._candidates(query)
        if self._damages:
            self._demand_whole(query, candidates)
        found = select(query, candidates, self)
        return [_copied(row) for row in found] if self._has_json(query) else found

    def _demand_whole(self, query: AnyQuery, candidates: Iterable[Row]) -> None:
        """Raise CorruptRecord if the query asks for what cannot be read, with all that it asks for."""
        chosen = select(msgspec.structs.replace(query, projection=()), candidates, self)
        damages = {id(row): self._damages[id(row)][1] for row in chosen if id(row) in self._damages}
        if not damages:
            return
        schema = self._schemas[query.collection]
        paths = query.projection or tuple([(field.name,) for field in schema.stored])
        rows = [_copied(row) for row in select(Query(query.collection, projection=paths), chosen, self)]
        first: Damage | None = None
        for number, row in enumerate(chosen):
            damage = damages.get(id(row))
            if damage is not None:
                rows[number] = tuple(
                    [
                        damage.row[schema.positions[path[0]]] if len(path) == 1 and not is_formula(path) else value
                        for path, value in zip(paths, rows[number], strict=True)
                    ]
                )
                first = first or (damage if is_damaged(rows[number]) else None)
        if first is not None:
            raise first.refusal(self._store, schema, rows)

    def count(self, query: AnyQuery) -> int:
        """How many rows the query's condition means."""
        check(query, self._schemas)
        meets = compile_condition(query.condition, self._schemas[query.collection], self)
        return sum(map(meets, self._candidates(query)))

    def _candidates(self, query: AnyQuery) -> Iterable[Row]:
        wanted = keys_asked(self._schemas[query.collection], query)
        if wanted is None:
            return self.rows(query.collection).values()
        if len(wanted) > _FEW:
            find = self.by_key(query.collection)
            return [row for key in wanted if (row := find(key)) is not None]
        found = [self.row(query.collection, key) for key in wanted]
        return [self._stand_in(row) if isinstance(row, Damage) else row for row in found if row is not None]

    def _has_json(self, query: AnyQuery) -> bool:
        schema = self._schemas[query.collection]
        paths = query.projection or tuple((field.name,) for field in schema.stored)
        return any(resolve(self._schemas, schema, path)[-1][1].kind is Kind.JSON for path in paths)


def _copied(value: object) -> Value:
    """A copy whose JSON a caller may change."""
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return tuple([_copied(item) for item in value]) if isinstance(value, tuple) else value
