"""A commit that writes one store which takes all changes at once: no journal, and nothing else to pay for."""

from __future__ import annotations

import time
from collections.abc import Sequence

from holdall.errors import (
    CommitAborted,
    CommitError,
    CommitPartial,
    CommitUnknown,
    LockConflict,
    Reserved,
    StoreTimeout,
    StoreUnavailable,
)
from holdall.session.bindings import Bindings
from holdall.session.commit.outcome.acceptance import accept_outcomes, require_outcomes
from holdall.session.commit.outcome.result import CommitResult, told_refused
from holdall.session.commit.outcome.tasks import Report
from holdall.session.commit.plan.changes import changes_of
from holdall.session.commit.run.lost_answer import LostAnswer
from holdall.session.commit.run.run import CommitRun, refusals
from holdall.session.commit.two_phase.coordinator import Coordinator
from holdall.session.commit.two_phase.make_way import Patience
from holdall.store import Outcome, Runs, Store

__all__ = ["OneStoreRun", "failure_of", "leaves_in_doubt"]


class OneStoreRun(CommitRun):
    """One step, one ``apply``."""

    async def finish(self) -> CommitResult:
        """Apply the step. Raises CommitAborted, or CommitUnknown where the answer was lost."""
        context, step = self.context, self.plan.steps[0]
        context.begin()
        report = Report(step)
        self.reports.append(report)
        changes: Runs | None = None
        begun = time.perf_counter()
        try:
            changes = changes_of(step, as_difference=True, is_alone=True)
            outcomes = await self.apply(changes)
            require_outcomes(step, changes, outcomes)
            accept_outcomes(step, changes, outcomes, context.records, context.link)
            self.is_in_doubt = False
            report.outcomes = outcomes
        except Exception as error:
            report.failure = error
            raise self.failed(error, changes) from error
        finally:
            report.span = begun, time.perf_counter() - begun
            context.end()
        refused = refusals(outcomes)
        if refused:
            applied = len(outcomes) - len(refused)
            kind: type[CommitError] = CommitPartial if applied else CommitAborted
            raise kind(f"{told_refused(len(refused), applied)}: {refused[0]}", self.outcome()) from refused[0]
        return self.outcome()

    async def apply(self, changes: Runs) -> Sequence[Outcome]:
        """Apply the changes to the store; ``is_in_doubt`` from then on until the outcomes are known."""
        store = self.plan.stores[0]
        self.is_in_doubt = True
        try:
            try:
                return await self.send(store, changes)
            except (Reserved, LockConflict) as obstacle:
                return await self._apply_patiently(store, changes, obstacle)
        except Exception as error:
            self.is_in_doubt = leaves_in_doubt(error)
            raise

    async def send(self, store: Store, changes: Runs) -> Sequence[Outcome]:
        """Send the changes to the store, once."""
        return await store.apply(changes)

    async def _apply_patiently(
        self, store: Store, changes: Runs, obstacle: Reserved | LockConflict
    ) -> Sequence[Outcome]:
        """Apply the changes as soon as the commits over several stores that are in their way have ended."""
        patience = Patience(Coordinator(self.context.bindings), self.options.timeout)
        while await patience.make_way(obstacle):
            try:
                return await self.send(store, changes)
            except (Reserved, LockConflict) as again:
                obstacle = again
        raise obstacle

    def failed(self, error: Exception, changes: Runs | None) -> CommitError:
        """The error of a commit that failed, with what is known of it."""
        store, bindings = self.plan.stores[0], self.context.bindings
        return failure_of(error, store, changes, self.outcome(), bindings, is_in_doubt=self.is_in_doubt)


def leaves_in_doubt(error: Exception) -> bool:
    """Whether nobody knows, after this error of a store, whether it has applied what it was sent."""
    return isinstance(error, StoreUnavailable | StoreTimeout) and error.is_outcome_unknown


def failure_of(
    error: Exception, store: Store, changes: Runs | None, known: CommitResult, bindings: Bindings, *, is_in_doubt: bool
) -> CommitError:
    """The error of a commit whose only store has raised this one for these changes; with what is ``known`` of it."""
    if not is_in_doubt or changes is None:
        return CommitAborted(f"nothing was written: {error}", known)
    result = CommitResult(known.guarantee, known.duration, lambda: known.tasks, LostAnswer(store, changes, bindings))
    return CommitUnknown(f"the answer to the commit was lost: {error}", result)
