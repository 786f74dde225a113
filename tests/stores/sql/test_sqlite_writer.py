"""Group commit: what shares a commit, what does not, and who is to blame."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Self, TypeVar
from weakref import ref

import apsw
import pytest

from holdall.errors import AlreadyExists, Conflict, ReferenceViolation, StaleVersion, StoreTimeout, UniqueViolation
from holdall.query import Query
from holdall.store import Change, KeyOf, Outcome
from holdall.stores.sql import SqlStore, Tables
from holdall.stores.sql.dialect import SQLITE
from holdall.stores.sql.sqlite import SqliteDatabase
from holdall.stores.sql.sqlite_connection import SqliteOptions, place_of
from tests.support.preloaded import PreloadedProcess
from tests.support.sql_collections import AUTHOR, BOOK, add_author, add_book, edit_book, remove

pytestmark = pytest.mark.anyio

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, 20))


class Opened:
    """A store with its tables, and the commits its writer makes."""

    def __init__(self, path: Path | None, **options: Any) -> None:
        tables = Tables(SQLITE)
        url = "sqlite://" if path is None else f"sqlite:///{path / 'test.db'}"
        self.database = SqliteDatabase("main", place_of(url), tables, SqliteOptions(**options))
        self.store = SqlStore("main", tables, self.database)
        self.store.bind([AUTHOR, BOOK])
        self.commits = 0

    async def __aenter__(self) -> Self:
        await self.store.create()
        self.writer.connection().set_commit_hook(self._count)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.store.close()

    @property
    def writer(self) -> Any:
        return self.database._writer

    def _count(self) -> bool:
        self.commits += 1
        return False


@pytest.fixture(params=["file", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path if request.param == "file" else None


async def test_works_that_come_together_share_a_commit(place: Path | None) -> None:
    async with asyncio.timeout(20):
        async with Opened(place) as opened:
            outcomes = await asyncio.gather(*(opened.store.apply([add_author(str(n))]) for n in range(100)))
            assert sorted(outcome[0].key for outcome in outcomes) == list(range(1, 101))
            assert opened.commits < 50
            assert await opened.store.count(Query("author")) == 100


class Changes(list[Change]):
    """A list that can be referred to weakly."""


async def test_nothing_of_a_work_is_kept_once_it_is_done(place: Path | None) -> None:
    async with asyncio.timeout(20):
        async with Opened(place) as opened:
            changes = Changes([add_author("a")])
            gone = ref(changes)
            await opened.store.apply(changes)
            del changes
            for _ in range(200):  # the writer's thread may yet be on its way back
                if gone() is None:
                    return
                await asyncio.sleep(0.01)
            raise AssertionError(f"{gone()} is kept while there is nothing to do")


async def test_one_that_fails_takes_nothing_of_the_others_with_it(place: Path | None) -> None:
    async with asyncio.timeout(20):
        async with Opened(place) as opened:
            await opened.store.apply([add_author("a"), add_book("x", KeyOf(0), "1")])
            works = [
                [add_author("b")],
                [add_author("lost"), add_book("y", 1, "1")],
                [add_author("lost"), add_book("y", 99)],
                [add_author("lost"), edit_book(1, 7, title="z")],
                [add_author("lost"), remove("author", 1)],
                [add_author("again", 1)],
                [add_author("c")],
            ]
            held = threading.Event()
            holding = asyncio.create_task(opened.writer.run(lambda connection: held.wait(5)))
            await asyncio.sleep(0.05)
            before = opened.commits
            doing = [asyncio.create_task(opened.store.apply(work)) for work in works]
            await asyncio.sleep(0.05)
            held.set()
            ended: list[Any] = await asyncio.gather(*doing, return_exceptions=True)
            await holding
            assert opened.commits <= before + 2
            assert [type(end) for end in ended[1:6]] == [
                UniqueViolation,
                ReferenceViolation,
                StaleVersion,
                ReferenceViolation,
                AlreadyExists,
            ]
            assert [end.position for end in ended[1:6]] == [1, 1, 1, 1, 0]
            names = {row[1] for row in await opened.store.fetch(Query("author"))}
            assert names == {"a", "b", "c"}


async def test_who_is_refused_for_what_shares_its_commit_can_read_it(tmp_path: Path) -> None:
    async with asyncio.timeout(20):
        async with Opened(tmp_path) as opened:
            held, busy = threading.Event(), threading.Event()
            holding = asyncio.create_task(opened.writer.run(lambda connection: held.wait(5)))
            await asyncio.sleep(0.05)
            first = asyncio.create_task(opened.store.apply([add_author("a", 7)]))
            second = asyncio.create_task(opened.store.apply([add_author("b", 7)]))
            await asyncio.sleep(0.01)
            last = asyncio.create_task(opened.writer.run(lambda connection: busy.wait(0.1)))
            await asyncio.sleep(0.01)
            held.set()
            with pytest.raises(AlreadyExists):
                await second
            assert [row[1] for row in await opened.store.fetch(Query("author"))] == ["a"]
            await asyncio.gather(holding, first, last)


@pytest.mark.parametrize("culprit", [0, 1, 30, 49])
@pytest.mark.parametrize("has_trigger", [False, True])
async def test_the_culprit_of_many_is_named(tmp_path: Path, culprit: int, has_trigger: bool) -> None:
    async with asyncio.timeout(20):
        async with Opened(tmp_path) as opened:
            await opened.store.apply([add_author("a"), add_book("x", 1, "taken")])
            if has_trigger:  # one that adds records of its own
                body = "BEGIN INSERT INTO author (name) VALUES ('trigger'); END"
                await opened.database.execute(
                    [f"CREATE TRIGGER on_{verb} AFTER {verb} ON book {body}" for verb in ("INSERT", "UPDATE")]
                )
            many = [add_book("y", 1, "taken" if n == culprit else str(n)) for n in range(50)]
            with pytest.raises(UniqueViolation) as unique:
                await opened.store.apply(many)
            assert unique.value.position == culprit
            many[culprit] = add_book("y", 1, "free")
            assert [outcome.key for outcome in await opened.store.apply(many)] == list(range(2, 52))
            edits = [edit_book(2 + n, 9 if n == culprit else 1, title="z") for n in range(50)]
            with pytest.raises(StaleVersion) as stale:
                await opened.store.apply(edits)
            assert (stale.value.key, stale.value.position) == (2 + culprit, culprit)
            edits[culprit] = edit_book(2 + culprit, 1, title="z")
            await opened.store.apply(edits)
            rows = [row for row in await opened.store.fetch(Query("book")) if row[0] > 1]
            assert {(row[1], row[-1]) for row in rows} == {("z", 2)}
            assert len(rows) == 50


@pytest.mark.parametrize("place_of_trigger", ["BEFORE", "AFTER"])
async def test_keys_are_right_where_a_trigger_takes_some(tmp_path: Path, place_of_trigger: str) -> None:
    async with asyncio.timeout(20):
        async with Opened(tmp_path) as opened:
            trigger = f"CREATE TRIGGER more {place_of_trigger} INSERT ON author WHEN new.name = 'twice' "
            await opened.database.execute([trigger + "BEGIN INSERT INTO author (name) VALUES ('more'); END"])
            names = ["once" if n % 7 else "twice" for n in range(50)]
            outcomes = await opened.store.apply([add_author(name) for name in names])
            kept = {row[0]: row[1] for row in await opened.store.fetch(Query("author"))}
            assert [kept[outcome.key] for outcome in outcomes] == names


@pytest.mark.parametrize("culprit", [0, 24, 49])
@pytest.mark.parametrize("count", [1, 3, 50])
@pytest.mark.parametrize("has_key", [True, False])
@pytest.mark.parametrize("refuses_by", ["trigger", "rule of the table"])
async def test_a_record_that_the_database_ignores_is_not_taken_for_written(
    tmp_path: Path, culprit: int, count: int, has_key: bool, refuses_by: str
) -> None:
    async with asyncio.timeout(20):
        async with Opened(tmp_path) as opened:
            if refuses_by == "trigger":
                trigger = "CREATE TRIGGER ignore BEFORE INSERT ON author WHEN new.name = 'x' BEGIN SELECT "
                await opened.database.execute([f"{trigger} raise(IGNORE); END"])
            else:
                rule = "name TEXT NOT NULL UNIQUE ON CONFLICT IGNORE"
                table = f"CREATE TABLE author (id INTEGER PRIMARY KEY AUTOINCREMENT, {rule})"
                await opened.database.execute(["DROP TABLE author", table, "INSERT INTO author VALUES (90, 'x')"])
            await opened.store.apply([add_author("before", 5)])
            before = await opened.store.fetch(Query("author"))
            names = [f"good {number}" for number in range(count)]
            names[min(culprit, count - 1)] = "x"
            keys = range(100, 100 + count) if has_key else [None] * count
            with pytest.raises(Conflict, match="author") as caught:
                await opened.store.apply(list(map(add_author, names, keys)))
            assert caught.value.position == names.index("x")
            assert await opened.store.fetch(Query("author")) == before


async def test_a_failure_that_ends_the_transaction_leaves_the_others_alone(tmp_path: Path) -> None:
    async with asyncio.timeout(20):
        async with Opened(tmp_path) as opened:
            rollback = (
                "CREATE TRIGGER refuse BEFORE INSERT ON author WHEN new.name = 'bad' "
                "BEGIN SELECT raise(ROLLBACK, 'no'); END"
            )
            await opened.database.execute([rollback])
            held = threading.Event()
            holding = asyncio.create_task(opened.writer.run(lambda connection: held.wait(5)))
            await asyncio.sleep(0.05)
            doing = [asyncio.create_task(opened.store.apply([add_author(name)])) for name in ("a", "bad", "b")]
            await asyncio.sleep(0.05)
            held.set()
            ended = await asyncio.gather(*doing, return_exceptions=True)
            await holding
            assert [isinstance(end, Exception) for end in ended] == [False, True, False]
            assert {row[1] for row in await opened.store.fetch(Query("author"))} == {"a", "b"}


async def test_references_may_be_broken_until_the_end_of_a_work(place: Path | None) -> None:
    async with asyncio.timeout(20):
        async with Opened(place) as opened:
            await opened.store.apply([add_book("x", 5), add_author("late", 5)])
            await opened.store.apply([remove("author", 5), remove("book", 1)])
            assert await opened.store.count(Query("book")) == 0


async def test_who_breaks_a_reference_in_a_transaction_is_told_at_its_end(place: Path | None) -> None:
    async with asyncio.timeout(20):
        async with Opened(place) as opened:

            async def broken() -> None:
                async with opened.store.transaction() as transaction:
                    await transaction.apply([add_author("a")])
                    await transaction.apply([add_book("x", 99)])

            with pytest.raises(ReferenceViolation) as caught:
                await broken()
            assert (caught.value.collection, caught.value.fields) == ("book", ("author",))
            assert await opened.store.count(Query("author")) == 0


async def test_a_refused_part_leaves_the_transaction_usable(place: Path | None) -> None:
    async with asyncio.timeout(20):
        async with Opened(place) as opened:
            async with opened.store.transaction() as transaction:
                await transaction.apply([add_author("a")])
                with pytest.raises(AlreadyExists):
                    await transaction.apply([add_author("lost"), add_author("b", 1)])
                assert await transaction.apply([add_author("c")]) in ([Outcome(2)], [Outcome(3)])
            assert {row[1] for row in await opened.store.fetch(Query("author"))} == {"a", "c"}


async def test_a_transaction_kept_open_times_others_out(place: Path | None) -> None:
    async with asyncio.timeout(20):
        async with Opened(place, timeout=1.0) as opened:
            async with opened.store.transaction() as transaction:
                await transaction.apply([add_author("a")])
                with pytest.raises(StoreTimeout):
                    await opened.store.apply([add_author("b")])
            assert [row[1] for row in await opened.store.fetch(Query("author"))] == ["a"]


async def test_what_is_cancelled_before_its_turn_is_not_done(place: Path | None) -> None:
    async with asyncio.timeout(20):
        async with Opened(place) as opened:
            async with opened.store.transaction():
                doing = asyncio.create_task(opened.store.apply([add_author("a")]))
                await asyncio.sleep(0.05)
                doing.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await doing
            assert await opened.store.count(Query("author")) == 0


async def test_another_process_that_keeps_the_lock_is_a_timeout(tmp_path: Path) -> None:
    async with asyncio.timeout(20):
        async with Opened(tmp_path, timeout=1.0) as opened:
            other = apsw.Connection(str(tmp_path / "test.db"))
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreTimeout):
                await opened.store.apply([add_author("a")])
            other.close(True)
            await opened.store.apply([add_author("a")])


def test_two_loops_use_one_store(place: Path | None) -> None:
    opened = Opened(place)

    async def work(name: str) -> None:
        for _ in range(20):
            await opened.store.apply([add_author(name)])
            await opened.store.fetch(Query("author").limit(5))

    run(opened.store.create())
    threads = [threading.Thread(target=run, args=(work(name),)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert run(opened.store.count(Query("author"))) == 60
    run(opened.store.close())


_CHILD = """
import asyncio, sys
from holdall.stores.sql import open_sql
from tests.support.sql_collections import AUTHOR, BOOK, add_author

