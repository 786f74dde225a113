"""Refusals met through somebody else's engine, as errors of ours: by the table of the driver that is behind it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import exc

from holdall.errors import HoldallError
from holdall.query import Value
from holdall.store import Row
from holdall.stores.sql import engine_refusal, postgres_refusal
from holdall.stores.sql.errors import Meaning, error_of, violation_of
from holdall.stores.sql.sqlite_references import broken_reference
from holdall.stores.sql.sqlite_refusal import refusal_of
from holdall.stores.sql.sqlite_stdlib import as_apsw
from holdall.stores.sql.sqlite_step_refusal import step_refusal
from holdall.stores.sql.steps import Step
from holdall.stores.sql.tables import Tables

__all__ = ["Refusals"]


class Refusals:
    """Gives errors of ours for those of one engine; ``where`` is the host and port, or the file."""

    def __init__(self, store: str, tables: Tables, where: str) -> None:
        self._store = store
        self._tables = tables
        self._where = where

    def of(
        self,
        error: BaseException,
        connection: sa.Connection | None = None,
        done: Sequence[Step] = (),
        position: int | None = None,
    ) -> HoldallError:
        """Our error for SQLAlchemy's, met at the last of these steps, or when all were committed."""
        origin = error.orig if isinstance(error, exc.DBAPIError) else error
        step = done[-1] if done else None
        if isinstance(origin, sqlite3.Error):
            return self._of_sqlite(origin, connection, done, position)
        told = _postgres_error(origin)
        if told is not None:
            return postgres_refusal.refusal(self._store, self._tables, told, list(done))
        return engine_refusal.refusal(self._store, self._tables, error, step, position, self._where)

    def _of_sqlite(
        self, origin: sqlite3.Error, connection: sa.Connection | None, done: Sequence[Step], position: int | None
    ) -> HoldallError:
        translated, path = as_apsw(origin), self._where or None
        if not done or connection is None:
            return refusal_of(self._store, path, translated)
        asked = _Asked(connection)
        if position is None and "FOREIGN KEY" in str(origin):  # seen when all was committed
            found = broken_reference(asked, self._tables, done)
            if found is not None:
                return violation_of(self._store, *found)
            return error_of(Meaning.REFERENCE, self._store, "FOREIGN KEY", done[-1].collection)
        return step_refusal(self._store, path, self._tables, asked, translated, done[-1], position)


class _Asked:
    """A connection of SQLAlchemy with the face of one of apsw."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> _Found:
        cursor = self._connection.connection.cursor()  # past SQLAlchemy, which lets go of a transaction that is refused
        try:
            cursor.execute(sql, tuple(parameters))
            return _Found([tuple(row) for row in cursor.fetchall()])
        finally:
            cursor.close()


class _Found(msgspec.Struct):
    rows: list[Row]

    def fetchall(self) -> list[Row]:
        return self.rows


class _PostgresError(msgspec.Struct):
    """The facts that a server of PostgreSQL tells with an error, under the names that asyncpg has for them."""

    sqlstate: str
    message: str
    constraint_name: str | None
    schema_name: str | None
    table_name: str | None
    column_name: str | None
    data_type_name: str | None
    detail: str | None

    def __str__(self) -> str:
        return self.message


def _postgres_error(origin: Any) -> Any:
    """The server's error behind a driver's; None where it is not one of PostgreSQL's."""
    cause = getattr(origin, "__cause__", None)
    if hasattr(cause, "constraint_name") and hasattr(cause, "sqlstate"):
        return cause
    told = getattr(origin, "diag", None)
    state = getattr(origin, "sqlstate", None) or getattr(origin, "pgcode", None)
    if told is None or state is None:
        return None
    return _PostgresError(
        str(state),
        str(origin),
        told.constraint_name,
        told.schema_name,
        told.table_name,
        told.column_name,
        told.datatype_name,
        told.message_detail,
    )
