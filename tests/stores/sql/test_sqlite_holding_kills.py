"""A process that is killed while it prepares and writes leaves each commit either held and unwritten, or written."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import apsw
import pytest

from holdall.errors import Reserved, StaleVersion
from holdall.store import Change, Reservation, Verb
from holdall.stores.sql import open_sql
from holdall.stores.sql.holding import HoldingSqlStore
from tests.support.sql_collections import AUTHOR, BOOK, add_author, edit_book

pytestmark = pytest.mark.early

ROUNDS = 25
BOOKS = 3
STRIDE = 1_000_000  # more numbers than a victim can come to, however late it is killed
DISTURBED = 1_000_000_000  # where the numbers of the neighbour's commits begin
_BOOK = ("id", "title", "author", "version")


def opened(path: Path) -> HoldingSqlStore:
    store = open_sql("main", f"sqlite:///{path}")
    assert isinstance(store, HoldingSqlStore)
    store.bind([AUTHOR, BOOK])
    return store


def part(number: int) -> list[Change]:
    """A new author and a book that refers to it, both under the number."""
    book = Change(Verb.ADD, "book", number, _BOOK, (number, str(number), number, 1))
    return [add_author(str(number), number), book]


def reservation(number: int) -> Reservation:
    return Reservation(f"c{number}", "shop", "h", "home", "owner", dt.datetime(2026, 1, 1, tzinfo=dt.UTC))


async def commit(path: Path, tell: Callable[[str], None], start: int) -> None:
    """Prepare and write one part after another, four at a time, and tell of each step that was done."""
    store = opened(path)
    numbers = itertools.count(start)

    async def task() -> None:
        for number in numbers:
            await store.prepare(reservation(number), part(number))
            tell(f"held {number}")
            if number % 5 == 0:
                tell(f"leaving {number}")
                await store.roll_back_prepared(f"c{number}")
            else:
                assert await store.commit_prepared(f"c{number}", part(number))
                tell(f"written {number}")

    await asyncio.gather(*[task() for _ in range(4)])


async def disturb(path: Path, tell: Callable[[str], None], start: int) -> None:
    """Change the shared books, hold them, and try to change what the other process may hold."""
    store = opened(path)
    for number in itertools.count(start):
        tell(f"working {number}")
        await store.apply([edit_book(1 + number % BOOKS, None, title=str(number))])
        await store.prepare(reservation(DISTURBED + number), [edit_book(1 + number % BOOKS, None, title="x")])
        await store.roll_back_prepared(f"c{DISTURBED + number}")
        with suppress(Reserved, StaleVersion):
            await store.apply([Change(Verb.UPDATE, "author", start + number % 20, ("name",), ("renamed",))])


class Child:
    """A fork that works until it is killed; what it told is read afterwards."""

    def __init__(self, work: Callable[[Path, Callable[[str], None], int], Awaitable[None]], path: Path, start: int):
        self._said, say = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                asyncio.run(work(path, lambda line: bool(os.write(say, f"{line}\n".encode())) and None, start))  # type: ignore[arg-type]
            except BaseException as error:
                os.write(say, f"failed {type(error).__name__} {error}\n".encode())
            finally:
                os._exit(1)
        os.close(say)
        self._words = os.read(self._said, 1)  # it has begun

    def killed(self) -> dict[str, set[int]]:
        """Kill it; the numbers of which it told each word. What failed in it is raised."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        while data := os.read(self._said, 65_536):
            self._words += data
        os.close(self._said)
        told: dict[str, set[int]] = {}
        for line in self._words.decode().splitlines():
            word, _, number = line.partition(" ")
            assert word != "failed", line
            told.setdefault(word, set()).add(int(number))
        return told


def found(path: Path) -> tuple[set[int], set[int], set[int]]:
    """The numbers of the commits that are held, of the authors and of the books, read past Holdall."""
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(10_000)
    try:
        with connection:  # one snapshot
            held = {int(str(row[0])[1:]) for row in connection.execute("SELECT commit_id FROM holdall_reservation")}
            authors = {int(row[0]) for row in connection.execute("SELECT id FROM author")}
            books = {int(row[0]) for row in connection.execute("SELECT id FROM book")}
    finally:
        connection.close()
    return held, authors - {1}, books - set(range(1, BOOKS + 1))


async def settle(path: Path, held: set[int]) -> None:
    """Write what was left held, as recovery would; a second time it is known to be written."""
    store = opened(path)
    assert {int(item.commit[1:]) for item in await store.prepared()} == held
    for number in held:
        if number >= DISTURBED:
            await store.roll_back_prepared(f"c{number}")
            continue
        assert await store.commit_prepared(f"c{number}", part(number))
        assert not await store.commit_prepared(f"c{number}", part(number))
    await store.close()


async def fill(path: Path) -> None:
    store = opened(path)
    await store.create()
    books = [Change(Verb.ADD, "book", key, _BOOK, (key, "shared", 1, 1)) for key in range(1, BOOKS + 1)]
    await store.apply([add_author("1", 1), *books])
    await store.prepare(reservation(0), [])
    await store.roll_back_prepared("c0")
    await store.close()


@pytest.mark.parametrize("seed", range(2))
def test_each_commit_is_held_or_written_and_never_both(tmp_path: Path, seed: int) -> None:
    path, rng = tmp_path / "test.db", random.Random(seed)
    asyncio.run(fill(path))
    written, left = set[int](), 0
    for turn in range(ROUNDS):
        start = STRIDE * (turn + 1)
        victim = Child(commit, path, start)
        neighbour = Child(disturb, path, start) if turn % 2 else None
        time.sleep(rng.uniform(0.0, 0.02))
        told = victim.killed()
        if neighbour is not None:
            neighbour.killed()
        held, authors, books = found(path)
        assert authors == books
        assert not held & books
        assert told.get("written", set()) <= books
        assert told["held"] - told.get("leaving", set()) <= held | books
        assert written <= books
        own = {number for number in held if number < DISTURBED}
        left += len(own)
        asyncio.run(settle(path, held))
        held, authors, books = found(path)
        assert (held, authors) == (set(), books)
        assert own <= books
        written = books
    assert left > 0
