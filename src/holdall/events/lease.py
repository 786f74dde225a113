"""Leases of functions: one worker delivers to each at a time, so that the events of a record keep their order."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

from holdall.errors import Conflict, HoldallError
from holdall.events.rows import RowBinding, fetched, readable
from holdall.query import Compare, Op, Query, Value
from holdall.session.cancelling import heed_cancellation
from holdall.session.journal.owner import commit_under_way, is_known_dead, this_owner
from holdall.store import Change, Verb

__all__ = ["Lease"]

_FIELDS = ("id", "owner", "until", "version")


class Lease:
    """The right to deliver to one function, for ``seconds`` at a time.

    Other processes of this machine know at once that its owner is dead; those of others wait until it is over.
    """

    def __init__(self, binding: RowBinding, name: str, seconds: float) -> None:
        self._binding = binding
        self._name = name
        self._seconds = seconds
        self._run = uuid4().hex
        self._version = 0
        self.is_lost = False

    @asynccontextmanager
    async def held(self) -> AsyncIterator[bool]:
        """Within the block it is held, and renewed; False where somebody else has it."""
        with commit_under_way(self._run):
            if not await self._take():
                yield False
                return
            renewing = asyncio.create_task(self._renew_on())
            try:
                yield True
            finally:
                renewing.cancel()
                with suppress(asyncio.CancelledError):
                    await renewing
                if not self.is_lost:
                    with suppress(HoldallError):
                        await self._write("", _now())

    async def _take(self) -> bool:
        query: Value = Query(self._binding.collection, Compare(("id",), Op.EQ, self._name))
        rows = await fetched(self._binding, query)
        try:
            if not rows:
                self._version = 1
                values = (self._name, self._owner, self._until, 1)
                await self._apply(Change(Verb.ADD, self._binding.collection, self._name, _FIELDS, values))
                return True
            places = self._binding.schema.positions
            owner, until, version = (rows[0][places[name]] for name in ("owner", "until", "version"))
            owner, until = readable(owner, ""), readable(until, _now())
            process, _, run = owner.partition(" ")
            if owner and not is_known_dead(process, run) and until > _now():
                return False
            self._version = version
            await self._write(self._owner, self._until)
        except Conflict:
            return False
        return True

    async def _renew_on(self) -> None:
        while True:
            await asyncio.sleep(self._seconds / 3)
            try:
                await self._write(self._owner, self._until)
            except Conflict:
                self.is_lost = True
                return
            except HoldallError:
                pass  # the store is away for now: the lease lasts
            heed_cancellation()

    async def _write(self, owner: str, until: dt.datetime) -> None:
        values = (owner, until, self._version + 1)
        change = Change(
            Verb.UPDATE, self._binding.collection, self._name, ("owner", "until", "version"), values, self._version
        )
        await self._apply(change)
        self._version += 1

    async def _apply(self, change: Change) -> None:
        for outcome in await self._binding.store.apply([change]):
            if outcome.error is not None:
                raise outcome.error

    @property
    def _owner(self) -> str:
        return f"{this_owner()} {self._run}"

    @property
    def _until(self) -> dt.datetime:
        return _now() + dt.timedelta(seconds=self._seconds)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
