"""Undoing calls that had their effect, or may have had it, once their commit is decided against.

Each call has its compensation, run in reverse order (Garcia-Molina and Salem, *Sagas*, SIGMOD 1987).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from holdall.errors import Conflict, StoreTimeout, StoreUnavailable
from holdall.query import And, AnyQuery, Compare, Condition, Key, Op, Query, Value
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.commit.failpoint import Failpoint, reached
from holdall.session.compensation import Compensate
from holdall.session.journal.log_record import CallState, LogRecord, Operation, inverse
from holdall.session.journal.packing import storable, words_of
from holdall.store import CommitClass, Members, Outcome, Row, Verb

__all__ = ["StillHeld", "current_row", "holds", "is_undoable", "undo_calls"]


StillHeld: TypeAlias = Callable[[], Awaitable[object]]
"""Asked before anything is sent. It raises where whoever undoes has lost the claim on the commit, or cannot tell."""


async def _always() -> None:
    """Nobody else can have the claim."""


class _Lost(Exception):
    """Carries the error of ``still_held`` past what is made of errors of stores."""

    def __init__(self, reason: Exception) -> None:
        super().__init__()
        self.reason = reason


async def undo_calls(entry: LogRecord, bindings: Bindings, still_held: StillHeld = _always) -> bool:
    """Undo the calls of an entry, the last first, and note the result of each in the entry.

    Tells whether it came to an end; False where a store cannot be reached for now. Calls that cannot be undone are
    noted as orphaned; the rest goes on. Raises what ``still_held`` raises, and then has sent nothing since.
    """
    is_over = True
    undoing = _Undoing(bindings, still_held)
    for part in reversed(entry.parts):
        if not part.by_call:
            continue
        for operation in reversed(part.operations):
            if operation.state in (CallState.APPLIED, CallState.PLANNED):
                is_over &= await undoing.tell(operation)
    return is_over


class _Undoing:
    """The undoing of operations, one by one, by the holder of the claim on their commit."""

    def __init__(self, bindings: Bindings, still_held: StillHeld) -> None:
        self._bindings = bindings
        self._still_held = still_held
        task = asyncio.current_task()
        self._cancelled_before = task.cancelling() if task is not None else 0

    async def tell(self, operation: Operation) -> bool:
        """Undo one operation and note the result in it; False where that has to be tried again."""
        reached(Failpoint.UNDOING)
        binding = self._bindings.of_name(operation.collection)
        try:
            await self._undo(operation, binding)
        except _Lost as lost:
            raise lost.reason from None
        except (StoreUnavailable, StoreTimeout) as error:
            operation.error = storable(str(error))
            if not (error.is_outcome_unknown and _sends_once(binding)):
                return False
            operation.state = CallState.ORPHANED  # whether it was undone is not known, and it is not sent again
        except Exception as error:
            operation.state, operation.error = CallState.ORPHANED, words_of(error)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling() > self._cancelled_before:
                raise
            operation.state, operation.error = CallState.ORPHANED, "what undoes it was cancelled from within"
        reached(Failpoint.UNDONE)
        return True

    async def _undo(self, operation: Operation, binding: Binding) -> None:
        compensation = binding.compensation
        is_certain = operation.state is CallState.APPLIED and operation.key is not None
        if compensation is None:
            operation.state, operation.error = CallState.ORPHANED, f"{binding.collection} has no compensation"
        elif not isinstance(compensation, Compensate):
            await self._demand_held()
            await compensation(operation)
            operation.state = CallState.UNDONE
        elif not is_certain and _sends_once(binding):
            operation.state, operation.error = CallState.ORPHANED, "its answer was lost, and it must not be sent again"
        elif is_certain or await self._is_made_certain(operation, binding):
            await self._invert(operation, binding)

    async def _invert(self, operation: Operation, binding: Binding) -> None:
        change = inverse(operation, binding.schema.version)
        row = await current_row(binding, operation.key)
        if change is None or not is_undoable(operation, binding, row):
            operation.state = CallState.ORPHANED
            operation.error = "the record was changed since, or its old values are not known"
        elif not was_applied(operation, binding, row):
            operation.state = CallState.UNDONE
        else:
            await self._demand_held()
            outcome = (await binding.store.apply([change]))[0]
            if outcome.error is not None:
                raise outcome.error
            operation.state = CallState.UNDONE

    async def _demand_held(self) -> None:
        try:
            await self._still_held()
        except Exception as error:
            raise _Lost(error) from error

    async def _is_made_certain(self, operation: Operation, binding: Binding) -> bool:
        """Whether there may be something to undo of a call that may have been made, or may still be on its way.

        The call is sent again: the same token gets the same answer, and the key with it, and a call that arrives later
        counts for nothing. Only where somebody has newer data it is not. That an added record is there by itself says
        nothing: it may have been there before.
        """
        if operation.verb is not Verb.ADD:
            row = None if operation.key is None else await current_row(binding, operation.key)
            if operation.old is None or (row is not None and not _is_as_before_or_after(operation, binding, row)):
                return True
        await self._demand_held()
        try:
            outcome = (await binding.store.apply([operation.change]))[0]
        except Conflict as refusal:
            outcome = Outcome(error=refusal)
        if outcome.error is None:
            operation.key = operation.key if outcome.key is None else outcome.key
            return True
        if not isinstance(outcome.error, Conflict):
            raise outcome.error
        if operation.verb is not Verb.ADD:
            return True
        row = None if operation.key is None else await current_row(binding, operation.key)
        if row is None or not holds(binding, row, operation.fields, operation.values):
            operation.state = CallState.UNDONE
        else:
            operation.state = CallState.ORPHANED
            operation.error = "a record like it is there, and nobody knows who made it"
        return False


def _is_as_before_or_after(operation: Operation, binding: Binding, row: Row) -> bool:
    """Whether nobody has changed it since. Changes of others to lists stay, as only members come back and go again."""
    fields, old, values = operation.fields, operation.old, operation.values
    whole = [place for place, value in enumerate(values) if not isinstance(value, Members)]
    if len(whole) < len(values) and old is not None:
        fields = tuple([fields[place] for place in whole])
        old, values = tuple([old[place] for place in whole]), tuple([values[place] for place in whole])
    if old is not None and holds(binding, row, fields, old):
        return True
    return operation.verb is Verb.UPDATE and holds(binding, row, fields, values)


def _sends_once(binding: Binding) -> bool:
    """Whether undoing means calls by which a store that must not be asked twice would be asked twice."""
    is_function = not isinstance(binding.compensation, Compensate)
    return not is_function and binding.store.capabilities.commit is CommitClass.ONCE


def was_applied(operation: Operation, binding: Binding, row: Row | None) -> bool:
    """Whether the store shows the operation's effect."""
    match operation.verb:
        case Verb.ADD:
            return row is not None
        case Verb.REMOVE:
            return row is None
        case Verb.UPDATE:
            return row is not None and holds(binding, row, operation.fields, operation.values)


def is_undoable(operation: Operation, binding: Binding, row: Row | None) -> bool:
    """Whether what the store has now is what the operation made, or what there was before it: nobody's newer data."""
    if operation.verb is not Verb.UPDATE:
        return True
    return row is not None and operation.old is not None and _is_as_before_or_after(operation, binding, row)


async def current_row(binding: Binding, key: Key) -> Row | None:
    """Return the row that the store has under a key, or None."""
    names = binding.schema.key
    parts = (key,) if len(names) == 1 else key
    items: tuple[Condition, ...] = tuple(
        [Compare((name,), Op.EQ, part) for name, part in zip(names, parts, strict=True)]
    )
    query: AnyQuery = Query(binding.collection, items[0] if len(items) == 1 else And(items))
    rows = await binding.store.fetch(query)
    return rows[0] if rows else None


def holds(binding: Binding, row: Row, fields: tuple[str, ...], values: tuple[Value, ...]) -> bool:
    """Whether a row has these values; of members that come and go, whether they have."""
    positions = binding.schema.positions
    return all(
        value.is_applied_to(row[positions[name]] or ()) if isinstance(value, Members) else row[positions[name]] == value
        for name, value in zip(fields, values, strict=True)
    )
