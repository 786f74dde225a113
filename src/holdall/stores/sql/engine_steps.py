"""Steps through a SQLAlchemy connection: text compiled once for each shape, values already the driver's.

MariaDB and MySQL take many new rows in one statement; elsewhere a row is a statement, sent by the driver's executemany
where no answer is wanted of each. Nothing here waits: with an async engine it runs in ``run_sync``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from holdall.store import Outcome, Row
from holdall.stores.sql.engine_texts import text_of
from holdall.stores.sql.steps import Bulk, Delete, Find, Insert, Lock, Look, Release, Step, StillReferred, Update, Work

__all__ = ["StepRefused", "run_steps", "statement_of"]

ROWS = 1_000  # in one statement
SIZE = 1_000_000  # characters and bytes in one statement, well below any server's default limit

AHEAD = """SELECT setval(counter, given.value)
    FROM (SELECT CAST({0} AS text) AS place, CAST({1} AS text) AS name, CAST({2} AS bigint) AS value) AS given
    CROSS JOIN LATERAL (SELECT pg_get_serial_sequence(given.place, given.name) AS counter) AS found
    JOIN pg_sequence AS s ON s.seqrelid = counter::regclass AND given.value BETWEEN s.seqmin AND s.seqmax
    WHERE given.value > coalesce(pg_sequence_last_value(counter::regclass), 0) AND s.seqincrement > 0"""

_NO_INDEX = 1176  # as with a view
_SQLITE_REFERRED = ("SQLITE_CONSTRAINT_FOREIGNKEY", "SQLITE_CONSTRAINT_TRIGGER")  # RESTRICT is told as a trigger
_REFERRED = ((1451,), (1217,))  # a row is referred to; the statement did nothing, the transaction goes on


class StepRefused(Exception):
    """A step failed; ``position`` is that of the change that did it, if known. The driver's error is the cause."""

    def __init__(self, step: Step, position: int | None) -> None:
        self.step = step
        self.position = position
        super().__init__(position)


def run_steps(connection: sa.Connection, work: Work, done: list[Step] | None = None) -> list[Outcome]:
    """Carry out the work's steps, put into ``done`` as they are begun. Raises StepRefused and SQLAlchemy's errors."""
    steps, begun = work(), [] if done is None else done
    try:
        step = next(steps)
        while True:
            begun.append(step)
            step = steps.send(run_step(connection, step))
    except StopIteration as end:
        outcomes: list[Outcome] = end.value
        return outcomes


def run_step(connection: sa.Connection, step: Step) -> Any:
    """Carry out the step and give its reply. Raises StepRefused, from SQLAlchemy's error."""
    try:
        if isinstance(step, Insert):
            return _insert(connection, step)
        if isinstance(step, Lock):
            return _lock(connection, step)
        if isinstance(step, Look) and step.statement is not None:
            found = connection.exec_driver_sql(step.statement.sql, step.statement.parameters)
            return list(map(tuple, found))
        if isinstance(step, Bulk) and step.statement is not None:
            result = connection.exec_driver_sql(step.statement.sql, step.statement.parameters)
            return result.rowcount
        if isinstance(step, Find):
            return _find(connection, step)
        if isinstance(step, Release):
            return _release(connection, step)
        if isinstance(step, Delete) and step.is_unchecked:
            return _unchecked(connection, step)
        if isinstance(step, Update) or step.is_exact:
            return _exact(connection, step)
        text = text_of(connection.dialect, step.table, "delete", (), step.match)
        connection.exec_driver_sql(text.sql, [text.given(row) for row in step.rows])
    except DBAPIError as error:
        raise StepRefused(step, _position(connection, step, error)) from error
    return None


def statement_of(dialect: sa.engine.Dialect, step: Step) -> str:
    """The statement that carries out a step, row by row; where many rows go in one statement, that with one row."""
    quoted = dialect.identifier_preparer
    if isinstance(step, Look | Bulk) and step.statement is not None:
        return step.statement.sql
    if isinstance(step, Lock | Find):
        lock = " FOR UPDATE" if isinstance(step, Lock) else ""
        match = ", ".join(map(quoted.quote_identifier, step.match))
        return f"SELECT 1 FROM {quoted.format_table(step.table)} WHERE ({match}) IN (…){lock}"  # noqa: S608
    if isinstance(step, Insert):
        return text_of(dialect, step.table, "insert", step.columns, (), step.generated, step.returning).sql
    kind = "update" if isinstance(step, Update) else "delete"
    return text_of(dialect, step.table, kind, step.columns if isinstance(step, Update) else (), step.match).sql


