"""Settings that a connection of somebody else's engine needs for a while, and is given back without.

SQLite: the functions that compiled queries call (which stay, as nobody else knows their names), and foreign keys in
force while something is written. MariaDB and MySQL: strict mode, UTC, and lists of any length.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.util import await_only

from holdall.errors import StateError
from holdall.stores.sql.functions import register

__all__ = ["prepared", "writing"]

_MARK = "holdall_prepared"
_KNOWN = "SELECT @@SESSION.sql_mode, @@SESSION.time_zone, @@SESSION.group_concat_max_len"
_LONGEST = 1_073_741_824


@contextmanager
def prepared(connection: sa.Connection) -> Iterator[None]:
    """Within the block statements of ours can be sent. Raises SQLAlchemy's errors, and the driver's."""
    match connection.dialect.name:
        case "sqlite":
            _teach(connection)
            yield
        case "mysql" | "mariadb":
            with _strict(connection):
                yield
        case _:
            yield


@contextmanager
def writing(connection: sa.Connection) -> Iterator[None]:
    """Within the block, which ends the transaction, what is written keeps all rules."""
    if connection.dialect.name != "sqlite":
        yield
        return
    raw = connection.connection
    was_on = _pragma(raw)
    if not was_on:
        _pragma(raw, "ON")
        if not _pragma(raw):
            raise StateError(
                "PRAGMA foreign_keys is off and cannot be set, as the engine begins its transactions itself: set it by "
                "an event listener for connect, as SQLAlchemy's page on SQLite shows"
            )
    try:
        if not _in_transaction(connection):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield
    finally:
        if not was_on:
            connection.rollback()
            _pragma(raw, "OFF")


def _pragma(raw: Any, value: str = "") -> bool:
    cursor = raw.cursor()
    try:
        cursor.execute(f"PRAGMA foreign_keys{'=' + value if value else ''}")
        row = None if value else cursor.fetchone()
        return bool(row and row[0])
    finally:
        cursor.close()


def _in_transaction(connection: sa.Connection) -> bool:
    return bool(getattr(connection.connection.driver_connection, "in_transaction", False))


def _teach(connection: sa.Connection) -> None:
    if connection.info.get(_MARK):
        return
    driver: Any = connection.connection.driver_connection
    if isinstance(driver, sqlite3.Connection):
        _learn(driver)
    else:
        await_only(driver._execute(_learn, driver._conn))  # in the thread of aiosqlite's connection
    connection.info[_MARK] = True


def _learn(raw: sqlite3.Connection) -> None:
    register(raw)
    if sqlite3.sqlite_version_info < (3, 41):
        raw.create_function("unhex", 1, lambda text: None if text is None else bytes.fromhex(text), deterministic=True)


@contextmanager
def _strict(connection: sa.Connection) -> Iterator[None]:
    mode, zone, longest = connection.exec_driver_sql(_KNOWN).one()
    before, wanted = [], []
    if "STRICT_TRANS_TABLES" not in mode or "STRICT_ALL_TABLES" not in mode or "NO_AUTO_VALUE_ON_ZERO" not in mode:
        wanted.append("SESSION sql_mode = 'TRADITIONAL,NO_AUTO_VALUE_ON_ZERO'")
        before.append(f"SESSION sql_mode = '{mode}'")
    if zone != "+00:00":
        wanted.append("SESSION time_zone = '+00:00'")
        before.append(f"SESSION time_zone = '{zone}'")
    if longest < _LONGEST:
        wanted.append(f"SESSION group_concat_max_len = {_LONGEST}")
        before.append(f"SESSION group_concat_max_len = {longest}")
    if not wanted:
        yield
        return
    connection.exec_driver_sql(f"SET {', '.join(wanted)}")
    try:
        yield
    finally:
        try:
            if not connection.closed:  # it goes to nobody else
                connection.exec_driver_sql(f"SET {', '.join(before)}")
        except (exc.SQLAlchemyError, OSError):
            connection.invalidate()
