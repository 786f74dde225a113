"""Queries to statements: text compiled once per query shape, parameters encoded anew each time."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, TypeAlias

import msgspec
import sqlalchemy as sa

from holdall.errors import QueryError
from holdall.query import (
    And,
    AnyQuery,
    FieldSchema,
    GroupPlan,
    Kind,
    Schema,
    Shape,
    Sizes,
    Value,
    check,
    condition_shape,
    split,
)
from holdall.query.columns import grouping_of
from holdall.query.ordering import is_ordered
from holdall.store import LockMode
from holdall.stores.sql._plans import Plans, plans_of
from holdall.stores.sql.binding import Binding, NeedsRewrite, Slot
from holdall.stores.sql.codec import RowConvert
from holdall.stores.sql.comparisons import Comparisons
from holdall.stores.sql.conditions import Conditions
from holdall.stores.sql.decoding import row_decoder
from holdall.stores.sql.dialect import Dialect, Element
from holdall.stores.sql.gather import many_columns
from holdall.stores.sql.grouping import GroupScope, base_of, is_cut_there, is_grouped_there, order_of_groups
from holdall.stores.sql.isolation import locking
from holdall.stores.sql.joins import Scope
from holdall.stores.sql.row_limits import limited
from holdall.stores.sql.shape import bucket, some
from holdall.stores.sql.sorting import after_position, order_by
from holdall.stores.sql.spelling_sql import shown
from holdall.stores.sql.statements import statement_slots
from holdall.stores.sql.tables import Tables
from holdall.stores.sql.text_edges import without_edges

__all__ = ["Compiler", "Parameters", "Plan", "Statement", "Walk"]

Parameters: TypeAlias = tuple[Any, ...] | dict[str, Any]
Walk: TypeAlias = Callable[[AnyQuery, Sizes], tuple[Shape, list[Value]]]

_REMEMBERED = 1000


class Statement(msgspec.Struct, frozen=True, gc=False):
    """SQL with its parameters in the driver's style, and what to do with the driver's rows; None: nothing."""

    sql: str
    parameters: Parameters
    decode: RowConvert | None = None


class Plan(msgspec.Struct, frozen=True):
    """The compiled text of all queries of one shape."""

    sql: str
    slots: tuple[Slot, ...]
    tests: tuple[tuple[int, Callable[[Any], bool]], ...]  # what the values of a later query must pass
    names: tuple[str, ...] | None  # where the driver takes parameters by name
    decode: RowConvert | None
    has_constants: bool = False
    straight: int = -1  # how many values of a query are the parameters as they are, all of them and in this order


class Compiler:
    """Compiles the queries of one store, after ``demand`` has let their shape pass.

    ``tables`` may be bound to more collections at any time. Stores that have the same tables, and demand the same as
    their ``limits`` are equal, share what is compiled.
    """

    def __init__(
        self, tables: Tables, demand: Callable[[AnyQuery], None] | None = None, limits: Hashable = None
    ) -> None:
        self._tables = tables
        self._limits = limits
        self._dialect = tables.dialect
        self._demand = demand
        self._sizes: Callable[[int], int] = some if self._dialect.family in ("sqlite", "postgresql") else bucket
        self._plans: Plans[Plan] = Plans(_REMEMBERED)
        self._group_plans: Plans[tuple[GroupPlan, bool]] = Plans(_REMEMBERED)
        self._generation = -1

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
        self._generation = -1
        self._group_plans.clear()

    def query(self, query: AnyQuery) -> Statement:
        """The statement whose decoded rows are what the query means.

        Raises what ``check`` and the store's demands raise: fully for a new shape, of the values for a known one.
        """
        return self.compiled(query, split, self._select)

    def as_text(self, query: AnyQuery) -> Statement:
        """The same statement with dates and times as text, for values that the driver cannot read."""
        return self.compiled(query, partial(_split_as, "as text"), partial(self._select, as_text=True))

    def locked(self, query: AnyQuery, lock: LockMode) -> Statement:
        """The same statement, which locks the records that it gives."""
        return self.compiled(query, partial(_split_as, lock.value), partial(self._select, lock=lock))

    def count(self, query: AnyQuery) -> Statement:
        """The statement whose one row holds the number of rows the query's condition means."""
        return self.compiled(query, condition_shape, self._count)

    def plan_of(self, query: AnyQuery, *, is_count: bool) -> Plan | None:
        """The plan of a query, or of counting its records; None where it was let go of. Raises as ``query`` does."""
        (self.count if is_count else self.query)(query)
        return self._plans.get((condition_shape if is_count else split)(query, self._sizes)[0])

    def groups(self, query: AnyQuery, is_wide: bool = False) -> tuple[GroupPlan, Statement | None, bool]:
        """The plan of a query of groups, the statement for its base columns, None where the rows must be read, and
        whether that gives just the groups that are meant, in order.

        ``is_wide`` asks for sums of integers beyond 64 bits.
        """
        plan, is_there = self._group_plan(query)
        is_cut = is_there and not is_wide and is_cut_there(query, plan, self._dialect)
        is_whole = grouping_of(query).having == And(())
        if not is_there or not (is_cut or is_whole):  # a known statement is checked by the values in it alone
            self._check(query)
        if not is_there:
            return plan, None, False
        is_cut = is_cut or (is_whole and not query.sort_keys and query.max_rows is None and not query.skip)
        walk = partial(_split_as, "wide groups" if is_wide else "groups")
        return plan, self.compiled(query, walk, partial(self._grouped, is_wide=is_wide)), is_cut

    def _group_plan(self, query: AnyQuery) -> tuple[GroupPlan, bool]:
        grouping = grouping_of(query)
        key = (self._tables.generation, query.collection, grouping.by, grouping.aggregates)
        found = self._group_plans.get(key)
        if found is None:
            self._check(query)
            plan = GroupPlan(query, self._tables.schemas)
            scope = Scope(self._tables, query.collection, [0])
            found = plan, is_grouped_there(plan, scope, self._dialect)
            self._group_plans.put(key, found)
        return found

    def _grouped(self, query: AnyQuery, is_wide: bool) -> Plan:
        scope, binding = Scope(self._tables, query.collection, [0]), Binding()
        conditions = Conditions(Comparisons(self._dialect, binding), binding)
        where = [conditions.compile(query.condition, scope)] if query.condition != And(()) else []
        plan = self._group_plan(query)[0]
        base = base_of(plan, scope, self._dialect, is_wide)
        is_cut = not is_wide and is_cut_there(query, plan, self._dialect)
        groups, having, order = GroupScope(plan, query, scope, self._dialect), list[Element](), list[Element]()
        if is_cut and grouping_of(query).having != And(()):
            having.append(conditions.compile(grouping_of(query).having, groups))
        if is_cut and is_ordered(query):
            order = order_of_groups(query, groups, self._dialect)
        select = sa.select(*base.columns).select_from(scope.source).where(*where).group_by(*base.group_by)
        if is_cut:
            select = limited(select.having(*having).order_by(*order), query, binding, self._dialect)
        return self.plan(select, binding, base.decoder(self._dialect))

    def compiled(self, query: AnyQuery, walk: Walk, build: Callable[[AnyQuery], Plan]) -> Statement:
        """The statement of a query, built where there is no plan for the shape that ``walk`` gives."""
        if self._generation != self._tables.generation:
            self._plans = plans_of(self._tables.signature(), self._limits, _REMEMBERED)
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
            if plan.has_constants:
                values.append(None)  # in whose place they stand
            if len(values) != plan.straight:
                values = [values[i] if convert is None else convert(values[i]) for i, convert in plan.slots]
        except NeedsRewrite:
            return self.compiled(without_edges(query), walk, build)
        except ValueError as error:
            raise QueryError(str(error)) from error
        named = tuple(values) if plan.names is None else dict(zip(plan.names, values, strict=True))
        return Statement(plan.sql, named, plan.decode)

    def _check(self, query: AnyQuery) -> None:
        check(query, self._tables.schemas)
        if self._demand is not None:
            self._demand(query)

    def _select(self, query: AnyQuery, as_text: bool = False, lock: LockMode | None = None) -> Plan:
        scope, binding = Scope(self._tables, query.collection, [0]), Binding()
        comparisons = Comparisons(self._dialect, binding)
        where = [Conditions(comparisons, binding).compile(query.condition, scope)] if query.condition != And(()) else []
        if query.position is not None:
            where.append(after_position(query, scope, comparisons, binding, self._dialect))
        columns, fields = self._columns(query, scope)
        if as_text:
            columns = [sa.cast(column, sa.Text()) if _is_temporal(column) else column for column in columns]
        order = order_by(query, scope, self._dialect)
        select: sa.Select[Any] = sa.select(*columns).select_from(scope.source).where(*where).order_by(*order)
        select = limited(select, query, binding, self._dialect)
        if lock is not None:
            select = locking(select, scope.root, lock)
        return self.plan(select, binding, row_decoder(fields, self._dialect, as_text=as_text))

    def _count(self, query: AnyQuery) -> Plan:
        scope, binding = Scope(self._tables, query.collection, [0]), Binding()
        conditions = Conditions(Comparisons(self._dialect, binding), binding)
        where = [conditions.compile(query.condition, scope)] if query.condition != And(()) else []
        select = sa.select(sa.func.count()).select_from(scope.source).where(*where)
        return self.plan(select, binding, None)

    def _columns(self, query: AnyQuery, scope: Scope) -> tuple[list[Element], list[FieldSchema]]:
        stored = scope.record(())[0].schema.stored
        columns: list[Element] = []
        fields: list[FieldSchema] = []
        for path in query.projection or [(field.name,) for field in stored]:
            if scope.field(path).kind is Kind.MANY:
                columns.extend(many_columns(scope, path[-1], self._dialect))
                fields.append(scope.field(path))
            else:
                operand = scope.operand(path)
                columns.extend(
                    shown(column, leaf.field, self._dialect)
                    for column, leaf in zip(operand.columns, operand.leaves, strict=True)
                )
                fields.append(msgspec.structs.replace(operand.field, nullable=operand.nullable))
        return columns, fields

    def plan(self, select: sa.Select[Any] | sa.Update | sa.Delete, binding: Binding, decode: RowConvert | None) -> Plan:
        """The text of a statement, and where its parameters come from."""
        embedded = bool(binding.statements)
        compiled: Any = select.compile(
            dialect=self._dialect.sqlalchemy, compile_kwargs={"render_postcompile": True} if embedded else {}
        )
        others = statement_slots(compiled, binding) if embedded else {}
        names = getattr(compiled, "positiontup", None)
        bound = tuple(compiled.bind_names.values()) if names is None else tuple(names)
        slots = tuple(binding.slot(name) or others.get(name) or _constant(compiled.params[name]) for name in bound)
        has_constants = any(place < 0 for place, _ in slots)
        by_name = bound if names is None else None
        straight = len(slots) if all(slot == (place, None) for place, slot in enumerate(slots)) else -1
        return Plan(str(compiled), slots, tuple(binding.tests), by_name, decode, has_constants, straight)


def _split_as(way: str, query: AnyQuery, sizes: Sizes) -> tuple[Shape, list[Value]]:
    shape, values = split(query, sizes)
    return (way, shape), values


def _is_temporal(column: Element) -> bool:
    return isinstance(column.type, sa.DateTime | sa.Date | sa.Time)


def _constant(value: object) -> Slot:
    """For what formulas hold, and what SQLAlchemy adds of its own: made of no value of the query."""
    return -1, lambda _: value
