"""Steps as PostgreSQL statements: one statement for all rows, its parameters one array per column."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from asyncpg import ForeignKeyViolationError, RestrictViolationError

from holdall.query import Value
from holdall.store import Row
from holdall.stores.sql.dialect import POSTGRESQL
from holdall.stores.sql.postgres_casts import as_sent, one_sent, sent_type
from holdall.stores.sql.postgres_connection import PostgresConnection
from holdall.stores.sql.postgres_guards import has_triggers
from holdall.stores.sql.steps import Bulk, ColumnRows, Delete, Find, Insert, Lock, Look, Step, StillReferred, Update

__all__ = ["WroteFewer", "columns_of", "has_triggers_of", "run_step", "statement_of"]

_quoted = POSTGRESQL.sqlalchemy.identifier_preparer
_AHEAD = """SELECT setval(counter, $3) FROM pg_get_serial_sequence($1, $2) AS counter
            JOIN pg_sequence AS s ON s.seqrelid = counter::regclass AND $3 BETWEEN s.seqmin AND s.seqmax
            WHERE $3 > coalesce(pg_sequence_last_value(counter::regclass), 0) AND s.seqincrement > 0"""


class WroteFewer(Exception):
    """A statement with a condition wrote fewer rows than it was given; ``reply`` is the server's reply."""

    def __init__(self, written: int, reply: object) -> None:
        self.written = written
        self.reply = reply
        super().__init__(written)


async def run_step(connection: PostgresConnection, step: Step, only: str = "") -> Any:
    """Carry out a step of at most ROWS rows and give its reply, as below; a removal may be tried."""
    if not isinstance(step, Delete) or not step.may_be_tried:
        return await _reply_of(connection, step, only)
    await connection.raw.execute("SAVEPOINT removal")
    try:
        reply = await _reply_of(connection, step, only)
    except (ForeignKeyViolationError, RestrictViolationError):
        await connection.raw.execute("ROLLBACK TO removal")
        return StillReferred(0)
    await connection.raw.execute("RELEASE removal")
    return reply


async def _reply_of(connection: PostgresConnection, step: Step, only: str = "") -> Any:
    """Carry out a step of at most ROWS rows and give its reply. Raises asyncpg's errors.

    ``only`` is a condition without which it writes nothing. Raises WroteFewer where that may be so.
    """
    rows = step.rows
    count = len(rows)
    sql = statement_of(step, only)
    if isinstance(step, Insert):
        if _is_empty(step, only):
            made = await connection.fetch(sql, (count,))
        else:
            made = await connection.fetch(sql, rows[0] if count == 1 else columns_of(rows))
        reply = _made(step, made)
        if (only or step.generated is None) and (written := connection.written) < count:
            reply = written if step.generated is None else reply
            if only:
                raise WroteFewer(written, reply)
        if step.given is not None:
            place = step.columns.index(step.given)
            highest = max(row[place] for row in rows)
            await connection.fetch(_AHEAD, (_quoted.format_table(step.table), step.given, highest))
        return reply
    if isinstance(step, Lock):
        ((locked,),) = await connection.fetch(sql, columns_of(rows))
        if only and not locked:
            raise WroteFewer(0, None)
        return None
    if isinstance(step, Look) and step.statement is not None:
        return await connection.fetch(sql, step.statement.parameters)
    if isinstance(step, Bulk) and step.statement is not None:
        await connection.fetch(sql, step.statement.parameters)
        if only and not connection.written:
            raise WroteFewer(0, 0)
        return connection.written
    if isinstance(step, Find):
        return await connection.fetch(sql, columns_of(rows))
    found = await connection.fetch(sql, rows[0] if count == 1 else columns_of(rows))
    missed = None
    if len(found) < count and not (isinstance(step, Delete) and not step.is_exact):
        hit = {record[0] for record in found}
        missed = next(index for index in range(count) if index + 1 not in hit)
    if only and len(found) < count:
        raise WroteFewer(len(found), missed)
    return missed


def _made(step: Insert, found: list[Any]) -> Any:
    """The reply of an Insert; only its keys where triggers may have changed what it asks for."""
    if not step.returning:
        return None if step.generated is None else [record[0] for record in found]
    if not any(record[-1] for record in found):
        return [tuple(record)[:-1] for record in found]
    return [] if step.generated is None else [(record[0],) for record in found]


