"""Values that other programs wrote and that JSON has no way to read: told by key and field, the rest is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from secrets import token_hex
from typing import Any

import pytest
from redis.asyncio import Redis

from holdall import JSON, Holdall, Model, field
from holdall.errors import StateError
from holdall.stores.redis import RedisCollection

pytestmark = pytest.mark.anyio


class Visit(Model, collection="visits"):
    id: int = field(pk=True)
    name: str
    notes: JSON = field(default=None)


_DEEP = b"[" * 2000 + b"]" * 2000
WRONG = {
    "no UTF-8": ("name", b'"\xff"'),
    "no UTF-8 in JSON": ("notes", b'{"a": "\xff"}'),
    "nested too deep": ("notes", _DEEP),
    "nested too deep for text": ("name", _DEEP),
    "surrogate": ("name", b'"\\ud800"'),
}


@pytest.fixture(params=["json", "typed"])
async def app(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[tuple[Holdall, str]]:
    prefix = token_hex(6)
    made = Holdall("undecodable")
    made.add_store(
        "main",
        redis_url,
        prefix=prefix,
        scan_limit=1000,
        collections={"visits": RedisCollection(encoding=request.param)},
    )
    made.add(Visit, store="main")
    await made.create()
    async with made.session() as session:
        session.add_all([Visit(id=1, name="a"), Visit(id=2, name="b")])
    yield made, prefix
    await made.close()


@pytest.mark.parametrize("name", WRONG)
async def test_it_is_told_by_key_and_field_and_stops_nothing_else(
    app: tuple[Holdall, str], redis_url: str, name: str
) -> None:
    made, _ = app
    broken_field, raw = WRONG[name]
    async with made.session() as session:
        (place, *_) = session.names_of(await session.require(Visit, 1))
    async with Redis.from_url(redis_url) as client:
        await client.hset(place, broken_field, raw)
    async with made.session() as session:
        assert (await session.require(Visit, 2)).name == "b"
        found = await session.readable(Visit.where())
        assert [record.id for record in found.records] == [2]
        assert [(broken.key, broken.fields) for broken in found.broken] == [(1, (broken_field,))]
    assert any(broken_field in sentence for sentence in (await made.inspect())["main"])
    await made.create()
    await made.fsck()
    async with made.session() as session:
        setattr(await session.mend(Visit, 1), broken_field, "mended")
    async with made.session() as session:
        assert getattr(await session.require(Visit, 1), broken_field) == "mended"


class Guarded(Model, collection="guarded"):
    id: int = field(pk=True)
    name: str = field(default="")
    size: int | None = field(default=None)
    version: int = field(version=True)


class Plain(Model, collection="plain"):
    id: int = field(pk=True)
    name: str = field(default="")
    size: int | None = field(default=None)


@pytest.fixture
async def others(redis_url: str) -> AsyncIterator[Holdall]:
    made = Holdall("others")
    made.add_store("main", redis_url, prefix=token_hex(6), scan_limit=1000)
    made.add(Guarded, Plain, store="main")
    await made.create()
    yield made
    await made.close()


@pytest.mark.parametrize("stored", ["key", "version", "string", "list"])
@pytest.mark.parametrize("model", [Guarded, Plain])
@pytest.mark.parametrize("act", ["mend", "replace", "remove"])
async def test_a_record_of_which_nothing_can_be_read_is_mended_and_removed(
    others: Holdall, redis_url: str, model: Any, stored: str, act: str
) -> None:
    async with others.session() as session:
        record = session.add(model(id=1, name="a", size=1))
        await session.commit()
        (place, *_) = session.names_of(record)
    async with Redis.from_url(redis_url) as client:
        if stored in ("key", "version"):
            await client.hset(place, "id" if stored == "key" else "version", "5" if stored == "key" else '"x"')
        else:
            await client.delete(place)
            await (client.set(place, "x") if stored == "string" else client.rpush(place, "x"))
    if stored == "version" and model is Plain:
        return
    async with others.session() as session:
        found = await session.mend(model, 1)
        if act == "mend":
            if stored != "version":
                found.name = "b"
                with pytest.raises(StateError, match="give it size as well, or remove it"):
                    await session.commit()
            found.name, found.size = "b", 2
        else:
            session.remove(found)
            if act == "replace":
                session.add(model(id=1, name="b", size=2))
    async with others.session() as session:
        now = await session.get(model, 1)
        assert (now and (now.id, now.name, now.size)) == (None if act == "remove" else (1, "b", 2))
    assert await others.inspect() == {}
    if now is not None:
        async with others.session() as session:
            (await session.require(model, 1)).name = "c"  # its version counts on
