"""The records of a commit on their way through the protocol: what each step sends, and what came back.

Everything up to the decision can be repeated: ``release`` lets go of what is held, and the next try sends what was
frozen when the commit began.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial

from holdall.errors import StateError
from holdall.session.commit.calls.calls import Calls
from holdall.session.commit.failpoint import Failpoint, reached
from holdall.session.commit.outcome.acceptance import accept_calls, require_outcomes, take_keys, untake_keys
from holdall.session.commit.outcome.tasks import Report
from holdall.session.commit.plan.changes import changes_of, resolved
from holdall.session.commit.plan.log_operations import operations_of, record_of
from holdall.session.commit.plan.modes import Mode
from holdall.session.commit.plan.plan import Batch, Plan, Role, Step
from holdall.session.commit.run.context import CommitContext
from holdall.session.commit.run.run import CommitOptions, refusals
from holdall.session.commit.run.step_order import step_order
from holdall.session.commit.two_phase.abort import release
from holdall.session.commit.two_phase.known_keys import with_keys
from holdall.session.commit.two_phase.participants import TwoPhaseCommit
from holdall.session.commit.two_phase.precheck import precheck
from holdall.session.commit.two_phase.prepare import prepare
from holdall.session.journal.handle import JournalHandle
from holdall.session.journal.log_record import LogRecord, Operation
from holdall.store import Change, Outcome, Runs, Verb

__all__ = ["Participation"]


class Participation:
    """The records of one commit: frozen, sent, and answered so far."""

    def __init__(
        self, commit: str, plan: Plan, context: CommitContext, options: CommitOptions, reports: list[Report]
    ) -> None:
        self.plan = plan
        self.context = context
        self.options = options
        self.reports = reports
        self.two_phase: TwoPhaseCommit | None = None
        self.calls: dict[int, Calls] = {}
        self.deferred: Sequence[Change] = ()
        self.is_in_doubt = False  # nobody knows whether its changes were written
        self._commit = commit
        self._frozen: list[Runs] = []
        self._changes: list[Runs] = []
        self._operations: list[list[Operation]] = []
        self._old: list[list[Operation]] = []
        self._taken: list[tuple[Batch, int]] = []
        self._deferred_step: int | None = None
        self._is_stopped = False
        self._has_calls = any(step.role is Role.CALLS for step in plan.steps)

    # --- before the decision ----------------------------------------------------------------------------------------

    def freeze(self) -> None:
        """Take the values of every step as they are now."""
        for number, step in enumerate(self.plan.steps):
            self._frozen.append(changes_of(step, as_difference=True))
            self._old.append(operations_of(step, self._frozen[number], self.token(number)))
            self.reports.append(Report(step))
        self._changes, self._operations = list(self._frozen), list(self._old)

    async def prepare(self) -> None:
        """Let every participant vote and make the calls, each step as soon as the keys it needs are there."""
        commit = self.commit
        if self._has_calls:
            await commit.handle.begin(self._record())
            reached(Failpoint.BEGUN)
        order = step_order(self.plan.steps, self._frozen, commit)
        self._deferred_step = self._step_to_defer(order)
        if self._deferred_step is not None:
            await self._look_at_home(self._frozen[self._deferred_step])
        for number in order:
            self.require_not_cancelled()
            step = self.plan.steps[number]
            if step.role is Role.CALLS:
                await self._call(number, step)
                reached(Failpoint.CALLS_DONE)
            elif number == self._deferred_step:
                self.deferred = self._changes[number] = resolved(self._frozen[number])
                self._note_operations(number, step, self.deferred)
            else:
                await self._fill(number, step)
                reached(Failpoint.PREPARED)

    def _step_to_defer(self, order: list[int]) -> int | None:
        """The home store's step, if it can be sent together with the decision: it is the last one and makes no keys."""
        step, home = self.plan.steps[order[-1]], self.commit.home
        if home is None or self._has_calls or step.store is not home:
            return None
        if len(order) > 2 and sum(other.store is home for other in self.plan.steps) > 1:
            return None
        makes_keys = any(batch.verb is Verb.ADD and None in batch.keys for batch in step.batches)
        return None if makes_keys and self.commit.is_kept else order[-1]

    async def _look_at_home(self, changes: Runs) -> None:
        """Refuse stale changes of a home store within this process before anything is reserved for them in vain.

        Elsewhere the look is a round trip, and costs more under contention than it spares.
        """
        home = self.commit.home
        if home is None or not home.capabilities.is_embedded:
            return
        if any(run.versions or run.expected is not None for run in changes.runs):
            guarded = [item for item in changes if item.version is not None or item.expected is not None]
            await precheck(self.commit.coordinator.bindings, guarded, is_whole=False)

    async def _fill(self, number: int, step: Step) -> None:
        report, begun = self.reports[number], time.perf_counter()
        changes = self._changes[number] = resolved(self._frozen[number])
        report.outcomes = None
        try:
            participant = self.commit.participant(step.store)
            outcomes = await prepare(self.commit, participant, changes)
            if participant.mode is not Mode.CHECKED:
                self._take(number, step, changes, outcomes)
        except Exception as error:
            report.failure = error
            raise
        finally:
            report.span = begun, time.perf_counter() - begun

    def _take(self, number: int, step: Step, changes: Runs, outcomes: Sequence[Outcome]) -> None:
        """Take over the outcomes of a step, the keys that were made among them."""
        require_outcomes(step, changes, outcomes)
        for refused in refusals(outcomes):
            raise refused
        self.reports[number].outcomes = outcomes
        self._taken.extend(take_keys(step, outcomes))
        self._note_operations(number, step, changes, outcomes)

    def _note_operations(
        self, number: int, step: Step, changes: Runs, outcomes: Sequence[Outcome] | None = None
    ) -> None:
        if not changes.is_linked and not any(None in run.keys for run in changes.runs):
            return  # nothing was learned since the commit began
        known = changes if outcomes is None or not changes.is_linked else with_keys(changes, outcomes)
        self._operations[number] = operations_of(
            step, changes, self.token(number), earlier=self._old[number], known=known
        )

    async def _call(self, number: int, step: Step) -> None:
        made = [batch for batch in step.batches if batch.verb is Verb.ADD]  # changes only need their keys
        self._taken.extend((batch, index) for batch in made for index, key in enumerate(batch.keys) if key is None)
        changes, token = self._changes[number], self.token(number)
        calls = self.calls[number] = Calls(step, changes, self.context.dao_records, self.context.bindings.turns, token)
        self.reports[number] = calls.report
        try:
            await calls.run(self.options.strategy)
        finally:
            self._operations[number] = operations_of(
                step, changes, token, calls.outcomes, calls.report.unknown, earlier=self._old[number]
            )
        if calls.failure is not None:
            raise calls.failure

    def note_refusal(self, error: BaseException) -> None:
        """Say in the report of the step that went with the decision what refused it, if no other step was refused."""
        number = self._deferred_step
        if number is not None and isinstance(error, Exception) and all(item.failure is None for item in self.reports):
            self.reports[number].failure = error

    @property
    def can_be_repeated(self) -> bool:
        """Whether everything done so far can be taken back without a trace: no call was made."""
        return not self.calls

    async def release(self) -> bool:
        """Let go of everything that is held. Returns whether every store has confirmed it."""
        is_confirmed = self.two_phase is None or await release(self.two_phase)
        self.give_keys_back()
        self._changes, self._operations = list(self._frozen), list(self._old)
        return is_confirmed

    def give_keys_back(self, standing: set[tuple[int, int]] = frozenset()) -> None:  # type: ignore[assignment]
        """Take keys back that were made for records which were not written, but for those that stand."""
        untake_keys([(batch, index) for batch, index in self._taken if (id(batch), index) not in standing])
        self._taken = []

    def stop(self) -> None:
        """Make no more calls, and do not decide."""
        self._is_stopped = True
        for calls in self.calls.values():
            calls.cancel()

    def require_not_cancelled(self) -> None:
        """Raise CancelledError where the caller has cancelled the commit."""
        if self._is_stopped:
            raise asyncio.CancelledError

    # --- the decision and after -------------------------------------------------------------------------------------

    async def take_outcomes(self, outcomes: Sequence[Outcome]) -> None:
        """Take over what the home store answered to changes that went with the decision."""
        number = self._deferred_step
        if number is None:
            return
        step, changes = self.plan.steps[number], self._changes[number]
        if len(outcomes) == len(changes):
            self._take(number, step, changes, outcomes)
        else:  # the answer was lost, and the row tells that it was written; no keys were made
            self.reports[number].outcomes = [Outcome()] * len(changes)

    def accept(self, number: int) -> None:
        """The records of a step are as they were sent; those of calls only where the call went well."""
        accept_calls(self.reports[number], self._changes[number], self.context.records, self.context.link)

    @property
    def commit(self) -> TwoPhaseCommit:
        """The commit as the protocol sees it. Raises StateError before it has begun."""
        if self.two_phase is None:
            raise StateError("this commit has not begun")
        return self.two_phase

    @property
    def handle(self) -> JournalHandle | None:
        """The commit's row, once it has begun."""
        return None if self.two_phase is None else self.two_phase.handle

    def decided_record(self) -> LogRecord:
        """The record of the decision: calls are made by then, and the home store's part is done with it."""
        record, home = self._record(), self.commit.home
        done = None if home is None else home.name
        for part in record.parts:
            part.is_done = part.by_call or part.store == done
        record.is_decided = True
        return record

    def _record(self) -> LogRecord:
        commit = self.commit
        record = record_of(commit.coordinator.journal.application, self.plan.steps, self._operations)
        participants = {item.store.name: item for item in commit.participants.values()}
        for part in record.parts:
            if not part.by_call:
                participant = participants[part.store]
                part.is_held, part.identity = participant.mode.votes, participant.identity
        return record

    def call_record(self) -> LogRecord:
        """The record of a commit that is not decided."""
        return self._record()

    def token(self, number: int) -> Callable[[int], str]:
        """Names for the calls of a step, by their places."""
        return partial("{}-{}-{}".format, self._commit, number)