def statement_of(step: Step, only: str = "", first: int = 1) -> str:
    """The statement that carries out a step; ``only`` is a condition without which it writes nothing.

    ``first`` is the number of its first parameter, where an Insert or a change of any rows, or a removal of one row, is
    a part of a longer statement.
    """
    is_one = len(step.rows) == 1
    if isinstance(step, Insert):
        if _is_empty(step, only):
            return _insert_empty(step.table, step.generated, step.returning, only)
        inserting = _insert_one if is_one else _insert
        return inserting(step.table, step.columns, step.generated, step.returning, only, first)
    if isinstance(step, Lock):
        return _lock(step.table, step.match, step.is_removal, only)
    if isinstance(step, Look) and step.statement is not None:
        return step.statement.sql
    if isinstance(step, Bulk) and step.statement is not None:
        return f"{step.statement.sql}{_also(only)}"
    if isinstance(step, Find):
        return _find(step.table, step.match)
    if isinstance(step, Update):
        if is_one:
            return _update_one(step.table, step.columns, step.match, only, first)
        return _update(step.table, step.columns, step.match, only, first)
    return _delete_one(step.table, step.match, only, first) if is_one else _delete(step.table, step.match, only)


def _is_empty(step: Insert, only: str) -> bool:
    """Whether new rows are given no values, so that they take nothing but a key that is generated."""
    return not step.columns and (bool(only) or len(step.rows) > 1)


def has_triggers_of(step: Insert) -> str:
    """The condition that the table of the step has triggers of its own."""
    return has_triggers(_quoted.format_table(step.table))


def columns_of(rows: Sequence[Row]) -> Sequence[Sequence[Value]]:
    return rows.columns if isinstance(rows, ColumnRows) else list(zip(*rows, strict=True))


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(map(_quoted.quote_identifier, columns))


def _returned(table: sa.Table, generated: str | None, asked: tuple[str, ...]) -> str:
    """The key, what else is asked for, and then whether triggers may change it yet."""
    key = () if generated is None else (_quoted.quote_identifier(generated),)
    rest = (*asked, has_triggers(_quoted.format_table(table))) if asked else ()
    return f" RETURNING {', '.join((*key, *rest))}" if key or rest else ""


def _arrays(table: sa.Table, columns: tuple[str, ...], first: int = 1) -> str:
    arrays = ", ".join(f"${number}::{sent_type(table, column)}[]" for number, column in enumerate(columns, first))
    named = ", ".join(f"c{place}" for place in range(len(columns)))
    return f"unnest({arrays}) WITH ORDINALITY AS u({named}, n)"


def _matched(table: sa.Table, match: tuple[str, ...], first: int) -> str:
    return " AND ".join(
        f"t.{_quoted.quote_identifier(name)} = {as_sent(table, name, f'u.c{place}')}"
        for place, name in enumerate(match, first)
    )


def _found_by(table: sa.Table, match: tuple[str, ...], first: int) -> str:
    return " AND ".join(
        f"{_quoted.quote_identifier(name)} = {as_sent(table, name, f'${place}::{sent_type(table, name)}')}"
        for place, name in enumerate(match, first)
    )


@lru_cache(maxsize=1000)
def _insert_one(
    table: sa.Table, columns: tuple[str, ...], generated: str | None, asked: tuple[str, ...], only: str, first: int
) -> str:
    values = ", ".join(one_sent(table, column, number) for number, column in enumerate(columns, first))
    if only:
        given = f"({_names(columns)}) SELECT {values} WHERE {only}"
    else:
        given = f"({_names(columns)}) VALUES ({values})" if columns else "DEFAULT VALUES"
    return f"INSERT INTO {_quoted.format_table(table)} {given}{_returned(table, generated, asked)}"


@lru_cache(maxsize=1000)
def _insert_empty(table: sa.Table, generated: str | None, asked: tuple[str, ...], only: str) -> str:
    own = _quoted.quote_identifier(generated or "")
    counter = "nextval(pg_get_serial_sequence({}, {}))".format(
        *("'" + text.replace("'", "''") + "'" for text in (_quoted.format_table(table), generated or ""))
    )
    return (
        f"INSERT INTO {_quoted.format_table(table)} ({own}) "  # noqa: S608
        f"SELECT {counter} FROM generate_series(1, $1::bigint){_where(only)}"
        f"{_returned(table, generated, asked)}"
    )


