"""Read replicas: databases that are filled by hand show where a read went; one behind a proxy dies and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from holdall import Holdall, Model, field
from holdall.errors import DeclarationError
from holdall.store import open_store
from holdall.testing.fault import Fault
from holdall.testing.proxy import FaultProxy

pytestmark = pytest.mark.anyio


class Entry(Model):
    id: int = field(pk=True)
    text: str


async def filled(url: str, text: str) -> None:
    app = Holdall("filler")
    app.add_store("main", url)
    app.add(Entry, store="main")
    await app.create()
    async with app.session() as session:
        session.add(Entry(id=1, text=text))
    await app.close()


@pytest.fixture(params=["postgres_url", "mariadb_url"])
async def urls(request: pytest.FixtureRequest, fresh_database: Callable[[str], str]) -> list[str]:
    server = request.getfixturevalue(request.param)
    primary, replica = fresh_database(server), fresh_database(server)
    await filled(primary, "primary")
    await filled(replica, "replica")
    return [primary, replica]


@pytest.fixture
async def app(urls: list[str]) -> AsyncIterator[Holdall]:
    app = Holdall("replicated")
    app.add_store("main", urls[0], replicas=[urls[1]])
    app.add(Entry, store="main")
    yield app
    await app.close()


async def text(session: Any) -> str:
    (entry,) = await session.query(Entry.where(Entry.id == 1).only(Entry.text))
    return str(entry[0])


async def test_reads_go_to_the_replica_until_the_session_writes(app: Holdall) -> None:
    async with app.session() as session:
        assert await text(session) == "replica"
        assert [entry.text async for entry in session.stream(Entry.where())] == ["replica"]
        assert await session.count(Entry.where(Entry.text == "replica")) == 1
        entry = await session.require(Entry, 1)
        assert entry.text == "replica"
        entry.text = "written"
        await session.commit()
        assert await text(session) == "written"
        assert await session.count(Entry.where(Entry.text == "written")) == 1
    async with app.session() as session:
        assert await text(session) == "replica"
        await session.sql("UPDATE entry SET text = 'again'")
        assert await text(session) == "again"


async def test_a_commit_looks_at_the_primary(app: Holdall) -> None:
    """The replica of this test has no record 2, and never will."""
    async with app.session() as session:
        session.add(Entry(id=2, text="second"))
    async with app.session() as session:
        assert await session.get(Entry, 2) is None
    async with app.session() as session:
        session.add(Entry(id=3, text="third"))
        await session.commit()
        second = await session.require(Entry, 2)
        session.remove(second)
    async with app.session() as session:
        session.add(Entry(id=2, text="second"))  # the key is free again


async def test_a_dead_replica_is_left_out_and_comes_back(urls: list[str]) -> None:
    place = sa.make_url(urls[1])
    async with FaultProxy(place.host or "127.0.0.1", place.port or 0) as proxy:
        behind = proxy.through(urls[1])
        app = Holdall("replicated")
        app.add_store("main", urls[0], replicas=[behind], connect_timeout=1.0)
        app.add(Entry, store="main")
        async with app.session() as session:
            assert await text(session) == "replica"
        await proxy.fail(Fault.REFUSE)
        async with app.session() as session:
            assert [await text(session) for _ in range(3)] == ["primary"] * 3
        await proxy.heal()
        replicas: Any = app.stores["main"]
        replicas._replicas._replicas[0].look_at = 0.0
        async with asyncio.timeout(20):
            async with app.session() as session:
                while await text(session) != "replica":  # noqa: ASYNC110 - the probe is in the background
                    await asyncio.sleep(0.05)
        await app.close()


def test_replicas_are_servers_of_one_kind() -> None:
    with pytest.raises(DeclarationError, match="the URL of a replica begins as the store's own"):
        open_store("main", "postgresql://primary/x", replicas=["mariadb://replica/x"])
    with pytest.raises(DeclarationError):
        open_store("main", "postgresql://primary/x", replicas="postgresql://replica/x")
    assert open_store("main", "postgres://primary/x", replicas=["postgresql://one/x"]).replica_count == 1  # type: ignore[attr-defined]
