"""Carrying out a plan, store by store, to its end: a commit that has begun is never left halfway."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence

from holdall.errors import (
    CommitAborted,
    CommitError,
    CommitPartial,
    CommitUnknown,
    HoldallError,
    StateError,
    StoreTimeout,
    StoreUnavailable,
)
from holdall.model import State, Tracker, state_of
from holdall.session.changes import changes_of
from holdall.session.identity import IdentityMap
from holdall.session.plan import Plan, Step
from holdall.session.result import CommitResult
from holdall.session.settle import demand_outcomes, settle
from holdall.session.tasks import make_tasks
from holdall.store import APPLIED, Outcome

__all__ = ["Committer"]


class Committer:
    """The commits of one session, one at a time.

    ``is_in_doubt`` while nobody knows whether the changes of the last one were written.
    """

    def __init__(self, records: IdentityMap, tracker: Tracker) -> None:
        self.records = records
        self.tracker = tracker
        self._running: asyncio.Task[None] | None = None
        self.is_in_doubt = False

    @property
    def is_running(self) -> bool:
        """Whether a commit is under way."""
        return self._running is not None

    def demand_idle(self) -> None:
        """Raise StateError while a commit is under way."""
        if self._running is not None:
            raise StateError("a commit of this session is already running; await it first")

    async def settled(self) -> None:
        """Wait until no commit is under way."""
        while self._running is not None:
            await asyncio.wait([self._running])
            await asyncio.sleep(0)  # the task that committed goes first

    async def run(self, plan: Plan) -> CommitResult:
        """Apply the plan.

        Raises CommitAborted where nothing lasting happened, CommitPartial where some of it did, CommitUnknown where
        nobody knows. The records are settled accordingly in every case; those edited meanwhile stay changed. Being
        cancelled does not stop it: it ends, settles the records, and then raises CancelledError.
        """
        self.demand_idle()
        if self.is_in_doubt:
            raise StateError(
                "it is unknown whether the last commit was written: call rollback(), which lets go of its records, and"
                " load them again"
            )
        run, loop = _Run(plan, self), asyncio.get_running_loop()
        run.woken = loop.create_future()
        task = self._running = _started(loop, run)
        if not run.is_begun:
            task.add_done_callback(run.wake)  # it may be cancelled before it begins
        cancelled: asyncio.CancelledError | None = None
        try:
            while not run.is_over and not task.done():
                try:
                    await run.woken
                except asyncio.CancelledError as error:
                    cancelled, run.woken = error, loop.create_future()
        finally:
            self._running = None
        if cancelled is not None:
            raise cancelled from run.error
        if run.error is not None:
            raise run.error
        assert run.result is not None
        return run.result

    def begin(self) -> None:
        """Take note of edits from here on."""
        self.tracker.edited = {}

    def end(self) -> None:
        """Discard new records that were removed while their addition was in flight and did not happen."""
        self.tracker.edited = None
        for record in [record for record in self.records.new.values() if state_of(record) is State.DELETED]:
            self.records.discard(record)


class _Run:
    """One commit, and what happened so far."""

    def __init__(self, plan: Plan, committer: Committer) -> None:
        self._plan = plan
        self._committer = committer
        self._started = time.perf_counter()
        self._outcomes: list[Sequence[Outcome]] = []
        self._durations: list[float] = []
        self._failure: Exception | None = None
        self._is_open = False  # something was sent and is not settled
        self.is_begun = False
        self.is_over = False
        self.result: CommitResult | None = None
        self.error: BaseException | None = None
        self.woken: asyncio.Future[None]

    async def conduct(self) -> None:
        """Take all steps and wake who waits, with the result or the error left here."""
        self.is_begun = True
        task = asyncio.current_task()
        if task is not None:
            task.remove_done_callback(self.wake)  # called late, it would keep the task and its context alive
        try:
            self.result = await self._finish()
        except BaseException as error:
            self.error = error
        self.is_over = True
        self.wake()

    def wake(self, _: object = None) -> None:
        """Tell who waits to look."""
        if not self.woken.done():
            self.woken.set_result(None)

    async def _finish(self) -> CommitResult:
        """Take all steps, or those up to the first refusal."""
        self._committer.begin()
        try:
            for step in self._plan.steps:
                await self._take(step)
                if _refusals(self._outcomes[-1]):
                    break
        except Exception as error:
            self._failure = error
            raise self._failed(error) from error
        finally:
            self._committer.is_in_doubt = self._is_open
            self._committer.end()
        refused = [error for outcomes in self._outcomes for error in _refusals(outcomes)]
        if refused:
            raise self._refused(refused) from refused[0]
        return self._result()

    async def _take(self, step: Step) -> None:
        begun = time.perf_counter()
        changes = changes_of(step)
        self._is_open = True
        try:
            outcomes = await step.store.apply(changes)
        except Exception as error:
            self._is_open = isinstance(error, StoreUnavailable | StoreTimeout) and error.is_outcome_unknown
            raise
        demand_outcomes(step, changes, outcomes)
        settle(step, changes, outcomes, self._committer.records, self._committer.tracker)
        self._is_open = False
        self._durations.append(time.perf_counter() - begun)
        self._outcomes.append(outcomes)

    def _failed(self, error: Exception) -> CommitError:
        if self._outcomes:
            done = f"{len(self._outcomes)} of {len(self._plan.steps)} steps were applied"
            return CommitPartial(f"{done}: {error}", self._result())
        if self._is_open:
            return CommitUnknown(f"the answer to the commit was lost: {error}", self._result())
        return CommitAborted(f"nothing was written: {error}", self._result())

    def _refused(self, refused: list[HoldallError]) -> CommitError:
        applied = sum(outcome.error is None for outcomes in self._outcomes for outcome in outcomes)
        kind = CommitPartial if applied else CommitAborted
        return kind(f"{len(refused)} changes were refused, {applied} applied: {refused[0]}", self._result())

    def _result(self) -> CommitResult:
        steps, outcomes, durations, failure = self._plan.steps, self._outcomes, self._durations, self._failure
        duration = time.perf_counter() - self._started
        return CommitResult(self._plan.guarantee, duration, lambda: make_tasks(steps, outcomes, durations, failure))


def _refusals(outcomes: Sequence[Outcome]) -> list[HoldallError]:
    return [outcome.error for outcome in outcomes if outcome is not APPLIED and outcome.error is not None]


def _started(loop: asyncio.AbstractEventLoop, run: _Run) -> asyncio.Task[None]:
    """A task of its own, which no one's being cancelled reaches; begun at once where Python can."""
    if sys.version_info >= (3, 12):
        return asyncio.Task(run.conduct(), loop=loop, eager_start=True)
    return loop.create_task(run.conduct())
