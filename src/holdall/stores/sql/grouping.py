"""Groups to SQL: the base columns of all groups, of which ``GroupPlan`` makes the rows of a query.

A database gives sums, counts and extremes, exact or refused; means are made in Python, and so are having, sort and
limit where a database would calculate otherwise, so that they are the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from sys import float_info
from typing import TypeAlias

import msgspec
import sqlalchemy as sa

from holdall.query import (
    Aggregate,
    AnyQuery,
    Compare,
    FieldSchema,
    Function,
    GroupPlan,
    Kind,
    Path,
    Row,
    SortKey,
    Value,
    nodes,
)
from holdall.query.groups import beyond_floats, timedelta_of
from holdall.stores.sql.codec import RowConvert
from holdall.stores.sql.columns import DECIMAL_COLLATION, Leaf, decimal_size
from holdall.stores.sql.decoding import row_decoder
from holdall.stores.sql.dialect import Dialect, Element
from holdall.stores.sql.joins import Operand, Scope
from holdall.stores.sql.keeping import EXACT_DIGITS, spelling_of
from holdall.stores.sql.named_choices import is_named
from holdall.stores.sql.sorting import directed
from holdall.stores.sql.spelling_sql import comparable, shown
from holdall.stores.sql.spellings import TEXTS

__all__ = ["Base", "GroupScope", "base_of", "is_cut_there", "is_grouped_there", "order_of_groups"]

FAMILIES = ("sqlite", "postgresql", "mysql")
_LOW = 0xFFFFFFFF
_TINY = 2.0**-64
_MOST_DIGITS = 65  # of a DECIMAL of MariaDB
_ADDED_DIGITS = _MOST_DIGITS - 22  # of values whose sum has room for 10**22 of them
_Finish: TypeAlias = Callable[[Value], Value]
_Merge: TypeAlias = Callable[[Value, Value], Value]


class Base(msgspec.Struct):
    """The columns of a statement that gives the base columns of groups, and what to do with the driver's rows."""

    columns: list[Element]
    group_by: list[Element]
    fields: list[FieldSchema]
    finishers: list[_Finish | None]
    pairs: list[tuple[int, _Merge]]  # columns that are made one with those after them

    def decoder(self, dialect: Dialect) -> RowConvert | None:
        """The function from the driver's rows to rows of base columns; None where nothing is to be done."""
        convert = row_decoder(self.fields, dialect)
        finishers = [(place, finish) for place, finish in enumerate(self.finishers) if finish is not None]
        if not finishers and not self.pairs:
            return convert

        def decode(rows: Iterable[Sequence[Value]]) -> list[Row]:
            found = list(map(tuple, rows)) if convert is None else convert(rows)
            return [_finished(row, finishers, self.pairs) for row in found]

        return decode


def is_grouped_there(plan: GroupPlan, scope: Scope, dialect: Dialect) -> bool:
    """Whether the database itself can make these groups: its columns keep the fields as Holdall spells them, or as
    what Holdall takes for text.
    """
    fields = [leaf.field for path in plan.paths for leaf in scope.operand(path).leaves]
    is_alike = all(spelling_of(field) is None or spelling_of(field) in TEXTS for field in fields)
    return dialect.family in FAMILIES and is_alike and not any(map(is_named, fields))


def base_of(plan: GroupPlan, scope: Scope, dialect: Dialect, is_wide: bool) -> Base:
    """The base columns; ``is_wide`` sums integers in two halves, for a database whose own sum has 64 bits."""
    base = Base([], [], [], [], [])
    for path in plan.by:
        operand = scope.operand(path)
        (column,) = operand.columns
        base.group_by.append(comparable(column, operand.leaves[0].field))
        read = shown(column, operand.leaves[0].field, dialect)
        _add(base, read, msgspec.structs.replace(operand.field, nullable=operand.nullable))
    for part in plan.base:
        operand_of = scope.operand(part.path) if part.path else None
        _add_aggregate(base, part, operand_of, dialect, is_wide)
    labels = [column.label(f"c{index}") for index, column in enumerate(base.columns)]
    base.columns = list(labels)
    return base


def is_cut_there(query: AnyQuery, plan: GroupPlan, dialect: Dialect) -> bool:
    """Whether the database can pick the groups, sort them and cut them: nothing that is made here decides."""
    grouping = query.grouping
    if grouping is None or not plan.by:
        return False
    asked = [node.path for node in nodes(grouping.having) if isinstance(node, Compare)]
    asked += [key.path for key in query.sort_keys]
    if not asked:
        return True
    known = {*plan.by, *[(one.name,) for one in grouping.aggregates if _is_exact_there(plan, one, dialect)]}
    return known.issuperset(asked)


