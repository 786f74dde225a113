"""A commit of single calls to one store: each record by itself, no journal."""

from __future__ import annotations

import asyncio

from holdall.errors import CommitAborted, CommitError, CommitPartial, CommitUnknown, StoreTimeout
from holdall.session.commit.calls.calls import Calls
from holdall.session.commit.outcome.acceptance import accept_calls
from holdall.session.commit.outcome.result import CommitResult, told_refused
from holdall.session.commit.plan.changes import changes_of
from holdall.session.commit.run.run import CommitRun

__all__ = ["CallsRun"]


class CallsRun(CommitRun):
    """One step of calls. Calls that were started are awaited and reported, and nothing is sent twice.

    Being cancelled, or out of its time, it gives up the calls under way: their outcome is unknown.
    """

    _calls: Calls | None = None

    async def finish(self) -> CommitResult:
        """Make the calls.

        Raises CommitAborted where none had an effect, CommitUnknown where the only ones that may have had one lost
        their answers, CommitPartial where some were applied.
        """
        context, step = self.context, self.plan.steps[0]
        context.begin()
        try:
            changes = changes_of(step, as_difference=True)
            self._calls = calls = Calls(step, changes, context.dao_records, context.bindings.turns)
            self.reports.append(calls.report)
            try:
                stopped = await self._make(calls)
            finally:
                accept_calls(calls.report, changes, context.records, context.link)
                self.is_in_doubt = bool(calls.report.unknown)
        finally:
            context.end()
        if calls.applied == len(calls.outcomes):
            return self.outcome()
        raise self._error(calls, stopped) from calls.failure or StoreTimeout(step.store.name, stopped)

    def cancel(self) -> None:
        """Give up what is under way; what was not sent yet is not sent any more."""
        super().cancel()
        if self._calls is not None:
            self._calls.cancel()

    async def _make(self, calls: Calls) -> str:
        """Make the calls; tells why they were stopped, if they were."""
        if self.is_cancelled:
            return "it was cancelled"
        try:
            async with asyncio.timeout(self.options.timeout):
                await calls.run(self.options.strategy)
        except TimeoutError:
            return f"it took longer than {self.options.timeout} seconds"
        except asyncio.CancelledError:
            return "it was cancelled"
        return ""

    def _error(self, calls: Calls, stopped: str) -> CommitError:
        unknown = len(calls.report.unknown)
        refused = sum(outcome is not None and outcome.error is not None for outcome in calls.outcomes) - unknown
        if calls.applied:
            kind: type[CommitError] = CommitPartial
        else:
            kind = CommitUnknown if unknown else CommitAborted
        told = told_refused(refused, calls.applied)
        if unknown:
            told += f", {unknown} may have been applied"
        return kind(f"{told}: {stopped or calls.failure}", self.outcome())
