"""Values that other programs wrote and that JSON has no way to read: told by key and field, the rest is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from secrets import token_hex

import pytest
from redis.asyncio import Redis

from holdall import JSON, Holdall, Model, field
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
