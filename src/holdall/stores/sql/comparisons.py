"""One comparison to SQL, for an operand that is not missing; in the words of each dialect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from holdall.query import Compare, Key, Kind, Op, Value
from holdall.stores.sql import _values as values
from holdall.stores.sql.binding import Binding
from holdall.stores.sql.codec import Convert, comparand
from holdall.stores.sql.columns import Leaf
from holdall.stores.sql.dialect import Dialect, Element
from holdall.stores.sql.documents import JsonComparisons
from holdall.stores.sql.foreign_values import members_as_listed
from holdall.stores.sql.joins import Operand
from holdall.stores.sql.keeping import KeptField, spelling_of
from holdall.stores.sql.shape import bucket
from holdall.stores.sql.spelling_sql import CastType, comparable, operand_type, searched
from holdall.stores.sql.spellings import Spelling
from holdall.stores.sql.text import TextComparisons

__all__ = ["Comparisons"]

Clause = sa.ColumnElement[bool]


class Comparisons:
    """Compiles the comparisons of one statement."""

    def __init__(self, dialect: Dialect, binding: Binding) -> None:
        self.dialect = self._dialect = dialect
        self._binding = binding
        self._text = TextComparisons(dialect, binding)
        self._json = JsonComparisons(dialect, binding)

    @property
    def family(self) -> str:
        """The family of SQL that is written."""
        return self._dialect.family

    def compile(self, operand: Operand, node: Compare, index: int) -> Clause:
        """SQL that is TRUE where the comparison holds, FALSE or NULL elsewhere, NULL only for a missing operand."""
        match node.op:
            case Op.EQ:
                return self.equals(operand, index)
            case Op.NE:
                return sa.not_(self.equals(operand, index))
            case Op.IN:
                return self._in(operand, index, node.value)
            case Op.NOT_IN:
                return sa.not_(self._in(operand, index, node.value))
            case Op.LT | Op.LE | Op.GT | Op.GE:
                return self.ordered(operand, node.op, index)
            case Op.BETWEEN:
                leaf, column = operand.leaves[0], _ordered(operand)
                # Not BETWEEN: MariaDB takes it for = where the bounds are alike in the connection's collation.
                low, high = (self._scalar(leaf, index, (place,), is_ordered=True) for place in (0, 1))
                return sa.and_(column >= low, column <= high)
        is_start = node.op is Op.STARTSWITH
        column = _ordered(operand) if is_start else searched(operand.columns[0], operand.leaves[0].field)
        return self._text.compile(column, node.op, index)

    def equals(self, operand: Operand, index: int) -> Clause:
        """That the operand is the value at this place; for a composite reference, part by part."""
        if operand.field.kind is Kind.JSON:
            return self._json.equals(_compared(operand)[0], index, _listed(operand))
        pairs = zip(_compared(operand), operand.leaves, strict=True)
        return sa.and_(*(column == self._scalar(leaf, index, leaf.steps) for column, leaf in pairs))

    def ordered(self, operand: Operand, op: Op, index: int) -> Clause:
        """That the operand comes before or after the value at this place."""
        column, value = _ordered(operand), self._scalar(operand.leaves[0], index, is_ordered=True)
        match op:
            case Op.LT:
                return column < value
            case Op.LE:
                return column <= value
            case Op.GT:
                return column > value
        return column >= value

    def value(self, leaf: Leaf, index: int) -> Element:
        """The scalar value at this place, as it comes before or after what is in the leaf's column."""
        return self._scalar(leaf, index, is_ordered=True)

    def _scalar(self, leaf: Leaf, index: int, steps: tuple[int, ...] = (), *, is_ordered: bool = False) -> Element:
        convert = _stepping(steps, comparand(leaf.field, self._dialect, is_ordered=is_ordered))
        return self._typed(leaf, index, convert, is_ordered=is_ordered)

    def _typed(self, leaf: Leaf, index: int, convert: Convert | None, *, is_ordered: bool = False) -> Element:
        kind = operand_type(leaf.field, self._dialect, is_ordered=is_ordered)
        if isinstance(kind, CastType):
            return sa.cast(self._binding.parameter(index, kind.carrier, convert), kind)
        parameter = self._binding.parameter(index, kind, convert)
        if leaf.kind is Kind.DECIMAL and self._dialect.family == "mysql":
            return sa.cast(parameter, mysql.DECIMAL(65, 30))  # a bare text would be compared as a float
        return parameter

    def _in(self, operand: Operand, index: int, wanted: Sequence[Key]) -> Clause:
        if operand.field.kind is Kind.JSON:
            return self._json.one_of(_compared(operand)[0], index, len(wanted), _listed(operand))
        if len(wanted) == 1:
            pairs = zip(_compared(operand), operand.leaves, strict=True)
            return sa.and_(*(column == self._item(leaf, index, 0) for column, leaf in pairs))
        match self._dialect.family:
            case "sqlite":
                return self._in_sqlite(operand, index)
            case "postgresql":
                return self._in_postgresql(operand, index)
        return self._in_expanded(operand, index, len(wanted))

    def _in_sqlite(self, operand: Operand, index: int) -> Clause:
        parameter = self._binding.parameter(index, sa.Text(), _json_list(operand, self._dialect))
        item = sa.func.json_each(parameter).table_valued("value").alias(f"list{index}").c.value
        if len(operand.leaves) == 1:
            return _compared(operand)[0].in_(sa.select(_uncarried(item, operand.leaves[0])))
        parts = [
            _uncarried(sa.func.json_extract(item, sa.literal_column(f"'$[{place}]'")), leaf)
            for place, leaf in enumerate(operand.leaves)
        ]
        return sa.tuple_(*_compared(operand)).in_(sa.select(*parts))

    def _in_postgresql(self, operand: Operand, index: int) -> Clause:
        arrays = [self._array(leaf, index) for leaf in operand.leaves]
        if len(arrays) == 1:
            return _compared(operand)[0] == sa.any_(arrays[0])
        rows = sa.func.unnest(*arrays).table_valued(*(f"part{place}" for place in range(len(arrays))))
        return sa.tuple_(*_compared(operand)).in_(sa.select(*rows.render_derived(name=f"list{index}").c))

    def _array(self, leaf: Leaf, index: int) -> Element:
        kind = operand_type(leaf.field, self._dialect)
        each = _each(_stepping(leaf.steps, comparand(leaf.field, self._dialect)))
        if isinstance(kind, CastType):
            return sa.cast(self._binding.parameter(index, sa.ARRAY(kind.carrier), each), sa.ARRAY(kind))
        return self._binding.parameter(index, sa.ARRAY(kind), each)

    def _in_expanded(self, operand: Operand, index: int, length: int) -> Clause:
        rows = [[self._item(leaf, index, place) for leaf in operand.leaves] for place in range(bucket(length))]
        if len(operand.leaves) == 1:
            return _compared(operand)[0].in_([row[0] for row in rows])
        return sa.tuple_(*_compared(operand)).in_([sa.tuple_(*row) for row in rows])

    def _item(self, leaf: Leaf, index: int, place: int) -> Element:
        convert = _stepping(leaf.steps, comparand(leaf.field, self._dialect))
        return self._typed(leaf, index, _nth(place, convert))


