"""Looking after what lies beside the records: building what is missing, telling what differs, dropping all of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence

import msgspec

from holdall.errors import Conflict, Reserved, SchemaMismatch, UnknownFormat
from holdall.store import Difference
from holdall.stores.redis.asked import ForgetKeys, IndexHead, IndexKeys, IndexRecord, MarkAsked, MarkKeys
from holdall.stores.redis.codec import Codec
from holdall.stores.redis.errors import Misfit
from holdall.stores.redis.fetch import Reader
from holdall.stores.redis.layout import Layout
from holdall.stores.redis.looking import Looker, Seen, beside, literal
from holdall.stores.redis.mark import Mark, read_mark
from holdall.stores.redis.scripts import FORGET, INDEX, MARK
from holdall.stores.redis.server import Server
from holdall.stores.redis.tally import Tally
from holdall.stores.redis.writes import reservations

__all__ = ["Provision"]

_pack = msgspec.msgpack.Encoder().encode
_BUILDING = "building"
_TRIES = 5
_LOOKS, _PAUSE = 4, 0.02  # the latter in seconds


class Provision:
    """The keys beside the records of the bound collections."""

    def __init__(
        self,
        store: str,
        server: Server,
        layouts: Mapping[str, Layout],
        codecs: Mapping[str, Codec],
        reader: Reader,
    ) -> None:
        self._store = store
        self._server = server
        self._layouts = layouts
        self._reader = reader
        self._looker = Looker(server, codecs)

    async def create(self) -> None:
        """Take records that are not listed, or not indexed as they are now, into listing and indexes; forget the gone.

        Raises SchemaMismatch for values that must be unique and are not, Reserved where a commit over several stores
        holds a value that a record to be taken in has, or anything that was checked by indexes to be built anew,
        UnknownFormat for what another version of Holdall has built.
        """
        for layout in self._own():
            if await self._is_declared(layout) and await self._is_mended(layout):
                continue
            for _ in range(_TRIES):
                if await self._is_built(layout):
                    break
            else:
                raise Conflict(self._store, f"{layout.base} is written all the time without the indexes to be built")

    def _own(self) -> list[Layout]:
        """The collections that are not declared to be only read."""
        return [layout for layout in self._layouts.values() if not layout.schema.is_read_only]

    async def take_in(self, layout: Layout, texts: Sequence[str]) -> None:
        """Take these records in. Raises SchemaMismatch where another has their unique values, Reserved."""
        refused = await self._indexed(layout, await self._looker.seen(layout, texts))
        if refused:
            raise self._refusal(layout, refused)

    async def _is_mended(self, layout: Layout) -> bool:
        """Take in what differs; False where everything must be indexed anew, which keeps writers out meanwhile.

        Records that others are writing may look as if they differed, so that everything is looked at again.
        """
        if not await self._gone(layout):
            for _ in range(_LOOKS):
                if await self._is_whole(layout, ""):
                    return True
                await asyncio.sleep(_PAUSE)
            return False
        mark = await self._server.command(layout.mark, "GET", layout.mark)
        await self._server.command(layout.mark, "SET", layout.mark, _BUILDING, is_change=True)
        try:
            return await self._is_whole(layout, _BUILDING)
        except Reserved:
            await self._server.command(layout.mark, "SET", layout.mark, mark, is_change=True)
            raise

    async def _is_whole(self, layout: Layout, mark: str) -> bool:
        """Take in what differs and say so in the mark, which must be this one."""
        if [text async for text in self._taken_in(layout, is_anew=False)]:
            return False
        async for number, members in self._looker.gone(layout):
            if number:
                await self._reader.forget(layout, members)
        return await self._looker.is_consistent(layout) and await self._set_mark(layout, mark)

    async def _is_built(self, layout: Layout) -> bool:
        """Take all records in anew; False where somebody who knows nothing of the indexes wrote meanwhile."""
        await self._forget_indexes(layout)
        await self._server.command(layout.mark, "SET", layout.mark, _BUILDING, is_change=True)
        refused = [text async for text in self._taken_in(layout, is_anew=True)]
        async for number, members in self._looker.gone(layout):
            if number:
                await self._reader.forget(layout, members)
        is_built = await self._set_mark(layout, _BUILDING)
        if refused:
            raise self._refusal(layout, refused)
        return is_built

    async def inspect(self) -> list[str]:
        """A sentence for each key of another type than it should be, and for what create() would build."""
        return await self._told(is_whole=True)

    async def obstacles(self) -> list[str]:
        """Of these, what keeps the models from being used: nothing that concerns single records."""
        return await self._told(is_whole=False)

    async def _told(self, *, is_whole: bool) -> list[str]:
        found: list[str] = []
        for layout in self._layouts.values():
            wrong = [
                Difference(f"{key} holds a {kind}, not a {wanted}", "kind", layout.schema.name)
                for key, wanted in beside(layout).items()
                if (kind := await self._type(key)) not in (wanted, "none")
            ]
            found.extend(wrong)
            if wrong:
                continue
            try:
                is_built = await self._is_declared(layout)
            except UnknownFormat as error:
                found.append(error.reason)
                continue
            if not is_built:
                advice = "the program that writes them" if layout.schema.is_read_only else "create()"
                kinds = [("index", "indexes")] if layout.indexed or not layout.unique else []
                for code, noun in [*kinds, *([("unique", "unique rules")] if layout.unique else [])]:
                    told_of = f"the {noun} of {layout.base} are not those that are declared; {advice} builds them"
                    found.append(Difference(told_of, code, layout.schema.name))
            elif gone := await self._gone(layout):
                told_of = f"{gone}, which lay beside the records of {layout.base}, is gone; create() builds it anew"
                found.append(Difference(told_of, "index", layout.schema.name))
                is_built = False
            lacking, told = await self._differences(layout, is_built=is_built)
            found.extend([*lacking, *told] if is_whole else lacking)
        return found

    async def drop(self, collections: Collection[str]) -> None:
        """Remove what is listed of these collections, or of all, and what lies beside it. Raises UnknownFormat."""
        for layout in self._own():
            if collections and layout.schema.name not in collections:
                continue
            await self._mark(layout)
            async for _, members in self._looker.gone(layout):
                names = []
                for member in members:
                    record = layout.record + member.split("\0", len(layout.key_fields))[-1]
                    names += [record, *[layout.stream(record, name) for name in layout.schema.streams]]
                await self._server.command(layout.keys, "UNLINK", *names, is_change=True)
            await self._unlink_indexes(layout)
            await self._server.command(layout.keys, "UNLINK", *_all_beside(layout), is_change=True)

    async def _unlink_indexes(self, layout: Layout) -> None:
        """Of earlier declarations, too."""
        for word in ("index", "unique"):
            async for names in self._server.scan(layout.keys, f"{literal(layout.base)}#{word}:*"):
                await self._server.command(layout.keys, "UNLINK", *names, is_change=True)

    async def _type(self, key: str) -> str:
        return (await self._server.command(key, "TYPE", key)).decode()  # type: ignore[no-any-return]

    async def _is_declared(self, layout: Layout) -> bool:
        """Whether what is indexed is what is declared, or there is nothing yet to index."""
        mark = await self._mark(layout)
        if mark is None and layout.slots:
            return not await self._server.command(layout.keys, "EXISTS", *layout.numbers)
        return mark is None or mark.declared == layout.declared

    async def _gone(self, layout: Layout) -> str:
        """Return the structures that the mark names and that are gone; empty if none."""
        declared, told = await self._mark(layout) or ("", "")
        gone = [
            key
            for key, number in layout.numbers.items()
            if told[number - 1 : number] == "1" and not await self._server.command(key, "EXISTS", key)
        ]
        return ", ".join(gone) if declared == layout.declared else ""

    async def _mark(self, layout: Layout) -> Mark | None:
        """The mark, None where there is none. Raises UnknownFormat."""
        stored = await self._server.command(layout.mark, "GET", layout.mark)
        return None if stored is None else read_mark(self._store, layout.mark, stored)

    async def _set_mark(self, layout: Layout, wanted: str) -> bool:
        keys, *others = layout.numbers
        entries, *indexes = others or [layout.entries]
        arguments = MarkAsked(layout.declared, wanted, int(bool(layout.slots)))
        return bool(await self._server.run(MARK, [*MarkKeys(keys, layout.mark, entries), *indexes], arguments))

    async def _forget_indexes(self, layout: Layout) -> None:
        # without the mark nobody reads or writes the collection through an index until all is built
        told = await self._server.run(FORGET, ForgetKeys(layout.mark, layout.entries, layout.commits), [])
        if told:
            raise Reserved(self._store, reservations(told), layout.schema.name)
        await self._unlink_indexes(layout)

    async def _named(self, layout: Layout) -> AsyncIterator[list[str]]:
        """The texts of all records there are whose names hold a key."""
        async for texts in self._looker.records(layout):
            found = [text for text in texts if not _misfit(layout, text)]
            if found:
                yield found

    async def _differences(self, layout: Layout, *, is_built: bool) -> tuple[list[str], list[str]]:
        """Return the structures that every record needs and none has, and the faults of single records."""
        told: list[str] = []
        tally = Tally()
        async for texts in self._looker.records(layout):
            misfits = {text: reason for text in texts if (reason := _misfit(layout, text))}
            told += [f"{layout.record}{text} is no record: {reason}" for text, reason in misfits.items()]
            for seen in await self._looker.seen(layout, [text for text in texts if text not in misfits]):
                if seen.kind == "hash":
                    tally.add(seen)
                else:
                    told.append(f"{layout.record}{seen.text} holds a {seen.kind}, not a hash")
        async for number, _ in self._looker.gone(layout):
            tally.gone += number
        told += tally.told(layout, is_built=is_built)
        told = [Difference(each, "values", layout.schema.name) for each in told]
        if is_built and not tally.stale and not tally.gone and not await self._looker.is_consistent(layout):
            sentence = f"the indexes of {layout.base} hold more or less than its records; create() builds them"
            told.append(Difference(sentence, "index", layout.schema.name))
        lacking: list[str] = [
            Difference(
                f"no record of {layout.base} has {name}, which must have a value", "null", layout.schema.name, name
            )
            for name in tally.lacking()
        ]
        return lacking, told

    async def _taken_in(self, layout: Layout, *, is_anew: bool) -> AsyncIterator[str]:
        """Take records in, all or those that differ; the texts of those whose unique values another has."""
        async for texts in self._named(layout):
            found = [
                seen
                for seen in await self._looker.seen(layout, texts)
                if seen.kind == "hash" and (is_anew or not (seen.is_listed and seen.is_indexed))
            ]
            for text in await self._indexed(layout, found):
                yield text

    async def _indexed(self, layout: Layout, found: Sequence[Seen]) -> list[str]:
        """Take these in; the texts of those that cannot be, since another has their unique values."""
        if not found:
            return []
        names = layout.columns_of([*layout.names, *layout.schema.key])
        own = IndexKeys(layout.keys, layout.mark, layout.entries, layout.expiry, layout.reserved, layout.commits)
        places = [*own, *map(layout.index, layout.indexed), *map(layout.unique_values, layout.unique)]
        head = _pack(IndexHead(len(places), names, *layout.slot_numbers, layout.ttl or False, layout.record))
        records = [IndexRecord(seen.digest, seen.text, seen.member, seen.slots) for seen in found]
        places += [layout.record + seen.text for seen in found]
        _, refused, told = await self._server.run(INDEX, places, [head, _pack(records)])
        if told:
            raise Reserved(self._store, reservations(told), layout.schema.name)
        return [text.decode() for text in refused]

    def _refusal(self, layout: Layout, refused: Sequence[str]) -> SchemaMismatch:
        told = f"{len(refused)} records of {layout.base} have values that another has, such as {refused[0]}"
        return SchemaMismatch(self._store, [told])


def _misfit(layout: Layout, text: str) -> str:
    """Why a text holds no key of the collection; empty where it does."""
    try:
        layout.member_of(text)
    except Misfit as misfit:
        return str(misfit)
    return ""


def _all_beside(layout: Layout) -> list[str]:
    return [
        layout.keys,
        layout.entries,
        layout.mark,
        layout.expiry,
        layout.counter,
        layout.reserved,
        layout.commits,
        layout.held,
    ]
