"""A commit over several stores: prepare, call, decide, roll forward; whatever happens, nothing is left unlisted.

The protocol itself is in ``two_phase`` and knows stores and changes only. This file carries the records of a session
through it: it tries until nobody is in the way, and says how it ended.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from math import inf
from time import monotonic

from holdall.errors import HoldallError, LockConflict, Reserved
from holdall.session.commit.failpoint import Failpoint, reached
from holdall.session.commit.outcome.result import CommitResult
from holdall.session.commit.plan.plan import Plan
from holdall.session.commit.plan.uuid7 import uuid7_hex
from holdall.session.commit.recovery.recovery import Recovery
from holdall.session.commit.recovery.unfinished_commit import UnfinishedCommit
from holdall.session.commit.run.context import CommitContext
from holdall.session.commit.run.endings import Endings
from holdall.session.commit.run.participation import Participation
from holdall.session.commit.run.run import CommitOptions, CommitRun
from holdall.session.commit.two_phase.coordinator import Coordinator
from holdall.session.commit.two_phase.decide import InDoubt, decide
from holdall.session.commit.two_phase.lease import lease_of
from holdall.session.commit.two_phase.make_way import Patience
from holdall.session.commit.two_phase.participants import begin
from holdall.session.commit.two_phase.roll_forward import roll_forward
from holdall.session.instrument import phase

__all__ = ["SeveralStoresRun"]

_SOON = 5.0  # seconds


class SeveralStoresRun(CommitRun):
    """One commit over several stores."""

    def __init__(self, plan: Plan, context: CommitContext, options: CommitOptions) -> None:
        super().__init__(plan, context, options)
        self.commit = uuid7_hex()
        self._coordinator = Coordinator(context.bindings)
        self._part = Participation(self.commit, plan, context, options, self.reports)

    async def finish(self) -> CommitResult:
        """Carry it out. Raises the CommitError that says how it ended."""
        part = self._part
        endings = Endings(part, self.outcome)  # not kept, as it knows this run: nothing is left to the collector
        self.context.begin()
        try:
            part.freeze()  # what is edited from here on is no part of this commit
            await self._recover_first()
            try:
                part.two_phase = await begin(
                    self._coordinator, self.commit, self.plan.stores, seconds=self.options.timeout
                )
            except HoldallError as error:
                raise await endings.aborted(error) from error
            with lease_of(part.two_phase):
                return await self._run(part, endings)
        finally:
            self.is_in_doubt = part.is_in_doubt
            self.context.end()

    async def _run(self, part: Participation, endings: Endings) -> CommitResult:
        try:
            await self._until_decided()
        except InDoubt as error:
            raise await endings.in_doubt(error) from error.__cause__
        except (Exception, asyncio.CancelledError) as error:
            if part.commit.handle.is_in_doubt:
                doubt = InDoubt()
                doubt.__cause__ = error
                raise await endings.in_doubt(doubt) from error
            raise await endings.aborted(error) from error
        reached(Failpoint.DECIDED)
        with phase(self.context.bindings.instrument, "roll forward"):
            ends = await roll_forward(part.commit, seconds=self.options.timeout)
        return await endings.decided(ends)

    def outcome(self) -> CommitResult:
        """The result, as far as it is known, with what can be done about it."""
        return self._outcome(UnfinishedCommit(self.commit, self._coordinator, self._part.handle))

    def cancel(self) -> None:
        """Stop before the decision, if it is not too late."""
        super().cancel()
        self._part.stop()

    async def _until_decided(self) -> None:
        """Prepare and decide, again whenever another commit was in the way that has ended meanwhile."""
        part, patience = self._part, Patience(self._coordinator, self.options.timeout)
        instrument = self.context.bindings.instrument
        reached(Failpoint.STARTED)
        while True:
            try:
                with phase(instrument, "prepare"):
                    async with asyncio.timeout(patience.left):
                        await part.prepare()
                part.require_not_cancelled()
                reached(Failpoint.DECIDING)
                with phase(instrument, "decide"):
                    decided = await decide(
                        part.commit, part.decided_record(), deferred=part.deferred, seconds=self.options.timeout
                    )
                await part.take_outcomes(decided)
                return
            except (Reserved, LockConflict) as obstacle:
                if not part.can_be_repeated:
                    raise
                if not await part.release() or not await patience.make_way(obstacle):
                    raise
                part.require_not_cancelled()

    async def _recover_first(self) -> None:
        """Before its first commit over several stores, a process finishes what others left behind, if it can soon.

        Where somebody may still be at work on a commit, or a store was away, it looks again when his lease may be over.
        """
        journal = self._coordinator.journal
        if monotonic() < journal.next_look or sum(store.capabilities.is_durable for store in self.plan.stores) < 2:
            return
        journal.next_look = monotonic() + journal.lease
        with suppress(HoldallError, TimeoutError):
            async with asyncio.timeout(_SOON):
                told = await Recovery(self._coordinator.bindings).run()
                if not told.held and not told.pending:
                    journal.next_look = inf