def _compared(operand: Operand) -> list[Element]:
    return [comparable(column, leaf.field) for column, leaf in zip(operand.columns, operand.leaves, strict=True)]


def _listed(operand: Operand) -> Convert | None:
    """The function that makes of a JSON value what is compared with the column; None where that is the value itself."""
    field = operand.leaves[0].field
    if spelling_of(field) is not Spelling.MEMBERS or not isinstance(field, KeptField):
        return None
    return members_as_listed(field.labels)


def _ordered(operand: Operand) -> Element:
    return comparable(operand.columns[0], operand.leaves[0].field, is_ordered=True)


def _stepping(steps: tuple[int, ...], convert: Convert | None) -> Convert | None:
    if not steps:
        return convert

    def step(value: Value) -> Any:
        for place in steps:
            value = value[place]
        return value if convert is None else convert(value)

    return step


def _nth(place: int, convert: Convert | None) -> Convert:
    def pick(items: Sequence[Value]) -> Any:
        item = items[min(place, len(items) - 1)]  # a shorter list repeats its last value
        return item if convert is None else convert(item)

    return pick


def _each(convert: Convert | None) -> Convert:
    return list if convert is None else lambda items: [convert(item) for item in items]


def _json_list(operand: Operand, dialect: Dialect) -> Convert:
    """A function from the values of a list to the JSON text that carries them into SQLite."""
    converts = [_stepping(leaf.steps, _carried(leaf, dialect)) for leaf in operand.leaves]
    if len(converts) > 1:
        return lambda items: values.json_to_text(
            [[item if to is None else to(item) for to in converts] for item in items]
        )
    single = converts[0]
    if single is None:
        return values.json_to_text
    return lambda items: values.json_to_text([single(item) for item in items])


def _carried(leaf: Leaf, dialect: Dialect) -> Convert | None:
    return bytes.hex if leaf.kind is Kind.BYTES else comparand(leaf.field, dialect)


def _uncarried(item: Element, leaf: Leaf) -> Element:
    return sa.func.unhex(item) if leaf.kind is Kind.BYTES else item