@lru_cache(maxsize=1000)
def _insert(
    table: sa.Table, columns: tuple[str, ...], generated: str | None, asked: tuple[str, ...], only: str, first: int
) -> str:
    values = ", ".join(as_sent(table, column, f"c{place}") for place, column in enumerate(columns))
    order = " ORDER BY n" if generated else ""
    return (
        f"INSERT INTO {_quoted.format_table(table)} ({_names(columns)}) "  # noqa: S608
        f"SELECT {values} FROM {_arrays(table, columns, first)}{_where(only)}{order}"
        f"{_returned(table, generated, asked)}"
    )


def _in_order(table: sa.Table, columns: tuple[str, ...], first: int, lock: str, only: str, parameter: int = 1) -> str:
    """A CTE ``u`` of the given rows that are there, which locks them by their primary keys before they are changed.

    Without it the join's plan says in which order rows are locked, and two batches of the same rows deadlock.
    """
    order = ", ".join(f"t.{_quoted.quote_identifier(column.name)}" for column in table.primary_key.columns)
    return (
        f"WITH u AS MATERIALIZED (SELECT u.* FROM {_arrays(table, columns, parameter)} "  # noqa: S608
        f"JOIN {_quoted.format_table(table)} AS t ON {_matched(table, columns[first:], first)}{_where(only)} "
        f"ORDER BY {order} FOR {lock} OF t)"
    )


@lru_cache(maxsize=1000)
def _lock(table: sa.Table, match: tuple[str, ...], is_removal: bool, only: str) -> str:
    lock = "UPDATE" if is_removal else "NO KEY UPDATE"
    return f"{_in_order(table, match, 0, lock, only)} SELECT count(*) FROM u"  # noqa: S608


@lru_cache(maxsize=1000)
def _find(table: sa.Table, match: tuple[str, ...]) -> str:
    key = ", ".join(f"t.{_quoted.quote_identifier(column.name)}" for column in table.primary_key.columns)
    found = f"{_arrays(table, match)} JOIN {_quoted.format_table(table)} AS t ON {_matched(table, match, 0)}"
    return f"SELECT {key} FROM {found}"  # noqa: S608


@lru_cache(maxsize=1000)
def _update(table: sa.Table, columns: tuple[str, ...], match: tuple[str, ...], only: str, parameter: int) -> str:
    values = ", ".join(
        f"{_quoted.quote_identifier(column)} = {as_sent(table, column, f'u.c{place}')}"
        for place, column in enumerate(columns)
    )
    first = _quoted.quote_identifier(match[0])
    return (
        f"{_in_order(table, (*columns, *match), len(columns), 'NO KEY UPDATE', only, parameter)} "  # noqa: S608
        f"UPDATE {_quoted.format_table(table)} AS t SET {values or f'{first} = t.{first}'} "
        f"FROM u WHERE {_matched(table, match, len(columns))} RETURNING u.n"
    )


@lru_cache(maxsize=1000)
def _update_one(table: sa.Table, columns: tuple[str, ...], match: tuple[str, ...], only: str, first: int) -> str:
    values = ", ".join(
        f"{_quoted.quote_identifier(column)} = {one_sent(table, column, number)}"
        for number, column in enumerate(columns, first)
    )
    own = _quoted.quote_identifier(match[0])
    return (
        f"UPDATE {_quoted.format_table(table)} SET {values or f'{own} = {own}'} "  # noqa: S608
        f"WHERE {_found_by(table, match, len(columns) + first)}{_also(only)} RETURNING 1"
    )


@lru_cache(maxsize=1000)
def _delete(table: sa.Table, match: tuple[str, ...], only: str) -> str:
    return (
        f"{_in_order(table, match, 0, 'UPDATE', only)} "  # noqa: S608
        f"DELETE FROM {_quoted.format_table(table)} AS t USING u WHERE {_matched(table, match, 0)} RETURNING u.n"
    )


@lru_cache(maxsize=1000)
def _delete_one(table: sa.Table, match: tuple[str, ...], only: str, first: int) -> str:
    found = f"{_found_by(table, match, first)}{_also(only)}"
    return f"DELETE FROM {_quoted.format_table(table)} WHERE {found} RETURNING 1"  # noqa: S608


def _where(only: str) -> str:
    return f" WHERE {only}" if only else ""


def _also(only: str) -> str:
    return f" AND {only}" if only else ""