async def main():
    store = open_sql("main", sys.argv[1])
    store.bind([AUTHOR, BOOK])
    await store.create()
    async def work():
        while True:
            outcome, = await store.apply([add_author("a")])
            print(outcome.key, flush=True)
    await asyncio.gather(*(work() for _ in range(5)))

asyncio.run(main())
"""


def test_what_was_told_as_applied_survives_a_killed_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    with PreloadedProcess("-c", _CHILD, url, stdout=subprocess.PIPE, is_text=True) as child:
        assert child.stdout is not None
        told = [int(child.stdout.readline()) for _ in range(50)]
        child.kill()
        told.extend(int(line) for line in child.stdout.read().split("\n")[:-1])

    async def main() -> None:
        async with Opened(tmp_path) as opened:
            kept = {row[0] for row in await opened.store.fetch(Query("author"))}
            assert set(told) <= kept

    run(main())


async def test_a_short_work_runs_at_once_unless_anybody_else_is_writing(tmp_path: Path) -> None:
    async with asyncio.timeout(20):
        async with Opened(tmp_path) as opened:
            database: Any = opened.store._database
            writer = database._writer

            def add(connection: apsw.Connection) -> str:
                connection.execute("INSERT INTO author (name) VALUES ('now')")
                return threading.current_thread().name

            async def count() -> int:
                return await opened.store.count(Query("author"))

            await opened.store.apply([add_author("a")])
            with writer.lock:  # its thread is on its way back
                pass
            assert writer.run_now(add) == threading.current_thread().name
            assert await count() == 2
            with writer.lock:
                assert writer.run_now(add) is None
            other = apsw.Connection(str(tmp_path / "test.db"))
            other.execute("BEGIN IMMEDIATE")
            assert writer.run_now(add) is None
            other.execute("ROLLBACK")
            with pytest.raises(ZeroDivisionError):
                writer.run_now(lambda connection: add(connection) and 1 / 0)
            assert await count() == 2
            assert writer.connection().execute("PRAGMA synchronous").get == 2, "the next commit waits for the disk"
            assert writer.connection().execute("PRAGMA wal_autocheckpoint").get == 1000
            await opened.store.apply([add_author("b")])
            assert await count() == 3
