"""Steps as PostgreSQL statements: one statement for all rows, its parameters one array per column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

import msgspec
import sqlalchemy as sa
from asyncpg import ForeignKeyViolationError, RestrictViolationError

from holdall.query import Value
from holdall.store import Row
from holdall.stores.sql.dialect import POSTGRESQL
from holdall.stores.sql.postgres_connection import PostgresConnection
from holdall.stores.sql.steps import ColumnRows, Delete, Find, Insert, Lock, Look, Step, StillReferred, Update

__all__ = ["ROWS", "WroteFewer", "run_step", "split"]

ROWS = 20_000  # in one statement, so that its arrays stay of a size

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
    if isinstance(step, Insert):
        if not step.columns and (only or count > 1):  # then its key is one that is generated
            made = await connection.fetch(_insert_empty(step.table, step.generated, only), (count,))
        elif count == 1:
            made = await connection.fetch(_insert_one(step.table, step.columns, step.generated, only), rows[0])
        else:
            made = await connection.fetch(_insert(step.table, step.columns, step.generated, only), _columns(rows))
        reply = None if step.generated is None else [record[0] for record in made]
        if only and (written := connection.written) < count:
            raise WroteFewer(written, reply)
        if step.given is not None:
            place = step.columns.index(step.given)
            highest = max(row[place] for row in rows)
            await connection.fetch(_AHEAD, (_quoted.format_table(step.table), step.given, highest))
        return reply
    if isinstance(step, Lock):
        ((locked,),) = await connection.fetch(_lock(step.table, step.match, step.is_removal, only), _columns(rows))
        if only and not locked:
            raise WroteFewer(0, None)
        return None
    if isinstance(step, Look) and step.statement is not None:
        return await connection.fetch(step.statement.sql, step.statement.parameters)
    if isinstance(step, Find):
        return await connection.fetch(_find(step.table, step.match), _columns(rows))
    if isinstance(step, Update):
        if count == 1:
            sql = _update_one(step.table, step.columns, step.match, only)
        else:
            sql = _update(step.table, step.columns, step.match, only)
    else:
        sql = _delete_one(step.table, step.match, only) if count == 1 else _delete(step.table, step.match, only)
    found = await connection.fetch(sql, rows[0] if count == 1 else _columns(rows))
    missed = None
    if len(found) < count and not (isinstance(step, Delete) and not step.is_exact):
        hit = {record[0] for record in found}
        missed = next(index for index in range(count) if index + 1 not in hit)
    if only and len(found) < count:
        raise WroteFewer(len(found), missed)
    return missed


def split(step: Step) -> Iterator[Step]:
    """The same step in pieces of at most ROWS rows, in none of which an Update meets a record twice."""
    rows, start = step.rows, 0
    is_once = isinstance(step, Update) and not isinstance(step, Find)  # each row in one statement
    if len(rows) <= ROWS and not (is_once and _has_twice(step)):
        yield step
        return
    place = len(step.columns) if isinstance(step, Update) else 0
    size = len(step.table.primary_key.columns)
    while start < len(rows):
        end = min(start + ROWS, len(rows))
        if is_once:
            seen: set[Row] = set()
            for index in range(start, end):
                key = rows[index][place : place + size]
                if key in seen:
                    end = index
                    break
                seen.add(key)
        yield msgspec.structs.replace(step, rows=rows[start:end], positions=step.positions[start:end])
        start = end


def _has_twice(step: Step) -> bool:
    place, size = len(step.columns) if isinstance(step, Update) else 0, len(step.table.primary_key.columns)
    key = itemgetter(*range(place, place + size))
    return len(set(map(key, step.rows))) != len(step.rows)


def _columns(rows: Sequence[Row]) -> Sequence[Sequence[Value]]:
    return rows.columns if isinstance(rows, ColumnRows) else list(zip(*rows, strict=True))


def _type(table: sa.Table, column: str) -> str:
    text = str(table.c[column].type.compile(POSTGRESQL.sqlalchemy))
    return text.partition(" COLLATE")[0]


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(map(_quoted.quote_identifier, columns))


def _returned(generated: str | None) -> str:
    return "" if generated is None else f" RETURNING {_quoted.quote_identifier(generated)}"


def _arrays(table: sa.Table, columns: tuple[str, ...]) -> str:
    arrays = ", ".join(f"${number}::{_type(table, column)}[]" for number, column in enumerate(columns, 1))
    named = ", ".join(f"c{place}" for place in range(len(columns)))
    return f"unnest({arrays}) WITH ORDINALITY AS u({named}, n)"


def _matched(match: tuple[str, ...], first: int) -> str:
    return " AND ".join(f"t.{_quoted.quote_identifier(name)} = u.c{place}" for place, name in enumerate(match, first))


def _found_by(table: sa.Table, match: tuple[str, ...], first: int) -> str:
    return " AND ".join(
        f"{_quoted.quote_identifier(name)} = ${place}::{_type(table, name)}" for place, name in enumerate(match, first)
    )


@lru_cache(maxsize=1000)
def _insert_one(table: sa.Table, columns: tuple[str, ...], generated: str | None, only: str) -> str:
    values = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    if only:
        given = f"({_names(columns)}) SELECT {values} WHERE {only}"
    else:
        given = f"({_names(columns)}) VALUES ({values})" if columns else "DEFAULT VALUES"
    return f"INSERT INTO {_quoted.format_table(table)} {given}{_returned(generated)}"


@lru_cache(maxsize=1000)
def _insert_empty(table: sa.Table, generated: str | None, only: str) -> str:
    own = _quoted.quote_identifier(generated or "")
    counter = "nextval(pg_get_serial_sequence({}, {}))".format(
        *("'" + text.replace("'", "''") + "'" for text in (_quoted.format_table(table), generated or ""))
    )
    return (
        f"INSERT INTO {_quoted.format_table(table)} ({own}) "  # noqa: S608
        f"SELECT {counter} FROM generate_series(1, $1::bigint){_where(only)} RETURNING {own}"
    )


@lru_cache(maxsize=1000)
def _insert(table: sa.Table, columns: tuple[str, ...], generated: str | None, only: str) -> str:
    values = ", ".join(f"c{place}" for place in range(len(columns)))
    order = " ORDER BY n" if generated else ""
    return (
        f"INSERT INTO {_quoted.format_table(table)} ({_names(columns)}) "  # noqa: S608
        f"SELECT {values} FROM {_arrays(table, columns)}{_where(only)}{order}{_returned(generated)}"
    )


def _in_order(table: sa.Table, columns: tuple[str, ...], first: int, lock: str, only: str) -> str:
    """A CTE ``u`` of the given rows that are there, which locks them by their primary keys before they are changed.

    Without it the join's plan says in which order rows are locked, and two batches of the same rows deadlock.
    """
    order = ", ".join(f"t.{_quoted.quote_identifier(column.name)}" for column in table.primary_key.columns)
    return (
        f"WITH u AS MATERIALIZED (SELECT u.* FROM {_arrays(table, columns)} "  # noqa: S608
        f"JOIN {_quoted.format_table(table)} AS t ON {_matched(columns[first:], first)}{_where(only)} "
        f"ORDER BY {order} FOR {lock} OF t)"
    )


@lru_cache(maxsize=1000)
def _lock(table: sa.Table, match: tuple[str, ...], is_removal: bool, only: str) -> str:
    lock = "UPDATE" if is_removal else "NO KEY UPDATE"
    return f"{_in_order(table, match, 0, lock, only)} SELECT count(*) FROM u"  # noqa: S608


@lru_cache(maxsize=1000)
def _find(table: sa.Table, match: tuple[str, ...]) -> str:
    key = ", ".join(f"t.{_quoted.quote_identifier(column.name)}" for column in table.primary_key.columns)
    found = f"{_arrays(table, match)} JOIN {_quoted.format_table(table)} AS t ON {_matched(match, 0)}"
    return f"SELECT {key} FROM {found}"  # noqa: S608


@lru_cache(maxsize=1000)
def _update(table: sa.Table, columns: tuple[str, ...], match: tuple[str, ...], only: str) -> str:
    values = ", ".join(f"{_quoted.quote_identifier(column)} = u.c{place}" for place, column in enumerate(columns))
    first = _quoted.quote_identifier(match[0])
    return (
        f"{_in_order(table, (*columns, *match), len(columns), 'NO KEY UPDATE', only)} "  # noqa: S608
        f"UPDATE {_quoted.format_table(table)} AS t SET {values or f'{first} = t.{first}'} "
        f"FROM u WHERE {_matched(match, len(columns))} RETURNING u.n"
    )


@lru_cache(maxsize=1000)
def _update_one(table: sa.Table, columns: tuple[str, ...], match: tuple[str, ...], only: str) -> str:
    values = ", ".join(f"{_quoted.quote_identifier(column)} = ${number}" for number, column in enumerate(columns, 1))
    first = _quoted.quote_identifier(match[0])
    return (
        f"UPDATE {_quoted.format_table(table)} SET {values or f'{first} = {first}'} "  # noqa: S608
        f"WHERE {_found_by(table, match, len(columns) + 1)}{_also(only)} RETURNING 1"
    )


@lru_cache(maxsize=1000)
def _delete(table: sa.Table, match: tuple[str, ...], only: str) -> str:
    return (
        f"{_in_order(table, match, 0, 'UPDATE', only)} "  # noqa: S608
        f"DELETE FROM {_quoted.format_table(table)} AS t USING u WHERE {_matched(match, 0)} RETURNING u.n"
    )


@lru_cache(maxsize=1000)
def _delete_one(table: sa.Table, match: tuple[str, ...], only: str) -> str:
    found = f"{_found_by(table, match, 1)}{_also(only)}"
    return f"DELETE FROM {_quoted.format_table(table)} WHERE {found} RETURNING 1"  # noqa: S608


def _where(only: str) -> str:
    return f" WHERE {only}" if only else ""


def _also(only: str) -> str:
    return f" AND {only}" if only else ""
