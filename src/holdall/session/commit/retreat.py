"""The way back of a commit over several stores that is decided against: nothing is left behind, or it is listed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from holdall.errors import CommitAborted, CommitError, CommitPartial, CommitUnknown, HoldallError
from holdall.session.commit.entry import CallState, Entry
from holdall.session.commit.journal import JournalState
from holdall.session.commit.plan import Role
from holdall.session.commit.result import TaskState
from holdall.session.commit.settle import untake_keys
from holdall.session.commit.undo import undo_calls

if TYPE_CHECKING:
    from holdall.session.commit.several import SeveralStoresRun

__all__ = ["Retreat"]


class Retreat:
    """Rolls back what is open, undoes the calls that were made, and says how it ended."""

    def __init__(self, run: SeveralStoresRun) -> None:
        self._run = run

    async def withdraw(self, error: Exception) -> CommitError:
        """Take back a decision that nothing has come of yet; too late where recovery has it in hand by now."""
        run = self._run
        try:
            await run.ledger.undoing(run.entry())
        except HoldallError as trouble:
            run.committer.is_in_doubt = True
            return CommitUnknown(f"recovery may finish it or undo it: {trouble}; {error}", run.outcome())
        return await self.abort(error)

    async def abort(self, error: BaseException) -> CommitError:
        """Leave nothing behind, or list what is left."""
        run, why = self._run, self._told(error)
        await run.prepared.roll_back()
        await run.ledger.undecided()
        for report in run.reports:
            if report.step.role is Role.TRANSACTION and report.outcomes is not None:
                report.state = TaskState.ROLLED_BACK
        if not any(calls.applied or calls.report.unknown for calls in run.calls.values()):
            await run.ledger.forget()
            untake_keys(run.taken)
            return CommitAborted(f"nothing was written: {why}", run.outcome())
        entry = run.entry()
        try:
            await run.ledger.undoing(entry)
        except HoldallError as trouble:  # the journal has the calls as begun, and recovery will undo them
            self._settle(entry)
            return CommitPartial(f"recovery will undo the calls: {why}; {trouble}", run.outcome())
        is_over = await undo_calls(entry, run.committer.bindings)
        left = self._settle(entry)
        try:
            if is_over and not left:
                await run.ledger.forget()
                return CommitAborted(f"nothing was written, calls were undone: {why}", run.outcome())
            await run.ledger.leave(entry, JournalState.LISTED if is_over else JournalState.UNDOING)
        except HoldallError:  # the journal has it as being undone, and recovery will come to the same end
            is_over = False
        told = f"{left} calls are left over" if is_over else "recovery will go on undoing calls"
        return CommitPartial(f"{told}: {why}", run.outcome())

    def _told(self, error: BaseException) -> str:
        match error:
            case TimeoutError():
                return f"it took longer than {self._run.options.budget} seconds"
            case asyncio.CancelledError():
                return "it was cancelled"
        return str(error)

    def _settle(self, entry: Entry) -> int:
        """Calls that stand are settled as applied, records whose calls were undone stay; tells how many are orphans."""
        run = self._run
        states = {item.token: item.state for part in entry.parts for item in part.operations}
        standing: set[tuple[int, int]] = set()
        for number, calls in run.calls.items():
            token = run.token(number)
            places = [(batch, index) for batch in calls.report.step.batches for index in range(len(batch.records))]
            for place, (batch, index) in enumerate(places):
                if calls.is_applied(place):
                    if states[token(place)] is CallState.UNDONE:
                        calls.report.undone.add(place)
                    else:
                        standing.add((id(batch), index))
        untake_keys([(batch, index) for batch, index in run.taken if (id(batch), index) not in standing])
        for number in run.calls:
            run.settle(number)
        run.committer.is_in_doubt = any(calls.report.unknown for calls in run.calls.values())
        return sum(state is CallState.ORPHANED for state in states.values())