def _insert(connection: sa.Connection, step: Insert) -> list[Any] | int | None:
    if step.returning and not _returns_whole(connection):
        step.returning = ()
        keys = _insert(connection, step)
        return keys if isinstance(keys, int) else [(key,) for key in keys or ()]
    is_answered = step.generated is not None or bool(step.returning)
    if connection.dialect.name in ("mysql", "mariadb") and step.columns:
        made: list[Any] = []
        for rows in _pieces(step.rows):
            made.extend(_insert_many(connection, step, rows))
        return made if is_answered else None
    text = text_of(connection.dialect, step.table, "insert", step.columns, (), step.generated, step.returning)
    if not is_answered:
        rows = [text.given(row) for row in step.rows]
        kept = connection.exec_driver_sql(text.sql, rows, execution_options={"preserve_rowcount": True}).rowcount
        _keep_ahead(connection, step)
        is_counted = len(rows) == 1 or connection.dialect.supports_sane_multi_rowcount
        return kept if is_counted and 0 <= kept < len(rows) else None
    found: list[Any] = []
    for row in step.rows:
        result = connection.exec_driver_sql(text.sql, text.given(row))
        if step.returning:
            found.extend(map(tuple, result))
        else:
            found.append(result.scalar_one() if text.returns else result.lastrowid)
    return found if step.generated is not None or len(found) == len(step.rows) else len(found)


def _returns_whole(connection: sa.Connection) -> bool:
    """Whether rows are as a statement has returned them: a trigger of MariaDB cannot change its own table again."""
    match connection.dialect.name:
        case "mysql" | "mariadb":
            return bool(getattr(connection.dialect, "insert_returning", False))
        case "sqlite" if getattr(connection.dialect, "insert_returning", False):
            triggers = "SELECT 1 FROM sqlite_master WHERE type = 'trigger' LIMIT 1"
            return connection.exec_driver_sql(triggers).first() is None
    return False


def _insert_many(connection: sa.Connection, step: Insert, rows: Sequence[Row]) -> Sequence[Any]:
    dialect = connection.dialect
    key = () if step.generated is None else (dialect.identifier_preparer.quote_identifier(step.generated),)
    wanted = (*key, *step.returning) if getattr(dialect, "insert_returning", False) else ()
    one = f"({', '.join(['%s'] * len(step.columns))})"
    named = ", ".join(map(dialect.identifier_preparer.quote_identifier, step.columns))
    head = f"INSERT INTO {dialect.identifier_preparer.format_table(step.table)} ({named}) VALUES "  # noqa: S608
    tail = f" RETURNING {', '.join(wanted)}" if wanted else ""
    values = tuple([value for row in rows for value in row])
    result = connection.exec_driver_sql(head + ", ".join([one] * len(rows)) + tail, values)
    if wanted:
        return list(map(tuple, result)) if step.returning else [row[0] for row in result]
    if step.generated is None:
        return ()
    # without RETURNING the server tells the first key; those of one statement follow at a fixed distance
    distance = int((connection.exec_driver_sql("SELECT @@auto_increment_increment")).scalar_one())
    first = int(result.lastrowid)
    return range(first, first + distance * len(rows), distance)


def _keep_ahead(connection: sa.Connection, step: Insert) -> None:
    """Move PostgreSQL's counter past keys that were given; others do so themselves."""
    if step.given is None or connection.dialect.name != "postgresql":
        return
    place = step.columns.index(step.given)
    quoted = connection.dialect.identifier_preparer
    values = (quoted.format_table(step.table), step.given, max(row[place] for row in step.rows))
    connection.exec_driver_sql(AHEAD.format(*_places(connection.dialect, 3)), values)


def _lock(connection: sa.Connection, step: Lock) -> None:
    quoted = connection.dialect.identifier_preparer
    key = ", ".join(map(quoted.quote_identifier, step.match))
    rows = sorted(set(step.rows))  # pieces must be in one order, too
    is_mysql = connection.dialect.name in ("mysql", "mariadb")
    table, hint = quoted.format_table(step.table), " FORCE INDEX (PRIMARY)" if is_mysql else ""
    for piece in _pieces(rows):  # another index has another order
        wanted = _listed(connection.dialect, len(step.match), len(piece))
        found = f"WHERE ({key}) IN ({wanted}) ORDER BY {key} FOR UPDATE"
        values = tuple([value for row in piece for value in row])
        try:
            connection.exec_driver_sql(f"SELECT 1 FROM {table}{hint} {found}", values)  # noqa: S608
        except DBAPIError as error:
            if getattr(error.orig, "args", ())[:1] != (_NO_INDEX,):
                raise
            connection.exec_driver_sql(f"SELECT 1 FROM {table} {found}", values)  # noqa: S608


