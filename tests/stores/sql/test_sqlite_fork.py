"""SQLite and forks: a child opens connections of its own, and the parent's are left as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.forked import run_forking

PRELUDE = """
import asyncio, os, sys, threading
from holdall.errors import StateError
from holdall.query import Query
from holdall.stores.sql import open_sql
from tests.support.sql_collections import AUTHOR, BOOK, add_author

path = sys.argv[1]
url = "sqlite://" if path == "memory" else f"sqlite:///{path}"

def opened():
    store = open_sql("main", url)
    store.bind([AUTHOR, BOOK])
    return store

store = opened()

async def begin():
    await store.create()
    await store.apply([add_author("first")])
    await asyncio.gather(*[store.fetch(Query("author")) for _ in range(5)])

async def more(name):
    await store.apply([add_author(name)])
    return await store.count(Query("author"))

def ended(pid):
    assert os.waitpid(pid, 0)[1] == 0, "the child failed"
"""


def run(script: str, place: Path | str) -> list[str]:
    """Run it in a process of its own; the lines it printed."""
    return run_forking(PRELUDE + script, str(place))


def test_a_child_writes_and_reads_by_connections_of_its_own(tmp_path: Path) -> None:
    script = """
asyncio.run(begin())
if (pid := os.fork()) == 0:
    print("child", asyncio.run(more("child")), flush=True)
    sys.exit()
ended(pid)
print("parent", asyncio.run(more("parent")))
"""
    assert run(script, tmp_path / "test.db") == ["child 2", "parent 3"]


def test_a_child_within_a_running_loop_writes_in_a_loop_of_its_own(tmp_path: Path) -> None:
    script = """
async def main():
    await begin()
    if (pid := os.fork()) == 0:
        asyncio._set_running_loop(None)
        print("child", asyncio.run(more("child")), flush=True)
        os._exit(0)
    await asyncio.to_thread(ended, pid)
    print("parent", await more("parent"))
asyncio.run(main())
"""
    assert run(script, tmp_path / "test.db") == ["child 2", "parent 3"]


def test_a_child_holds_locks_of_its_own_when_its_parent_closes(tmp_path: Path) -> None:
    # one that only thinks it holds the parent's would have its log removed under it, and lose what it commits
    script = """
asyncio.run(begin())
to_child, to_parent = os.pipe(), os.pipe()
if (pid := os.fork()) == 0:
    asyncio.run(more("child"))
    os.write(to_parent[1], b"x")
    os.read(to_child[0], 1)
    print("log", os.path.exists(path + "-wal"))
    print("child", asyncio.run(more("child again")), flush=True)
    sys.exit()
os.read(to_parent[0], 1)
asyncio.run(store.close())
os.write(to_child[1], b"x")
ended(pid)
print("parent", asyncio.run(more("parent")))
"""
    assert run(script, tmp_path / "test.db") == ["log True", "child 3", "parent 4"]


def test_what_the_child_closes_stays_with_the_parent(tmp_path: Path) -> None:
    script = """
asyncio.run(begin())
if (pid := os.fork()) == 0:
    asyncio.run(more("child"))
    asyncio.run(store.close())
    sys.exit()
ended(pid)
print("log", os.path.exists(path + "-wal"))
print("parent", asyncio.run(more("parent")))
"""
    assert run(script, tmp_path / "test.db") == ["log True", "parent 3"]


@pytest.mark.parametrize("act", ["transaction", "stream"])
def test_a_child_of_a_process_that_is_amid_something_refuses_by_name(tmp_path: Path, act: str) -> None:
    script = f"""
amid = {act!r}

async def child():
    for other in (store, opened()):
        for attempt in (other.fetch(Query("author")), other.apply([add_author("x")])):
            try:
                await attempt
                print("went well")
            except StateError as error:
                print(path in str(error) and "fork" in str(error))

def fork():
    if (pid := os.fork()) == 0:
        asyncio._set_running_loop(None)
        asyncio.run(child())
        sys.stdout.flush()
        os._exit(0)
    ended(pid)

async def main():
    await begin()
    if amid == "transaction":
        async with store.transaction() as transaction:
            await transaction.apply([add_author("second")])
            fork()
    else:
        batches = store.stream(Query("author"), 1)
        await anext(batches)
        fork()
        await batches.aclose()
    print("parent", await more("parent"))

asyncio.run(main())
"""
    count = 3 if act == "transaction" else 2
    assert run(script, tmp_path / "test.db") == [*["True"] * 4, f"parent {count}"]


def test_a_fork_waits_for_a_write_that_is_under_way_in_a_thread(tmp_path: Path) -> None:
    script = """
async def steadily():
    await begin()
    begun.set()
    while not stop.is_set():
        await store.apply([add_author("x")])

begun, stop = threading.Event(), threading.Event()
writer = threading.Thread(target=lambda: asyncio.run(steadily()))
writer.start()
begun.wait()
for turn in range(20):
    threading.Event().wait(0.005)
    if (pid := os.fork()) == 0:
        asyncio.run(more("child"))
        os._exit(0)
    ended(pid)
stop.set()
writer.join()
print(asyncio.run(store.count(Query("author"))) > 20)
"""
    assert run(script, tmp_path / "test.db") == ["True"]


def test_a_database_in_memory_is_copied() -> None:
    script = """
asyncio.run(begin())
if (pid := os.fork()) == 0:
    print("child", asyncio.run(more("child")), flush=True)
    sys.exit()
ended(pid)
print("parent", asyncio.run(more("parent")))
"""
    assert run(script, "memory") == ["child 2", "parent 2"]


def test_a_database_in_memory_that_was_amid_something_is_lost_to_the_child() -> None:
    script = """
async def main():
    await begin()
    async with store.transaction() as transaction:
        if (pid := os.fork()) == 0:
            asyncio._set_running_loop(None)
            try:
                asyncio.run(more("child"))
            except StateError as error:
                print("in memory" in str(error), flush=True)
            os._exit(0)
        ended(pid)
asyncio.run(main())
"""
    assert run(script, "memory") == ["True"]
