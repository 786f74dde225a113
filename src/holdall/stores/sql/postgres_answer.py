"""Answers of PostgreSQL to statements as users write them."""

from __future__ import annotations

from holdall.query import Value
from holdall.store import Answer
from holdall.stores.sql.postgres_connection import PostgresConnection
from holdall.stores.sql.postgres_driver import OUTDATED, as_tuple, records_of
from holdall.stores.sql.raw import RawStatement

__all__ = ["answer_on", "names_of"]


async def answer_on(connection: PostgresConnection, statement: RawStatement, limit: int) -> Answer:
    """Run a statement on a connection; at most one row more than ``limit`` is fetched. Raises asyncpg's errors."""
    try:
        prepared = await connection.prepared(statement.sql)
        return await _answer(prepared, statement.parameters, limit)
    except OUTDATED:
        if connection.raw.is_in_transaction():
            raise
        connection.forget()
        return await _answer(await connection.raw.prepare(statement.sql, name=""), statement.parameters, limit)


async def _answer(prepared: Value, parameters: Value, limit: int) -> Answer:
    records = await records_of(prepared, parameters, limit=limit + 1)
    if records:
        return Answer(tuple(records[0].keys()), list(map(as_tuple, records)), _affected(prepared.get_statusmsg()))
    return Answer((), [], _affected(prepared.get_statusmsg()))


def names_of(prepared: Value) -> tuple[str, ...]:
    """The names of the columns of a prepared statement."""
    return tuple([attribute.name for attribute in prepared.get_attributes()])


def _affected(status: str | None) -> int | None:
    """How many rows a statement wrote, by the server's word for it: ``INSERT 0 3``."""
    verb, _, rest = (status or "").partition(" ")
    number = rest.rpartition(" ")[2]
    return int(number) if verb in ("INSERT", "UPDATE", "DELETE", "MERGE") and number.isdigit() else None
