"""The moves of collections that one process knows of: it notes what it writes, and follows where collections went."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from time import monotonic
from uuid import uuid4

from holdall.app.jobs.key_range import text_of
from holdall.app.moving.note import note_binding
from holdall.app.moving.rows import MOVE, MoveRow, read_row
from holdall.errors import HoldallError, Reserved, StateError, StoreError
from holdall.events.rows import RowBinding, put_awaited
from holdall.model import Record
from holdall.query import Key
from holdall.session import Batch, Bindings, store_within
from holdall.session.cancelling import heed_cancellation
from holdall.store import Fencing, Preparable, Store, Verb

__all__ = ["EVERY", "KnownMoves"]

_log = logging.getLogger("holdall")

EVERY = 5.0
"""Seconds between two looks at the fences of stores, as long as no commit meets one."""

_PATIENCE = 1.0  # seconds for which a session waits for the answer of a store
_LATER = 30.0  # seconds for which a store that did not answer is left alone

_WAIT = 0.02  # seconds, before a commit is tried again at a collection that is about to be switched


class KnownMoves:
    """The moves that one process knows of; ``Relocating`` for its sessions. Example: ``docs/moving.md``."""

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self._noted: dict[str, RowBinding] = {}
        self._epochs: dict[str, int] = {}
        self._told: set[int] = set()  # the stores that were told of the rows of moves
        self._next_look = 0.0
        self._passed_over: dict[str, float] = {}  # until when, stores that did not answer

    # --- for sessions -----------------------------------------------------------------------------------------------

    def is_noted(self, collection: str) -> bool:
        """Whether each change of a record of this collection is noted by its key."""
        return collection in self._noted

    def notes(self, batches: Sequence[Batch]) -> list[Batch]:
        """Return a note for each record of a moving collection that these batches write."""
        if not self._noted:
            return []
        found: dict[tuple[str, bool], tuple[RowBinding, list[Record]]] = {}
        for batch in batches:
            noting = self._noted.get(batch.binding.collection)
            if noting is None or batch.is_check or batch.binding.store is not noting.store:
                continue
            for key, record in zip(batch.keys, batch.records, strict=True):
                note, is_awaiting = _note(noting, key, record)
                found.setdefault((noting.collection, is_awaiting), (noting, []))[1].append(note)
        return [_batch(noting, notes, is_awaiting) for (_, is_awaiting), (noting, notes) in found.items()]

    @property
    def is_due(self) -> bool:
        """Whether it is time to look again."""
        return monotonic() >= self._next_look and len(self._bindings.known_stores) > 1

    async def looking(self) -> None:
        """Look again and again, until this is cancelled; what cannot be followed is logged."""
        while len(self._bindings.known_stores) > 1:
            try:
                await self.look()
            except HoldallError as error:
                _log.error("%s", error)
            heed_cancellation()
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Learn what moves and what has moved, unless that was looked at a moment ago.

        A store that does not answer is passed over. Raises StateError where a collection lies in a store that the
        application does not know.
        """
        if not self.is_due:
            return
        self._next_look = now = monotonic() + EVERY
        self._bindings.configure()
        for store in self._bindings.stores():
            if self._passed_over.get(store.name, 0.0) > now:
                continue
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self.look_at(store)
            except (StoreError, TimeoutError):
                self._passed_over[store.name] = now + _LATER

    async def learn(self, refusal: Reserved) -> bool:
        """Learn why a fence refused a commit; whether it can be tried anew."""
        store = next((each for each in self._bindings.stores() if each.name == refusal.store), None)
        if store is None:
            return False
        row = await self.look_at(store, refusal.collection)
        if row is not None and row.state == "closed":
            await asyncio.sleep(_WAIT)
        return row is not None or self._bindings.of_name(refusal.collection).store.name != refusal.store

    # --- looking ----------------------------------------------------------------------------------------------------

    async def look_at(self, store: Store, collection: str = "") -> MoveRow | None:
        """Take over what the fences of a store say; the row about ``collection``, if there is one."""
        if not (isinstance(store, Fencing) and isinstance(store, Preparable)):
            return None
        fences = [held for held in await store.prepared() if held.is_fence]
        bound = {each.collection: each for each in self._bindings if _is_in(each.store, store) and not each.is_hidden}
        if not fences:
            for name in [name for name, noting in self._noted.items() if _is_in(noting.store, store)]:
                del self._noted[name]
            return None
        self._tell_of_rows(store)
        asked = None
        for name in bound:
            row = await read_row(store, MoveRow, name)
            if row is None:
                self._noted.pop(name, None)
                continue
            asked = row if name == collection else asked
            await self._take_over(bound[name].store, row)
        return asked

    async def _take_over(self, store: Store, row: MoveRow) -> None:
        if row.epoch <= self._epochs.get(row.collection, 0):
            return
        if row.state != "moved":
            self._noted[row.collection] = note_binding(self._bindings, row.collection, store)
            return
        target = self._bindings.known_stores.get(row.store)
        if target is None:
            raise StateError(
                f"{row.collection} was moved to store {row.store!r}, which this application does not have: call"
                f" add_store({row.store!r}, …), and add its model there"
            )
        self._epochs[row.collection] = row.epoch
        self.follow(row.collection, target)
        await self.look_at(self._bindings.of_name(row.collection).store, row.collection)

    def epoch_of(self, collection: str) -> int:
        """The epoch of the last move of a collection that was followed."""
        return self._epochs.get(collection, 0)

    def follow(self, collection: str, target: Store) -> None:
        """Keep a collection in the store that it was moved to.

        Its notes stay with the store that it left, which so is still looked after by recovery.
        """
        source = self._bindings.of_name(collection).store
        if not _is_in(source, target):
            note_binding(self._bindings, collection, source)
            self._bindings.relocate(collection, target)
        self._noted.pop(collection, None)

    def _tell_of_rows(self, store: Store) -> None:
        if id(store) not in self._told:
            store.bind([MOVE])
            self._told.add(id(store))


def _is_in(store: Store, other: Store) -> bool:
    return store_within(store) is store_within(other)


def _note(noting: RowBinding, key: Key, record: Record) -> tuple[Record, bool]:
    known = record.__key__() if key is None else key
    note = noting.model(id=uuid4().hex, key="" if known is None else text_of(known))
    return note, put_awaited(noting, note, [record]) if known is None else False


def _batch(noting: RowBinding, notes: list[Record], is_awaiting: bool) -> Batch:
    keys = [note.__key__() for note in notes]
    return Batch(noting, Verb.ADD, notes, keys, noting.all_fields, awaits=noting.awaiting if is_awaiting else ())
