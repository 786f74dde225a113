"""Changes of one SQL store as works: what its drivers are given, inside a transaction or as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from holdall.store import BulkChange, Change, Seam, demand_changes
from holdall.stores.sql.bulk import BulkWrites
from holdall.stores.sql.compile import Compiler
from holdall.stores.sql.steps import Step, Work
from holdall.stores.sql.tables import Tables
from holdall.stores.sql.watching import WatchedWork
from holdall.stores.sql.writes import Writes

__all__ = ["Works"]


class Works:
    """Makes the works of one store."""

    def __init__(
        self, store: str, tables: Tables, compiler: Compiler, seam: Seam, text_of: Callable[[Step], str]
    ) -> None:
        self._store = store
        self._seam = seam
        self._text_of = text_of
        self._tables = tables
        self._writes = Writes(store, tables, compiler.query)
        self._bulk = BulkWrites(store, tables, compiler)

    def of(self, changes: Sequence[Change]) -> Work:
        """The work of these changes, shown where somebody listens."""
        return self._shown(Work(self._writes.steps, changes, self._tables.schemas))

    def of_all(self, bulk: BulkChange) -> Work:
        """The work of a bulk change, shown where somebody listens."""
        return self._shown(self._bulk.work(bulk))

    def _shown(self, work: Work) -> Work:
        return work if self._seam.observer is None else WatchedWork(work, self._seam, self._text_of)

    def demand(self, changes: Sequence[Change]) -> None:
        """Raise Unsupported for a change to a collection that is not bound."""
        demand_changes(self._store, self._tables.schemas, changes)
