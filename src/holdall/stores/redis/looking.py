"""The records of a collection that exist, listed or not, and the keys beside them: looked at a page at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec

from holdall.query import Value
from holdall.store import Damaged
from holdall.stores.redis.asked import Looked, LookHead, LookKeys, LookRecord
from holdall.stores.redis.codec import Codec
from holdall.stores.redis.damage import row_of
from holdall.stores.redis.errors import Misfit
from holdall.stores.redis.layout import Layout
from holdall.stores.redis.scripts import LOOK
from holdall.stores.redis.server import Server
from holdall.stores.redis.writes import slot_texts

__all__ = ["Looker", "Seen", "beside", "literal"]

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[str | bool]).decode
_PAGE = 1000
_BESIDE = ("keys", "counter", "entries", "expiry", "indexes", "reserved", "commits", "held")


class Seen(msgspec.Struct, frozen=True):
    """One record as it stands. ``slots`` is what should be kept of it in ``#entries``."""

    text: str
    member: str
    kind: str
    digest: str  # of its values
    damaged: Mapping[str, str]  # reasons by field
    slots: list[Value]
    is_listed: bool
    is_indexed: bool


class Looker:
    """Looks at the records of collections, and at what lies beside them."""

    def __init__(self, server: Server, codecs: Mapping[str, Codec]) -> None:
        self._server = server
        self._codecs = codecs

    async def records(self, layout: Layout) -> AsyncIterator[list[str]]:
        """The texts of all that may be records, listed or not; one may come twice."""
        others = await self._others(layout)
        async for names in self._server.scan(layout.keys, f"{literal(layout.record)}*"):
            texts = [name.decode(errors="replace")[len(layout.record) :] for name in names]
            found = [text for text in texts if text.count(":") == layout.colons]  # a stream's name has more
            foreign = [text for text in found if _is_beside(text) or any(map(text.startswith, others))]
            if foreign:
                kept = set(await self._listed(layout, foreign))
                found = [text for text in found if text not in foreign or text in kept]
            if found:
                yield found

    async def seen(self, layout: Layout, texts: Sequence[str]) -> list[Seen]:
        """The records of these texts, each the text of a key, that are there."""
        names = layout.names
        asked = layout.columns_of((*names, *layout.schema.key))
        beside = [*LookKeys(layout.keys, layout.mark, layout.entries, layout.expiry)]
        beside += [*map(layout.index, layout.indexed), *map(layout.unique_values, layout.unique)]
        members = list(map(layout.member_of, texts))
        head = _pack(LookHead(len(beside), asked, *layout.slot_numbers, layout.ttl is not None))
        records = _pack(list(map(LookRecord, texts, members)))
        told = await self._server.run(LOOK, [*beside, *[layout.record + text for text in texts]], [head, records])
        return [
            self._one(layout, names, text, member, looked)
            for text, member, looked in zip(texts, members, map(Looked._make, told), strict=True)
            if looked.kind != b"none"
        ]

    def _one(self, layout: Layout, names: tuple[str, ...], text: str, member: str, looked: Looked) -> Seen:
        kind, kept = looked.kind, looked.kept
        stored = looked.values if kind == b"hash" else kind
        row = dict(zip(names, row_of(layout, self._codecs[layout.schema.name], text, names, stored), strict=True))
        damaged = {name: value.reason for name, value in row.items() if isinstance(value, Damaged)}
        slots = slot_texts(layout, row)
        is_indexed = bool(looked.is_whole) and (not slots or (kept is not None and _unpack(kept) == slots))
        is_listed = bool(looked.is_listed)
        return Seen(text, member, kind.decode(), looked.digest.decode(), damaged, slots, is_listed, is_indexed)

    async def gone(self, layout: Layout) -> AsyncIterator[tuple[int, list[str]]]:
        """The members of what is listed, or kept in ``#entries``, and how many of their records are gone."""
        low = "-"
        while members := await self._server.command(
            layout.keys, "ZRANGEBYLEX", layout.keys, low, "+", "LIMIT", 0, _PAGE
        ):
            low = b"(" + members[-1]
            texts = [member.decode().split("\0", len(layout.key_fields))[-1] for member in members]
            yield await self._gone(layout, texts), [member.decode() for member in members]
        async for entries in self._entries(layout):
            texts = list(entries)
            if await self._gone(layout, texts):
                listed = set(await self._listed(layout, texts))
                texts = [text for text in texts if text not in listed]
                members = [member for text in texts if (member := _member(layout, text)) is not None]
                if members:
                    yield await self._gone(layout, texts), members

    async def is_consistent(self, layout: Layout) -> bool:
        """Whether indexes and unique rules hold as many entries as ``#entries`` has."""
        if not layout.slots:
            return True
        indexes, uniques = layout.slot_numbers
        places = [*map(layout.index, layout.indexed), *map(layout.unique_values, layout.unique)]
        wanted, count = [0] * len(places), 0
        async for entries in self._entries(layout):
            count += len(entries)
            for slots in entries.values():
                for place, numbers in enumerate([*([number] for number in indexes), *uniques]):
                    wanted[place] += all(slots[number - 1] is not False for number in numbers)
        if await self._server.command(layout.keys, "HLEN", layout.entries) != count:
            return True  # written meanwhile, or told twice: nothing is known
        words = ["ZCARD"] * len(indexes) + ["HLEN"] * len(uniques)
        sizes = [
            await self._server.command(layout.keys, word, place) for word, place in zip(words, places, strict=True)
        ]
        return sizes == wanted

    async def _entries(self, layout: Layout) -> AsyncIterator[dict[str, list[Any]]]:
        cursor: Any = b"0"
        while layout.slots:
            cursor, words = await self._server.command(layout.keys, "HSCAN", layout.entries, cursor, "COUNT", _PAGE)
            if words:
                texts = [word.decode() for word in words[::2]]
                yield {text: _unpack(kept) for text, kept in zip(texts, words[1::2], strict=True)}
            if cursor == b"0":
                return

    async def _gone(self, layout: Layout, texts: Sequence[str]) -> int:
        names = [layout.record + text for text in texts]
        return len(names) - int(await self._server.command(layout.keys, "EXISTS", *names)) if names else 0

    async def _listed(self, layout: Layout, texts: Sequence[str]) -> list[str]:
        found = []
        for text in texts:
            member = _member(layout, text)
            if member is None:
                continue
            if await self._server.command(layout.keys, "ZSCORE", layout.keys, member) is not None:
                found.append(text)
        return found

    async def _others(self, layout: Layout) -> list[str]:
        """How the texts begin that are records of other collections, whose prefix goes on from this one's records."""
        if layout.colons == 0:
            return []
        found = []
        async for names in self._server.scan(layout.keys, f"{literal(layout.record)}*#keys"):
            texts = [name.decode(errors="replace")[len(layout.record) : -len("#keys")] for name in names]
            found += [f"{text}:" for text in texts]
        return found


def beside(layout: Layout) -> dict[str, str]:
    """Every key that lies beside the records, with its type."""
    keys = {layout.keys: "zset", layout.mark: "string"}
    keys.update({layout.index(name): "zset" for name in layout.indexed})
    keys.update({layout.unique_values(fields): "hash" for fields in layout.unique})
    if layout.slots:
        keys[layout.entries] = "hash"
    if layout.ttl is not None:
        keys[layout.expiry] = "zset"
    if layout.counts:
        keys[layout.counter] = "string"
    keys.update({layout.reserved: "hash", layout.commits: "hash", layout.held: "hash"})
    return keys


def literal(text: str) -> str:
    """The text as a pattern that matches nothing else."""
    return "".join(f"\\{character}" if character in "*?[]^-\\" else character for character in text)


def _is_beside(text: str) -> bool:
    """Whether a name may be of what lies beside the records of another collection."""
    name = text.rpartition("#")[2]
    return "#" in text and (name in _BESIDE or name.startswith(("index:", "unique:")))


def _member(layout: Layout, text: str) -> str | None:
    try:
        return layout.member_of(text)
    except Misfit:
        return None
