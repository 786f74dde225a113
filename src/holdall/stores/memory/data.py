"""All collections of a memory store: changes applied in order, rules checked at the end, everything undoable."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from holdall.errors import ReferenceViolation, StoreError
from holdall.query import AnyQuery, Key, Kind, Schema, Value, select
from holdall.store import APPLIED, Change, Outcome, Row, Verb, awaits_key, with_made_keys
from holdall.stores.memory.table import Table

__all__ = ["Data", "Effect"]


class Effect(NamedTuple):
    """The effect of one change on one row: the row as it was, and the change's index in its ``apply``."""

    collection: str
    key: Key
    before: Row | None
    position: int


class Data:
    """Tables by collection name; also the ``Lookup`` by which conditions reach other collections."""

    def __init__(self, store: str) -> None:
        self.store = store
        self.tables: dict[str, Table] = {}
        self._schemas: dict[str, Schema] = {}
        self.streams: dict[tuple[str, Any, str], bytes] = {}

    @property
    def schemas(self) -> Mapping[str, Schema]:
        """Every collection by name."""
        return self._schemas

    def bind(self, schema: Schema) -> None:
        """Learn a collection; the rows of one already known stay if its declaration is the same."""
        known = self._schemas.get(schema.name)
        if known is None or known != schema:
            self._schemas[schema.name] = schema
            self.tables[schema.name] = Table(self.store, schema)

    def clear(self, collections: Collection[str] = ()) -> None:
        """Forget the rows of these collections, or every row."""
        names = collections or self._schemas
        self.tables |= {name: Table(self.store, self._schemas[name]) for name in names}
        self.streams = {place: kept for place, kept in self.streams.items() if place[0] not in names}

    def copy(self) -> Data:
        """The same rows, independent of these."""
        copied = Data(self.store)
        copied._schemas = dict(self._schemas)
        copied.tables = {name: table.copy() for name, table in self.tables.items()}
        return copied

    def by_key(self, collection: str) -> Callable[[Key], Row | None]:
        """A function from a key to the row that has it, or None."""
        return self.tables[collection].rows.get

    def referring(self, collection: str, field: str) -> Callable[[Key], Iterable[Row]]:
        """A function from a key to the rows of the collection whose ``field`` refers to it."""
        table = self.tables[collection]
        holders, rows = table.referring[field], table.rows
        return lambda key: [rows[holder] for holder in holders.get(key, ())]

    def all_of(self, collection: str) -> Iterable[Row]:
        """Every row of the collection."""
        return self.tables[collection].rows.values()

    def found(self, query: AnyQuery) -> Iterable[Row]:
        """The rows that a query by itself means."""
        return select(query, self.tables[query.collection].rows.values(), self)

    def apply(self, changes: Sequence[Change], effects: list[Effect]) -> list[Outcome]:
        """Apply all changes in order, then look whether values are unique.

        On an error the caller undoes what ``effects`` has gathered.
        """
        made: dict[int, Any] = {}
        outcomes = []
        for position, change in enumerate(changes):
            table = self.tables[change.collection]
            values = with_made_keys(self.store, change.values, made) if awaits_key(change.values) else change.values
            key = with_made_keys(self.store, change.key, made) if awaits_key(change.key) else change.key
            outcome = APPLIED
            if change.verb is Verb.ADD:
                before = None
                key, outcome = self._add(table, dict(zip(change.fields, values, strict=True)), key, position)
                made[position] = key
            elif change.verb is Verb.UPDATE:
                before = table.update(key, self._places(table, change, values), change, position)
            else:
                before = table.remove(key, change, position)
            effects.append(Effect(change.collection, key, before, position))
            outcomes.append(outcome)
        self._demand_unique(effects)
        return outcomes

    def _demand_unique(self, effects: Sequence[Effect]) -> None:
        """Raise UniqueViolation, for the last change at fault, if two rows are left with the same unique values."""
        for effect in reversed(effects):
            table = self.tables[effect.collection]
            row = table.rows.get(effect.key) if table.schema.unique else None
            if row is not None:
                table.demand_unique(row, effect.position)

    def forget_streams(self, removed: Iterable[tuple[str, Any]]) -> None:
        """Drop the streams of these records, each named by its collection and key."""
        for collection, key in removed:
            for stream in self._schemas[collection].streams:
                self.streams.pop((collection, key, stream), None)

    def undo(self, effects: Sequence[Effect]) -> None:
        """Bring back every row as it was before these effects."""
        for effect in reversed(effects):
            self.tables[effect.collection].restore(effect.key, effect.before)

    def check_references(self, effects: Sequence[Effect]) -> None:
        """Raise ReferenceViolation if any of these effects left a reference without its target."""
        for effect in effects:
            row = self.tables[effect.collection].rows.get(effect.key)
            if row is None:
                self._check_removed(effect)
            else:
                self._check_targets(effect, row)

    def _add(self, table: Table, given: dict[str, Value], key: Key, position: int) -> tuple[Any, Outcome]:
        schema, outcome = table.schema, APPLIED
        if key is None:
            if schema.counted is not None and given.get(schema.counted) is None:
                given[schema.counted] = table.next_key()
                outcome = Outcome(key=schema.key_from(given))
            key = given.get(schema.key[0]) if len(schema.key) == 1 else tuple(given.get(name) for name in schema.key)
        given.update(zip(schema.key, key if len(schema.key) > 1 else (key,), strict=True))
        unknown = given.keys() - schema.positions.keys()
        if unknown:
            raise StoreError(self.store, f"{schema.name} has no stored field {min(unknown)!r}")
        row = tuple([given.get(field.name, () if field.kind is Kind.MANY else None) for field in schema.stored])
        table.add(key, row, position)
        return key, outcome

    def _places(self, table: Table, change: Change, values: Sequence[Value]) -> dict[int, Any]:
        positions = table.schema.positions
        for name in change.fields:
            if name not in positions or name in table.schema.key:
                raise StoreError(self.store, f"an update cannot change {table.schema.name}.{name}")
        return {positions[name]: value for name, value in zip(change.fields, values, strict=True)}

    def _check_targets(self, effect: Effect, row: Row) -> None:
        for field, target, key in self.tables[effect.collection].targets(row):
            held = self.tables.get(target)
            if held is not None and key not in held.rows:
                raise ReferenceViolation(self.store, effect.collection, (field,), effect.position)

    def _check_removed(self, effect: Effect) -> None:
        for name, table in self.tables.items():
            for field in table.references:
                if field.target == effect.collection and effect.key in table.referring[field.name]:
                    raise ReferenceViolation(self.store, name, (field.name,), effect.position)
