"""A7, B1 and B8: programs that know less, rows that nobody can read and stores that are away stop nobody else."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path

import msgspec
import pytest

from holdall import Holdall, Model, field
from holdall.errors import CommitAborted, CommitPending, StateError
from holdall.session import JournalState
from holdall.store import Change, Preparable, Reservation, Verb
from tests.promises.acts import Gate
from tests.servers.killable import KillablePostgres

pytestmark = pytest.mark.anyio


class Order(Model):
    id: int = field(pk=True)


class Note(Model):
    id: int = field(pk=True)


class Page(Model):
    id: int = field(pk=True)


class Visit(Model):
    id: int = field(pk=True)


@asynccontextmanager
async def _closing(*apps: Holdall) -> AsyncIterator[None]:
    try:
        for app in apps:
            await app.create()
        yield
    finally:
        for app in apps:
            await app.close()


def _shop(folder: Path, main: str, notes: str) -> Holdall:
    app = Holdall("shop", journal=f"sqlite:///{folder}/shop-journal.db")
    app.add_store("main", main)
    app.add_store("notes", notes)
    app.add(Order, store="main")
    app.add(Note, store="notes")
    return app


def _crm(folder: Path, main: str) -> Holdall:
    app = Holdall("crm", journal=f"sqlite:///{folder}/crm-journal.db")
    app.add_store("main", main)
    app.add_store("files", f"yaml:{folder}/crm")
    app.add(Visit, store="main")
    app.add(Page, store="files")
    return app


async def _pend(app: Holdall, store: str, *records: Model) -> None:
    """Leave a commit of these records behind that is decided; nobody owns it any more."""
    gate = Gate(app.stores[store])
    async with app.session() as session:
        session.add_all(records)
        with pytest.raises(CommitPending):
            await session.commit(timeout=0.3)
    gate.open()


# --- A7 -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["crm first", "shop first"])
async def test_a_program_leaves_alone_what_it_cannot_finish(
    tmp_path: Path, fresh_url: str, redis_url: str, order: str
) -> None:
    shop, crm = _shop(tmp_path, fresh_url, f"{redis_url}"), _crm(tmp_path, fresh_url)
    async with _closing(shop, crm):
        await _pend(shop, "notes", Order(id=1), Note(id=_number(order)))
        if order == "crm first":
            told = await crm.recovery.run()
            assert (told.finished, told.undone, told.listed, told.pending) == (0, 0, 0, 0)
            (seen,) = await crm.recovery.unfinished()
            assert (seen.state, seen.application) == (JournalState.DECIDED, "shop")
            assert "shop" in seen.reason
        async with crm.session() as session:
            session.add_all([Visit(id=1), Page(id=1)])
        assert (await shop.recovery.run()).finished == 1
        async with shop.session() as session:
            assert await session.count(Order.where()) == 1
            assert await session.get(Note, _number(order)) is not None
        assert await crm.recovery.unfinished() == []


def _number(order: str) -> int:
    return 1 if order == "crm first" else 2  # they share one Redis


@pytest.fixture
def fresh_url(postgres_url: str, fresh_database: Callable[[str], str]) -> str:
    return fresh_database(postgres_url)


# --- B1 -------------------------------------------------------------------------------------------------------------

_ROWS = [
    pytest.param("preparing", b"\x00", "its state 'preparing'", id="state"),
    pytest.param("decided", b"\x00", "its format is none", id="no format"),
    pytest.param("decided", msgspec.msgpack.encode([1, "shop"]), "body is damaged", id="body"),
    pytest.param("decided", msgspec.msgpack.encode([99, "shop"]), "format is 99", id="format"),
]


@pytest.mark.parametrize("state, body, reason", _ROWS)
async def test_a_row_that_nobody_can_read_is_named_and_stops_nobody(
    tmp_path: Path, state: str, body: bytes, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    def shop() -> Holdall:
        return _shop(tmp_path, f"sqlite:///{tmp_path}/main.db", f"yaml:{tmp_path}/notes")

    first = shop()
    async with _closing(first):
        await _pend(first, "notes", Order(id=1), Note(id=1))
    await asyncio.to_thread(_insert, tmp_path / "main.db", state, body)
    later = shop()
    with caplog.at_level(logging.WARNING, "holdall.recovery"):
        async with _closing(later):
            await later.start(every=0.05)
            async with later.session() as session:
                session.add_all([Order(id=2), Note(id=2)])  # its first commit over several stores
            await asyncio.sleep(0.3)
            assert later._background._recovering is not None
            assert not later._background._recovering.done()
            async with later.session() as session:
                assert [await session.count(Order.where()), await session.count(Note.where())] == [2, 2]
            (left,) = await later.recovery.unfinished()
            assert (left.commit, reason in left.reason) == ("0123", True), left.reason
            is_damaged = "body" in reason or "none" in reason  # of no version, so that nobody will ever read it
            for act in ("resolve", "retry", "compensate", *(() if is_damaged else ("accept",))):
                with pytest.raises(StateError, match="must be left alone"):
                    await getattr(later.recovery, act)("0123", force=True)
            if is_damaged:
                with pytest.raises(StateError, match="must be left alone"):
                    await later.recovery.accept("0123")
                await later.recovery.accept("0123", force=True)
                assert await later.recovery.unfinished() == []
    named = [record.getMessage() for record in caplog.records if "0123" in record.getMessage()]
    assert len(named) == 1  # and not once a round
    assert reason in named[0]


def _insert(file: Path, state: str, body: bytes) -> None:
    with closing(sqlite3.connect(file, timeout=20)) as connection:
        values = ("0123", state, "o", "2020-01-01T00:00:00.000000Z", body, 1)
        connection.execute("INSERT INTO holdall_journal VALUES (?, ?, ?, ?, ?, ?)", values)
        connection.commit()


_FORM_99 = "store 'notes' holds a part of it in format 99; use the version of Holdall that wrote it"


@pytest.mark.parametrize("kind", ["yaml", "redis", "sqlite", "memory"])
async def test_a_reservation_that_nobody_can_read_still_holds_and_is_named(
    tmp_path: Path, redis_url: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is of a later version, which knows what it promised; other records are free."""
    url = {"yaml": f"yaml:{tmp_path}/notes", "redis": redis_url, "sqlite": f"sqlite:///{tmp_path}/notes.db"}
    shop = _shop(tmp_path, f"sqlite:///{tmp_path}/main.db", url.get(kind, "memory:"))
    async with _closing(shop):
        store = shop.stores["notes"]
        assert isinstance(store, Preparable)
        until = shop.bindings.journal.until().replace(year=2020)
        alien = Reservation("later-1", "shop", "0" * 32, "store 'main'", "-.-.1.x", until, format=99)
        await store.prepare(alien, [Change(Verb.ADD, "note", 77, ("id",), (77,))])
        with caplog.at_level(logging.WARNING, "holdall.recovery"):
            for _ in range(2):
                await shop.recovery.run()
        told = [record.getMessage() for record in caplog.records]
        assert told == [f"commit later-1 is left alone: {_FORM_99}"]
        (seen,) = await shop.recovery.unfinished()
        assert (seen.commit, seen.state, seen.reason) == ("later-1", JournalState.UNKNOWN, _FORM_99)
        with pytest.raises(StateError, match=r"cannot be accepted here: .*format 99"):
            await shop.recovery.accept("later-1", force=True)
        for records in ([Note(id=77)], [Note(id=77), Order(id=77)]):
            async with shop.session() as session:
                session.add_all(records)
                with pytest.raises(CommitAborted, match="later-1"):
                    await session.commit(timeout=0.3)
                session.rollback()
        async with shop.session() as session:
            session.add_all([Note(id=78), Order(id=78)])
        assert [held.commit for held in await store.prepared()] == ["later-1"]
        await store.roll_back_prepared("later-1")


# --- B8 -------------------------------------------------------------------------------------------------------------


async def test_one_home_that_is_away_stops_no_recovery_of_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(KillablePostgres())
        shop = _shop(tmp_path, f"sqlite:///{tmp_path}/main.db", f"yaml:{tmp_path}/notes")
        shop.add_store("archive", server.url)
        shop.add(Visit, store="archive")
        async with _closing(shop):
            await _pend(shop, "notes", Order(id=1), Note(id=1))
            server.kill()
            with caplog.at_level(logging.WARNING, "holdall.recovery"):
                assert (await shop.recovery.run()).finished == 1
            assert "the journal of store 'archive' was not recovered" in caplog.text
            async with shop.session() as session:
                assert [await session.count(Order.where()), await session.count(Note.where())] == [1, 1]
                session.add_all([Order(id=2), Note(id=2)])
            server.start()
            assert await shop.recovery.unfinished() == []
