"""What is left of a commit over several stores once it is decided."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from holdall.errors import CommitPartial, CommitPending, HoldallError
from holdall.session.commit.entry import Entry
from holdall.session.commit.failpoint import Failpoint, reached
from holdall.session.commit.forward import roll_forward
from holdall.session.commit.journal import JournalState
from holdall.session.commit.plan import Role, Step
from holdall.session.commit.result import CommitResult, TaskState
from holdall.session.commit.retreat import Retreat
from holdall.session.commit.settle import demand_outcomes
from holdall.store import APPLIED, Outcome, Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdall.session.commit.several import SeveralStoresRun

__all__ = ["Rolling"]


class Rolling:
    """The parts of the other stores, rolled forward side by side.

    Where no home store holds the decision, they go one after another, and a first one that is refused undoes all.
    """

    def __init__(self, run: SeveralStoresRun) -> None:
        self._run = run
        self._left = [
            number
            for number, step in enumerate(run.plan.steps)
            if step.role is not Role.CALLS and step.store is not run.home
        ]
        self._pending: list[int] = []
        self._refused: dict[int, Exception] = {}
        self._committing: dict[int, asyncio.Future[None]] = {}

    async def finish(self) -> CommitResult:
        """Roll forward. Raises CommitPending where recovery must go on, CommitPartial where a store refused."""
        run = self._run
        if run.home is not None:
            await asyncio.gather(*map(self._take, self._left))
        else:
            for place, number in enumerate(self._left):
                await self._take(number)
                if number in self._refused and place == 0:
                    raise await Retreat(run).withdraw(self._refused[number]) from self._refused[number]
        for number in self._left:
            if number not in self._refused:
                run.settle(number)
        if self._pending or self._refused:
            raise await self._unfinished()
        reached(Failpoint.FINISHING)
        await run.ledger.forget()
        reached(Failpoint.FINISHED)
        return run.outcome()

    async def _take(self, number: int) -> None:
        step, report, begun = self._run.plan.steps[number], self._run.reports[number], time.perf_counter()
        reached(Failpoint.ROLLING_FORWARD)
        try:
            async with asyncio.timeout(self._run.options.budget):
                outcomes = await self._applied(number, step)
                demand_outcomes(step, self._run.changes[number], outcomes)
            report.outcomes = outcomes
            reached(Failpoint.ROLLED_FORWARD)
        except TimeoutError:
            self._pending.append(number)
            report.state = TaskState.PENDING
            report.outcomes = report.outcomes or [APPLIED] * len(self._run.changes[number])
        except Exception as error:
            report.outcomes, report.failure = None, error
            self._refused[number] = error
        report.span = begun, time.perf_counter() - begun

    async def _applied(self, number: int, step: Step) -> Sequence[Outcome]:
        run, store = self._run, step.store
        is_kept = run.ledger.is_kept and store.capabilities.is_durable
        if step.role is Role.BATCH:
            changes = run.changes[number]
            return await (roll_forward(store, run.commit, changes) if is_kept else store.apply(changes))
        outcomes = run.reports[number].outcomes
        own = [other for other in self._left if run.plan.steps[other].store is store]
        if id(store) not in self._committing:  # steps of one store are one transaction
            self._committing[id(store)] = asyncio.ensure_future(self._commit(store, own, is_kept))
        await self._committing[id(store)]
        return [outcome or APPLIED for outcome in outcomes or ()]

    async def _commit(self, store: Store, numbers: list[int], is_kept: bool) -> None:
        run = self._run
        try:
            await run.prepared.commit(store)
        except HoldallError:
            if not is_kept:
                raise
            changes = [operation.change for number in numbers for operation in run.operations[number]]
            await roll_forward(store, run.commit, changes)

    async def _unfinished(self) -> CommitPending | CommitPartial:
        run = self._run
        state = JournalState.DECIDED if self._pending else JournalState.LISTED
        try:
            await run.ledger.leave(self._entry(), state)
        except HoldallError:  # the journal has it as decided, and recovery will come to the same end
            state = JournalState.DECIDED
        if not self._refused:
            names = ", ".join(run.plan.steps[number].store.name for number in self._pending)
            return CommitPending(f"it is decided, and recovery will write {names}; do not repeat it", run.outcome())
        error = next(iter(self._refused.values()))
        names = ", ".join(run.plan.steps[number].store.name for number in self._refused)
        partial = CommitPartial(f"it is decided, but {names} refused it: {error}", run.outcome())
        partial.__cause__ = error
        return partial

    def _entry(self) -> Entry:
        run = self._run
        entry = run.entry()
        entry.is_decided = True
        waiting = {run.plan.steps[number].store.name for number in self._pending}
        refused = {run.plan.steps[number].store.name: str(error) for number, error in self._refused.items()}
        for part in entry.parts:
            part.is_done = part.store not in waiting and part.store not in refused
            part.error = refused.get(part.store, "")
        return entry
