"""B11, and A2 and B3 of SQL, A9 of MongoDB: what is said about a commit is what happened to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from holdall import Holdall, Model, field
from holdall.dao import DAO
from holdall.errors import CommitAborted, CommitError, CommitUnknown, LockConflict, StoreTimeout
from holdall.testing.fault import Fault
from holdall.testing.proxy import FaultProxy

pytestmark = pytest.mark.anyio


class Note(Model):
    id: int = field(pk=True)
    n: int = 0
    version: int = field(version=True)


class Entry(Model):
    id: int = field(pk=True, generated=True)
    name: str


@pytest.fixture
def url(postgres_url: str, fresh_database: Callable[[str], str]) -> str:
    return fresh_database(postgres_url)


@asynccontextmanager
async def _notes(url: str) -> AsyncIterator[tuple[Holdall, Callable[[str], Awaitable[Any]]]]:
    """An application of one store, and what asks its database past it."""
    app = Holdall("notes")
    app.add_store("main", url)
    app.add(Note, Entry, store="main")
    connection = await asyncpg.connect(url.partition("?")[0])
    try:
        await app.create()
        yield app, connection.fetchval
    finally:
        await connection.close()
        await app.close()


# --- B11 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", ["add", "change", "remove"])
async def test_a_lost_answer_of_one_store_is_resolved_truthfully(url: str, act: str) -> None:
    """Whichever of its answers is lost: that to what makes it last, or one before it."""
    parts, told = urlsplit(url), []
    async with FaultProxy(parts.hostname or "", parts.port or 0) as proxy, _notes(url) as (_, ask):
        app = Holdall("notes")
        app.add_store("main", proxy.through(url))
        app.add(Note, store="main")
        try:
            for after in (0, 0, 1, 1, 2, 2, 3, 3):  # twice, as the first may be lost while its statement is prepared
                error = await _lost(app, proxy, act, after)
                if isinstance(error, CommitUnknown):
                    assert await error.resolve() is None
                    told.append(error.was_applied)
                assert await ask(_TOOK_PLACE[act]) is (told[-1] if isinstance(error, CommitUnknown) else error is None)
                await ask("DELETE FROM note")
        finally:
            await app.close()
    assert {True, False} <= set(told)


_TOOK_PLACE = {
    "add": "SELECT count(*) = 3 FROM note",
    "change": "SELECT n = 7 FROM note",
    "remove": "SELECT count(*) = 0 FROM note",
}


async def _lost(app: Holdall, proxy: FaultProxy, act: str, after: int) -> CommitError | None:
    """Commit something, and have the connection reset instead of an answer; how it ended."""
    async with app.session() as session:
        session.add(Note(id=1))
    async with app.session() as session:
        note = await session.require(Note, 1)
        match act:
            case "add":
                session.add_all([Note(id=2), Note(id=3)])
            case "change":
                note.n = 7
            case _:
                session.remove(note)
        await proxy.fail(Fault.RESET_ANSWER, after=after)
        result = await session.commit(raise_for_status=False)
        await proxy.heal()
        session.rollback()
    return result.error


# --- SQL, A2 --------------------------------------------------------------------------------------------------------

_REROUTE = """CREATE TABLE entry_2024 () INHERITS (entry);
CREATE FUNCTION reroute() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO entry_2024 VALUES (new.*); RETURN NULL; END $$;
CREATE TRIGGER reroute BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION reroute()"""


@pytest.mark.parametrize("count", [1, 2])
async def test_aborted_is_said_only_of_what_is_not_there(url: str, count: int) -> None:
    """A trigger writes a record elsewhere and answers nothing: it is rolled back, and told in a sentence."""
    async with _notes(url) as (app, ask):
        connection = await asyncpg.connect(url)
        await connection.execute(_REROUTE)
        await connection.close()
        async with app.session() as session:
            session.add_all(Entry(name=f"x{place}") for place in range(count))
            with pytest.raises(CommitAborted, match="nothing was written") as caught:
                await session.commit()
            session.rollback()
        assert "zip()" not in str(caught.value)
        assert await ask("SELECT count(*) FROM entry") == 0


# --- SQL, B3 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting, kind", [("lock_timeout", LockConflict), ("statement_timeout", StoreTimeout)])
@pytest.mark.parametrize("count", [1, 2])
async def test_a_refusal_of_the_server_is_no_unknown_outcome(
    url: str, setting: str, kind: type[Exception], count: int
) -> None:
    async with _notes(url):
        pass
    async with _notes(f"{url}?{setting}=200") as (app, ask):
        blocker = await asyncpg.connect(url)
        await blocker.execute("BEGIN; LOCK TABLE note IN ACCESS EXCLUSIVE MODE")
        async with app.session() as session:
            session.add_all(Note(id=place) for place in range(count))
            with pytest.raises(CommitAborted) as caught:
                await session.commit(timeout=2)
            assert isinstance(caught.value.__cause__, kind)
            await blocker.execute("ROLLBACK")
            await blocker.close()
            await session.commit()  # the session goes on
        assert await ask("SELECT count(*) FROM note") == count


# --- MongoDB, A9 ----------------------------------------------------------------------------------------------------


class Left(Model):
    id: int = field(pk=True)


class Right(Model):
    id: int = field(pk=True)


class Sent(Model):
    id: int = field(pk=True)


class Sending(DAO[Sent]):
    """Waits until it is told to go on."""

    def __init__(self) -> None:
        self.begun, self.goes_on = asyncio.Event(), asyncio.Event()

    async def add(self, record: Sent) -> None:
        self.begun.set()
        await self.goes_on.wait()


async def test_the_tidying_of_a_commit_spoils_no_other(tmp_path: Path, mongo_url: str, redis_url: str) -> None:
    """While the first waits for its call, others are decided and forgotten."""
    app, sending = Holdall("x", journal=f"sqlite:///{tmp_path}/journal.db"), Sending()
    app.add_store("mongo", mongo_url.replace("/test", f"/a9_{tmp_path.name[-20:]}"))
    app.add_store("red", redis_url, prefix=tmp_path.name)
    app.add(Left, store="mongo")
    app.add(Right, store="red")
    app.add_dao(sending)
    try:
        await app.create()

        async def commit(*records: Model) -> None:
            async with app.session() as session:
                session.add_all(records)

        first = asyncio.create_task(commit(Left(id=1), Right(id=1), Sent(id=1)))
        await sending.begun.wait()
        for key in range(2, 8):
            await commit(Left(id=key), Right(id=key))
        await app.bindings.journal.tidy()
        sending.goes_on.set()
        await first
        async with app.session() as session:
            assert [await session.count(Left.where()), await session.count(Right.where())] == [7, 7]
        assert await app.recovery.unfinished() == []
    finally:
        await app.close()
