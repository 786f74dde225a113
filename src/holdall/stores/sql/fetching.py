"""Rows asked for and decoded; what cannot be read is told as CorruptRecord, with all that can."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from holdall.errors import CorruptRecord, HoldallError, QueryError
from holdall.query import AnyQuery, Schema
from holdall.store import Damaged, Row, Rows
from holdall.stores.sql.compile import Compiler, Statement
from holdall.stores.sql.decoding import DamagedRows

__all__ = ["UNREADABLE", "as_text", "decoded", "read"]

UNREADABLE = (HoldallError, ArithmeticError, TypeError, ValueError)
"""Errors by which rows may be known that a driver cannot read; see ``as_text``."""


_UNREADABLE_BY_DRIVER = (OverflowError, TypeError, ValueError)
"""What drivers raise for a value that Python cannot hold, such as a day before the year 1."""


async def read(
    store: str,
    compiler: Compiler,
    query: AnyQuery,
    statement: Statement,
    ask: Callable[[str, Any], Awaitable[Rows]],
) -> Rows:
    """The rows of a query, asked for once more as text where the driver cannot read them. Raises CorruptRecord."""
    try:
        rows = await ask(statement.sql, statement.parameters)
    except UNREADABLE as error:
        statement = as_text(compiler, query, error)
        rows = await ask(statement.sql, statement.parameters)
    return decoded(store, compiler, query, statement, rows)


def as_text(compiler: Compiler, query: AnyQuery, error: Exception) -> Statement:
    """The statement that asks for the rows as text, where the driver could not read them; else raises the error."""
    cause = error.__cause__ if isinstance(error, QueryError) else error
    if type(cause) not in _UNREADABLE_BY_DRIVER:
        raise error
    return compiler.as_text(query)


def decoded(store: str, compiler: Compiler, query: AnyQuery, statement: Statement, rows: Rows) -> Rows:
    """The rows as border values. Raises CorruptRecord."""
    if statement.decode is None:
        return rows
    try:
        return statement.decode(rows)
    except DamagedRows as error:
        raise _corrupt(store, compiler.schema(query.collection), query, error.rows) from error.__cause__


def _corrupt(store: str, schema: Schema, query: AnyQuery, rows: list[Row]) -> CorruptRecord:
    """The error for the first row that cannot be read."""
    names = [".".join(path) for path in query.projection] or [field.name for field in schema.stored]
    for row in rows:
        broken = {name: value for name, value in zip(names, row, strict=True) if isinstance(value, Damaged)}
        if broken:
            shown = dict(zip(names, row, strict=True))
            parts = tuple(shown.get(name) for name in schema.key)
            is_known = not any(part is None or isinstance(part, Damaged) for part in parts)
            key = (parts[0] if len(parts) == 1 else parts) if is_known else None
            named = f"{query.collection} {key!r}" if is_known else query.collection
            reasons = "; ".join(f"{name} {value.reason}" for name, value in broken.items())
            return CorruptRecord(store, named, reasons, key=key, fields=tuple(broken), rows=rows)
    return CorruptRecord(store, query.collection, "the database gave what its driver cannot read")