def order_of_groups(query: AnyQuery, scope: GroupScope, dialect: Dialect) -> list[Element]:
    """The ORDER BY of groups that are cut there."""
    sorted_by = {key.path for key in query.sort_keys}
    keys = (*query.sort_keys, *[SortKey(path) for path in scope.plan.by if path not in sorted_by])
    return [clause for key in keys for clause in directed(scope.operand(key.path), key, dialect)]


def _is_exact_there(plan: GroupPlan, aggregate: Aggregate, dialect: Dialect) -> bool:
    kind = plan.kind(aggregate)
    match aggregate.function:
        case Function.SUM:
            return kind in (Kind.INT, Kind.TIMEDELTA) or (kind is Kind.FLOAT and dialect.family != "mysql")
        case Function.AVG:
            return kind is Kind.INT or (kind is Kind.FLOAT and dialect.family != "mysql")
    return True


class GroupScope:
    """The columns of groups, as conditions and sorts ask for those of a table."""

    def __init__(self, plan: GroupPlan, query: AnyQuery, scope: Scope, dialect: Dialect) -> None:
        self.plan = plan
        known = query.grouping.aggregates if query.grouping else ()
        self._aggregates: dict[Path, Aggregate] = {(one.name,): one for one in known}
        self._scope = scope
        self._dialect = dialect

    def operand(self, path: Path) -> Operand:
        """The expression of a column that is grouped by, or of an aggregate."""
        aggregate = self._aggregates.get(path)
        if aggregate is None:
            return self._scope.operand(path)
        field = self.plan.columns.field(aggregate.name)
        leaf = Leaf(field.name, field)
        element: Element = sa.func.count()
        if aggregate.path:
            of = self._scope.operand(aggregate.path)
            leaf, element = self._made(aggregate, of, leaf)
        return Operand(field, (leaf,), (element,), field.nullable)

    def _made(self, aggregate: Aggregate, of: Operand, leaf: Leaf) -> tuple[Leaf, Element]:
        (column,), field = of.columns, of.leaves[0].field
        match aggregate.function:
            case Function.COUNT:
                return leaf, _counted(of)
            case Function.COUNT_DISTINCT:
                return leaf, sa.func.count(sa.distinct(comparable(column, field)))
            case Function.SUM:
                return leaf, sa.func.sum(column)
            case Function.AVG:
                return leaf, _ratio(sa.cast(sa.func.sum(column), sa.Double()), sa.cast(_counted(of), sa.Double()))
        extreme = _extreme(aggregate.function, comparable(column, field, is_ordered=True), field, self._dialect)
        if field.kind is Kind.DECIMAL and self._dialect.family == "sqlite":
            extreme = sa.collate(extreme, DECIMAL_COLLATION)
        return Leaf(leaf.name, msgspec.structs.replace(field, name=leaf.name, nullable=True)), extreme


def _ratio(one: Element, other: Element) -> Element:
    return sa.type_coerce(one.op("/", precedence=8)(other), sa.Double())


def _counted(operand: Operand) -> Element:
    return sa.func.count(operand.columns[0]) if operand.nullable else sa.func.count()


def _add(base: Base, column: Element, field: FieldSchema, finish: _Finish | None = None) -> None:
    base.columns.append(column)
    base.fields.append(field)
    base.finishers.append(finish)


def _add_aggregate(base: Base, part: Aggregate, operand: Operand | None, dialect: Dialect, is_wide: bool) -> None:
    number = FieldSchema(part.name, Kind.INT)
    if operand is None:
        _add(base, sa.func.count(), number)
        return
    (column,), leaf = operand.columns, operand.leaves[0].field
    field = msgspec.structs.replace(leaf, nullable=True)
    match part.function:
        case Function.COUNT:
            _add(base, _counted(operand), number)
        case Function.COUNT_DISTINCT:
            _add(base, sa.func.count(sa.distinct(comparable(column, leaf))), number)
        case Function.SUM:
            _add_sum(base, column, field, dialect, is_wide)
        case _:
            ordered = comparable(column, leaf, is_ordered=True)
            _add(base, _extreme(part.function, ordered, field, dialect), field)


