"""Steps through a SQLAlchemy connection: text compiled once for each shape, values already the driver's.

MariaDB and MySQL take many new rows in one statement; elsewhere a row is a statement, sent by the driver's executemany
where no answer is wanted of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from holdall.query import Value
from holdall.store import Row
from holdall.stores.sql.steps import Delete, Find, Insert, Lock, Look, Release, Step, StillReferred, Update

__all__ = ["StepRefused", "run_step"]

ROWS = 1_000  # in one statement
SIZE = 1_000_000  # characters and bytes in one statement, well below any server's default limit

_NO_INDEX = 1176  # as with a view
_REFERRED = ((1451,), (1217,))  # a row is referred to; the statement did nothing, the transaction goes on


class StepRefused(Exception):
    """A step failed; ``position`` is that of the change that did it, if known. The driver's error is the cause."""

    def __init__(self, step: Step, position: int | None) -> None:
        self.step = step
        self.position = position
        super().__init__(position)


async def run_step(connection: AsyncConnection, step: Step) -> Any:
    """Carry out the step and give its reply. Raises StepRefused, from SQLAlchemy's error."""
    try:
        if isinstance(step, Insert):
            return await _insert(connection, step)
        if isinstance(step, Lock):
            return await _lock(connection, step)
        if isinstance(step, Look) and step.statement is not None:
            found = await connection.exec_driver_sql(step.statement.sql, step.statement.parameters)
            return list(map(tuple, found))
        if isinstance(step, Find):
            return await _find(connection, step)
        if isinstance(step, Release):
            return await _release(connection, step)
        if isinstance(step, Delete) and step.is_unchecked:
            return await _unchecked(connection, step)
        if isinstance(step, Update) or step.is_exact:
            return await _exact(connection, step)
        text = _text(connection.dialect, step.table, "delete", (), step.match)
        await connection.exec_driver_sql(text.sql, [text.given(row) for row in step.rows])
    except DBAPIError as error:
        raise StepRefused(step, await _position(connection, step, error)) from error
    return None


async def _insert(connection: AsyncConnection, step: Insert) -> list[int] | None:
    if connection.dialect.name in ("mysql", "mariadb") and step.columns:
        made: list[int] = []
        for rows in _pieces(step.rows):
            made.extend(await _insert_many(connection, step, rows))
        return made if step.generated else None
    text = _text(connection.dialect, step.table, "insert", step.columns, (), step.generated)
    if step.generated is None:
        await connection.exec_driver_sql(text.sql, [text.given(row) for row in step.rows])
        return None
    keys: list[int] = []
    for row in step.rows:
        result = await connection.exec_driver_sql(text.sql, text.given(row))
        keys.append(result.scalar_one() if text.returns else result.lastrowid)
    return keys


async def _insert_many(connection: AsyncConnection, step: Insert, rows: Sequence[Row]) -> Sequence[int]:
    dialect = connection.dialect
    returns = step.generated is not None and bool(getattr(dialect, "insert_returning", False))
    one = f"({', '.join(['%s'] * len(step.columns))})"
    named = ", ".join(map(dialect.identifier_preparer.quote_identifier, step.columns))
    head = f"INSERT INTO {dialect.identifier_preparer.format_table(step.table)} ({named}) VALUES "  # noqa: S608
    tail = f" RETURNING {dialect.identifier_preparer.quote_identifier(step.generated or '')}" if returns else ""
    values = tuple([value for row in rows for value in row])
    result = await connection.exec_driver_sql(head + ", ".join([one] * len(rows)) + tail, values)
    if returns:
        return [row[0] for row in result]
    if step.generated is None:
        return ()
    # without RETURNING the server tells the first key; those of one statement follow at a fixed distance
    distance = int((await connection.exec_driver_sql("SELECT @@auto_increment_increment")).scalar_one())
    first = int(result.lastrowid)
    return range(first, first + distance * len(rows), distance)


async def _lock(connection: AsyncConnection, step: Lock) -> None:
    quoted = connection.dialect.identifier_preparer
    key = ", ".join(map(quoted.quote_identifier, step.match))
    one = f"({', '.join(['%s'] * len(step.match))})" if len(step.match) > 1 else "%s"
    rows = sorted(set(step.rows))  # pieces must be in one order, too
    table, hint = quoted.format_table(step.table), " FORCE INDEX (PRIMARY)"  # another index has another order
    for piece in _pieces(rows):
        found = f"WHERE ({key}) IN ({', '.join([one] * len(piece))}) ORDER BY {key} FOR UPDATE"
        values = tuple([value for row in piece for value in row])
        try:
            await connection.exec_driver_sql(f"SELECT 1 FROM {table}{hint} {found}", values)  # noqa: S608
        except DBAPIError as error:
            if getattr(error.orig, "args", ())[:1] != (_NO_INDEX,):
                raise
            await connection.exec_driver_sql(f"SELECT 1 FROM {table} {found}", values)  # noqa: S608


