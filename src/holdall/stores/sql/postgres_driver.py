"""The errors of PostgreSQL's driver by what they mean for a connection, and its records as tuples."""

from __future__ import annotations

from operator import itemgetter

import asyncpg
from asyncpg.pgproto.pgproto import BufferError as CutAnswer

__all__ = ["CONNECTION_LOST", "DRIVER_ERRORS", "OUTDATED", "as_tuple"]

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