def _find(connection: sa.Connection, step: Find) -> list[Row]:
    quoted = connection.dialect.identifier_preparer
    key = ", ".join(quoted.quote_identifier(column.name) for column in step.table.primary_key.columns)
    match = ", ".join(map(quoted.quote_identifier, step.match))
    found: list[Row] = []
    for piece in _pieces(step.rows):
        wanted = f"WHERE ({match}) IN ({_listed(connection.dialect, len(step.match), len(piece))})"
        values = tuple([value for row in piece for value in row])
        sql = f"SELECT {key} FROM {quoted.format_table(step.table)} {wanted}"  # noqa: S608
        found.extend(map(tuple, connection.exec_driver_sql(sql, values)))
    return found


def _places(dialect: sa.Dialect, count: int) -> list[str]:
    """The marks of ``count`` parameters, given as a tuple."""
    match dialect.paramstyle:
        case "numeric_dollar":
            return [f"${number}" for number in range(1, count + 1)]
        case "qmark":
            return ["?"] * count
    return ["%s"] * count


def _listed(dialect: sa.Dialect, width: int, rows: int) -> str:
    """The marks of ``rows`` rows of parameters, for an IN."""
    marks = _places(dialect, width * rows)
    if width == 1:
        return ", ".join(marks)
    listed = ", ".join(f"({', '.join(marks[start : start + width])})" for start in range(0, len(marks), width))
    return f"VALUES {listed}" if dialect.name == "sqlite" else listed


def _release(connection: sa.Connection, step: Release) -> None:
    if any(step.table.c[column].foreign_keys for column in step.columns):
        _unchecked(connection, step)  # what comes last into the rows is checked again
    else:
        _exact(connection, step)


def _unchecked(connection: sa.Connection, step: Update | Delete) -> int | StillReferred | None:
    """As ``_exact``, with foreign keys that wait, or out of force: MariaDB and MySQL have none that wait."""
    if connection.dialect.name not in ("mysql", "mariadb"):
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")  # until this transaction ends
        return _exact(connection, step)
    try:
        connection.exec_driver_sql("SET SESSION foreign_key_checks = 0")
        return _exact(connection, step)
    finally:
        try:
            connection.exec_driver_sql("SET SESSION foreign_key_checks = 1")
        except BaseException:
            connection.invalidate()
            raise


def _exact(connection: sa.Connection, step: Update | Delete) -> int | StillReferred | None:
    columns = step.columns if isinstance(step, Update) else ()
    kind = "update" if isinstance(step, Update) else "delete"
    text = text_of(connection.dialect, step.table, kind, columns, step.match)
    is_tried = isinstance(step, Delete) and step.may_be_tried
    ends = connection.dialect.name == "postgresql" and is_tried  # an error ends the transaction, or its part
    for index, row in enumerate(step.rows):
        part = connection.begin_nested() if ends else None
        try:
            result = connection.exec_driver_sql(text.sql, text.given(row))
        except IntegrityError as error:
            if is_tried and _is_referred(error):
                if part is not None:
                    part.rollback()
                return StillReferred(index)
            raise
        if part is not None:
            part.commit()
        if result.rowcount != 1:
            return index
    return None


def _is_referred(error: IntegrityError) -> bool:
    """Whether a removal is refused as something refers to the row."""
    origin = error.orig
    if getattr(origin, "args", ())[:1] in _REFERRED or getattr(origin, "sqlstate", None) in ("23503", "23001"):
        return True
    return getattr(origin, "sqlite_errorname", None) in _SQLITE_REFERRED


def _position(connection: sa.Connection, step: Step, error: DBAPIError) -> int | None:
    """Which row it was: found by sending the rows one by one, in a transaction that is lost anyway."""
    if len(step.rows) == 1:
        return step.positions[0]
    if not isinstance(error, IntegrityError | DataError) or not isinstance(step, Insert):
        return None
    if connection.dialect.name == "postgresql":
        return None  # the transaction is over
    text = text_of(connection.dialect, step.table, "insert", step.columns, ())
    for index, row in enumerate(step.rows):
        try:
            connection.exec_driver_sql(text.sql, text.given(row))
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
