"""Queries to statements: text compiled once per query shape, parameters encoded anew each time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import msgspec
import sqlalchemy as sa

from holdall.errors import QueryError
from holdall.query import (
    And,
    AnyQuery,
    Compare,
    Condition,
    FieldSchema,
    Kind,
    Op,
    Query,
    Schema,
    Shape,
    Sizes,
    check,
    condition_shape,
    split,
)
from holdall.query.walk import replace
from holdall.stores.sql._plans import Plans
from holdall.stores.sql.binding import Binding, NeedsRewrite, Slot
from holdall.stores.sql.codec import RowConvert
from holdall.stores.sql.comparisons import Comparisons
from holdall.stores.sql.conditions import Conditions
from holdall.stores.sql.decoding import row_decoder
from holdall.stores.sql.dialect import Dialect, Element
from holdall.stores.sql.gather import many_columns
from holdall.stores.sql.joins import Scope
from holdall.stores.sql.shape import bucket, some
from holdall.stores.sql.sorting import after_position, order_by
from holdall.stores.sql.tables import Tables

__all__ = ["Compiler", "Parameters", "Statement"]

Parameters: TypeAlias = tuple[Any, ...] | dict[str, Any]
_Walk: TypeAlias = Callable[[Query[Any], Sizes], tuple[Shape, list[Any]]]


class Statement(msgspec.Struct, frozen=True, gc=False):
    """SQL with its parameters in the driver's style, and what to do with the driver's rows; None: nothing."""

    sql: str
    parameters: Parameters
    decode: RowConvert | None = None


class _Plan(msgspec.Struct, frozen=True):
    sql: str
    slots: tuple[Slot, ...]
    tests: tuple[tuple[int, Callable[[Any], bool]], ...]  # what the values of a later query must pass
    names: tuple[str, ...] | None  # where the driver takes parameters by name
    decode: RowConvert | None


class Compiler:
    """Compiles the queries of one store, after ``demand`` has let their shape pass.

    ``tables`` may be bound to more collections at any time.
    """

    def __init__(self, tables: Tables, demand: Callable[[AnyQuery], None] | None = None, remember: int = 1000) -> None:
        self._tables = tables
        self._dialect = tables.dialect
        self._demand = demand
        self._sizes: Callable[[int], int] = some if self._dialect.family in ("sqlite", "postgresql") else bucket
        self._plans: Plans[_Plan] = Plans(remember)
        self._generation = tables.generation

    @property
    def dialect(self) -> Dialect:
        """The dialect statements are written in."""
        return self._dialect

    def schema(self, collection: str) -> Schema:
        """The bound collection of this name."""
        return self._tables.schemas[collection]

    def adapt(self, dialect: Dialect) -> None:
        """Write for this dialect from now on, for instance after the server was asked what it knows."""
        self._dialect = dialect
        self._plans.clear()

    def query(self, query: AnyQuery) -> Statement:
        """The statement whose decoded rows are what the query means.

        Raises what ``check`` and the store's demands raise: fully for a new shape, of the values for a known one.
        """
        return self._statement(query, split, self._select)

    def as_text(self, query: AnyQuery) -> Statement:
        """The same statement with dates and times as text, for values that the driver cannot read."""
        return self._statement(query, _split_as_text, partial(self._select, as_text=True))

    def count(self, query: AnyQuery) -> Statement:
        """The statement whose one row holds the number of rows the query's condition means."""
        return self._statement(query, condition_shape, self._count)

    def _statement(self, query: AnyQuery, walk: _Walk, build: Callable[[AnyQuery], _Plan]) -> Statement:
        if self._generation != self._tables.generation:
            self._plans.clear()
            self._generation = self._tables.generation
        try:
            shape, values = walk(query, self._sizes)
            plan = self._plans.get(shape)
        except (TypeError, RecursionError):
            self._check(query)  # it says in words what cannot even be walked
            raise
        if plan is None:
            self._check(query)
            plan = build(query)
            self._plans.put(shape, plan)
        else:
            for index, test in plan.tests:
                if not test(values[index]):
                    self._check(query)
        try:
            parameters = tuple([values[i] if convert is None else convert(values[i]) for i, convert in plan.slots])
        except NeedsRewrite:
            return self._statement(_without_edges(query), walk, build)
        except ValueError as error:
            raise QueryError(str(error)) from error
        if plan.names is not None:
            return Statement(plan.sql, dict(zip(plan.names, parameters, strict=True)), plan.decode)
        return Statement(plan.sql, parameters, plan.decode)

    def _check(self, query: AnyQuery) -> None:
        check(query, self._tables.schemas)
        if self._demand is not None:
            self._demand(query)

    def _select(self, query: AnyQuery, as_text: bool = False) -> _Plan:
        scope, binding = Scope(self._tables, query.collection, [0]), Binding()
        comparisons = Comparisons(self._dialect, binding)
        where = [Conditions(comparisons, binding).compile(query.condition, scope)] if query.condition != And(()) else []
        if query.position is not None:
            where.append(after_position(query, scope, comparisons, binding, self._dialect))
        columns, fields = self._columns(query, scope)
        if as_text:
            columns = [
                sa.cast(column, sa.Text()).label(column.name) if _is_temporal(column) else column for column in columns
            ]
        order = order_by(query, scope, self._dialect)
        select = sa.select(*columns).select_from(scope.source).where(*where).order_by(*order)
        number = sa.BigInteger()
        if query.max_rows is not None:
            select = select.limit(binding.parameter(binding.take(), number))
        if query.skip > 0:
            select = select.offset(binding.parameter(binding.take(), number))
        return self._plan(select, binding, row_decoder(fields, self._dialect, as_text=as_text))

    def _count(self, query: AnyQuery) -> _Plan:
        scope, binding = Scope(self._tables, query.collection, [0]), Binding()
        conditions = Conditions(Comparisons(self._dialect, binding), binding)
        where = [conditions.compile(query.condition, scope)] if query.condition != And(()) else []
        select = sa.select(sa.func.count()).select_from(scope.source).where(*where)
        return self._plan(select, binding, None)

    def _columns(self, query: AnyQuery, scope: Scope) -> tuple[list[sa.Label[Any]], list[FieldSchema]]:
        stored = scope.record(())[0].schema.stored
        columns: list[Element] = []
        fields: list[FieldSchema] = []
        for path in query.projection or [(field.name,) for field in stored]:
            if scope.field(path).kind is Kind.MANY:
                columns.extend(many_columns(scope, path[-1], self._dialect))
                fields.append(scope.field(path))
            else:
                operand = scope.operand(path)
                columns.extend(operand.columns)
                fields.append(msgspec.structs.replace(operand.field, nullable=operand.nullable))
        return [column.label(f"c{index}") for index, column in enumerate(columns)], fields

    def _plan(self, select: sa.Select[Any], binding: Binding, decode: RowConvert | None) -> _Plan:
        compiled = select.compile(dialect=self._dialect.sqlalchemy)
        names = getattr(compiled, "positiontup", None)
        bound = tuple(compiled.bind_names.values()) if names is None else tuple(names)
        slots = tuple(binding.slot(name) or _constant(compiled.params[name]) for name in bound)
        return _Plan(str(compiled), slots, tuple(binding.tests), bound if names is None else None, decode)


def _split_as_text(query: AnyQuery, sizes: Sizes) -> tuple[Shape, list[Any]]:
    shape, values = split(query, sizes)
    return ("as text", shape), values


def _is_temporal(column: sa.Label[Any]) -> bool:
    return isinstance(column.type, sa.DateTime | sa.Date | sa.Time)


def _constant(value: object) -> Slot:
    """For what SQLAlchemy adds of its own, next to a limit or an offset: so there is a first value to take it from."""
    return 0, lambda _: value


def _without_edges(query: AnyQuery) -> AnyQuery:
    """The same query without texts that begin or end with nothing, or begin with the last of all characters."""
    return msgspec.structs.replace(query, condition=replace(query.condition, _plain))


def _plain(node: Condition) -> Condition:
    match node:
        case Compare(path, Op.STARTSWITH, value) if not value.strip("\U0010ffff"):
            return Compare(path, Op.GE, value)
        case Compare(path, Op.ENDSWITH, ""):
            return Compare(path, Op.IS_NULL, False)
    return node
