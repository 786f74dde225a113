"""A SQLite file that another SQLite library of the same process uses: told, and a driver with which both may."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import apsw
import pytest

from holdall import Holdall, Model, field
from holdall.errors import CommitAborted, DeclarationError, HoldallError, UniqueViolation
from holdall.query import Query
from holdall.store import KeyOf
from holdall.stores.sql import SqlStore, open_sql
from holdall.stores.sql import sqlite_notices as notices
from tests.support.sql_collections import AUTHOR, BOOK, add_author, add_book

pytestmark = pytest.mark.anyio

T = TypeVar("T")


class Word(Model):
    id: int = field(pk=True, generated=True)
    text: str = field(unique=True)


def opened(path: Path, parameters: str = "") -> Holdall:
    app = Holdall("words")
    app.add_store("main", f"sqlite:///{path}{parameters}")
    app.add(Word, store="main")
    return app


async def add(app: Holdall, text: str) -> None:
    async with app.session() as session:
        session.add(Word(text=text))


def texts(path: Path) -> set[str]:
    other = sqlite3.connect(path)
    try:
        assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {text for (text,) in other.execute("SELECT text FROM word")}
    finally:
        other.close()


async def test_a_file_that_another_library_has_open_is_not_opened(tmp_path: Path) -> None:
    async with asyncio.timeout(60):
        path = tmp_path / "a.db"
        other = sqlite3.connect(path)
        other.execute("CREATE TABLE word (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL UNIQUE)")
        app = opened(path)
        with pytest.raises(CommitAborted, match="driver=stdlib"):
            await add(app, "a")
        other.close()
        await add(app, "a")  # it is free by now
        await app.close()
        assert texts(path) == {"a"}


@pytest.mark.parametrize("has_notices", [True, False])
async def test_what_another_library_opens_later_is_seen_before_the_next_write(
    tmp_path: Path, has_notices: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_notices:
        monkeypatch.setattr(notices, "_watching", lambda path: None)
        monkeypatch.setattr(notices, "_SHARE", 0)

    async with asyncio.timeout(60):
        path = tmp_path / "a.db"
        app = opened(path)
        await app.create()
        await add(app, "ours")
        other = sqlite3.connect(path)
        other.execute("INSERT INTO word (text) VALUES ('theirs')")
        for _ in range(2):
            with pytest.raises(HoldallError, match="driver=stdlib"):
                await add(app, "lost")
        other.commit()
        other.close()
        with pytest.raises(HoldallError, match="driver=stdlib"):
            await add(app, "lost")  # its log went with the other library
        await app.close()
        assert texts(path) == {"ours", "theirs"}
        await add(app, "again")
        await app.close()
        assert texts(path) == {"ours", "theirs", "again"}


async def test_a_look_by_another_library_between_two_writes_loses_nothing(tmp_path: Path) -> None:
    async with asyncio.timeout(60):
        path = tmp_path / "a.db"
        app = opened(path)
        await app.create()
        await add(app, "one")
        assert texts(path) == {"one"}
        with pytest.raises(HoldallError, match="log, was removed"):
            await add(app, "two")
        await app.close()
        assert texts(path) == {"one"}


@pytest.fixture(params=["told by the kernel", "not told"])
def told(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the kernel tell what happens to the file, or have everything looked at."""
    if request.param == "not told":
        monkeypatch.setattr(notices, "_watching", lambda path: None)


async def refused(path: Path, write: Callable[[Holdall], Awaitable[object]], why: str) -> None:
    """See that this write is refused, after one that was not."""
    async with asyncio.timeout(60):
        app = opened(path)
        await app.create()
        await add(app, "one")
        with pytest.raises(HoldallError, match=why):
            await write(app)
        await app.close()


def in_transaction(act: Callable[[], object]) -> Callable[[Holdall], Awaitable[None]]:
    """A write in whose transaction this is done."""

    async def write(app: Holdall) -> None:
        async with app.session() as session, session.transaction():
            session.add(Word(text="two"))
            await session.flush()
            act()

    return write


