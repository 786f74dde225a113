"""The part of an SQL store that takes statements as users write them, and lends its driver's connections."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from time import perf_counter

from holdall.errors import LimitExceeded, RevisionError
from holdall.query import Value
from holdall.store import Answer, Revisions, Seam
from holdall.stores.sql.database import Database
from holdall.stores.sql.raw import RawCompiler, RawStatement
from holdall.stores.sql.tables import Tables

__all__ = ["RawSqlStore", "answered"]


class RawSqlStore:
    """The way past the contract into one SQL database."""

    tables: Tables
    _database: Database
    _seam: Seam
    name: str
    _learn: Callable[[], Awaitable[None]]
    _learn_dialect: Callable[[], Awaitable[None]]
    _is_ready: bool
    _raw: RawCompiler

    async def sql(self, statement: object, parameters: Mapping[str, Value], *, limit: int) -> Answer:
        """The answer to text with named parameters, or to a statement of SQLAlchemy Core."""
        if not self._is_ready:
            await self._learn()
        raw = self._raw.statement(self.tables.dialect, statement, parameters)
        return await answered(self._database.raw.answer, raw, limit, self._seam)

    async def sql_stream(
        self, statement: object, parameters: Mapping[str, Value], *, batch: int
    ) -> AsyncGenerator[Answer]:
        """The rows of a statement that reads, at most ``batch`` at a time."""
        await self._learn()
        raw = self._raw.statement(self.tables.dialect, statement, parameters)
        batches, begun, number = self._database.raw.batches(raw, batch), perf_counter(), 0
        try:
            async for answer in batches:
                number += len(answer.rows)
                yield raw.converted(answer)
        finally:
            self._seam.show(raw.sql, perf_counter() - begun, number, raw.parameters)
            await batches.aclose()

    def revisions(self, folder: Path) -> Revisions:
        """The revisions of its tables in this folder. Raises RevisionError without Alembic."""
        try:
            from holdall.stores.sql.revisions import SqlRevisions  # only those who revise tables pay for Alembic
        except ModuleNotFoundError as error:
            raise RevisionError(self.name, "revisions need Alembic: pip install 'holdall[sql]'") from error

        return SqlRevisions(
            self.name, lambda: self.tables, self._database.altering, self._learn_dialect, self._forget, folder
        )

    async def _forget(self) -> None:
        """Look at the tables anew when they are needed next."""
        self._is_ready = False
        await self._learn()

    def native(self) -> AbstractAsyncContextManager[object]:
        """A connection of the driver, lent for a block."""
        return self._database.raw.native()


async def answered(
    ask: Callable[[RawStatement, int], Awaitable[Answer]], raw: RawStatement, limit: int, seam: Seam
) -> Answer:
    """The answer to a statement, shown where somebody listens. Raises LimitExceeded for more rows."""
    if seam.observer is None:
        answer = await ask(raw, limit)
    else:
        with seam.watching(raw.sql, raw.parameters) as watching:
            answer = await ask(raw, limit)
            watching.rows = len(answer.rows) if answer.columns else answer.affected
    if len(answer.rows) > limit:
        raise LimitExceeded("rows of one statement", limit, "narrow it, raise limit=, or stream it with async for")
    return raw.converted(answer)
