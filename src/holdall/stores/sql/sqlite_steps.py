"""Steps on an apsw connection: each is one prepared statement run over all its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from operator import length_hint
from typing import Any

import apsw
import sqlalchemy as sa

from holdall.query import Value
from holdall.store import Row
from holdall.stores.sql.dialect import SQLITE
from holdall.stores.sql.steps import Bulk, ColumnRows, Delete, Find, Insert, Look, Release, Step, StillReferred, Update

__all__ = ["RowIgnored", "StepRefused", "run_step", "statement_of"]

MANY = 20  # rows
_WITH_CLAUSES = "SELECT 1 FROM sqlite_schema WHERE type = 'trigger' OR sql LIKE '%CONFLICT%' LIMIT 1"

_quoted = SQLITE.sqlalchemy.identifier_preparer


class StepRefused(Exception):
    """A step failed at the row of this index; the driver's error is its cause."""

    def __init__(self, step: Step, index: int) -> None:
        self.step = step
        self.index = index
        super().__init__(index)


class RowIgnored(Exception):
    """A trigger or a rule of the table kept a row from being written, and SQLite calls that no error."""


class _Missed(Exception):
    """The statement changed no row for the values of this index."""

    def __init__(self, index: int) -> None:
        self.index = index


def run_step(connection: apsw.Connection, step: Step) -> Any:
    """Carry out the step and give its reply. Raises StepRefused, from apsw's error.

    Many rows are first sent without asking after each, which is a fifth quicker; where the sum does not prove that all
    went as it should, that is taken back and each row is asked after.
    """
    if isinstance(step, Look) and step.statement is not None:
        return connection.execute(step.statement.sql, step.statement.parameters).fetchall()
    if isinstance(step, Bulk) and step.statement is not None:
        try:
            connection.execute(_unjournaled(connection, step.statement.sql), step.statement.parameters).fetchall()
        except (apsw.Error, OverflowError, ValueError, TypeError) as error:
            raise StepRefused(step, -1) from error
        return connection.changes()
    if isinstance(step, Find):
        sql = _find(step.table, step.match)
        return [key for row in step.rows for key in connection.execute(sql, row)]
    if isinstance(step, Release) or (isinstance(step, Delete) and step.is_unchecked):
        connection.execute("PRAGMA defer_foreign_keys = ON")  # until this transaction ends
    if isinstance(step, Insert) and step.returning:
        if not _has_triggers(connection):
            return _returned(connection, step)
        step.returning = ()
        return [(key,) for key in run_step(connection, step)]
    if len(step.rows) < MANY:
        return _run(connection, step)
    connection.execute("SAVEPOINT many")
    reply = _unasked(connection, step)
    if reply is None:
        connection.execute("ROLLBACK TO many")
        reply = (_run(connection, step),)
    connection.execute("RELEASE many")
    return reply[0]


def statement_of(step: Step) -> str:
    """The statement that carries out a step, row by row."""
    if isinstance(step, Look | Bulk) and step.statement is not None:
        return step.statement.sql
    if isinstance(step, Find):
        return _find(step.table, step.match)
    if isinstance(step, Insert):
        return _insert(step.table, step.columns, _asked(step))
    if isinstance(step, Update):
        return _update(step.table, step.columns, step.match)
    return _delete(step.table, step.match)


def _unasked(connection: apsw.Connection, step: Step) -> tuple[Any] | None:
    """The reply in a tuple, or None if it is not certain."""
    if isinstance(step, Update):
        if not {*step.columns}.isdisjoint(step.table.primary_key.columns.keys()):
            return None
    elif not isinstance(step, Insert):
        return None
    if _has_triggers(connection):
        return None  # what they change would be counted too
    before = connection.total_changes()
    reply = _inserted(connection, step) if isinstance(step, Insert) else _updated(connection, step)
    return reply if connection.total_changes() - before == len(step.rows) else None


def _has_triggers(connection: apsw.Connection) -> bool:
    return bool(connection.execute("SELECT 1 FROM sqlite_schema WHERE type = 'trigger' LIMIT 1").fetchall())


def _unjournaled(connection: apsw.Connection, sql: str) -> str:
    """The statement of a bulk change, which SQLite need not be able to undo by itself: it copies no pages for that.

    A work that is refused is rolled back as a whole. The statement stays as it is where triggers or rules of tables
    have conflict clauses, which ``OR FAIL`` would replace.
    """
    if not sql.startswith("UPDATE ") or connection.execute(_WITH_CLAUSES).fetchall():
        return sql
    return f"UPDATE OR FAIL {sql.removeprefix('UPDATE ')}"


def _returned(connection: apsw.Connection, step: Insert) -> list[Row]:
    """The values that an Insert asks for of its rows."""
    sql, found = _insert(step.table, step.columns, _asked(step)), list[Row]()
    for index, row in enumerate(step.rows):
        try:
            answer = connection.execute(sql, row).fetchall()
        except (apsw.Error, OverflowError, ValueError, TypeError) as error:
            raise StepRefused(step, index) from error
        if not answer:  # the table ignores rows that break a rule of it
            raise StepRefused(step, index) from RowIgnored()
        found.extend(answer)
    return found


