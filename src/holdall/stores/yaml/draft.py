"""Changes applied to rows in memory before any file is touched: keys, versions and nulls checked in order, unique
values and references once all are in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from holdall.errors import AlreadyExists, StaleVersion, StoreError
from holdall.query import Key, Kind, Schema, Value
from holdall.store import APPLIED, Change, Damaged, Members, Outcome, Verb, with_made_keys
from holdall.stores.yaml.codec import decode, encode
from holdall.stores.yaml.counters import Counters
from holdall.stores.yaml.damage import Damage, is_damaged
from holdall.stores.yaml.errors import Misfit
from holdall.stores.yaml.record import Row
from holdall.stores.yaml.view import View

__all__ = ["Draft", "largest_of"]


class Draft:
    """The rows as they will be. ``changed`` holds, by collection, each touched key's row, None if it goes."""

    def __init__(self, store: str, view: View, counters: Counters) -> None:
        self.store = store
        self.schemas = view.schemas
        self.changed: dict[str, dict[Key, Row | None]] = {}
        self.positions: dict[tuple[str, Any], int] = {}
        self._origins: dict[str, dict[Key, Key]] = {}
        self._view = view
        self._counters = counters
        self._largest: dict[str, int] = {}

    def stored(self, collection: str) -> Mapping[Key, Row]:
        """The rows as they are in the files, those left out that cannot be read."""
        return self._view.stored(collection)

    def has(self, collection: str, key: Key) -> bool:
        """Whether there will be a record with this key, one that cannot be read included."""
        changed = self.changed.get(collection, {})
        return changed[key] is not None if key in changed else key in self._view.keys(collection)

    def moved(self, collection: str) -> dict[Key, Key]:
        """The keys of records that have others in the files, by these, where a record that can be read goes there."""
        changed, stored = self.changed.get(collection, {}), self.stored(collection)
        return {
            key: origin
            for key, origin in self._origins.get(collection, {}).items()
            if changed.get(key) is not None and changed.get(origin, ()) is None and origin in stored
        }

    def apply(self, changes: Sequence[Change]) -> list[Outcome]:
        """Apply all changes in order. Raises AlreadyExists, StaleVersion, StoreError."""
        made: dict[int, Any] = {}
        outcomes = []
        for position, change in enumerate(changes):
            outcome = APPLIED
            key = with_made_keys(self.store, change.key, made)
            if change.verb is Verb.ADD:
                row, outcome = self._added(change, key, made, position)
                key = made[position] = self.schemas[change.collection].key_of(row)
                self._put(change.collection, key, row, position)
                if change.origin is not None:
                    self._origins.setdefault(change.collection, {})[key] = change.origin
            else:
                before = self._required(change, key, position)
                if change.is_check:
                    outcomes.append(outcome)
                    continue
                after = None if change.verb is Verb.REMOVE else self._updated(change, before, made)
                self._put(change.collection, key, after, position)
            outcomes.append(outcome)
        return outcomes

    def _put(self, collection: str, key: Key, row: Row | None, position: int) -> None:
        self.changed.setdefault(collection, {})[key] = row
        self.positions[collection, key] = position
        if (place := _counted_place(self.schemas[collection])) is not None:
            self._counters.saw(collection, key[place] if isinstance(key, tuple) else key)

    def _added(self, change: Change, key: Key, made: Mapping[int, Any], position: int) -> tuple[Row, Outcome]:
        schema = self.schemas[change.collection]
        given = self._given(schema, change, made)
        if key is not None:
            given.update(zip(schema.key, key if len(schema.key) > 1 else (key,), strict=True))
        outcome = APPLIED
        if (counted := schema.counted) is not None and given.get(counted) is None:
            given[counted] = self._counters.next(schema.name, self._largest_key(schema.name))
            outcome = Outcome(key=schema.key_from(given))
        row = tuple(
            [
                self._value(schema, name, given.get(name, () if field.kind is Kind.MANY else None))
                for name, field in ((field.name, field) for field in schema.stored)
            ]
        )
        if self.has(schema.name, schema.key_of(row)):
            raise AlreadyExists(self.store, schema.name, schema.key, position)
        return row, outcome

    def _updated(self, change: Change, before: Row | Damage, made: Mapping[int, Any]) -> Row:
        schema = self.schemas[change.collection]
        row = list(before.row if isinstance(before, Damage) else before)
        for name, value in self._given(schema, change, made).items():
            if name in schema.key:
                raise StoreError(self.store, f"an update cannot change {schema.name}.{name}")
            place = schema.positions[name]
            if isinstance(value, Members):
                value = value.applied_to(row[place]) if isinstance(row[place], tuple) else tuple(value)
            row[place] = self._value(schema, name, value)
        if isinstance(before, Damage) and is_damaged(tuple(row)):
            raise before.refusal(self.store, schema, [tuple(row)])
        return tuple(row)

    def _required(self, change: Change, key: Key, position: int) -> Row | Damage:
        schema = self.schemas[change.collection]
        changed = self.changed.get(schema.name, {})
        found = changed[key] if key in changed else self._view.row(schema.name, key)
        row = found.row if isinstance(found, Damage) else found
        version = row[schema.positions[schema.version]] if row is not None and schema.version else None
        is_readable = not isinstance(version, Damaged)
        if found is None or (is_readable and change.version is not None and version != change.version):
            raise StaleVersion(self.store, schema.name, key, position)
        if change.expected is not None and not change.expected.is_met_by_row(schema.positions, row or ()):
            raise StaleVersion(self.store, schema.name, key, position)
        return found

    def _given(self, schema: Schema, change: Change, made: Mapping[int, Any]) -> dict[str, Value]:
        unknown = [name for name in change.fields if name not in schema.positions]
        if unknown:
            raise StoreError(self.store, f"{schema.name} has no stored field {unknown[0]!r}")
        values = (with_made_keys(self.store, value, made) for value in change.values)
        return dict(zip(change.fields, values, strict=True))

    def _value(self, schema: Schema, name: str, value: object) -> Value:
        field = schema.by_name[name]
        try:
            return decode(field, encode(field, value))
        except Misfit as misfit:
            raise StoreError(self.store, f"{schema.name}.{misfit.path}: {misfit.reason}") from misfit

    def _largest_key(self, collection: str) -> int:
        if collection not in self._largest:
            self._largest[collection] = largest_of(self.schemas[collection], self._view.keys(collection))
        return self._largest[collection]


def _counted_place(schema: Schema) -> int | None:
    """The place among the parts of a key of the one that the store makes."""
    return None if schema.counted is None else schema.key.index(schema.counted)


def largest_of(schema: Schema, keys: Iterable[Key]) -> int:
    """The largest key that was made, or part of one that was."""
    place = _counted_place(schema) or 0
    return max((key[place] if isinstance(key, tuple) else key for key in keys), default=0)
