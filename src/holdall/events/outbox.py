"""The outbox of an application: what is still to be delivered, delivered, listed, retried and dropped."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Container
from contextlib import suppress

import msgspec

from holdall.errors import HoldallError, NotFound, StaleVersion, StoreError
from holdall.events.delivery import Delivered, Delivery
from holdall.events.lease import Lease
from holdall.events.listeners import Listeners
from holdall.events.outbox_row import Waiting, rows_of
from holdall.events.rows import RowBinding, outbox_model, row_binding
from holdall.events.settling import NEW, Standing, settle
from holdall.query import Compare, Condition, Key, Op, Or, Value
from holdall.session.journal.packing import UnreadableBody
from holdall.store import can_keep_rows

__all__ = ["Outbox", "OutboxEntry"]

_PAGE = 200


class OutboxEntry(msgspec.Struct, frozen=True):
    """An event that is still to be delivered to one function, or a dead letter.

    ``id`` names it to ``retry`` and ``drop``; ``is_known`` is false where this program has no function of this name.
    ``problem`` says why its facts cannot be read.

    Example: :class:`Outbox`.
    """

    id: str
    event: str
    handler: str
    collection: str
    kind: str
    key: Key
    fields: tuple[str, ...]
    is_dead: bool
    is_known: bool
    attempts: int
    due: dt.datetime | None
    error: str
    at: dt.datetime | None
    commit: str
    user_id: Value
    request_id: str | None
    problem: str


class Outbox:
    """The events that are still to be delivered to functions of ``app.after``. An application has it as ``app.outbox``.

    >>> from holdall import Holdall, Model, field
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     status: str = "draft"
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main")
    >>> @app.after(Book.created, name="tell-shop", attempts=1)
    ... async def tell(event):
    ...     if event.attempt == 1 and event.key == 8:
    ...         raise ValueError("the shop is closed")
    ...     print("called for", event.key)
    >>> async def example() -> None:
    ...     async with app.session() as session:
    ...         session.add_all([Book(id=7), Book(id=8)])
    ...     print((await app.outbox.deliver()).delivered)
    ...     (letter,) = [entry async for entry in app.outbox.entries(is_dead=True)]
    ...     print(letter.handler, letter.key, letter.error)
    ...     await app.outbox.retry(letter.id)
    ...     await app.outbox.drop(letter.id)
    ...     print([entry async for entry in app.outbox.entries()])
    >>> import asyncio
    >>> asyncio.run(example())
    called for 7
    1
    tell-shop 8 ValueError: the shop is closed
    []
    """

    def __init__(self, listeners: Listeners, lease: float) -> None:
        self._listeners = listeners
        self._lease = lease

    @property
    def is_used(self) -> bool:
        """Return whether anything is to be delivered after commits. Example: ``docs/events.md``."""
        return bool(self._listeners.consumers)

    async def deliver(self) -> Delivered:
        """Deliver now what is due, to all functions of this program that no other one delivers to.

        Raises StoreError where a store cannot be read, once the events of all others are delivered. Example:
        :class:`Outbox`.
        """
        told, failures = Delivered(), list[HoldallError]()

        async def go(outbox: RowBinding, name: str) -> None:
            try:
                told.add(await self.deliver_to(outbox, name))
            except HoldallError as error:
                failures.append(error)

        found = await self.waiting(failures)
        async with asyncio.TaskGroup() as group:
            for outbox, name in found:
                group.create_task(go(outbox, name))
        if failures:
            raise failures[0]
        return told

    async def waiting(
        self, failures: list[HoldallError], served: Container[tuple[str, str]] = ()
    ) -> list[tuple[RowBinding, str]]:
        """Return the outboxes and functions of this program for which events wait; those ``served`` are left out.

        Errors of stores that cannot be read are added to ``failures``. Example: :class:`Outbox`.
        """

        async def look(outbox: RowBinding) -> list[str]:
            own = Compare(("is_dead",), Op.EQ, False)
            names = [name for name in self._listeners.consumers if (outbox.collection, name) not in served]
            try:
                if not names or not await rows_of(outbox, own, limit=1):
                    return []
                return [
                    name for name in names if await rows_of(outbox, own, Compare(("handler",), Op.EQ, name), limit=1)
                ]
            except HoldallError as error:
                failures.append(error)
                return []

        outboxes = self._outboxes()
        found = await asyncio.gather(*map(look, outboxes))
        return [(outbox, name) for outbox, names in zip(outboxes, found, strict=True) for name in names]

    async def deliver_to(self, outbox: RowBinding, name: str, *, goes_on: bool = False) -> Delivered:
        """Deliver to one function, unless somebody else does; return the last pass of one that ``goes_on`` until a pass
        finds nothing to deliver. Example: :class:`Outbox`.
        """
        consumer = self._listeners.consumers[name]
        lease = Lease(self._listeners.leases[outbox.collection], name, self._lease)
        async with lease.held() as is_mine:
            if not is_mine:
                return Delivered()
            while True:
                told = await Delivery(self._listeners.bindings, outbox, consumer, lease).run()
                if not goes_on or not told.delivered or lease.is_lost:
                    return told

    async def entries(self, *, handler: str | None = None, is_dead: bool | None = None) -> AsyncIterator[OutboxEntry]:
        """Give what is still to be delivered, and dead letters, in the order of each store.

        Example: :class:`Outbox`.
        """
        conditions = list[Condition]()
        if handler is not None:
            conditions.append(Compare(("handler",), Op.EQ, handler))
        if is_dead is not None:
            own = Compare(("is_dead",), Op.EQ, is_dead)
            conditions.append(Or((own, Compare(("error",), Op.NE, ""))) if is_dead else own)  # some of a bundle may be
        for outbox in await self._everywhere():
            after = 0
            while rows := await rows_of(outbox, *conditions, after=after, limit=_PAGE):
                for each in [each for row in rows for each in row.waiting()]:
                    if is_dead is None or each.is_dead is is_dead:
                        yield self._entry(outbox, each)
                after = rows[-1].id

    async def entry(self, entry: str) -> OutboxEntry:
        """Return one entry. Raises NotFound. Example: ``docs/events.md``."""
        return self._entry(*await self._found(entry))

    async def retry(self, entry: str) -> None:
        """Have one delivered as if it were new, at once. Raises NotFound. Example: :class:`Outbox`."""
        await self._settle(entry, NEW)
        self._listeners.wake()

    async def drop(self, entry: str) -> None:
        """Forget one: its function is not told. Raises NotFound. Example: :class:`Outbox`."""
        await self._settle(entry, None)

    async def _settle(self, entry: str, standing: Standing | None) -> None:
        outbox, waiting = await self._found(entry)
        try:
            await settle(outbox, waiting.row, {waiting.number: standing})
        except StaleVersion:
            await self._found(entry)  # which says so where it is gone meanwhile
            raise

    async def _found(self, entry: str) -> tuple[RowBinding, Waiting]:
        name, _, place = entry.rpartition(":")
        number = place.partition(".")[0]
        for outbox in await self._everywhere():
            if outbox.store.name == name and number.isdecimal() and len(number) < 19:
                for row in await rows_of(outbox, Compare(("id",), Op.EQ, int(number))):
                    for each in row.waiting():
                        if each.place == place:
                            return outbox, each
        raise NotFound("waiting event", entry)

    def _outboxes(self) -> list[RowBinding]:
        """The outboxes of all collections, and those of stores that collections have left."""
        bindings = self._listeners.bindings
        bindings.configure()
        own = [each for each in bindings if isinstance(each, RowBinding) and each.collection in self._listeners.leases]
        return list({id(each): each for each in (*self._listeners.outboxes.values(), *own)}.values())

    async def _everywhere(self) -> list[RowBinding]:
        """The outboxes that are used, and those that an earlier version of the program may have left."""
        found, bindings = self._outboxes(), self._listeners.bindings
        for store in bindings.stores():
            if can_keep_rows(store) and all(each.store is not store for each in found):
                left = row_binding(bindings, store, "outbox", outbox_model)
                bindings.configure()
                with suppress(StoreError):  # there is no such table
                    await rows_of(left, limit=1)
                    found.append(left)
        return found

    def _entry(self, outbox: RowBinding, waiting: Waiting) -> OutboxEntry:
        problem, body, row = "", None, waiting.row
        try:
            body = waiting.body()
        except UnreadableBody as error:
            problem = str(error)
        return OutboxEntry(
            f"{outbox.store.name}:{waiting.place}",
            waiting.event,
            row.handler,
            row.collection,
            "" if body is None else body.kind.value,
            None if body is None else body.key,
            () if body is None else body.fields,
            waiting.is_dead,
            row.handler in self._listeners.consumers,
            waiting.attempts,
            waiting.due,
            waiting.error,
            None if body is None else body.at,
            "" if body is None else body.commit,
            None if body is None else body.user,
            None if body is None else body.request_id,
            problem,
        )
