"""The ends of events that waited in a row, written to the outbox: a delivery and a retry keep what the other wrote."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping

import msgspec

from holdall.errors import HoldallError, StaleVersion
from holdall.events.bundle import Bundled, decode_bundle, encode_bundle
from holdall.events.outbox_row import OutboxRow, Waiting, rows_of
from holdall.events.rows import RowBinding
from holdall.query import MAX_INT, Compare, Op
from holdall.store import Change, Expected, Verb, pause_before

__all__ = ["NEW", "Settling", "Standing", "settle"]

_TRIES = 30
_FIRST_PAUSE, _LONGEST_PAUSE = 0.002, 0.05  # seconds


class Standing(msgspec.Struct, frozen=True):
    """How an event stands that stays in the outbox."""

    attempts: int = 0
    due: dt.datetime | None = None
    error: str = ""
    is_dead: bool = False


NEW = Standing()
"""The standing of an event that nobody has tried."""

Ends = Mapping[int | None, Standing | None]
"""The standings of events of a row, by their number; None for those that are delivered or dropped."""


async def settle(outbox: RowBinding, row: OutboxRow, ends: Ends) -> OutboxRow | None:
    """Write how events of a row stand, and return the row as it is now, None where it is gone.

    Raises StaleVersion where somebody else removed all of these events, or writes the row all the time, and what the
    store raises.
    """
    if None in ends:
        await _apply(outbox, _of_one(outbox, row, ends[None]))
        return None
    known: OutboxRow | None = None
    for number in range(_TRIES):
        after = _with(row, [_after(each, ends) for each in decode_bundle(row.stored)])
        # a row that was read before and is there again cannot be compared, as its count is damaged
        change = _of_bundle(outbox, row, after, is_compared=row != known)
        try:
            await _apply(outbox, change)
        except StaleVersion:
            found = await rows_of(outbox, Compare(("id",), Op.EQ, row.id))
            if not found or number == _TRIES - 1:
                raise
            known, (row,) = row, found
            if ends.keys().isdisjoint([each.number for each in row.waiting()]):
                raise
            await asyncio.sleep(pause_before(number, _FIRST_PAUSE, _LONGEST_PAUSE))
        else:
            return after
    return None


def _of_one(outbox: RowBinding, row: OutboxRow, standing: Standing | None) -> Change:
    if standing is None:
        return Change(Verb.REMOVE, outbox.collection, row.id)
    values = (standing.is_dead, standing.attempts, standing.due, standing.error)
    return Change(Verb.UPDATE, outbox.collection, row.id, ("is_dead", "attempts", "due", "error"), values)


def _after(event: Bundled, ends: Ends) -> Bundled | None:
    if event.number not in ends:
        return event
    standing = ends[event.number]
    if standing is None:
        return None
    return Bundled(event.number, event.body, standing.attempts, standing.due, standing.error, standing.is_dead)


def _with(row: OutboxRow, events: list[Bundled | None]) -> OutboxRow | None:
    left = [each for each in events if each is not None]
    if not left:
        return None
    error = next((each.error for each in left if each.error), "")
    is_dead, stored = all(each.is_dead for each in left), encode_bundle(left)
    return msgspec.structs.replace(
        row, is_dead=is_dead, attempts=row.attempts % MAX_INT + 1, error=error, stored=stored
    )


def _of_bundle(outbox: RowBinding, row: OutboxRow, after: OutboxRow | None, *, is_compared: bool) -> Change:
    expected = Expected(("attempts",), (row.attempts,)) if is_compared else None
    if after is None:
        return Change(Verb.REMOVE, outbox.collection, row.id, expected=expected)
    fields, values = (
        ("is_dead", "attempts", "error", "body"),
        (after.is_dead, after.attempts, after.error, after.stored),
    )
    return Change(Verb.UPDATE, outbox.collection, row.id, fields, values, expected=expected)


async def _apply(outbox: RowBinding, change: Change) -> None:
    for outcome in await outbox.store.apply([change]):
        if outcome.error is not None:
            raise outcome.error


class Settling:
    """Writes how the events of one row stand, while they are delivered.

    Events that end during a write are written together after that.
    """

    def __init__(self, outbox: RowBinding, row: OutboxRow) -> None:
        self._outbox = outbox
        self._row: OutboxRow | None = row
        self._ends: dict[int | None, Standing | None] = {}
        self._failures: dict[int | None, HoldallError] = {}
        self._turn = asyncio.Lock()

    async def end(self, waiting: Waiting, standing: Standing | None) -> None:
        """Write how one event stands. Raises as ``settle``."""
        self._ends[waiting.number] = standing
        async with self._turn:
            if waiting.number in self._ends:
                await self._write()
        if (failure := self._failures.pop(waiting.number, None)) is not None:
            raise failure

    async def _write(self) -> None:
        ends, self._ends = self._ends, {}
        try:
            if self._row is not None:
                self._row = await settle(self._outbox, self._row, ends)
        except HoldallError as error:
            self._failures.update(dict.fromkeys(ends, error))
        except BaseException:
            self._ends = ends | self._ends  # which the next one writes
            raise
