"""How a commit over several stores ended: what records take over, what the journal keeps, what the caller is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from holdall.errors import (
    CommitAborted,
    CommitError,
    CommitPartial,
    CommitPending,
    CommitUnknown,
    HoldallError,
)
from holdall.session.commit.calls.undo_calls import undo_calls
from holdall.session.commit.failpoint import Failpoint, reached
from holdall.session.commit.outcome.result import CommitResult, TaskState
from holdall.session.commit.plan.plan import Role
from holdall.session.commit.run.participation import Participation
from holdall.session.commit.two_phase.decide import InDoubt
from holdall.session.commit.two_phase.lease import require_claim
from holdall.session.commit.two_phase.roll_forward import End, PartEnd
from holdall.session.commit.two_phase.settle import was_taken_back, without_hold
from holdall.session.commit.two_phase.take_back import let_go_of_parts
from holdall.session.journal.log_record import CallState, LogRecord
from holdall.session.journal.row import JournalState
from holdall.store import APPLIED

__all__ = ["Endings"]


class Endings:
    """The ends of one commit; ``outcome`` gives its result as far as it is known."""

    def __init__(self, part: Participation, outcome: Callable[[], CommitResult]) -> None:
        self._part = part
        self._outcome = outcome

    # --- decided ----------------------------------------------------------------------------------------------------

    async def decided(self, ends: list[PartEnd]) -> CommitResult:
        """Every part ended so. Raises CommitPending, CommitPartial, or CommitAborted where all could be taken back."""
        part, by_store = self._part, {id(end.store): end for end in ends}
        let_go = [end for end in ends if end.end is End.APPLIED and not end.is_ours]
        if let_go:
            await self._write_what_was_let_go(let_go)
        refused = [end for end in ends if end.end is End.REFUSED]
        pending = [end for end in ends if end.end is End.PENDING]
        if refused and not pending and await self._is_taken_back(refused):
            return await self._taken_back(refused)
        for number, step in enumerate(part.plan.steps):
            end = None if step.role is Role.CALLS else by_store.get(id(step.store))
            if end is not None:
                self._note(number, end)
            if end is None or end.end is not End.REFUSED:
                part.accept(number)
        if refused or pending:
            raise await self._unfinished(refused, pending)
        if not all(end.is_ours for end in ends):
            await self._require_not_revoked()
        reached(Failpoint.FINISHING)
        await part.commit.handle.forget(part.commit.stores, part.commit.marked)
        reached(Failpoint.FINISHED)
        return self._outcome()

    async def _write_what_was_let_go(self, ends: list[PartEnd]) -> None:
        """Write parts that were held no more, where nobody has claimed the commit, so that no helper has written them.

        Somebody has removed the reservation by hand, or the store has forgotten it.
        """
        commit = self._part.commit
        if commit.handle.row is None:
            return
        found = await commit.coordinator.journal.read(await commit.handle.place(), commit.id)
        if found is None or found.version != commit.handle.row.version:
            return
        for end in ends:
            end.is_ours = True
            try:
                await end.store.apply(commit.participant(end.store).sent)
            except HoldallError as error:
                end.end, end.error = End.REFUSED, error

    def _note(self, number: int, end: PartEnd) -> None:
        report = self._part.reports[number]
        if end.outcomes is not None:
            report.outcomes = end.outcomes
        match end.end:
            case End.REFUSED:
                report.outcomes, report.failure = None, end.error
            case End.PENDING:
                report.state = TaskState.PENDING
                report.outcomes = report.outcomes or [APPLIED] * sum(len(item.keys) for item in report.step.batches)
            case End.APPLIED:
                report.outcomes = [
                    outcome or APPLIED
                    for outcome in report.outcomes or [APPLIED] * sum(len(item.keys) for item in report.step.batches)
                ]

    async def _is_taken_back(self, refused: list[PartEnd]) -> bool:
        commit = self._part.commit
        if not commit.is_kept or commit.handle.row is None:
            return False
        row = commit.handle.row
        self._mark(row.record, refused, [])
        return await was_taken_back(
            commit.coordinator, await commit.handle.place(), row, seconds=self._part.options.timeout
        )

    async def _taken_back(self, refused: list[PartEnd]) -> CommitResult:
        part, error = self._part, refused[0].error
        for report in part.reports:
            report.state = TaskState.ROLLED_BACK
            if report.step.store is refused[0].store:
                report.outcomes, report.failure = None, error
        part.give_keys_back()
        part.commit.handle.row = None
        raise CommitAborted(
            f"{refused[0].store.name} refused its part after the decision, as another program changed a record without"
            f" regard to reservations; everything was taken back, load the records again: {error}",
            self._outcome(),
        ) from error

    async def _unfinished(self, refused: list[PartEnd], pending: list[PartEnd]) -> CommitError:
        commit = self._part.commit
        if commit.handle.row is not None:
            record = commit.handle.row.record
            self._mark(record, refused, pending)
            with suppress(HoldallError):  # the journal has it as decided, and a helper will come to the same end
                if pending:
                    await commit.handle.leave(record, JournalState.DECIDED)
                else:
                    parts = without_hold(record)
                    await commit.handle.leave(record, JournalState.LISTED)
                    await let_go_of_parts(commit.coordinator, commit.id, parts)
        if not refused:
            names = ", ".join(end.store.name for end in pending)
            return CommitPending(f"it is decided, and recovery will write {names}; do not repeat it", self._outcome())
        names = ", ".join(end.store.name for end in refused)
        partial = CommitPartial(f"it is decided, but {names} refused it: {refused[0].error}", self._outcome())
        partial.__cause__ = refused[0].error
        return partial

    def _mark(self, record: LogRecord, refused: list[PartEnd], pending: list[PartEnd]) -> None:
        waiting = {end.store.name for end in pending}
        errors = {end.store.name: str(end.error) for end in refused}
        for part in record.parts:
            part.is_done = part.store not in waiting and part.store not in errors
            part.error = part.error or errors.get(part.store, "")  # it may say why it could not be taken back

    async def _require_not_revoked(self) -> None:
        """Somebody else has written a part: find out whether it was a helper, or an operator who took all back."""
        commit = self._part.commit
        if commit.handle.row is None:
            return
        found = await commit.coordinator.journal.read(await commit.handle.place(), commit.id)
        if found is None:
            commit.handle.row = None
        elif found.state in (JournalState.ABORTED, JournalState.UNDOING):
            commit.handle.row = None
            raise CommitPartial("an operator has taken the commit back while it was under way", self._outcome())
        elif found.version != commit.handle.row.version:
            commit.handle.row = None  # a helper has it, and removes it

    # --- not decided ------------------------------------------------------------------------------------------------

    async def in_doubt(self, error: InDoubt) -> CommitError:
        """Nobody answers whether it is decided."""
        part = self._part
        part.is_in_doubt = True
        await part.commit.transactions.roll_back()
        return CommitUnknown(f"the answer to the commit was lost: {error.__cause__}", self._outcome())

    async def aborted(self, error: BaseException) -> CommitError:
        """End a commit that is not decided and never will be: nothing is left behind, or the error lists it."""
        part, why = self._part, self._reason(error)
        if part.two_phase is None:
            return CommitAborted(f"nothing was written: {why}", self._outcome())
        part.note_refusal(error)
        for report in part.reports:
            if report.step.role is not Role.CALLS and report.outcomes is not None:
                report.state = TaskState.ROLLED_BACK
        if not any(calls.applied or calls.report.unknown for calls in part.calls.values()):
            await part.release()
            await part.commit.handle.forget([], [])
            return CommitAborted(f"nothing was written: {why}", self._outcome())
        await part.commit.transactions.roll_back()
        return await self._undo_calls(part.call_record(), why)

    async def _undo_calls(self, record: LogRecord, why: str) -> CommitError:
        part, handle = self._part, self._part.commit.handle
        try:
            await handle.undo(record)
            is_over = await self._undone(record)
        except HoldallError as trouble:  # the journal has the calls, and a helper will undo them, or has it in hand
            self._accept_standing(record)
            return CommitPartial(f"recovery will undo the calls: {why}; {trouble}", self._outcome())
        left = self._accept_standing(record)
        await part.release()
        try:
            if is_over and not left:
                await handle.forget([], [])
                return CommitAborted(f"nothing was written, calls were undone: {why}", self._outcome())
            await handle.leave(record, JournalState.LISTED if is_over else JournalState.UNDOING)
        except HoldallError:  # the journal has it as being undone, and a helper will come to the same end
            is_over = False
        told = f"{left} calls are left over" if is_over else "recovery will go on undoing calls"
        return CommitPartial(f"{told}: {why}", self._outcome())

    async def _undone(self, record: LogRecord) -> bool:
        """Undo the calls of a record, as long as nobody else has claimed the commit."""
        commit = self._part.commit

        async def still_held() -> None:
            await require_claim(commit.coordinator.journal, await commit.handle.place(), commit.handle.row)

        return await undo_calls(record, self._part.context.bindings, still_held=still_held)

    def _reason(self, error: BaseException) -> str:
        match error:
            case TimeoutError():
                return f"it took longer than {self._part.options.timeout} seconds"
            case asyncio.CancelledError():
                return "it was cancelled"
        return str(error)

    def _accept_standing(self, record: LogRecord) -> int:
        """Take calls that stand for applied; records whose calls were undone stay as they were. Returns the orphans."""
        part = self._part
        states = {item.token: item.state for item in (op for p in record.parts for op in p.operations)}
        standing: set[tuple[int, int]] = set()
        for number, calls in part.calls.items():
            token = part.token(number)
            places = [(batch, index) for batch in calls.report.step.batches for index in range(len(batch.records))]
            for place, (batch, index) in enumerate(places):
                if states[token(place)] is CallState.UNDONE and calls.outcomes[place] is not None:
                    calls.report.undone.add(place)
                    calls.report.unknown.discard(place)
                elif calls.is_applied(place):
                    standing.add((id(batch), index))
        part.give_keys_back(standing)
        for number in part.calls:
            part.accept(number)
        part.is_in_doubt = any(calls.report.unknown for calls in part.calls.values())
        return sum(state is CallState.ORPHANED for state in states.values())
