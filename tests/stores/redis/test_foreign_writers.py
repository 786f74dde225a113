"""Another program writes, deletes, renames, expires and throws out keys at random between our operations.

What is answered is what is stored, or refused by record; no page repeats a record; a unique rule is never broken by our
own writes; ``inspect()`` tells what differs and ``create()`` mends it. ``HOLDALL_HISTORIES`` says how many histories.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from hashlib import sha1
from importlib import import_module
from random import Random
from typing import Any

import pytest
from redis.asyncio import Redis

from holdall.errors import Conflict, CorruptRecord, SchemaMismatch, StaleVersion, UniqueViolation
from holdall.query import FieldSchema, Kind, Op, Query, Schema, SortKey
from holdall.store import Change, Damaged, Row, Verb
from holdall.stores.redis import RedisStore
from holdall.stores.redis.scripts import Script
from holdall.stores.redis.tally import Tally
from tests.support.redis_collections import where
from tests.support.redis_commit_parts import opened

pytestmark = pytest.mark.anyio

_HISTORIES = int(os.environ.get("HOLDALL_HISTORIES", "4"))
_STEPS = 40
_FIELDS = ("id", "name", "code", "size")
_THING = Schema(
    "thing",
    (
        FieldSchema("id", Kind.INT),
        FieldSchema("name", Kind.STR),
        FieldSchema("code", Kind.STR, nullable=True),
        FieldSchema("size", Kind.INT, nullable=True),
    ),
    ("id",),
    unique=(("code",),),
    indexes=(("name",), ("size",)),
)
_NAMES, _CODES, _KEYS = ("a", "b", "c"), ("p", "q", "r", "s", None), range(1, 9)
_GARBAGE = (b"", b"{", b'"open', b"1],[99", b'"x","y"', b"null", b"\xff", b"[1]", b'"\\u0000"', b"1e400")
_BESIDE = ("#keys", "#entries", "#indexes", "#index:name", "#index:size", "#unique:code")
_REFUSALS = (Conflict, CorruptRecord, SchemaMismatch, StaleVersion, UniqueViolation)


class History:
    """One store and one other program at work on the same keys."""

    def __init__(self, store: RedisStore, raw: Redis, chance: Random) -> None:
        self._store, self._raw, self._chance = store, raw, chance
        self._base = f"{store._prefix}:thing"
        self._foreign: set[int] = set()  # what others have touched since everything was in order

    async def run(self) -> None:
        """Steps of both, with a look at everything after each."""
        for _ in range(_STEPS):
            step = self._chance.choice((self._ours, self._ours, self._theirs, self._theirs, self._mend))
            await step()
            await self._look()

    async def _ours(self) -> None:
        key, value = self._chance.choice(_KEYS), self._values()
        verb = self._chance.choice((Verb.ADD, Verb.ADD, Verb.UPDATE, Verb.REMOVE))
        given = {name: value[name] for name in _FIELDS if name != "id"}
        if verb is Verb.UPDATE:
            given = {name: given[name] for name in self._chance.sample(_FIELDS[1:], 2)}
        change = Change(verb, "thing", key, *((), ()) if verb is Verb.REMOVE else (tuple(given), tuple(given.values())))
        try:
            await self._store.apply([change])
        except _REFUSALS:
            return
        stored = await self._stored()
        if verb is Verb.REMOVE:
            assert key not in stored
            return
        assert key in stored
        if code := given.get("code"):
            twins = {other for other, row in stored.items() if other != key and row[2] == code}
            assert twins <= self._foreign, "a unique rule was broken by our own write"

    async def _theirs(self) -> None:
        chance, key = self._chance, self._chance.choice(_KEYS)
        place, other = f"{self._base}:{key}", f"{self._base}:{chance.choice(_KEYS)}"
        self._foreign.add(key)
        match chance.randrange(10):
            case 0 | 1:
                await self._raw.delete(place)
                written = {**self._values(), "id": key}
                await self._raw.hset(place, mapping={name: json.dumps(value) for name, value in written.items()})
            case 2:
                if await self._raw.exists(place) and await self._raw.type(place) == b"hash":
                    name = chance.choice(_FIELDS[1:])
                    await self._raw.hset(place, name, json.dumps(self._values()[name]))
            case 3:
                await self._raw.delete(place)
            case 4:
                if await self._raw.exists(place):
                    self._foreign.add(int(other.rpartition(":")[2]))
                    await self._raw.rename(place, other)
            case 5:
                if await self._raw.exists(place):
                    await self._raw.pexpireat(place, 1)
            case 6:
                await self._raw.delete(self._base + chance.choice(_BESIDE))
            case 7:
                await self._raw.delete(place)
                await self._raw.set(place, "something else")
            case 8:
                if await self._raw.type(place) == b"hash":
                    await self._raw.hset(place, chance.choice(_FIELDS), chance.choice(_GARBAGE))
            case 9:
                if await self._raw.type(place) == b"hash":
                    await self._raw.hdel(place, chance.choice(_FIELDS))

    async def _mend(self) -> None:
        stored = await self._stored()
        codes = [row[2] for row in stored.values() if row[2] is not None and not isinstance(row[2], Damaged)]
        try:
            await self._store.create()
        except SchemaMismatch:
            assert len(set(codes)) < len(codes), "create() refuses only what is not unique"
            # it was told: which of several has a value, and which are left out, is as it found them
            self._foreign |= {key for key, row in stored.items() if codes.count(row[2]) > 1}
            return
        assert len(set(codes)) == len(codes)
        assert not [told for told in await self._store.inspect() if "create()" in told]
        await self._see_all(stored)
        self._foreign = set()

    async def _look(self) -> None:
        stored = await self._stored()
        pages = [await self._rows(Query("thing").sort(SortKey(("id",))).limit(3).offset(start)) for start in (0, 3, 6)]
        keys = [row[0] for page in pages for row in page or ()]
        assert len(set(keys)) == len(keys), "a page repeats a record"
        for page in pages:
            _see(page, stored)
        for name in _NAMES:
            found = await self._rows(Query("thing", where("name", Op.EQ, name)))
            _see(found, stored)
            assert all(row[1] == name or isinstance(row[1], Damaged) for row in found or ())
        for code in _CODES[:-1]:
            found = await self._rows(Query("thing", where("code", Op.EQ, code)))
            _see(found, stored)
        for key in _KEYS:
            found = await self._rows(Query("thing", where("id", Op.EQ, key)))
            assert found is not None
            assert found == ([stored[key]] if key in stored else [])
        if await self._store.inspect() == []:
            await self._see_all(stored)

    async def _see_all(self, stored: dict[int, Row]) -> None:
        """Every record is listed, counted and found by what it holds."""
        whole = {key: row for key, row in stored.items() if not isinstance(row, _Other)}
        listed = await self._rows(Query("thing").sort(SortKey(("id",))))
        assert listed is not None
        told = [row[0] for row in listed]
        assert [key for key in told if key in whole] == sorted(whole)
        assert await self._store.count(Query("thing")) == len(told)
        for name in _NAMES:
            found = await self._rows(Query("thing", where("name", Op.EQ, name)))
            found = [row for row in found or () if row[0] in whole]
            assert {row[0] for row in found} == {key for key, row in whole.items() if row[1] == name}
        for key, row in whole.items():
            if row[2] is not None and not isinstance(row[2], Damaged):
                found = await self._rows(Query("thing", where("code", Op.EQ, row[2])))
                assert [each[0] for each in found or ()] == [key]

    async def _rows(self, query: Query[Any]) -> Sequence[Row] | None:
        """The rows of an answer, with those that cannot be read; None where it is refused as a whole."""
        try:
            return await self._store.fetch(query)
        except CorruptRecord as error:
            return error.rows
        except SchemaMismatch:
            return None

    async def _stored(self) -> dict[int, Row]:
        """What is there by key, read by another hand."""
        found: dict[int, Row] = {}
        for key in _KEYS:
            place = f"{self._base}:{key}"
            kind = await self._raw.type(place)
            if kind == b"hash":
                held: Any = await self._raw.hgetall(place)
                found[key] = _row(key, held)
            elif kind != b"none":
                found[key] = _Other((key, *[_SAME] * 3))
        return found

    def _values(self) -> dict[str, Any]:
        chance = self._chance
        return {"id": 0, "name": chance.choice(_NAMES), "code": chance.choice(_CODES), "size": chance.choice((1, None))}


class _Other(tuple[Any, ...]):
    """The row of what is no hash: it is told where it is asked for, and nothing can list it."""


class _Same(Damaged, frozen=True):
    """Equal to every value that cannot be read."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Damaged)

    def __hash__(self) -> int:
        return 0


