"""Rows asked for and decoded; what cannot be read is told as CorruptRecord, with all that can."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import isfinite
from operator import itemgetter
from typing import Any

import msgspec

from holdall.errors import CorruptRecord, HoldallError, QueryError
from holdall.query import AnyQuery, GroupPlan, Query, Schema, Value
from holdall.query.groups import beyond_floats
from holdall.store import Damaged, Row, Rows
from holdall.stores.sql.compile import Compiler, Statement
from holdall.stores.sql.decoding import DamagedRows
from holdall.stores.sql.errors import is_overflow

__all__ = ["UNREADABLE", "as_text", "decoded", "groups", "is_unreadable", "read"]

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
    if not is_unreadable(error):
        raise error
    return compiler.as_text(query)


def is_unreadable(error: Exception) -> bool:
    """Whether the driver could not read what the database gave."""
    cause = error.__cause__ if isinstance(error, QueryError) else error
    return type(cause) in _UNREADABLE_BY_DRIVER


async def groups(store: str, compiler: Compiler, query: AnyQuery, ask: Callable[[str, Value], Awaitable[Rows]]) -> Rows:
    """The rows of a query of groups, made by the database as far as that is exact. Raises LimitExceeded for sums
    beyond what their kind can hold.
    """
    plan, statement, is_selected = compiler.groups(query)
    if statement is None:
        return await _grouped_here(store, compiler, query, plan, ask)
    try:
        rows = await ask(statement.sql, statement.parameters)
    except UNREADABLE as error:
        cause = error.__cause__ if isinstance(error, HoldallError) else error
        if not is_overflow(cause):
            if type(cause) in _UNREADABLE_BY_DRIVER or isinstance(cause, ArithmeticError):
                return await _grouped_here(store, compiler, query, plan, ask)  # which tells the records it is about
            raise
        if compiler.dialect.family != "sqlite":
            raise beyond_floats() from error
        _, statement, is_selected = compiler.groups(query, is_wide=True)
        assert statement is not None
        rows = await ask(statement.sql, statement.parameters)
    named = msgspec.structs.replace(query, projection=plan.base_columns)
    try:
        return plan.finish(query, decoded(store, compiler, named, statement, rows), is_selected)
    except OverflowError:
        return await _grouped_here(store, compiler, query, plan, ask)
    except CorruptRecord as error:
        if any(type(value) is float and not isfinite(value) for row in rows for value in row):
            raise beyond_floats() from error
        raise


async def _grouped_here(
    store: str, compiler: Compiler, query: AnyQuery, plan: GroupPlan, ask: Callable[[str, Value], Awaitable[Rows]]
) -> Rows:
    """The rows of a query of groups, of the records that it is about."""
    paths = tuple(plan.paths) or tuple([(name,) for name in compiler.schema(query.collection).key])
    wanted: AnyQuery = Query(query.collection, query.condition, projection=paths)
    rows = await read(store, compiler, wanted, compiler.query(wanted), ask)
    places = {path: place for place, path in enumerate(paths)}
    return plan.finish(query, plan.group(rows, lambda path: itemgetter(places[path])))


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
            is_known = bool(parts) and not any(part is None or isinstance(part, Damaged) for part in parts)
            key = (parts[0] if len(parts) == 1 else parts) if is_known else None
            named = f"{query.collection} {key!r}" if is_known else query.collection
            reasons = "; ".join(f"{name} {value.reason}" for name, value in broken.items())
            return CorruptRecord(store, named, reasons, key=key, fields=tuple(broken), rows=rows)
    return CorruptRecord(store, query.collection, "the database gave what its driver cannot read")
