"""The part of an SQL store that gets queries ready: their text is looked up once, not for each time they are asked."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec

from holdall.errors import HoldallError
from holdall.query import AnyQuery, Value
from holdall.store import ReadyQuery, Rows
from holdall.stores.sql.binding import NeedsRewrite
from holdall.stores.sql.compile import Compiler, Parameters, Plan
from holdall.stores.sql.database import Database, Immediate
from holdall.stores.sql.decoding import DamagedRows
from holdall.stores.sql.fetching import is_unreadable
from holdall.stores.sql.tables import Tables
from holdall.stores.sql.watching import Ask

__all__ = ["ReadyQueries"]

_FAULTS = (HoldallError, DamagedRows, ArithmeticError, TypeError, ValueError)


class _Known(msgspec.Struct, eq=False):
    """A query, and its plan for tables of one generation."""

    query: AnyQuery
    is_count: bool
    plan: Plan
    generation: int


class ReadyQueries:
    """The ``Readying`` of an SQL store."""

    tables: Tables
    _compiler: Compiler
    _database: Database
    _is_ready: bool
    _now: Callable[[str, Value], Rows | None]
    _rows: Ask

    def ready(self, query: AnyQuery, *, is_count: bool = False) -> ReadyQuery | None:
        """The query made ready; None before the tables are known, and for a query of groups."""
        if not self._is_ready or query.grouping is not None:
            return None
        plan = self._compiler.plan_of(query, is_count=is_count)
        if plan is None:
            return None
        known = _Known(query, is_count, plan, self.tables.generation)
        is_immediate = isinstance(self._database, Immediate)
        return ReadyQuery(partial(self._asked_now, known) if is_immediate else None, partial(self._asked, known))

    def _asked_now(self, known: _Known, values: tuple[Value, ...]) -> Rows | None:
        parameters = self._parameters(known, values)
        if parameters is None:
            return None
        plan = known.plan
        try:
            rows = self._now(plan.sql, parameters)
            return rows if rows is None or plan.decode is None else plan.decode(rows)
        except _FAULTS:  # what is asked again tells all about it
            return None

    async def _asked(self, known: _Known, values: tuple[Value, ...]) -> Rows | None:
        parameters = self._parameters(known, values)
        if parameters is None:
            return None
        plan = known.plan
        try:
            rows = await self._rows(plan.sql, parameters)
            return rows if plan.decode is None else plan.decode(rows)
        except _FAULTS as error:
            if isinstance(error, DamagedRows) or is_unreadable(error):
                return None
            raise

    def _parameters(self, known: _Known, values: tuple[Value, ...]) -> Parameters | None:
        """The parameters of the statement; None where its query must be looked at with these values."""
        if known.generation != self.tables.generation and not self._renew(known):
            return None
        plan = known.plan
        for index, test in plan.tests:
            if not test(values[index]):
                return None
        return values if len(values) == plan.straight and plan.names is None else _converted(plan, values)

    def _renew(self, known: _Known) -> bool:
        """Take the plan for the tables as they are now; return whether there is one."""
        plan = self._compiler.plan_of(known.query, is_count=known.is_count) if self._is_ready else None
        if plan is None:
            return False
        known.plan, known.generation = plan, self.tables.generation
        return True


def _converted(plan: Plan, values: tuple[Value, ...]) -> Parameters | None:
    """The values as the driver takes them; None where one cannot be given to this statement."""
    given = (*values, None) if plan.has_constants else values  # None stands in the place of constants
    try:
        found = tuple([given[i] if convert is None else convert(given[i]) for i, convert in plan.slots])
    except (NeedsRewrite, ValueError):
        return None
    return found if plan.names is None else dict(zip(plan.names, found, strict=True))