_SAME = _Same("")


def _see(rows: Sequence[Row] | None, stored: dict[int, Row]) -> None:
    """What is answered is what is stored."""
    for row in rows or ():
        assert row == stored.get(row[0])


def _row(key: int, held: dict[bytes, bytes]) -> Row:
    values = {name: _value(name, held.get(name.encode(), b"null")) for name in _FIELDS}
    if values["id"] != key or isinstance(values["id"], Damaged):
        return (key, *[_SAME] * 3)
    return tuple(values.values())


def _value(name: str, written: bytes) -> Any:
    try:
        value = json.loads(written)
    except ValueError:
        return _SAME
    wanted = int if name in ("id", "size") else str
    is_right = (value is None and name in ("code", "size")) or (type(value) is wanted and "\0" not in str(value))
    return value if is_right else _SAME


async def _history(url: str, seed: int) -> None:
    async with opened(url, _THING) as (store, raw):
        try:
            await History(store, raw, Random(seed)).run()
        finally:
            for key in _KEYS:
                await raw.delete(f"{store._prefix}:thing:{key}")


async def _histories(url: str, seeds: range) -> None:
    for seed in seeds:
        await _history(url, seed)


@pytest.mark.parametrize("seed", range(_HISTORIES))
async def test_what_others_do_is_told_or_passed_by(redis_url: str, seed: int) -> None:
    await _history(redis_url, seed)


async def test_histories_catch_an_inspection_that_sees_nothing(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tally, "told", lambda *_, **__: [])
    with pytest.raises(AssertionError):
        await _histories(redis_url, range(6))


@pytest.mark.parametrize(
    "place, right, wrong, first",  # the first history that finds it: those before it would only take their time
    [
        ("fetch.LOAD", b"skip - call('EXISTS', unpack(skipped))", b"skip - #skipped", 1),
        ("writer.APPLY", b"== '1' and { 'lost'", b"== '2' and { 'lost'", 22),
    ],
)
async def test_histories_catch_a_script_that_trusts_what_is_listed(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, place: str, right: bytes, wrong: bytes, first: int
) -> None:
    module, name = place.split(".")
    script: Script = getattr(import_module(f"holdall.stores.redis.{module}"), name)
    assert right in script.source
    source = script.source.replace(right, wrong)
    digest = sha1(source, usedforsecurity=False).hexdigest().encode()
    monkeypatch.setattr(f"holdall.stores.redis.{place}", Script(source, digest, script.is_writing))
    with pytest.raises(AssertionError):
        await _histories(redis_url, range(first, 40))
