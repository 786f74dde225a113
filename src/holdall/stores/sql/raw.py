"""Statements as users write them: text with named parameters, or SQLAlchemy Core, made ready for a driver."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy import exc

from holdall.errors import QueryError
from holdall.query import FieldSchema, Kind, Value, did_you_mean
from holdall.store import Answer, Row
from holdall.stores.sql._plans import Plans
from holdall.stores.sql.codec import comparand
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.raw_bounds import demand_bounded

__all__ = ["RawCompiler", "RawStatement"]

_COMMENTS = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/|\()*", re.DOTALL)
_READING = re.compile(r"(?:SELECT|VALUES|TABLE|SHOW|DESCRIBE|DESC|EXPLAIN|WITH|PRAGMA)\b", re.IGNORECASE)
_WRITING = re.compile(r"\b(?:INSERT|UPDATE|DELETE|MERGE|REPLACE|INTO|LOCK|ANALYZE)\b", re.IGNORECASE)
_KINDS: dict[type, Kind] = {
    bool: Kind.BOOL,
    datetime: Kind.DATETIME,
    date: Kind.DATE,
    time: Kind.TIME,
    timedelta: Kind.TIMEDELTA,
    Decimal: Kind.DECIMAL,
    UUID: Kind.UUID,
    dict: Kind.JSON,
    list: Kind.JSON,
}

Convert = Callable[[Value], Value]


class RawStatement(msgspec.Struct, frozen=True, gc=False):
    """A statement in the driver's style. ``is_read`` if it surely writes nothing.

    ``converts`` are for the columns of an answer, None where a column stays as the driver gives it.
    """

    sql: str
    parameters: Value
    is_read: bool
    converts: tuple[Convert | None, ...] = ()

    def converted(self, answer: Answer) -> Answer:
        """The answer with values of the statement's own types."""
        if not self.converts or len(self.converts) != len(answer.columns):
            return answer
        rows: list[Row] = [
            tuple(
                [
                    v if convert is None or v is None else convert(v)
                    for convert, v in zip(self.converts, row, strict=True)
                ]
            )
            for row in answer.rows
        ]
        return Answer(answer.columns, rows, answer.affected)


class _Text(msgspec.Struct, frozen=True):
    sql: str
    names: tuple[str, ...]
    takes_names: bool
    is_read: bool
    needed: frozenset[str]

    def given(self, parameters: Mapping[str, Value], dialect: Dialect) -> RawStatement:
        """The statement with these values. Raises QueryError for parameters that do not fit."""
        if parameters.keys() != self.needed:
            raise QueryError(_misfit(parameters, self.names))
        if self.takes_names:
            named = {name: _encoded(value, dialect) for name, value in parameters.items()}
            return RawStatement(self.sql, named, self.is_read)
        values = [parameters[name] for name in self.names]
        return RawStatement(self.sql, tuple([_encoded(value, dialect) for value in values]), self.is_read)


class RawCompiler:
    """Makes the statements of one store ready; text is compiled once."""

    def __init__(self) -> None:
        self._texts: Plans[_Text] = Plans(1000)

    def statement(self, dialect: Dialect, statement: object, parameters: Mapping[str, Value]) -> RawStatement:
        """The statement with its values. Raises QueryError for what is none, and for parameters that do not fit."""
        if isinstance(statement, str):
            return self._of_text(dialect, statement, parameters)
        if isinstance(statement, sa.TextClause):
            return self._of_text(dialect, statement.text, parameters)
        if isinstance(statement, sa.Executable) and isinstance(statement, sa.ClauseElement):
            return _of_core(dialect, statement, parameters)
        given = type(statement).__name__
        raise QueryError(f"sql() takes text with :names, or a statement of SQLAlchemy Core, not {given}")

    def _of_text(self, dialect: Dialect, sql: str, parameters: Mapping[str, Value]) -> RawStatement:
        text = self._texts.get((dialect.family, sql))
        if text is None or tuple in map(type, parameters.values()):
            return self._of_lists(dialect, sql, parameters)
        return text.given(parameters, dialect)

    def _of_lists(self, dialect: Dialect, sql: str, parameters: Mapping[str, Value]) -> RawStatement:
        """The same for a text that is new, or of which some parameters stand for several values."""
        lists = {name: len(value) for name, value in parameters.items() if type(value) is tuple}
        key = (dialect.family, sql, *lists.items())
        text = self._texts.get(key)
        if text is None:
            text = _compiled(dialect, sql, lists)
            self._texts.put(key, text)
        given = dict(parameters)
        for name, length in lists.items():
            values = given.pop(name)
            given |= {f"{name}_{place + 1}": values[place] for place in range(length)}
        return text.given(given, dialect)


