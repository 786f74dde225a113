"""One collection in memory: its rows by key, its unique values, and who refers where.

Every write gives back the row as it was, for ``restore``. Rules over several rows are checked when all are written:
``demand_unique`` here, references where all collections are at hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from holdall.errors import AlreadyExists, StaleVersion, StoreError, UniqueViolation
from holdall.query import Key, Kind, Schema, Value
from holdall.store import Change, Members, Row

__all__ = ["Table"]


class Table:
    """The rows of one collection, with an index for each unique rule and each stored Ref and Many."""

    def __init__(self, store: str, schema: Schema) -> None:
        self.store = store
        self.schema = schema
        self.rows: dict[Key, Row] = {}
        self.last_key = 0
        self._counted = None if schema.counted is None else schema.positions[schema.counted]
        self.references = tuple(field for field in schema.stored if field.kind in (Kind.REF, Kind.MANY))
        self.referring: dict[str, dict[Key, dict[Key, None]]] = {field.name: {} for field in self.references}
        self.required = tuple(
            position
            for position, field in enumerate(schema.stored)
            if not field.nullable and field.kind is not Kind.MANY
        )
        self._unique: list[tuple[tuple[str, ...], tuple[int, ...], dict[tuple[Value, ...], list[Any]]]] = [
            (fields, tuple(schema.positions[name] for name in fields), {}) for fields in schema.unique
        ]

    def copy(self) -> Table:
        """A table of its own with the same rows."""
        copied = Table(self.store, self.schema)
        copied.last_key = self.last_key
        for key, row in self.rows.items():
            copied._index(key, row)
        copied.rows = dict(self.rows)
        return copied

    def next_key(self) -> int:
        """A key no record has had; counted up from the largest key ever seen."""
        self.last_key += 1
        return self.last_key

    def add(self, key: Key, row: Row, position: int) -> Row | None:
        """Add this row. Raises AlreadyExists."""
        if key in self.rows:
            raise AlreadyExists(self.store, self.schema.name, self.schema.key, position)
        self._check_row(row)
        if self._counted is not None and (made := row[self._counted]) > self.last_key:
            self.last_key = made
        self.restore(key, row)
        return None

    def update(self, key: Key, values: dict[int, Value], change: Change, position: int) -> Row | None:
        """Change these places of a row. Raises StaleVersion."""
        before = self._require(key, change, position)
        row = list(before)
        for place, value in values.items():
            row[place] = value.applied_to(row[place]) if value.__class__ is Members else value
        after = tuple(row)
        self._check_row(after)
        self.restore(key, after)
        return before

    def remove(self, key: Key, change: Change, position: int) -> Row | None:
        """Remove a row. Raises StaleVersion."""
        before = self._require(key, change, position)
        self.restore(key, None)
        return before

    def demand_unique(self, row: Row, position: int) -> None:
        """Raise UniqueViolation if another row has the unique values of this one; null is never the same."""
        for fields, places, index in self._unique:
            values = tuple([row[place] for place in places])
            if None not in values and len(index[values]) > 1:
                raise UniqueViolation(self.store, self.schema.name, fields, position)

    def restore(self, key: Key, row: Row | None) -> None:
        """Let the row of this key be this one, or none; nothing is checked."""
        before = self.rows.pop(key, None) if row is None else self.rows.get(key)
        if before is not None:
            self._unindex(key, before)
        if row is not None:
            self.rows[key] = row
            self._index(key, row)

    def targets(self, row: Row) -> Iterator[tuple[str, str, Any]]:
        """Each reference the row holds: the field, the collection it points into, the key."""
        for field in self.references:
            value = row[self.schema.positions[field.name]]
            for key in (value,) if field.kind is Kind.REF else value or ():
                if key is not None:
                    yield field.name, str(field.target), key

    def _require(self, key: Key, change: Change, position: int) -> Row:
        row, version, expected = self.rows.get(key), change.version, change.expected
        if row is None or (version is not None and self._version(row) != version):
            raise StaleVersion(self.store, self.schema.name, key, position)
        if expected is not None and not expected.is_met_by_row(self.schema.positions, row):
            raise StaleVersion(self.store, self.schema.name, key, position)
        return row

    def _version(self, row: Row) -> Value:
        return row[self.schema.positions[self.schema.version]] if self.schema.version else None

    def _check_row(self, row: Row) -> None:
        for place in self.required:
            if row[place] is None:
                raise StoreError(self.store, f"{self.schema.name}.{self.schema.stored[place].name} cannot be null")

    def _index(self, key: Key, row: Row) -> None:
        for _, places, index in self._unique:
            values = tuple([row[place] for place in places])
            if None not in values:
                index.setdefault(values, []).append(key)
        for field, _, target in self.targets(row):
            self.referring[field].setdefault(target, {})[key] = None

    def _unindex(self, key: Key, row: Row) -> None:
        for _, places, index in self._unique:
            values = tuple([row[place] for place in places])
            if None not in values:
                holders = index[values]
                holders.remove(key)
                if not holders:
                    del index[values]
        for field, _, target in self.targets(row):
            referring = self.referring[field].get(target, {})  # gone already where a Many holds a key twice
            referring.pop(key, None)
            if not referring:
                self.referring[field].pop(target, None)
