"""Conditions to SQL that is TRUE exactly where ``evaluate`` says so.

SQL knows three truth values, conditions two. Each node is compiled for what is wanted of it, that it holds or that it
does not, and yields TRUE only then; what is unknown to SQL counts as not TRUE on both sides. So no IS TRUE is needed
and plain comparisons stay open to indexes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from holdall.query import And, Compare, Condition, Every, FieldSchema, Not, Op, Or, Some, kind_test
from holdall.stores.sql.binding import Binding
from holdall.stores.sql.comparisons import Comparisons
from holdall.stores.sql.dialect import Element
from holdall.stores.sql.joins import Scope

__all__ = ["Conditions"]

LONG_LIST = 1000
ONE: Element = sa.literal_column("1")


class Conditions:
    """Compiles the conditions of one statement."""

    def __init__(self, comparisons: Comparisons, binding: Binding) -> None:
        self._comparisons = comparisons
        self._binding = binding

    def compile(self, node: Condition, scope: Scope, wanted: bool = True) -> sa.ColumnElement[bool]:
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
            case Some():
                return self._exists(node, scope, inner_wanted=True, exists=wanted)
            case Every():
                return self._exists(node, scope, inner_wanted=False, exists=not wanted)

    def _join(
        self, items: tuple[Condition, ...], scope: Scope, wanted: bool, conjunction: bool
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
            return own.in_(keys) if exists else sa.or_(own.is_(None), own.not_in(keys))
        # correlate_except: everything that is not this scope's own table belongs to the statement around it
        found: sa.Select[Any] = sa.select(ONE).select_from(inner.source).where(belongs, meets)
        clause = sa.exists(found.correlate_except(*inner.aliases))
        return clause if exists else sa.not_(clause)

    def _compare(self, node: Compare, scope: Scope, wanted: bool) -> sa.ColumnElement[bool]:
        operand = scope.operand(node.path)
        first = operand.columns[0]
        if node.op is Op.IS_NULL:
            if not operand.nullable:
                return sa.false() if node.value is wanted else sa.true()
            return first.is_(None) if node.value is wanted else first.is_not(None)
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
