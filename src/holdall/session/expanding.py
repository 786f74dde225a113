"""The plan of a commit before it is made, with all that comes along: by references, and by functions called."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
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
    if tell:
        return await told(context, partial(_judged, context, planned), CommitOptions().timeout, goes_on=True)
    async with _with_cascade(context):
        return planned()


async def _judged(context: SessionContext, planned: Callable[[], Plan]) -> Plan:
    async with lent(context), _with_cascade(context):
        await judge_records(context)
        plan = planned()
        demand_told(context, plan)
        return plan


@asynccontextmanager
async def _with_cascade(context: SessionContext) -> AsyncIterator[None]:
    """Within the block the session holds what references bring along."""
    if context.referential.is_needed():
        async with context.referential.induced(is_preview=True):
            yield
    else:
        yield
