"""The errors of PostgreSQL's driver by what they mean for a connection, and its records as tuples."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from operator import itemgetter

import asyncpg
from asyncpg.pgproto.pgproto import BufferError as CutAnswer

from holdall.query import Value

__all__ = ["CONNECTION_LOST", "DRIVER_ERRORS", "OUTDATED", "as_tuple", "records_of"]

as_tuple = itemgetter(slice(None))  # a record's values as a tuple, in half the time of tuple()

OUTDATED = (
    asyncpg.InvalidCachedStatementError,
    asyncpg.exceptions.OutdatedSchemaCacheError,
    asyncpg.InvalidSQLStatementNameError,
)
"""What only needs to be prepared anew: nothing was done."""
CONNECTION_LOST = (
    asyncpg.PostgresConnectionError,  # also what asyncpg raises for a connection that ended in the middle
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a request to a connection that was told its end and is not closed yet
    CutAnswer,  # an answer that is shorter than it says
    OSError,
)
DRIVER_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    CutAnswer,
    OSError,  # TimeoutError among them
    OverflowError,
    UnicodeError,
)


def records_of(
    statement: Value, parameters: Sequence[Value], timeout: object = None, limit: int = 0
) -> Awaitable[list[asyncpg.Record]]:
    """The records of a prepared statement, at most ``limit`` of them unless that is 0."""
    # asyncpg bounds rows by this, and only fetchrow() and cursors, which take a transaction, let others do so; what
    # fetch() does beside it has been looked at when the connection was taken
    execute = getattr(statement, "_PreparedStatement__bind_execute", None)
    records: Awaitable[list[asyncpg.Record]]
    if execute is None:
        records = statement.fetch(*parameters, timeout=timeout)
    else:
        records = execute(parameters, limit, timeout)
    return records
