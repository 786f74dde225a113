"""Looking after what lies beside the records: building what is missing, telling what differs, dropping all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import msgspec

from holdall.errors import Conflict, Reserved, SchemaMismatch
from holdall.stores.redis.access import Access
from holdall.stores.redis.errors import Misfit
from holdall.stores.redis.fetch import Reader
from holdall.stores.redis.layout import Layout
from holdall.stores.redis.scripts import FORGET, INDEX
from holdall.stores.redis.server import Server
from holdall.stores.redis.writes import reservations, slot_texts

__all__ = ["Provision"]

_pack = msgspec.msgpack.Encoder().encode
_BUILDING = "building"
_TRIES = 5


class Provision:
    """What lies beside the records of the bound collections."""

    def __init__(self, store: str, server: Server, layouts: Mapping[str, Layout], reader: Reader) -> None:
        self._store = store
        self._server = server
        self._layouts = layouts
        self._reader = reader

    async def create(self) -> None:
        """Take records that are not listed, or not indexed as declared, into listing and indexes.

        Raises SchemaMismatch for values that must be unique and are not, Reserved where a commit over several stores
        holds a value that a record to be taken in has, or anything that was checked by indexes to be built anew.
        """
        for layout in self._layouts.values():
            is_marked = await self._is_marked(layout)
            if is_marked and await self._is_listed(layout):
                continue
            for _ in range(_TRIES):
                if await self._is_built(layout, is_anew=not is_marked):
                    break
            else:
                raise Conflict(self._store, f"{layout.base} is written all the time without the indexes to be built")

    async def _is_built(self, layout: Layout, *, is_anew: bool) -> bool:
        """Take all records in; False where somebody who knows nothing of the indexes wrote meanwhile."""
        if is_anew:
            await self._forget_indexes(layout)
        if layout.slots and is_anew:
            await self._server.command(layout.mark, "SET", layout.mark, _BUILDING, is_change=True)
        refused = [text async for text in self._taken_in(layout)]
        if refused:
            told = f"{len(refused)} records of {layout.base} have values that another has, such as {refused[0]}"
            raise SchemaMismatch(self._store, [told])
        if not layout.slots:
            return True
        how = ("XX",) if is_anew else ()  # such a writer takes the mark away
        words = ("SET", layout.mark, layout.declared, *how)
        return await self._server.command(layout.mark, *words, is_change=True) is not None

    async def inspect(self) -> list[str]:
        """A sentence for each key of another type than it should be, and for what create() would build."""
        found: list[str] = []
        for layout in self._layouts.values():
            wrong = [
                f"{key} holds a {kind}, not a {wanted}"
                for key, wanted in _beside(layout).items()
                if (kind := await self._type(key)) not in (wanted, "none")
            ]
            found.extend(wrong)
            if wrong:
                continue
            if not await self._is_marked(layout):
                found.append(f"the indexes of {layout.base} are not those that are declared; create() builds them")
            found.extend([message async for message in self._unlisted(layout)])
        return found

    async def drop(self) -> None:
        """Remove the records of these collections and what lies beside them, and nothing else."""
        for layout in self._layouts.values():
            for pattern in (f"{_literal(layout.base)}:*", f"{_literal(layout.base)}#*"):
                await self._unlink(layout, pattern)

    async def _unlink(self, layout: Layout, pattern: str) -> None:
        async for names in self._server.scan(layout.keys, pattern):
            await self._server.command(layout.keys, "UNLINK", *names, is_change=True)

    async def _type(self, key: str) -> str:
        return (await self._server.command(key, "TYPE", key)).decode()  # type: ignore[no-any-return]

    async def _is_listed(self, layout: Layout) -> bool:
        return not layout.is_shared and bool(await self._server.command(layout.keys, "EXISTS", layout.keys))

    async def _is_marked(self, layout: Layout) -> bool:
        """Whether what is indexed is what is declared, or there is nothing yet to index."""
        mark = await self._server.command(layout.mark, "GET", layout.mark)
        if mark is None and (not layout.slots or not await self._server.command(layout.keys, "EXISTS", layout.keys)):
            return True
        return bool(mark == layout.declared.encode())

    async def _forget_indexes(self, layout: Layout) -> None:
        # without the mark nobody reads or writes the collection through an index until all is built
        told = await self._server.run(FORGET, [layout.mark, layout.entries, layout.commits], [])
        if told:
            raise Reserved(self._store, reservations(told), layout.schema.name)
        for word in ("index", "unique"):
            await self._unlink(layout, f"{_literal(layout.base)}#{word}:*")

    async def _records(self, layout: Layout) -> AsyncIterator[list[str]]:
        """The texts of all records there are, listed or not; one may come twice."""
        async for names in self._server.scan(layout.keys, f"{_literal(layout.record)}*"):
            texts = [name.decode(errors="replace")[len(layout.record) :] for name in names]
            found = [text for text in texts if text.count(":") == layout.colons]  # a stream's name has more
            if found:
                yield found

    async def _unlisted(self, layout: Layout) -> AsyncIterator[str]:
        number = 0
        async for texts in self._records(layout):
            for text in texts:
                try:
                    member = layout.member_of(text)
                except Misfit as misfit:
                    yield f"{layout.record}{text} is no record: {misfit}"
                    continue
                if await self._server.command(layout.keys, "ZSCORE", layout.keys, member) is None:
                    number += 1
        if number:
            yield f"{number} records of {layout.base} are not listed; create() takes them in"

    async def _taken_in(self, layout: Layout) -> AsyncIterator[str]:
        """Take all records in; the texts of those that cannot be, since another has their unique values."""
        keys, slots = layout.schema.key, [name for name, _ in layout.slots]
        names = tuple(dict.fromkeys((*keys, *slots)))
        beside = [layout.keys, layout.entries, layout.expiry, layout.reserved, layout.commits]
        beside += [layout.index(name) for name in layout.indexed]
        beside += [layout.unique_values(fields) for fields in layout.unique]
        head = _pack([len(beside), names, *layout.slot_numbers, layout.ttl or False])
        async for texts in self._records(layout):
            raw = await self._reader.raw(layout, Access(["keys", texts]), names)
            records = []
            for text, values in raw:
                row = self._reader.decoded(layout, text, names, values)
                record = [[value.decode() for value in values], text, layout.member_of(text), slot_texts(layout, row)]
                records.append(record)
            places = [layout.record + text for text, _ in raw]
            _, refused, told = await self._server.run(INDEX, [*beside, *places], [head, _pack(records)])
            if told:
                raise Reserved(self._store, reservations(told), layout.schema.name)
            for text in refused:
                yield text.decode()


def _beside(layout: Layout) -> dict[str, str]:
    """Every key that lies beside the records, with its type."""
    keys = {layout.keys: "zset"}
    keys.update({layout.index(name): "zset" for name in layout.indexed})
    keys.update({layout.unique_values(fields): "hash" for fields in layout.unique})
    if layout.slots:
        keys[layout.entries] = "hash"
        keys[layout.mark] = "string"
    if layout.ttl is not None:
        keys[layout.expiry] = "zset"
    if layout.counts:
        keys[layout.counter] = "string"
    keys.update({layout.reserved: "hash", layout.commits: "hash", layout.held: "hash"})
    return keys


def _literal(text: str) -> str:
    """The text as a pattern that matches nothing else."""
    return "".join(f"\\{character}" if character in "*?[]^-\\" else character for character in text)
