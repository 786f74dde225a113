"""One pass over what is to be delivered to one function: in order for each record, side by side for different ones."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging

import msgspec

from holdall.errors import HoldallError, StaleVersion
from holdall.events.handler import Consumer, NoThread, call
from holdall.events.lease import Lease
from holdall.events.outbox_row import OutboxRow, Waiting, newest_of, rows_of
from holdall.events.rows import RowBinding
from holdall.events.settling import Settling, Standing
from holdall.query import Compare, Key, Op
from holdall.session import Bindings
from holdall.session.cancelling import heed_cancellation
from holdall.session.journal.packing import UnreadableBody, words_of
from holdall.store import spread

__all__ = ["Delivered", "Delivery", "pause_after"]

_log = logging.getLogger("holdall.events")

_AT_ONCE = 8
_PAGE = 200
_LONGEST_PAUSE = 3_600.0
_FAILURES = 20  # in a row: then the function is left alone for this pass
_TOLD = 300  # characters of an error


class Delivered(msgspec.Struct):
    """The result of a pass: how many events were ``delivered``, tried in vain (``failed``), or given up (``dead``).

    ``waiting`` were left alone, as another event of their record comes first or their next try is not due. ``next_due``
    is when the next try is.

    Example: :class:`holdall.events.Outbox`.
    """

    delivered: int = 0
    failed: int = 0
    dead: int = 0
    waiting: int = 0
    next_due: dt.datetime | None = None

    def add(self, other: Delivered) -> None:
        """Count another pass as well."""
        self.delivered += other.delivered
        self.failed += other.failed
        self.dead += other.dead
        self.waiting += other.waiting
        if other.next_due is not None:
            self.wait_for(other.next_due)

    def wait_for(self, due: dt.datetime) -> None:
        """Note when a next try is due."""
        self.next_due = due if self.next_due is None else min(self.next_due, due)


class Delivery:
    """One pass for one function, under a lease."""

    def __init__(self, bindings: Bindings, outbox: RowBinding, consumer: Consumer, lease: Lease) -> None:
        self._bindings = bindings
        self._outbox = outbox
        self._consumer = consumer
        self._lease = lease
        self._blocked: set[Key] = set()
        self._in_vain = 0
        self._has_no_thread = False
        self._settling: dict[int, Settling] = {}  # by row, of a page
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self.told = Delivered()

    async def run(self) -> Delivered:
        """Deliver what is due, page by page, up to the newest row that is there before anything is read.

        Stores may count a row long before its commit, so that it comes up behind what was read. Later rows of its
        record are newer than all that were there then, and are left to the next pass.
        """
        own = Compare(("handler",), Op.EQ, self._consumer.name), Compare(("is_dead",), Op.EQ, False)
        after, newest = 0, await newest_of(self._outbox, *own)
        while newest is not None and after < newest and not self._is_over:
            rows = await rows_of(self._outbox, *own, Compare(("id",), Op.LE, newest), after=after, limit=_PAGE)
            heed_cancellation()
            await self._page(rows)
            after = newest if len(rows) < _PAGE else rows[-1].id
        return self.told

    async def _page(self, rows: list[OutboxRow]) -> None:
        self._settling = {row.id: Settling(self._outbox, row) for row in rows}
        by_subject: dict[Key, list[Waiting]] = {}
        for waiting in [each for row in rows for each in row.waiting() if not each.is_dead]:
            by_subject.setdefault(waiting.subject, []).append(waiting)
        async with asyncio.TaskGroup() as group:
            for subject, mine in by_subject.items():
                group.create_task(self._one_record(subject, mine))

    @property
    def _is_over(self) -> bool:
        return self._lease.is_lost or self._has_no_thread or self._in_vain >= _FAILURES

    async def _one_record(self, subject: Key, events: list[Waiting]) -> None:
        async with self._slots:
            for place, waiting in enumerate(events):
                due = waiting.due
                is_due = due is None or due <= _now()
                if subject in self._blocked or self._is_over or not is_due:
                    self._blocked.add(subject)
                    self.told.waiting += len(events) - place
                    if due is not None and not is_due:
                        self.told.wait_for(due)
                    return
                if not await self._one(waiting):
                    self._blocked.add(subject)
                    self.told.waiting += len(events) - place - 1
                    return

    async def _one(self, waiting: Waiting) -> bool:
        """Deliver one event; False where the next ones of its record have to wait for it."""
        try:
            event = waiting.event_for(self._bindings)
            await call(self._consumer, event, self._consumer.timeout, waiting.event)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return await self._failed(waiting, error)  # the function raised it by itself
        except NoThread as error:
            if not self._has_no_thread:
                _log.error("events wait, as %s; give what it calls a timeout, and start this program anew", error)
            self._has_no_thread = True
            self.told.waiting += 1
            return False
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # whatever a function raises, a try it is
            if isinstance(error, UnreadableBody) and not error.is_damage:
                return False  # another version of Holdall can read it
            return await self._failed(waiting, error)
        self._in_vain = 0
        if await self._settled(waiting, None):
            self.told.delivered += 1
        return True

    async def _failed(self, waiting: Waiting, error: BaseException) -> bool:
        self._in_vain += 1
        told = words_of(error)[:_TOLD]
        name, number = self._consumer.name, waiting.attempt
        if number >= self._consumer.attempts:
            _log.error("event %s is a dead letter of %r at try %d: %s", waiting.event, name, number, told)
            self.told.dead += 1
            await self._settled(waiting, Standing(number, None, told, is_dead=True))
            return True
        due = _now() + dt.timedelta(seconds=pause_after(number, self._consumer.backoff))
        _log.warning("event %s was not delivered to %r, try %d: %s", waiting.event, name, number, told)
        self.told.failed += 1
        self.told.wait_for(due)
        await self._settled(waiting, Standing(number, due, told))
        return False

    async def _settled(self, waiting: Waiting, standing: Standing | None) -> bool:
        """Whether it was written how an event stands; one that is gone was delivered by somebody else."""
        try:
            await self._settling[waiting.row.id].end(waiting, standing)
        except StaleVersion:
            return False
        except HoldallError as error:
            _log.warning("the outbox in store %r cannot be written: %s", self._outbox.store.name, error)
            return False
        return True


def pause_after(attempts: int, backoff: float) -> float:
    """Return the seconds until the next try: doubled with each, up to an hour, and spread by a half.

    >>> 4.0 <= pause_after(4, 1.0) <= 8.0
    True
    """
    longest = min(_LONGEST_PAUSE, backoff * 2.0 ** min(attempts - 1, 30))
    return spread(longest)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