async def _find(connection: AsyncConnection, step: Find) -> list[Row]:
    quoted = connection.dialect.identifier_preparer
    key = ", ".join(quoted.quote_identifier(column.name) for column in step.table.primary_key.columns)
    match = ", ".join(map(quoted.quote_identifier, step.match))
    one = f"({', '.join(['%s'] * len(step.match))})"
    found: list[Row] = []
    for piece in _pieces(step.rows):
        wanted = f"WHERE ({match}) IN ({', '.join([one] * len(piece))})"
        values = tuple([value for row in piece for value in row])
        sql = f"SELECT {key} FROM {quoted.format_table(step.table)} {wanted}"  # noqa: S608
        found.extend(map(tuple, await connection.exec_driver_sql(sql, values)))
    return found


async def _release(connection: AsyncConnection, step: Release) -> None:
    if any(step.table.c[column].foreign_keys for column in step.columns):
        await _unchecked(connection, step)  # what comes last into the rows is checked again
    else:
        await _exact(connection, step)


async def _unchecked(connection: AsyncConnection, step: Update | Delete) -> int | StillReferred | None:
    """As ``_exact``, with foreign keys out of force: MariaDB and MySQL have none that wait."""
    if connection.dialect.name not in ("mysql", "mariadb"):
        return await _exact(connection, step)
    try:
        await connection.exec_driver_sql("SET SESSION foreign_key_checks = 0")
        return await _exact(connection, step)
    finally:
        try:
            await connection.exec_driver_sql("SET SESSION foreign_key_checks = 1")
        except BaseException:
            await connection.invalidate()
            raise


async def _exact(connection: AsyncConnection, step: Update | Delete) -> int | StillReferred | None:
    columns = step.columns if isinstance(step, Update) else ()
    kind = "update" if isinstance(step, Update) else "delete"
    text = _text(connection.dialect, step.table, kind, columns, step.match)
    is_tried = isinstance(step, Delete) and step.may_be_tried
    for index, row in enumerate(step.rows):
        try:
            result = await connection.exec_driver_sql(text.sql, text.given(row))
        except IntegrityError as error:
            if is_tried and getattr(error.orig, "args", ())[:1] in _REFERRED:
                return StillReferred(index)
            raise
        if result.rowcount != 1:
            return index
    return None


async def _position(connection: AsyncConnection, step: Step, error: DBAPIError) -> int | None:
    """Which row it was: found by sending the rows one by one, in a transaction that is lost anyway."""
    if len(step.rows) == 1:
        return step.positions[0]
    if not isinstance(error, IntegrityError | DataError) or not isinstance(step, Insert):
        return None
    text = _text(connection.dialect, step.table, "insert", step.columns, ())
    for index, row in enumerate(step.rows):
        try:
            await connection.exec_driver_sql(text.sql, text.given(row))
        except DBAPIError as again:
            return step.positions[index] if type(again) is type(error) else None
    return None


def _pieces(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    start, size = 0, 0
    for index, row in enumerate(rows):
        size += sum([len(value) for value in row if type(value) is str or type(value) is bytes])
        if size > SIZE or index - start == ROWS:
            if index > start:
                yield rows[start:index]
            start, size = index, 0
    yield rows[start:]


class _Text:
    """A compiled statement and how it takes its parameters."""

    def __init__(self, compiled: Any, returns: bool) -> None:
        self.sql = str(compiled)
        self.returns = returns
        names = getattr(compiled, "positiontup", None)
        self._order = [int(name[1:]) for name in names] if names is not None else None
        self._names = None if names is not None else {name: int(name[1:]) for name in compiled.bind_names.values()}

    def given(self, row: Row) -> Value:
        """The row as parameters."""
        if self._order is not None:
            return tuple([row[place] for place in self._order])
        return {name: row[place] for name, place in (self._names or {}).items()}


@lru_cache(maxsize=1000)
def _text(
    dialect: sa.engine.Dialect,
    table: sa.Table,
    kind: str,
    columns: tuple[str, ...],
    match: tuple[str, ...],
    generated: str | None = None,
) -> _Text:
    values = {column: _parameter(table, column, place) for place, column in enumerate(columns)}
    found = [table.c[name] == _parameter(table, name, place) for place, name in enumerate(match, len(columns))]
    if kind == "insert":
        returns = generated is not None and bool(getattr(dialect, "insert_returning", False))
        insert = sa.insert(table).inline().values(values)
        compiled = insert.returning(table.c[generated]) if returns and generated else insert
        return _Text(compiled.compile(dialect=dialect), returns)
    if kind == "delete":
        return _Text(sa.delete(table).where(*found).compile(dialect=dialect), False)
    # without new values the row is written as it is, which tells whether it is there
    unchanged = {match[0]: table.c[match[0]]}
    return _Text(sa.update(table).where(*found).values(values or unchanged).compile(dialect=dialect), False)


def _parameter(table: sa.Table, column: str, place: int) -> sa.BindParameter[Any]:
    return sa.bindparam(f"p{place}", type_=table.c[column].type, required=True)