@pytest.mark.usefixtures("told")
async def test_what_another_library_does_during_a_transaction_is_seen_before_its_commit(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    await refused(path, in_transaction(lambda: texts(path)), "log, was removed")
    assert texts(path) == {"one"}


@pytest.mark.usefixtures("told")
async def test_what_another_library_does_during_a_shared_commit_is_seen_before_it(tmp_path: Path) -> None:
    path = tmp_path / "a.db"

    def insert(connection: apsw.Connection) -> None:
        connection.execute("INSERT INTO word (text) VALUES ('two')")
        assert texts(path) == {"one"}

    async def write(app: Holdall) -> None:
        database = app.stores["main"]._database  # type: ignore[attr-defined]  # no work of a store opens the file
        await database.run(insert)

    await refused(path, write, "log, was removed")
    assert texts(path) == {"one"}


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("act", ["replace", "move", "remove"])
async def test_a_file_that_is_taken_away_during_a_transaction_is_missed_before_its_commit(
    tmp_path: Path, act: str
) -> None:
    path, other = tmp_path / "a.db", tmp_path / "b.db"
    other.write_bytes(b"")
    acts: dict[str, Callable[[], object]] = {
        "replace": lambda: other.replace(path),
        "move": lambda: path.rename(other),
        "remove": path.unlink,
    }
    await refused(path, in_transaction(acts[act]), "was removed or replaced")


async def test_no_acknowledged_write_of_either_library_is_lost(tmp_path: Path) -> None:
    rounds = 30

    async def main(path: Path, parameters: str) -> tuple[set[str], int]:
        app = opened(path, parameters)
        await app.create()
        await add(app, "first")
        acknowledged = {"first"}

        def others() -> None:
            for number in range(rounds):
                other = sqlite3.connect(path, timeout=10)
                other.execute("INSERT INTO word (text) VALUES (?)", (f"other {number}",))
                other.commit()
                other.close()
                acknowledged.add(f"other {number}")

        thread = threading.Thread(target=others)
        thread.start()
        for number in range(rounds):
            try:
                await add(app, f"holdall {number}")
                acknowledged.add(f"holdall {number}")
            except CommitAborted:
                continue
        await asyncio.to_thread(thread.join)
        await app.close()
        return acknowledged, len(acknowledged)

    acknowledged, count = await asyncio.wait_for(main(tmp_path / "shared.db", "?driver=stdlib"), 60)
    assert (texts(tmp_path / "shared.db"), count) == (acknowledged, 2 * rounds + 1)


async def test_a_plain_open_file_counts_as_it_would_drop_the_locks(tmp_path: Path) -> None:
    async with asyncio.timeout(60):
        path = tmp_path / "a.db"
        app = opened(path)
        await app.create()
        with path.open("rb"), pytest.raises(HoldallError, match="plain open"):
            await add(app, "a")
        await app.close()


async def test_a_file_that_was_replaced_is_not_written(tmp_path: Path) -> None:
    async with asyncio.timeout(60):
        path = tmp_path / "a.db"
        app = opened(path)
        await app.create()
        await add(app, "a")
        path.rename(tmp_path / "moved.db")
        path.write_bytes(b"")
        with pytest.raises(HoldallError, match="removed or replaced"):
            await add(app, "b")
        await app.close()
        assert path.read_bytes() == b""


async def test_two_stores_on_one_file_are_of_one_library(tmp_path: Path) -> None:
    async with asyncio.timeout(60):
        path = tmp_path / "a.db"
        one, two, three = opened(path), opened(path), opened(path, "?driver=stdlib")
        await one.create()
        await add(one, "one")
        await add(two, "two")
        await add(one, "more")
        with pytest.raises(HoldallError, match="driver=stdlib"):
            await add(three, "three")
        await one.close()
        await two.close()
        await add(three, "three")
        with pytest.raises(HoldallError, match="driver=stdlib"):
            await add(one, "four")
        await three.close()
        assert texts(path) == {"one", "two", "more", "three"}


def library(path: Path | None) -> SqlStore:
    store = open_sql("main", "sqlite://?driver=stdlib" if path is None else f"sqlite:///{path}?driver=stdlib")
    store.bind([AUTHOR, BOOK])
    return store


@pytest.mark.parametrize("is_in_file", [True, False])
async def test_refusals_of_the_standard_library_mean_the_same(tmp_path: Path, is_in_file: bool) -> None:
    async with asyncio.timeout(60):
        store = library(tmp_path / "a.db" if is_in_file else None)
        await store.create()
        await store.apply([add_author("a"), add_book("x", KeyOf(0), "1")])
        with pytest.raises(UniqueViolation) as caught:
            await store.apply([add_author("b"), add_book("y", 1, "2"), add_book("z", 1, "1")])
        assert (caught.value.fields, caught.value.position) == (("isbn",), 2)
        assert await store.count(Query("author")) == 1
        await store.close()


async def test_a_long_read_by_the_standard_library_leaves_the_loop_free(tmp_path: Path) -> None:
    async with asyncio.timeout(60):
        store = open_sql("main", f"sqlite:///{tmp_path / 'a.db'}", driver="stdlib", inline_steps=1_000)
        store.bind([AUTHOR, BOOK])
        await store.create()
        await store.apply([add_author(str(number)) for number in range(5_000)])
        assert await store.count(Query("author")) == 5_000
        assert len(await store.fetch(Query("author"))) == 5_000
        assert [len(rows) async for rows in store.stream(Query("author"), 2_000)] == [2_000, 2_000, 1_000]
        await store.close()


@pytest.mark.parametrize(
    "url", ["sqlite:///a.db?driver=other", "sqlite:///a.db?driver=", "sqlite:///a.db?wrong=1", "sqlite://host/a.db"]
)
def test_urls_that_mean_nothing(url: str) -> None:
    with pytest.raises(DeclarationError):
        open_sql("main", url)
    with pytest.raises(DeclarationError):
        open_sql("main", "sqlite:///a.db", driver="other")


@pytest.mark.parametrize(
    "written, name",
    [
        ("app#1.db", "app#1.db"),
        ("app#2.db", "app#2.db"),
        ("a%20b;c&d=e.db", "a b;c&d=e.db"),
        ("what%3F.db", "what?.db"),
        ("50%25.db", "50%.db"),
        ("[ä]\N{SNOWMAN}.db", "[ä]\N{SNOWMAN}.db"),
        ("a:b@c+d.db", "a:b@c+d.db"),
        ("tab\tand space .db", "tab\tand space .db"),
    ],
)
@pytest.mark.parametrize("parameters", ["", "?driver=stdlib"])
async def test_a_path_is_taken_as_it_is_written(tmp_path: Path, written: str, name: str, parameters: str) -> None:
    async with asyncio.timeout(60):
        store = open_sql("main", f"sqlite:///{tmp_path}/{written}{parameters}")
        store.bind([AUTHOR, BOOK])
        await store.create()
        await store.close()
    assert os.listdir(tmp_path) == [name]
