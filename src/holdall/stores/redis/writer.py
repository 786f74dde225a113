"""Writing: changes as one script, at once or in the two halves of a commit over several stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from holdall.errors import Reserved, StaleVersion, StoreError, Unsupported
from holdall.query import Key
from holdall.store import Change, Outcome, Reservation, Run, Runs, Verb, demand_changes
from holdall.stores.redis.asked import AppendAsked, AppendKeys, CountAsked, CountKeys
from holdall.stores.redis.codec import Codec
from holdall.stores.redis.expectations import Texts, texts_expected
from holdall.stores.redis.fetch import Reader
from holdall.stores.redis.keys import is_keyed, own_key, runs_of, with_keys
from holdall.stores.redis.layout import Layout
from holdall.stores.redis.provision import Provision
from holdall.stores.redis.scripts import APPEND, APPLY, COMMIT, COUNT, PREPARE, Script
from holdall.stores.redis.server import Server
from holdall.stores.redis.writes import Batch, reservations

__all__ = ["Writer"]

_FEW = 100  # changes of a commit that are kept packed between its halves
_MOST = 100  # commits of which they are kept


class Writer:
    """The writing half of a store; ``slots`` tells which of its collections lie together."""

    def __init__(
        self,
        store: str,
        server: Server,
        layouts: Mapping[str, Layout],
        codecs: Mapping[str, Codec],
        reader: Reader,
        provision: Provision,
        slots: Callable[[], list[list[Layout]]],
    ) -> None:
        self._store = store
        self._server = server
        self._layouts = layouts
        self._codecs = codecs
        self._reader = reader
        self._provision = provision
        self._slots = slots
        self._prepared: dict[str, tuple[Sequence[Change], Batch]] = {}  # by commit, the last ones that were prepared

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Apply all changes or none, in one script."""
        if not changes:
            return []
        batch, made = await self._batch(changes)
        keys, arguments = batch.arguments()
        return batch.outcomes(await self._sent(APPLY, batch, keys, arguments), made)

    async def prepare(self, reservation: Reservation, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Check the changes and hold what they touch, in one script; what the commit held before is let go of.

        An attempt before that went to another slot of the cluster is not found.
        """
        self._prepared.pop(reservation.commit, None)
        batch, made = await self._batch(changes)
        keys, arguments = batch.arguments(reservation.commit, reservation.encode().decode(), self._slot_of(changes))
        outcomes = batch.outcomes(await self._sent(PREPARE, batch, keys, arguments), made)
        if not made and batch.is_lasting and len(changes) <= _FEW and isinstance(changes, Runs):
            if len(self._prepared) >= _MOST:
                self._prepared.pop(next(iter(self._prepared)))
            self._prepared[reservation.commit] = changes, batch
        return outcomes

    async def commit_prepared(self, commit: str, changes: Sequence[Change]) -> bool:
        """Write what was prepared and let go of it, in one script; False where nothing is held."""
        if not changes:
            return False
        prepared, batch = self._prepared.pop(commit, (None, None))
        if batch is None or prepared is not changes or not batch.is_lasting:
            batch, _ = await self._batch(changes, makes_keys=False)
        keys, arguments = batch.arguments(commit)
        reply = await self._sent(COMMIT, batch, keys, arguments)
        if reply[0] == b"gone":
            return False
        batch.outcomes(reply, {})
        return True

    async def _sent(self, script: Script, batch: Batch, keys: Sequence[str], arguments: Sequence[bytes]) -> Any:
        """A script's answer; records that another program wrote are taken into the indexes first."""
        reply = await self._server.run(script, keys, arguments)
        if reply[0] == b"unlisted":
            for layout, texts in batch.at(reply[1:]):
                await self._provision.take_in(layout, texts)
            reply = await self._server.run(script, keys, arguments)
        return reply

    async def append(self, layout: Layout, key: Key, places: tuple[str, str], data: bytes) -> int:
        """Add to a stream, at ``places[1]``, of the record at ``places[0]``; its length thereafter."""
        keys = AppendKeys(*places, layout.reserved, layout.commits)
        reply = await self._server.run(APPEND, keys, AppendAsked(data, layout.text(key)))
        if reply is None:
            raise StaleVersion(self._store, layout.schema.name, key)
        if isinstance(reply, list):
            raise Reserved(self._store, reservations(reply), layout.schema.name)
        return int(reply)

    async def reserve(self, collection: str, count: int) -> Sequence[int]:
        """Reserve ``count`` keys that no other caller gets."""
        last = await self._count(collection, count, 0)
        return range(last - count + 1, last + 1)

    async def step_over(self, collection: str, key: int) -> None:
        """Raise the counter of this collection's keys to this key, if it is lower."""
        await self._count(collection, 0, key)

    async def _count(self, collection: str, count: int, floor: int) -> int:
        layout = self._layouts.get(collection)
        if layout is None or not layout.counts:
            raise Unsupported(self._store, f"making keys of {collection}", "declare its key with generated=True")
        arguments = CountAsked(count, len(layout.key_fields), max(floor, 0))
        return int(await self._server.run(COUNT, CountKeys(layout.counter, layout.keys), arguments) or 0)

    async def _batch(self, changes: Sequence[Change], *, makes_keys: bool = True) -> tuple[Batch, dict[int, Any]]:
        """The changes, ready to be sent, and the keys that were made for them."""
        demand_changes(self._store, self._reader.schemas, changes)
        self._demand_one_slot(changes)
        made: dict[int, Any] = {}
        if isinstance(changes, Runs) and is_keyed(changes):
            runs: list[Run] = changes.runs
        else:
            lacking = self._lacking(changes)
            if lacking and not makes_keys:
                raise StoreError(self._store, f"a part of a commit lacks keys of {', '.join(lacking)} made before")
            for collection, places in lacking.items():
                made.update(zip(places, await self.reserve(collection, len(places)), strict=True))
            runs = runs_of(with_keys(self._store, self._layouts, changes, made))
        for name in {run.collection for run in runs}:
            await self._reader.purge(self._layouts[name])
        return Batch(self._store, self._layouts, self._codecs, runs, await self._expected(runs)), made

    async def _expected(self, runs: Sequence[Run]) -> dict[int, Texts]:
        """By the numbers of runs, what their records must still have. Raises StaleVersion for one that is another."""
        found: dict[int, Texts] = {}
        first = 0
        for number, run in enumerate(runs):
            if run.expected is not None:
                layout, codec = self._layouts[run.collection], self._codecs[run.collection]
                found[number] = await texts_expected(self._store, self._server, layout, codec, run, first)
            first += len(run.keys)
        return found

    def _lacking(self, changes: Sequence[Change]) -> dict[str, list[int]]:
        """By collection, the positions of the new records that have no key."""
        found: dict[str, list[int]] = {}
        for place, change in enumerate(changes):
            if change.verb is Verb.ADD and own_key(self._layouts[change.collection], change) is None:
                found.setdefault(change.collection, []).append(place)
        return found

    def _slot_of(self, changes: Sequence[Change]) -> Sequence[Layout]:
        """The collections that lie in the slot of those that are changed."""
        slots = self._slots()
        return slots[0] if len(slots) == 1 else next(_touched(slots, _names(changes)), [])

    def _demand_one_slot(self, changes: Sequence[Change]) -> None:
        names = _names(changes)
        if len(names) < 2 or len(list(_touched(self._slots(), names))) < 2:
            return
        raise Unsupported(
            self._store,
            f"one batch over {', '.join(sorted(names))}, which lie in several slots of the cluster",
            'commit them one after another, or keep them together with spread="store"',
        )


def _touched(slots: Sequence[Sequence[Layout]], names: set[str]) -> Iterator[Sequence[Layout]]:
    return (slot for slot in slots if any(layout.schema.name in names for layout in slot))


def _names(changes: Sequence[Change]) -> set[str]:
    return {part.collection for part in (changes.runs if isinstance(changes, Runs) else changes)}