def _compiled(dialect: Dialect, sql: str, lists: Mapping[str, int]) -> _Text:
    if not _COMMENTS.sub("", sql, count=1).strip():
        raise QueryError("the statement is empty")
    demand_bounded(sql)
    clause = sa.text(sql)
    for name, length in lists.items():
        with suppress(exc.ArgumentError):  # one that the text does not take is told with the others
            clause = clause.bindparams(sa.bindparam(name, value=[None] * length, expanding=True))
    compiled = clause.compile(dialect=dialect.sqlalchemy, compile_kwargs={"render_postcompile": True})
    names = getattr(compiled, "positiontup", None)
    bound = tuple(compiled.params) if names is None else tuple(names)
    text = _without_percents(str(compiled), dialect, bound)
    return _Text(text, bound, names is None, _is_read(sql), frozenset(bound))


def _of_core(dialect: Dialect, statement: sa.ClauseElement, parameters: Mapping[str, Value]) -> RawStatement:
    try:
        compiled: Value = statement.compile(dialect=dialect.sqlalchemy, compile_kwargs={"render_postcompile": True})
        if parameters.keys() - compiled.binds.keys():
            unknown = min(parameters.keys() - compiled.binds.keys())
            raise QueryError(f"the statement takes no parameter {unknown!r}{did_you_mean(unknown, compiled.binds)}")
        values = compiled.construct_params(dict(parameters) or None)
    except exc.SQLAlchemyError as error:
        raise QueryError(f"the statement cannot be written for this database: {type(error).__name__}") from error
    names = getattr(compiled, "positiontup", None)
    bound = tuple(values) if names is None else tuple(names)
    encoded = {name: _bound(values[name], _bind_of(compiled, name), dialect) for name in bound}
    is_read = bool(getattr(statement, "is_select", False)) and _is_read(str(compiled))
    columns: Sequence[Value] = tuple(getattr(statement, "exported_columns", ()))
    converts = tuple([_result(column.type, dialect) for column in columns])
    given = encoded if names is None else tuple([encoded[name] for name in bound])
    return RawStatement(_without_percents(str(compiled), dialect, bound), given, is_read, converts)


def _bind_of(compiled: Value, name: str) -> Value:
    """The parameter of this name, or the one that became several of which this is one."""
    own = compiled.binds.get(name)
    return compiled.binds.get(name.rpartition("_")[0]) if own is None else own


def _bound(value: Value, bind: Value, dialect: Dialect) -> Value:
    """A value as its parameter's type has it, or else its own."""
    convert = None if bind is None else bind.type.dialect_impl(dialect.sqlalchemy).bind_processor(dialect.sqlalchemy)
    return _encoded(value, dialect) if convert is None else convert(value)


def _result(type_: Value, dialect: Dialect) -> Convert | None:
    found: Convert | None = type_.dialect_impl(dialect.sqlalchemy).result_processor(dialect.sqlalchemy, None)
    return found


def _without_percents(sql: str, dialect: Dialect, bound: Sequence[str]) -> str:
    """The text for a driver that is given no parameters, and then takes a % as it is."""
    is_doubled = dialect.sqlalchemy.paramstyle in ("format", "pyformat")
    return sql.replace("%%", "%") if is_doubled and not bound else sql


def _encoded(value: Value, dialect: Dialect) -> Value:
    """A value as a field of its type keeps it; a list stays an array where the database has them."""
    kind = _KINDS.get(type(value))
    if kind is None or (kind is Kind.JSON and type(value) is list and dialect.family == "postgresql"):
        return value
    try:
        convert = comparand(FieldSchema("value", kind), dialect)
        return value if convert is None else convert(value)
    except ValueError as error:
        raise QueryError(str(error)) from error


def _is_read(sql: str) -> bool:
    """Whether a text surely writes nothing; of what is not certain it is taken to write."""
    found = _COMMENTS.match(sql)
    start = 0 if found is None else found.end()
    if _READING.match(sql, start) is None:
        return False
    return _WRITING.search(sql, start) is None


def _misfit(given: Mapping[str, object], names: Sequence[str]) -> str:
    missing = sorted(set(names) - given.keys())
    if missing:
        return f"the statement takes a parameter {missing[0]!r} that was not given"
    (unknown, *_) = sorted(given.keys() - set(names))
    return f"the statement takes no parameter {unknown!r}{did_you_mean(unknown, sorted(names))}"