def _add_sum(base: Base, column: Element, field: FieldSchema, dialect: Dialect, is_wide: bool) -> None:
    plain = msgspec.structs.replace(field, kind=Kind.INT, digits=None, places=None)
    is_whole = field.kind in (Kind.INT, Kind.TIMEDELTA)
    if is_whole and is_wide:
        base.pairs.append((len(base.columns), lambda high, low: low + (high << 32)))
        _add(base, sa.func.sum(column.op(">>")(sa.literal_column("32"))), plain)
        _add(base, sa.func.sum(column.op("&")(sa.literal_column(str(_LOW)))), plain, _finish_of(field.kind, False))
    elif is_whole:
        is_decimal = dialect.family != "sqlite"
        kept = FieldSchema(field.name, Kind.DECIMAL, nullable=True) if is_decimal else plain
        _add(base, sa.func.sum(column), kept, _finish_of(field.kind, is_decimal))
    elif field.kind is Kind.DECIMAL and dialect.family == "sqlite" and _is_short(field) and not is_wide:
        _add_scaled(base, column, field, plain)
    elif field.kind is Kind.DECIMAL:
        total = sa.func.holdall_sum(column) if dialect.family == "sqlite" else sa.func.sum(column)
        digits, places = decimal_size(field)
        if dialect.family == "mysql" and digits > _ADDED_DIGITS:  # whose sums that are too large are the largest
            base.pairs.append((len(base.columns), _within_digits(10.0 ** (_MOST_DIGITS - places - 1))))
            size = sa.func.sum(sa.func.abs(column) + sa.literal_column("0e0"))
            _add(base, size, FieldSchema(field.name, Kind.FLOAT, nullable=True))
        _add(base, total, FieldSchema(field.name, Kind.DECIMAL, nullable=True))
    else:
        kept = FieldSchema(field.name, Kind.FLOAT, nullable=True)
        if dialect.family == "mysql":  # whose sums that are too large are 0
            base.pairs.append((len(base.columns), _within_floats))
            _add(base, sa.func.sum(sa.func.abs(column) * sa.literal_column(repr(_TINY))), kept)
        _add(base, sa.func.sum(column), kept)


def _is_short(field: FieldSchema) -> bool:
    return field.digits is not None and field.digits <= EXACT_DIGITS


def _add_scaled(base: Base, column: Element, field: FieldSchema, plain: FieldSchema) -> None:
    """The sum of decimals of few digits, kept as text, as whole numbers; values of more places are counted first."""
    places = field.places or 0
    scale: Element = sa.literal_column(f"1e{places}")
    number: Element = sa.cast(column, sa.Double())
    whole = sa.func.round(number * scale)
    base.pairs.append((len(base.columns), _if_none))
    _add(base, sa.func.sum(number != _ratio(whole, scale)), plain)
    _add(base, sa.func.sum(sa.cast(whole, sa.BigInteger())), plain, lambda total: Decimal(total).scaleb(-places))


def _if_none(number: int, total: Value) -> Value:
    if number:
        raise OverflowError("decimals with more places than are declared")
    return total


def _finish_of(kind: Kind, is_decimal: bool) -> _Finish | None:
    if kind is Kind.TIMEDELTA:
        return lambda total: timedelta_of(int(total))
    return int if is_decimal else None


def _within_digits(most: float) -> _Merge:
    def within(size: float, total: Value) -> Value:
        if size >= most:
            raise OverflowError("a sum of decimals has no room")
        return total

    return within


def _within_floats(size: float, total: float) -> float:
    if size >= float_info.max * _TINY:
        raise beyond_floats()
    return total


def _extreme(function: Function, column: Element, field: FieldSchema, dialect: Dialect) -> Element:
    is_min = function is Function.MIN
    if dialect.family == "postgresql":
        if field.kind is Kind.BOOL:
            return sa.func.bool_and(column) if is_min else sa.func.bool_or(column)
        if field.kind is Kind.UUID:
            text = sa.cast(column, sa.Text()).collate("C")
            return sa.cast(sa.func.min(text) if is_min else sa.func.max(text), column.type)
    return sa.func.min(column) if is_min else sa.func.max(column)


def _finished(row: Row, finishers: list[tuple[int, _Finish]], pairs: list[tuple[int, _Merge]]) -> Row:
    values = list(row)
    for place, merge in reversed(pairs):
        before = values.pop(place)
        if before is not None:
            values[place] = merge(before, values[place])
    for place, finish in finishers:
        place -= sum(pair < place for pair, _ in pairs)
        if values[place] is not None:
            values[place] = finish(values[place])
    return tuple(values)
