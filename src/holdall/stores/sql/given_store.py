"""The store over an engine that the program made, whose own MetaData makes the tables that it knows."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import sqlalchemy as sa

from holdall.errors import DeclarationError
from holdall.stores.sql.given_engine import GivenEngine
from holdall.stores.sql.provision import tables_of
from holdall.stores.sql.store import SqlStore
from holdall.stores.sql.tables import Tables

__all__ = ["GivenStore", "metadata_of"]


class GivenStore(SqlStore):
    """Collections in tables of the program's own. Example: :func:`open_sql`."""

    def __init__(self, name: str, tables: Tables, engine: GivenEngine, metadata: Iterable[sa.MetaData]) -> None:
        super().__init__(name, tables, engine)
        self._engine = engine
        self._metadata = tuple(metadata)

    async def create(self) -> None:
        """Create the tables that are missing: those of the MetaData as it has them, with what they refer to, others
        as Holdall would have them.
        """
        for metadata, own in self._known():
            await self._engine.define(partial(metadata.create_all, tables=list(_with_referred(own))))
        await super().create()

    async def drop(self, *collections: str) -> None:
        """Drop the tables of these collections, or of all that are bound, and all records in them."""
        doomed = {table.key for table in tables_of(self.tables, collections)}
        for metadata, own in self._known():
            await self._engine.define(partial(metadata.drop_all, tables=[each for each in own if each.key in doomed]))
        await super().drop(*collections)

    def _known(self) -> Iterable[tuple[sa.MetaData, list[sa.Table]]]:
        """The tables of the bound collections that a MetaData knows."""
        bound = self.tables.metadata.tables
        for metadata in self._metadata:
            own = [table for key, table in metadata.tables.items() if key in bound]
            if own:
                yield metadata, own


def _with_referred(tables: Iterable[sa.Table]) -> set[sa.Table]:
    found: set[sa.Table] = set()
    pending = list(tables)
    while pending:
        table = pending.pop()
        if table not in found:
            found.add(table)
            pending.extend(key.column.table for key in table.foreign_keys)
    return found


def metadata_of(store: str, given: object) -> tuple[sa.MetaData, ...]:
    """The MetaData that are given, one or several. Raises DeclarationError for what is none."""
    found = given if isinstance(given, list | tuple) else () if given is None else (given,)
    for item in found:
        if not isinstance(item, sa.MetaData):
            raise DeclarationError(
                f"store {store!r}: metadata= takes a MetaData, such as Base.metadata, not a {type(item).__name__}"
            )
    return tuple(found)
