"""A commit over several stores: prepare, call, decide, roll forward; whatever happens, nothing is left unlisted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from holdall.errors import (
    CommitUnknown,
    HoldallError,
    StateError,
    StoreTimeout,
    StoreUnavailable,
)
from holdall.session.commit.calls import Calls
from holdall.session.commit.changes import changes_of, resolved
from holdall.session.commit.entry import Entry, Operation
from holdall.session.commit.failpoint import Failpoint, reached
from holdall.session.commit.journal import Journal, marked
from holdall.session.commit.ledger import Ledger
from holdall.session.commit.operations import entry_of, operations_of
from holdall.session.commit.plan import Batch, Plan, Role, Step
from holdall.session.commit.precheck import precheck
from holdall.session.commit.prepared import Prepared
from holdall.session.commit.recovery import Recovery
from holdall.session.commit.result import CommitResult
from holdall.session.commit.retreat import Retreat
from holdall.session.commit.rolling import Rolling
from holdall.session.commit.run import CommitOptions, CommitRun, refusals
from holdall.session.commit.settle import demand_outcomes, settle_calls, take_keys
from holdall.session.commit.settlement import Settlement
from holdall.session.commit.tasks import Report
from holdall.session.commit.uuid7 import uuid7
from holdall.store import Runs

if TYPE_CHECKING:
    from holdall.session.commit.committer import Committer

__all__ = ["SeveralStoresRun"]

_SOON = 5.0  # seconds


class SeveralStoresRun(CommitRun):
    """One commit over several stores.

    Transactions are opened and filled, then calls are made; a refusal up to here undoes everything. The home store's
    COMMIT, which carries the decision, is the point of no return; what is left is rolled forward after it.
    """

    def __init__(self, plan: Plan, committer: Committer, options: CommitOptions, journal: Journal) -> None:
        super().__init__(plan, committer, options)
        stores = plan.stores
        self.commit = uuid7().hex
        self.home = journal.home_of(stores)
        is_kept = sum(store.capabilities.is_durable for store in stores) > 1
        self.ledger = Ledger(journal, self.commit, self.home, is_kept=is_kept)
        self.prepared = Prepared(stores, self.home)
        self.changes: list[Runs] = []
        self.operations: list[list[Operation]] = []
        self.calls: dict[int, Calls] = {}
        self.taken: list[tuple[Batch, int]] = []

    async def finish(self) -> CommitResult:
        """Carry it out. Raises the CommitError that says how it ended."""
        self.committer.begin()
        try:
            for number, step in enumerate(self.plan.steps):  # what is edited from here on is no part of this commit
                self.changes.append(changes_of(step))
                self.operations.append(operations_of(step, self.changes[number], self.token(number)))
                self.reports.append(Report(step))
            await self._recover_first()
            try:
                async with asyncio.timeout(self.options.budget):
                    await self._prepare()
                    await self._act()
                await self._decide()
            except CommitUnknown:
                raise
            except (Exception, asyncio.CancelledError) as error:
                raise await Retreat(self).abort(error) from error
            self._settle_decided()
            return await Rolling(self).finish()
        finally:
            self.committer.end()

    def outcome(self) -> CommitResult:
        """The result, as far as it is known, with what can be done about it."""
        result = super().outcome()
        return CommitResult(result.guarantee, result.duration, lambda: result.tasks, Settlement(self.ledger))

    def entry(self) -> Entry:
        """What the journal is to know."""
        return entry_of(self.plan.steps, self.operations)

    def cancel(self) -> None:
        """Stop before the decision, if it is not too late."""
        super().cancel()
        for calls in self.calls.values():
            calls.is_stopped = True

    def token(self, number: int) -> Callable[[int], str]:
        """What names the calls of a step, by their places."""
        return partial("{}-{}-{}".format, self.commit, number)

    async def _recover_first(self) -> None:
        """Before its first commit over several stores, a process finishes what others left behind, if it can soon."""
        journal = self.ledger.journal
        if not self.ledger.is_kept or journal.is_recovered:
            return
        journal.is_recovered = True
        with suppress(HoldallError, TimeoutError):
            async with asyncio.timeout(_SOON):
                await Recovery(journal, self.committer.bindings).run()

    # --- before the decision ----------------------------------------------------------------------------------------

    async def _prepare(self) -> None:
        reached(Failpoint.STARTED)
        steps = self.plan.steps
        if any(step.role is Role.CALLS for step in steps):
            await self.ledger.begin(self.entry())
            reached(Failpoint.BEGUN)
        await self.prepared.open()
        for step, changes in zip(steps, self.changes, strict=True):
            if step.role is Role.BATCH:
                await precheck(step, changes)

    async def _act(self) -> None:
        """Fill the transactions and make the calls, in the order of the plan."""
        for number, step in enumerate(self.plan.steps):
            if self.is_cancelled:
                raise asyncio.CancelledError
            if step.role is Role.TRANSACTION:
                await self._fill(number, step)
                reached(Failpoint.PREPARED)
            elif step.role is Role.CALLS:
                await self._call(number, step)
                reached(Failpoint.CALLS_DONE)

    async def _fill(self, number: int, step: Step) -> None:
        report, begun = self.reports[number], time.perf_counter()
        changes = self.changes[number] = resolved(self.changes[number])
        try:
            outcomes = await self.prepared.of(step.store).apply(changes)
            demand_outcomes(step, changes, outcomes)
            for refused in refusals(outcomes):
                raise refused
        except Exception as error:
            report.failure = error
            raise
        finally:
            report.span = begun, time.perf_counter() - begun
        report.outcomes = outcomes
        self.taken.extend(take_keys(step, outcomes))
        earlier = self.operations[number]
        self.operations[number] = operations_of(step, changes, self.token(number), earlier=earlier)

    async def _call(self, number: int, step: Step) -> None:
        self.taken.extend(
            (batch, index) for batch in step.batches for index, key in enumerate(batch.keys) if key is None
        )
        changes, token = self.changes[number], self.token(number)
        calls = self.calls[number] = Calls(step, changes, self.committer.handwritten, token)
        self.reports[number] = calls.report
        try:
            await calls.run(self.options.strategy)
        finally:
            earlier, unknown = self.operations[number], calls.report.unknown
            self.operations[number] = operations_of(step, changes, token, calls.outcomes, unknown, earlier)
        if calls.failure is not None:
            raise calls.failure

    # --- the decision -----------------------------------------------------------------------------------------------

    async def _decide(self) -> None:
        """Commit the home store and the decision with it; without one, write the decision to the local journal."""
        if self.is_cancelled:
            raise asyncio.CancelledError
        reached(Failpoint.DECIDING)
        self._resolve_batches()
        try:
            if self.ledger.is_kept:
                await self._write_decision()
            if self.home is not None:
                await self.prepared.commit(self.home)
        except (StoreUnavailable, StoreTimeout) as error:
            if not error.is_outcome_unknown or not self.ledger.is_kept:
                raise
            if not await self._was_decided(error):
                raise
        self.ledger.decided()
        reached(Failpoint.DECIDED)

    def _resolve_batches(self) -> None:
        """By now every key is known that was made on the way."""
        for number, step in enumerate(self.plan.steps):
            if step.role is Role.BATCH and step.is_linked:
                earlier, changes = self.operations[number], resolved(self.changes[number])
                self.changes[number] = changes
                self.operations[number] = operations_of(step, changes, self.token(number), earlier=earlier)

    async def _write_decision(self) -> None:
        entry = self.entry()
        for part in entry.parts:
            part.is_done = part.by_call or (self.home is not None and part.store == self.home.name)
        entry.is_decided = True
        if self.home is None:
            place = await self.ledger.place()
            await place.apply(self.ledger.decision(entry, place))
            return
        await self.prepared.of(self.home).apply(self.ledger.decision(entry, self.home))
        for step in self.plan.steps:
            store = step.store
            if step.role is Role.TRANSACTION and store is not self.home and store.capabilities.is_durable:
                await self.prepared.of(store).apply([marked(self.commit, store.name)])

    async def _was_decided(self, error: Exception) -> bool:
        try:
            async with asyncio.timeout(self.options.budget):
                return await self.ledger.was_decided()
        except (TimeoutError, StateError, StoreUnavailable, StoreTimeout) as unresolved:
            self.committer.is_in_doubt = True
            await self.prepared.roll_back()
            await self.ledger.undecided()
            raise CommitUnknown(f"the answer to the commit was lost: {error}", self.outcome()) from unresolved

    def _settle_decided(self) -> None:
        """The records of the home store and of calls are as they were sent."""
        for number, step in enumerate(self.plan.steps):
            if number in self.calls or step.store is self.home:
                self.settle(number)

    def settle(self, number: int) -> None:
        """The records of a step are as they were sent; those of calls only where the call went well."""
        report = self.reports[number]
        settle_calls(report, self.changes[number], self.committer.records, self.committer.tracker)
