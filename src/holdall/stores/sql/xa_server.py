"""Statements about XA transactions for a MariaDB or MySQL server, and its answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncConnection

from holdall.stores.sql.prepared_names import Holder, PreparedName, from_xid

__all__ = [
    "HOLDER",
    "STARTED",
    "UNKNOWN_NAME",
    "holder_from",
    "holder_of",
    "is_holding",
    "listed",
    "number_of",
    "run",
    "why_not",
]

UNKNOWN_NAME = 1397  # XAER_NOTA

_DENIED = (1227, 1401)
_OLDEST_MARIADB, _OLDEST_MYSQL = (10, 5), (8, 0)
STARTED = "UUID_SHORT() >> 24 & 0xFFFFFFFF"
"""SQL for the second in which a server was started."""

HOLDER = "holdall_holder"
"""The name under which what is known of a connection has its ``Holder``."""

_QUOTED = re.compile(r"X'([0-9A-Fa-f]*)',X'([0-9A-Fa-f]*)',([0-9]+)")


async def run(connection: AsyncConnection, statement: str) -> Sequence[Any]:
    """The rows of a statement without parameters, if it has any. Raises SQLAlchemy's errors."""
    result = await connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    return result.all() if result.returns_rows else ()


def number_of(error: exc.DBAPIError) -> int | None:
    """The server's number for an error."""
    arguments: tuple[object, ...] = getattr(error.orig, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else None


async def why_not(connection: AsyncConnection, tables: Sequence[str]) -> tuple[str, str | None]:
    """The database's name, and what stands in the way of prepared transactions over these tables, if anything does.

    Tables of other databases than the connection's are named with theirs.
    """
    ((name, engine),) = await run(connection, "SELECT DATABASE(), @@default_storage_engine")
    version = getattr(connection.dialect, "server_version_info", None) or (0,)
    oldest = _OLDEST_MARIADB if _is_mariadb(connection) else _OLDEST_MYSQL
    if version < oldest:
        return name, f"its server is older than version {'.'.join(map(str, oldest))}"
    if any(value == "ON" for _, value in await run(connection, "SHOW VARIABLES LIKE 'wsrep_on'")):
        return name, "a Galera cluster has no XA transactions"
    kept = "SELECT table_schema, table_name, engine FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
    found = [(str(schema), str(table), str(kind)) for schema, table, kind in await run(connection, kept)]
    engines = {f"{schema}.{table}": kind for schema, table, kind in found}
    engines |= {table: kind for schema, table, kind in found if schema == name}
    others = sorted(table for table in tables if engines.get(table, engine) != "InnoDB")
    if others:
        return name, f"table {others[0]} is not of the engine InnoDB"
    try:
        await listed(connection)
    except exc.DBAPIError as error:
        if number_of(error) not in _DENIED:
            raise
        return name, "its user lacks the privilege XA_RECOVER_ADMIN"
    return name, None


async def listed(connection: AsyncConnection) -> list[tuple[str, PreparedName]]:
    """All prepared transactions of the server that are ours, each with its name as XA statements take it."""
    found: list[tuple[str, PreparedName]] = []
    statement = "XA RECOVER FORMAT='SQL'" if _is_mariadb(connection) else "XA RECOVER CONVERT XID"
    for number, size, _, data in await run(connection, statement):
        quoted = _QUOTED.fullmatch(data)
        if quoted is not None:
            body, size = bytes.fromhex(quoted[1] + quoted[2]), len(quoted[1]) // 2
        else:
            body = bytes.fromhex(data.removeprefix("0x"))
        name = from_xid(number, body)
        if name is not None:
            found.append((f"X'{body[:size].hex()}',X'{body[size:].hex()}',{number}", name))
    return found


async def holder_of(connection: AsyncConnection) -> Holder:
    """Which connection of the server this is; asked when it was made, or once for each."""
    info: dict[str, Any] = (await connection.get_raw_connection()).info
    holder = info.get(HOLDER)
    if holder is None:
        (row,) = await run(connection, f"SELECT CONNECTION_ID(), {STARTED}")
        holder = info[HOLDER] = holder_from(row)
    assert isinstance(holder, Holder)
    return holder


def holder_from(row: Sequence[Any]) -> Holder:
    """Read the connection's number and the server's start from a row of the two."""
    number, started = row
    return Holder(int(number) % 2**48, int(started))


async def is_holding(connection: AsyncConnection, holder: Holder) -> bool:
    """Whether that connection is still open; one of the same number, from after the server was started anew, is not."""
    (found,) = await run(
        connection,
        f"SELECT {STARTED}, (SELECT count(*) FROM information_schema.processlist WHERE id = {holder.connection})",  # noqa: S608
    )
    return bool(found[1]) and int(found[0]) == holder.server


def _is_mariadb(connection: AsyncConnection) -> bool:
    return bool(getattr(connection.dialect, "is_mariadb", False))
