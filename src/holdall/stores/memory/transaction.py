"""A memory transaction: it changes the rows in place, remembers how they were, and brings them back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from holdall.errors import StoreError
from holdall.query import AnyQuery, Kind
from holdall.store import (
    BulkChange,
    Change,
    LockMode,
    Outcome,
    Rows,
    Verb,
    changes_of_rows,
    demand_at_most,
    demand_changes,
    demand_settable,
)
from holdall.stores.memory.data import Data, Effect
from holdall.stores.memory.fetch import copied, count_rows, fetch_rows

__all__ = ["MemoryTransaction"]


class MemoryTransaction:
    """The rows of a store while one writer holds them.

    ``demand_free`` is asked before changes are applied: it raises Reserved where another commit holds what they touch.
    """

    def __init__(self, data: Data, demand_free: Callable[[Sequence[Change]], None] = lambda changes: None) -> None:
        self.is_over = False
        self._data = data
        self._demand_free = demand_free
        self._effects: list[Effect] = []
        self._before: Data | None = None
        self._removed: list[tuple[str, Any]] = []

    async def fetch(self, query: AnyQuery) -> Rows:
        """The rows the query means, this transaction's own changes included."""
        self._require_open()
        return fetch_rows(self._data, query)

    async def fetch_locked(self, query: AnyQuery, lock: LockMode) -> Rows:
        """As ``fetch``: nobody else writes before this transaction ends."""
        return await self.fetch(query)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part of the transaction: an exception in its block undoes what was written in it."""
        self._require_open()
        effects, removed = len(self._effects), len(self._removed)
        try:
            yield
        except BaseException:
            self._data.undo(self._effects[effects:])
            del self._effects[effects:], self._removed[removed:]
            raise

    async def count(self, query: AnyQuery) -> int:
        """How many rows the query's condition means, this transaction's own changes included."""
        self._require_open()
        return count_rows(self._data, query)

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Apply all changes or none of these; references are checked when the transaction ends."""
        self._require_open()
        return self.apply_now(changes)

    async def change_all(self, change: BulkChange) -> int:
        """Change every record that a query means."""
        rows = await self.fetch(change.query)
        schema = self._data.schemas[change.query.collection]
        demand_settable(self._data.store, schema, change.fields)
        demand_at_most(change, len(rows))
        self.apply_now(changes_of_rows(change, schema, rows))
        return len(rows)

    def apply_now(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """As ``apply``."""
        demand_changes(self._data.store, self._data.schemas, list(changes))
        self._demand_free(changes)
        effects: list[Effect] = []
        try:
            outcomes = self._data.apply([_owned(self._data, change) for change in changes], effects)
        except BaseException:
            self._data.undo(effects)
            raise
        self._effects += effects
        self._removed += [
            (effect.collection, effect.key) for effect in effects if changes[effect.position].verb is Verb.REMOVE
        ]
        return outcomes

    def apply_all(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Apply all changes and end, or leave everything as it was."""
        try:
            outcomes = self.apply_now(changes)
            self.check()
        except BaseException:
            self.roll_back()
            raise
        self.end()
        return outcomes

    def check(self) -> None:
        """Raise ReferenceViolation if a reference was left without its target."""
        self._data.check_references(self._effects)

    def end(self) -> None:
        """Let what lasts now last also beside the rows."""
        self._data.forget_streams(self._removed)

    def roll_back(self) -> None:
        """Bring back every row as it was."""
        self._data.undo(self._effects)
        self._effects = []

    def before(self) -> Data:
        """The rows as others must see them until this transaction ends."""
        if not self._effects:
            return self._data
        if self._before is None:
            self._before = self._data.copy()
            self._before.undo(self._effects)
        return self._before

    def _require_open(self) -> None:
        if self.is_over:
            raise StoreError(self._data.store, "this transaction is over; open another")


def _owned(data: Data, change: Change) -> Change:
    """The change with copies of its JSON values, so that the caller's later edits do not reach the store."""
    fields = data.schemas[change.collection].by_name
    if not any(name in fields and fields[name].kind is Kind.JSON for name in change.fields):
        return change
    values = tuple([copied(value) for value in change.values])
    return msgspec.structs.replace(change, values=values)
