"""The order of rows to SQL: sort keys, missing values placed, the key as last word, what comes after a position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from holdall.query import AnyQuery, SortKey, kind_test
from holdall.stores.sql.binding import Binding
from holdall.stores.sql.columns import Leaf
from holdall.stores.sql.comparisons import Comparisons
from holdall.stores.sql.dialect import Dialect, Element
from holdall.stores.sql.joins import Operand, Scope
from holdall.stores.sql.spelling_sql import comparable

__all__ = ["after_position", "directed", "order_by"]

Clause = sa.ColumnElement[bool]


def order_by(query: AnyQuery, scope: Scope, dialect: Dialect) -> list[Element]:
    """The ORDER BY of a query that sorts or takes a part of the rows; empty for others."""
    if not query.sort_keys and query.max_rows is None and not query.skip:
        return []
    layout, _ = scope.record(())
    keys = [*query.sort_keys, *_tiebreak(query.sort_keys, layout.schema.key)]
    return [clause for key in keys for clause in _ordered(key, scope, dialect)]


def _tiebreak(keys: Sequence[SortKey], primary: tuple[str, ...]) -> list[SortKey]:
    sorted_by = {key.path for key in keys}
    return [SortKey((name,)) for name in primary if (name,) not in sorted_by]


def _ordered(key: SortKey, scope: Scope, dialect: Dialect) -> list[Element]:
    return directed(scope.operand(key.path), key, dialect)


def directed(operand: Operand, key: SortKey, dialect: Dialect) -> list[Element]:
    """The ORDER BY of one sort key, of the columns that it leads to."""
    clauses: list[Element] = []
    for plain, leaf in zip(operand.columns, operand.leaves, strict=True):
        column = comparable(plain, leaf.field, is_ordered=True)
        clause = column.desc() if key.descending else column.asc()
        first = key.nulls_first
        if operand.nullable and first is not (dialect.nulls_are_smallest is not key.descending):
            if dialect.has_null_placement:
                clause = clause.nulls_first() if first else clause.nulls_last()
            else:
                missing = column.is_(None)
                clauses.append(missing.desc() if first else missing.asc())
        clauses.append(clause)
    return clauses


@dataclass(frozen=True, slots=True)
class _Step:
    """One sort key of a position: its column, its value (None where missing) and where it goes from there."""

    column: Element
    leaf: Leaf
    index: int
    is_missing: bool
    descending: bool
    nullable: bool
    nulls_first: bool

    @property
    def is_strict(self) -> bool:
        """Whether no missing value comes after it, so that an SQL comparison alone tells."""
        return not self.is_missing and (self.nulls_first or not self.nullable)


def after_position(
    query: AnyQuery, scope: Scope, comparisons: Comparisons, binding: Binding, dialect: Dialect
) -> Clause:
    """SQL that is TRUE for rows that come after the query's position in its sort order."""
    steps: list[_Step] = []
    for key, value in zip(query.sort_keys, query.position or (), strict=True):
        operand = scope.operand(key.path)
        steps.append(
            _Step(
                comparable(operand.columns[0], operand.leaves[0].field, is_ordered=True),
                operand.leaves[0],
                binding.take(None if value is None else kind_test(operand.field)),
                value is None,
                key.descending,
                operand.nullable,
                key.nulls_first,
            )
        )
    if not steps:
        return sa.false()
    if len(steps) == 1:
        return _beyond(steps[0], comparisons)
    is_one_way = all(step.is_strict for step in steps) and len({step.descending for step in steps}) == 1
    if is_one_way and dialect.family != "mysql":  # whose indexes do not serve comparisons of whole rows
        left = sa.tuple_(*(step.column for step in steps))
        right = sa.tuple_(*(comparisons.value(step.leaf, step.index) for step in steps))
        return left < right if steps[0].descending else left > right
    chain = _chain(steps, comparisons)
    return sa.and_(_bound(steps[0], comparisons), chain) if steps[0].is_strict else chain


def _bound(step: _Step, comparisons: Comparisons) -> Clause:
    """Return the condition that all rows further on meet: implied by the chain, but a range of an index."""
    value = comparisons.value(step.leaf, step.index)
    return step.column <= value if step.descending else step.column >= value


def _chain(steps: Sequence[_Step], comparisons: Comparisons) -> Clause:
    step, rest = steps[0], steps[1:]
    beyond = _beyond(step, comparisons)
    if not rest:
        return beyond
    tied = sa.and_(_equal(step, comparisons), _chain(rest, comparisons))
    return sa.or_(beyond, tied)


def _beyond(step: _Step, comparisons: Comparisons) -> Clause:
    if step.is_missing:
        return step.column.is_not(None) if step.nulls_first else sa.false()
    value = comparisons.value(step.leaf, step.index)
    further = step.column < value if step.descending else step.column > value
    return sa.or_(further, step.column.is_(None)) if step.nullable and not step.nulls_first else further


def _equal(step: _Step, comparisons: Comparisons) -> Clause:
    return step.column.is_(None) if step.is_missing else step.column == comparisons.value(step.leaf, step.index)
