"""An open transaction of an SQL store: queries and changes, compiled as the store compiles them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial

from holdall.query import AnyQuery, Value
from holdall.store import Answer, BulkChange, Change, LockMode, Outcome, Rows, Seam
from holdall.stores.sql.compile import Compiler
from holdall.stores.sql.database import DatabaseTransaction
from holdall.stores.sql.fetching import groups, read
from holdall.stores.sql.isolation import patiently
from holdall.stores.sql.raw import RawCompiler
from holdall.stores.sql.raw_store import answered
from holdall.stores.sql.watching import carried_out, watched
from holdall.stores.sql.works import Works

__all__ = ["SqlTransaction"]

_MOST = 1_000_000  # rows of one statement within a transaction, which are all in memory


class SqlTransaction:
    """An open transaction of a SqlStore. ``seam`` is that of its store."""

    def __init__(
        self,
        name: str,
        transaction: DatabaseTransaction,
        compiler: Compiler,
        works: Works,
        seam: Seam,
        raw: RawCompiler,
        patience: float = 0.0,
    ) -> None:
        self._patience = patience  # seconds, for locks of others
        self._seam = seam
        self._raw = raw
        self._name = name
        self._transaction = transaction
        self._rows = transaction.rows if seam.observer is None else watched(transaction.rows, seam)
        self._compiler = compiler
        self._works = works

    async def fetch(self, query: AnyQuery) -> Rows:
        """As ``SqlStore.fetch``, this transaction's own changes included."""
        if query.grouping is not None:
            return await groups(self._name, self._compiler, query, self._rows)
        statement = self._compiler.query(query)
        return await read(self._name, self._compiler, query, statement, self._rows)

    async def sql(self, statement: object, parameters: Mapping[str, Value], *, limit: int) -> Answer:
        """As ``SqlStore.sql``, inside the transaction."""
        raw = self._raw.statement(self._compiler.dialect, statement, parameters)
        return await answered(self._transaction.answer, raw, limit, self._seam)

    async def sql_stream(
        self, statement: object, parameters: Mapping[str, Value], *, batch: int
    ) -> AsyncGenerator[Answer]:
        """As ``SqlStore.sql_stream``, all rows at once: a transaction runs one statement after the other."""
        answer = await self.sql(statement, parameters, limit=_MOST)
        for start in range(0, len(answer.rows), batch):
            yield Answer(answer.columns, answer.rows[start : start + batch])

    async def fetch_locked(self, query: AnyQuery, lock: LockMode) -> Rows:
        """As ``fetch``, of whole records, which are locked. Raises LockConflict; the transaction goes on."""
        if self._compiler.dialect.family == "sqlite":  # nobody else can write before this transaction ends
            return await self.fetch(query)
        statement = self._compiler.locked(query, lock)
        read_locked = partial(read, self._name, self._compiler, query, statement, self._rows)
        patience = 0.0 if lock is LockMode.NOWAIT else self._patience
        return await patiently(read_locked, self._transaction.savepoint, patience)

    async def count(self, query: AnyQuery) -> int:
        """As ``SqlStore.count``, this transaction's own changes included."""
        statement = self._compiler.count(query)
        rows = await self._rows(statement.sql, statement.parameters)
        return int(rows[0][0])

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """A part of the transaction: an exception in its block undoes what was written in it."""
        return self._transaction.savepoint()

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """As ``SqlStore.apply``, lasting only if the transaction ends well; after an error the transaction goes on."""
        self._works.demand(changes)
        return await carried_out(self._transaction.write, self._works.of(changes)) if changes else []

    async def change_all(self, change: BulkChange) -> int:
        """Change every record that a query means. Raises LimitExceeded, or what ``apply`` raises."""
        outcomes = await carried_out(self._transaction.write, self._works.of_all(change))
        return int(outcomes[0].answer)
