"""The plan of a commit before it is made, with all that comes along: by references, and by functions called."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from holdall.session.collecting import collected, judge_records
from holdall.session.commit.plan.plan import Plan
from holdall.session.commit.run.run import CommitOptions
from holdall.session.context import SessionContext
from holdall.session.lending import lent
from holdall.session.telling import demand_told, told

__all__ = ["expanded"]


async def expanded(context: SessionContext, planned: Callable[[], Plan], *, tell: bool) -> Plan:
    """Return what ``planned`` gives, with all that references bring along.

    With ``tell`` records are judged and functions of ``app.on`` called as in a commit; one that follows calls nobody
    again for the same changes.
    """
    context.committer.demand_idle()
    await collected(context)
    if not tell:
        return await _induced(context, planned, None)
    return await told(context, partial(_lent, context, planned), CommitOptions().timeout, goes_on=True)


async def _lent(context: SessionContext, planned: Callable[[], Plan]) -> Plan:
    async with lent(context):
        return await _induced(context, planned, context)


async def _induced(context: SessionContext, planned: Callable[[], Plan], telling: SessionContext | None) -> Plan:
    if not context.referential.is_needed():
        return await _judged(planned, telling)
    async with context.referential.induced(is_preview=True):
        return await _judged(planned, telling)


async def _judged(planned: Callable[[], Plan], telling: SessionContext | None) -> Plan:
    if telling is None:
        return planned()
    await judge_records(telling)
    plan = planned()
    demand_told(telling, plan)
    return plan
