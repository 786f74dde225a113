"""Functions called for the events of a commit before it decides: they may refuse it, or change more records.

These go into the same commit, and have events in turn, in a bounded number of rounds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from holdall.errors import StateError
from holdall.query import Value
from holdall.session.collecting import collected
from holdall.session.commit.plan.plan import Plan
from holdall.session.context import SessionContext

__all__ = ["demand_told", "told"]

R = TypeVar("R")

_ROUNDS = 10


class _Untold(Exception):
    """No error: it leads out of the commit, to those who are still to be told."""

    def __init__(self, news: list[Value]) -> None:
        self.news = news


def demand_told(context: SessionContext, plan: Plan) -> None:
    """Leave the commit where functions are still to be delivered what this plan does; ``told`` takes it up again."""
    listening = context.bindings.listening
    if listening is not None:
        news = listening.untold(context, plan)
        if news:
            raise _Untold(news)


async def told(
    context: SessionContext, commit: Callable[[], Awaitable[R]], seconds: float, *, goes_on: bool = False
) -> R:
    """Try to commit until everybody has been called for what the commit does, and return its result.

    Where the session ``goes_on`` with the same changes, nobody is called for them again. Raises what functions raise,
    and StateError where they keep on changing records.
    """
    listening = context.bindings.listening
    if listening is None:
        return await commit()
    for _ in range(_ROUNDS + 1):
        try:
            result = await commit()
        except _Untold as untold:
            news = untold.news
        else:
            if not goes_on:
                context.records.told.clear()
            return result
        flush, context.reader.flush = context.reader.flush, None
        context.committer.is_telling = True
        try:
            await listening.tell(context, news, seconds)
        except BaseException:
            context.records.unstamp()
            raise
        finally:
            context.committer.is_telling = False
            context.reader.flush = flush
        await collected(context)
    raise StateError(
        f"functions called for {news[0]} keep on changing records: after {_ROUNDS} rounds nothing was written; let each"
        " look whether there is still something to do"
    )
