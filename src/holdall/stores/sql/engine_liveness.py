"""Connections of an engine that were idle: whether they are alive is seen before they are used.

Servers end idle connections (``wait_timeout``), networks forget them, and administrators kill them.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.util import await_only

__all__ = ["is_alive", "is_lost", "look_after"]

_SIGN_SECONDS = 1.0  # for a sign of life
_ENDED = frozenset((1053, 1927, 2006, 2013, 2014, 2045, 2055, 4031))
"""Numbers of MySQL and MariaDB with which a connection ends."""


def look_after(engine: sa.Engine, ping_after: float, idle_timeout: float | None = None) -> None:
    """Ping each connection that was idle for ``ping_after`` seconds before it is used, or end them all.

    One that was idle for ``idle_timeout`` seconds is replaced.
    """

    def put_by(connection: object, record: Any) -> None:
        record.info["holdall_idle_since"] = monotonic()

    def take(connection: object, record: Any, _: object) -> None:
        since = record.info.get("holdall_idle_since")
        if since is not None and idle_timeout is not None and monotonic() - since > idle_timeout:
            raise exc.DisconnectionError("it was idle for too long")
        if since is not None and monotonic() - since > ping_after and not _answers(engine.dialect, connection):
            raise exc.InvalidatePoolError

    event.listen(engine, "checkin", put_by)
    event.listen(engine, "checkout", take)


def is_alive(connection: sa.Connection) -> bool:
    """Whether a connection in use gives a sign of life; else it is ended."""
    if _answers(connection.dialect, connection.connection.dbapi_connection):
        return True
    connection.invalidate()
    return False


def is_lost(error: BaseException) -> bool:
    """Whether the connection ended before the server's answer came."""
    if not isinstance(error, exc.DBAPIError):
        return False
    arguments: tuple[object, ...] = getattr(error.orig, "args", ())
    return error.connection_invalidated or (bool(arguments) and arguments[0] in _ENDED)


def _answers(dialect: sa.Dialect, connection: Any) -> bool:
    driver = getattr(connection, "driver_connection", None)
    try:
        if dialect.driver in ("asyncmy", "aiomysql") and driver is not None:
            await_only(asyncio.wait_for(driver.ping(reconnect=False), _SIGN_SECONDS))
        else:
            dialect.do_ping(connection)
    except (dialect.loaded_dbapi.Error, exc.SQLAlchemyError, OSError):  # TimeoutError among them
        return False
    return True
