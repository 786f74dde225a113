"""A commit of single calls to one store: each record by itself, no journal."""

from __future__ import annotations

from holdall.errors import CommitAborted, CommitError, CommitPartial, CommitUnknown
from holdall.session.commit.calls import Calls
from holdall.session.commit.changes import changes_of
from holdall.session.commit.result import CommitResult
from holdall.session.commit.run import CommitRun
from holdall.session.commit.settle import settle_calls

__all__ = ["CallsRun"]


class CallsRun(CommitRun):
    """One step of calls. What was started is awaited and reported, and nothing is sent twice."""

    async def finish(self) -> CommitResult:
        """Make the calls.

        Raises CommitAborted where none had an effect, CommitUnknown where the only ones that may have had one lost
        their answers, CommitPartial where some were applied.
        """
        committer, step = self.committer, self.plan.steps[0]
        committer.begin()
        try:
            changes = changes_of(step)
            self._calls = calls = Calls(step, changes, committer.handwritten)
            self.reports.append(calls.report)
            try:
                await calls.run(self.options.strategy)
            finally:
                settle_calls(calls.report, changes, committer.records, committer.tracker)
                committer.is_in_doubt = bool(calls.report.unknown)
        finally:
            committer.end()
        if calls.failure is None:
            return self.outcome()
        refused = sum(outcome is not None and outcome.error is not None for outcome in calls.outcomes)
        if calls.applied:
            kind: type[CommitError] = CommitPartial
        else:
            kind = CommitUnknown if calls.report.unknown else CommitAborted
        message = f"{refused} changes were refused, {calls.applied} applied: {calls.failure}"
        raise kind(message, self.outcome()) from calls.failure
