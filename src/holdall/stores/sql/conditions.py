"""Conditions to SQL that is TRUE exactly where ``evaluate`` says so.

SQL knows three truth values, conditions two. Each node is compiled for what is wanted of it, that it holds or that it
does not, and yields TRUE only then; what is unknown to SQL counts as not TRUE on both sides. So no IS TRUE is needed
and plain comparisons stay open to indexes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import sqlalchemy as sa

from holdall.query import (
    And,
    AnyQuery,
    Compare,
    Condition,
    Every,
    Exists,
    FieldSchema,
    Not,
    Op,
    Or,
    Some,
    Stated,
    is_truth,
    kind_test,
)
from holdall.stores.sql.binding import Binding
from holdall.stores.sql.comparisons import Comparisons
from holdall.stores.sql.dialect import Element
from holdall.stores.sql.grouping import GroupScope
from holdall.stores.sql.joins import Operand, Scope
from holdall.stores.sql.row_limits import limited
from holdall.stores.sql.sorting import order_by
from holdall.stores.sql.spelling_sql import comparable
from holdall.stores.sql.statements import stated

__all__ = ["Conditions"]

LONG_LIST = 1000
_Select: TypeAlias = sa.Select[Any]
ONE: Element = sa.literal_column("1")


class Conditions:
    """Compiles the conditions of one statement."""

    def __init__(self, comparisons: Comparisons, binding: Binding) -> None:
        self._dialect = comparisons.dialect
        self._comparisons = comparisons
        self._binding = binding

    def compile(self, node: Condition, scope: Scope | GroupScope, wanted: bool = True) -> sa.ColumnElement[bool]:
        """SQL that is TRUE exactly where the node's truth is the wanted one."""
        match node:
            case Compare():
                return self._compare(node, scope, wanted)
            case And(items):
                return self._join(items, scope, wanted, conjunction=wanted)
            case Or(items):
                return self._join(items, scope, wanted, conjunction=not wanted)
            case Not(item):
                return self.compile(item, scope, not wanted)
            case _ if isinstance(scope, GroupScope):
                raise TypeError("groups have no records of a Many")
            case Exists():
                return self._found(node, scope, wanted)
            case Some():
                return self._exists(node, scope, inner_wanted=True, exists=wanted)
            case Every():
                return self._exists(node, scope, inner_wanted=False, exists=not wanted)
            case Stated():
                return stated(node, scope, self._binding, wanted)

    def _join(
        self, items: tuple[Condition, ...], scope: Scope | GroupScope, wanted: bool, conjunction: bool
    ) -> sa.ColumnElement[bool]:
        parts = [self.compile(item, scope, wanted) for item in items]
        return sa.and_(sa.true(), *parts) if conjunction else sa.or_(sa.false(), *parts)

    def _exists(self, node: Some | Every, scope: Scope, inner_wanted: bool, exists: bool) -> sa.ColumnElement[bool]:
        inner, belongs = scope.members(node.path)
        meets = self.compile(node.condition, inner, inner_wanted)
        if isinstance(belongs, sa.BinaryExpression) and _has_members(node.condition):
            # asked once from the inner end, and not again for each row around it: else the cost is a power of the path
            member, own = belongs.left, belongs.right
            keys = sa.select(member).select_from(inner.source).where(member.is_not(None), meets).correlate(None)
            if not exists:
                return sa.or_(own.is_(None), own.not_in(keys))
            # MariaDB and MySQL would make one join of nested lists, and look for its order for minutes
            return own.in_(keys).is_(sa.true()) if self._comparisons.family == "mysql" else own.in_(keys)
        # correlate_except: everything that is not this scope's own table belongs to the statement around it
        found: _Select = sa.select(ONE).select_from(inner.source).where(belongs, meets)
        clause = sa.exists(found.correlate_except(*inner.aliases))
        return clause if exists else sa.not_(clause)

    def _found(self, node: Exists, scope: Scope, wanted: bool) -> sa.ColumnElement[bool]:
        query: AnyQuery = node.query
        inner = scope.within(query.collection)
        meets = self.compile(query.condition, inner)
        if not node.path:
            return self._has_row(query, inner, meets, wanted)
        column, own = inner.operand(query.projection[0]), scope.operand(node.path)
        order = order_by(query, inner, self._dialect)
        keys: _Select = sa.select(*column.columns).select_from(inner.source).where(meets).order_by(*order)
        if query.max_rows is not None or query.skip:
            cut = limited(keys, query, self._binding, self._dialect).subquery(f"cut{id(inner) % 1_000_000}")
            keys = sa.select(*cut.c).where(*[one.is_not(None) for one in cut.c])
        else:
            keys = keys.where(*[one.is_not(None) for one in column.columns])
        first = own.columns[0]
        is_single = len(own.columns) == 1
        asked = comparable(first, own.leaves[0].field) if is_single else sa.tuple_(*own.columns)
        found = asked.in_(keys.correlate(None))
        if wanted:
            return found
        return sa.or_(first.is_(None), sa.not_(found)) if own.nullable else sa.not_(found)

    def _has_row(
        self, query: AnyQuery, inner: Scope, meets: sa.ColumnElement[bool], wanted: bool
    ) -> sa.ColumnElement[bool]:
        found: _Select = sa.select(ONE).select_from(inner.source).where(meets)
        found = found.correlate_except(*inner.aliases)
        if query.max_rows is not None or query.skip:
            found = limited(found, query, self._binding, self._dialect)
        return sa.exists(found) if wanted else sa.not_(sa.exists(found))

    def _compare(self, node: Compare, scope: Scope | GroupScope, wanted: bool) -> sa.ColumnElement[bool]:
        operand = scope.operand(node.path)
        first = operand.columns[0]
        if node.op is Op.IS_NULL:
            if not operand.nullable:
                return sa.false() if node.value is wanted else sa.true()
            return first.is_(None) if node.value is wanted else first.is_not(None)
        if is_truth(node):  # without a parameter, so that an index of the formula serves it
            return self._truth(operand, first, node.value, wanted)
        index = self._binding.take(_test(operand.field, node.op))
        if node.op in (Op.IN, Op.NOT_IN) and not node.value:
            holds: Any = sa.false() if node.op is Op.IN else first.is_not(None)
            if not wanted:
                holds = sa.true() if node.op is Op.IN else first.is_(None)
            return holds if operand.nullable or node.op is Op.IN else (sa.true() if wanted else sa.false())
        clause = self._comparisons.compile(operand, node, index)
        if wanted:
            return clause
        negated = sa.not_(clause)
        return sa.or_(first.is_(None), negated) if operand.nullable else negated

    def _truth(self, operand: Operand, holds: Element, value: bool, wanted: bool) -> sa.ColumnElement[bool]:
        if value is wanted:
            return holds if value else sa.not_(holds)
        other = sa.not_(holds) if value else holds
        return sa.or_(holds.is_(None), other) if operand.nullable else other


def _has_members(node: Condition) -> bool:
    """Whether a condition looks at the records of a Many."""
    match node:
        case And(items) | Or(items):
            return any(map(_has_members, items))
        case Not(item):
            return _has_members(item)
    return isinstance(node, Some | Every)


def _test(field: FieldSchema, op: Op) -> Callable[[Any], bool]:
    """Return the function that decides whether a value may be compared so with the field, as ``check`` has it."""
    fits = kind_test(field)
    if op in (Op.IN, Op.NOT_IN):
        # a long list is looked at in full, for the store's own limits too
        return lambda items: type(items) is tuple and len(items) <= LONG_LIST and all(map(fits, items))
    if op is Op.BETWEEN:
        return lambda pair: type(pair) is tuple and len(pair) == 2 and all(map(fits, pair))
    return fits
