"""MariaDB behind a network that is silent: nobody waits for its answers for ever, and all are told what is known."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit

import pytest

from holdall import Holdall, Model, field
from holdall.errors import CommitAborted, CommitUnknown, StoreTimeout
from holdall.stores.sql import engine
from holdall.testing.fault import Fault
from holdall.testing.proxy import FaultProxy
from tests.servers.scratch import scratch_database

pytestmark = pytest.mark.anyio


class Book(Model, collection="book"):
    id: int = field(pk=True)
    title: str = ""


@pytest.fixture
async def proxy(mariadb_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FaultProxy]:
    monkeypatch.setattr(engine, "_GRACE", 0.1)
    found = urlsplit(mariadb_url)
    async with FaultProxy(found.hostname or "", found.port or 3306) as proxy:
        yield proxy


@pytest.fixture
async def app(proxy: FaultProxy, mariadb_url: str) -> AsyncIterator[Holdall]:
    with scratch_database(mariadb_url) as url:
        app = Holdall("library")
        limits = {"timeout": 0.4, "connect_timeout": 0.3, "acquire_timeout": 0.3}
        app.add_store("main", proxy.through(url), connections=2, **limits)
        app.add(Book, store="main")
        await app.create()
        async with app.session() as session:
            session.add(Book(id=1, title="Emma"))
        yield app
        await proxy.heal()
        await app.close()


async def _read(app: Holdall) -> None:
    async with app.session() as session:
        await session.query(Book.where())


async def _stream(app: Holdall) -> None:
    async with app.session() as session:
        async for _ in session.stream(Book.where()):
            pass


async def _statement(app: Holdall) -> None:
    async with app.session() as session:
        await session.sql("SELECT 1")


async def _transaction(app: Holdall) -> None:
    async with app.session() as session, session.transaction():
        await session.query(Book.where())


ACTS: list[Callable[[Holdall], Awaitable[None]]] = [_read, _stream, _statement, _transaction]


@pytest.mark.parametrize("fault", [Fault.HANG_REQUEST, Fault.HANG_ANSWER])
@pytest.mark.parametrize("act", ACTS)
async def test_what_is_read_is_given_up(
    app: Holdall, proxy: FaultProxy, act: Callable[[Holdall], Awaitable[None]], fault: Fault
) -> None:
    await proxy.fail(fault)
    for _ in range(3):  # more often than there are connections, of which the later ones cannot be made
        with pytest.raises(StoreTimeout):
            await act(app)
    await proxy.heal()
    await act(app)


@pytest.mark.parametrize("after", range(5))
async def test_a_commit_is_given_up_and_says_whether_anything_was_written(
    app: Holdall, proxy: FaultProxy, after: int
) -> None:
    is_unknown = is_refused = False
    await proxy.fail(Fault.HANG_ANSWER, after=after)
    try:
        async with app.session() as session:
            session.add(Book(id=2, title="Persuasion"))
    except CommitUnknown:
        is_unknown = True
    except CommitAborted:
        is_refused = True
    await proxy.heal()
    async with app.session() as session:
        is_there = await session.get(Book, 2) is not None
    assert is_unknown or is_there is not is_refused