def _asked(step: Insert) -> tuple[str, ...]:
    """The SQL of what an Insert returns where it asks for more than a key, which SQLite tells by itself."""
    if not step.returning or step.generated is None:
        return step.returning
    return (_quoted.quote_identifier(step.generated), *step.returning)


def _inserted(connection: apsw.Connection, step: Insert) -> tuple[Any] | None:
    sql = _insert(step.table, step.columns)
    if step.generated is None:
        rows, left = _counted_rows(step.rows)
        _execute(connection, sql, rows, step, left)
        return ([],)
    given = iter(step.rows)
    _execute(connection, sql, iter((next(given),)), step, given)
    first = connection.last_insert_rowid()
    _execute(connection, sql, given, step, given)
    # keys only grow, until there are no greater ones; so if they grew by as many as there are rows, by one each
    last = connection.last_insert_rowid()
    return (range(first, last + 1),) if last - first == len(step.rows) - 1 and last < 2**62 else None


def _updated(connection: apsw.Connection, step: Update) -> tuple[Any]:
    rows, left = _counted_rows(step.rows)
    _execute(connection, _update(step.table, step.columns, step.match), rows, step, left)
    return (None,)


def _run(connection: apsw.Connection, step: Step) -> Any:
    rows, left = _counted_rows(step.rows)
    made: list[int] = []
    source: Iterator[Row] = rows
    if isinstance(step, Insert):
        sql = _insert(step.table, step.columns)
        source = _exact(rows, connection.changes)
        if step.generated is not None:
            source = _counted(source, made, connection.last_insert_rowid)
    elif isinstance(step, Update):
        sql = _update(step.table, step.columns, step.match)
        source = _exact(rows, connection.changes)
    else:
        sql = _delete(step.table, step.match)
        if step.is_exact:
            source = _exact(rows, connection.changes)
    try:
        _execute(connection, sql, source, step, left)
    except StepRefused as refused:
        if isinstance(step, Delete) and step.may_be_tried and _is_referred(refused.__cause__):
            return StillReferred(refused.index)
        raise
    except _Missed as missed:
        if isinstance(step, Insert):
            raise StepRefused(step, missed.index) from RowIgnored()
        return missed.index
    return made if isinstance(step, Insert) else None


def _is_referred(error: BaseException | None) -> bool:
    code = getattr(error, "extendedresult", None)
    return code in (apsw.SQLITE_CONSTRAINT_FOREIGNKEY, apsw.SQLITE_CONSTRAINT_TRIGGER)  # RESTRICT is told as a trigger


def _counted_rows(rows: Sequence[Row]) -> tuple[Iterator[Row], Iterator[Value]]:
    """An iterator over the rows, and one that knows how many are left: the same, where that knows."""
    if isinstance(rows, ColumnRows):
        return rows.counted()
    made = iter(rows)
    return made, made


def _execute(connection: apsw.Connection, sql: str, source: Iterator[Row], step: Step, left: Iterator[Value]) -> None:
    try:
        connection.executemany(sql, source)
    except (apsw.Error, OverflowError, ValueError, TypeError) as error:
        raise StepRefused(step, len(step.rows) - length_hint(left) - 1) from error


def _counted(rows: Iterator[Row], made: list[int], last: Callable[[], int]) -> Iterator[Row]:
    for row in rows:
        yield row
        made.append(last())


def _exact(rows: Iterator[Row], changes: Callable[[], int]) -> Iterator[Row]:
    for index, row in enumerate(rows):
        yield row
        if changes() != 1:
            raise _Missed(index)


@lru_cache(maxsize=1000)
def _insert(table: sa.Table, columns: tuple[str, ...], asked: tuple[str, ...] = ()) -> str:
    name, tail = _quoted.format_table(table), f" RETURNING {', '.join(asked)}" if asked else ""
    if not columns:
        return f"INSERT INTO {name} DEFAULT VALUES{tail}"
    named = ", ".join(map(_quoted.quote_identifier, columns))
    return f"INSERT INTO {name} ({named}) VALUES ({', '.join('?' * len(columns))}){tail}"  # noqa: S608


@lru_cache(maxsize=1000)
def _find(table: sa.Table, match: tuple[str, ...]) -> str:
    key = ", ".join(_quoted.quote_identifier(column.name) for column in table.primary_key.columns)
    return f"SELECT {key} FROM {_quoted.format_table(table)} WHERE {_found_by(match)}"  # noqa: S608


@lru_cache(maxsize=1000)
def _update(table: sa.Table, columns: tuple[str, ...], match: tuple[str, ...]) -> str:
    first = _quoted.quote_identifier(match[0])
    values = ", ".join(f"{_quoted.quote_identifier(column)} = ?" for column in columns) or f"{first} = {first}"
    return f"UPDATE {_quoted.format_table(table)} SET {values} WHERE {_found_by(match)}"  # noqa: S608


@lru_cache(maxsize=1000)
def _delete(table: sa.Table, match: tuple[str, ...]) -> str:
    return f"DELETE FROM {_quoted.format_table(table)} WHERE {_found_by(match)}"  # noqa: S608


def _found_by(match: tuple[str, ...]) -> str:
    return " AND ".join(f"{_quoted.quote_identifier(column)} = ?" for column in match)
