"""A commit that writes one store which takes all changes at once: no journal, and nothing else to pay for."""

from __future__ import annotations

import time

from holdall.errors import CommitAborted, CommitError, CommitPartial, CommitUnknown, StoreTimeout, StoreUnavailable
from holdall.session.commit.changes import changes_of
from holdall.session.commit.result import CommitResult
from holdall.session.commit.run import CommitRun, refusals
from holdall.session.commit.settle import demand_outcomes, settle
from holdall.session.commit.tasks import Report

__all__ = ["OneStoreRun"]


class OneStoreRun(CommitRun):
    """One step, one ``apply``."""

    async def finish(self) -> CommitResult:
        """Apply the step. Raises CommitAborted, or CommitUnknown where the answer was lost."""
        committer, step = self.committer, self.plan.steps[0]
        committer.begin()
        report = Report(step)
        self.reports.append(report)
        begun = time.perf_counter()
        try:
            changes = changes_of(step)
            committer.is_in_doubt = True
            try:
                outcomes = await step.store.apply(changes)
            except Exception as error:
                committer.is_in_doubt = isinstance(error, StoreUnavailable | StoreTimeout) and error.is_outcome_unknown
                raise
            demand_outcomes(step, changes, outcomes)
            settle(step, changes, outcomes, committer.records, committer.tracker)
            committer.is_in_doubt = False
            report.outcomes = outcomes
        except Exception as error:
            report.failure = error
            raise self._failed(error) from error
        finally:
            report.span = begun, time.perf_counter() - begun
            committer.end()
        refused = refusals(outcomes)
        if refused:
            applied = len(outcomes) - len(refused)
            kind: type[CommitError] = CommitPartial if applied else CommitAborted
            raise kind(
                f"{len(refused)} changes were refused, {applied} applied: {refused[0]}", self.outcome()
            ) from refused[0]
        return self.outcome()

    def _failed(self, error: Exception) -> CommitError:
        if self.committer.is_in_doubt:
            return CommitUnknown(f"the answer to the commit was lost: {error}", self.outcome())
        return CommitAborted(f"nothing was written: {error}", self.outcome())
