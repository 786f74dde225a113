"""Several processes that create the same tables at once, as several first use a local journal."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest

from holdall import Holdall, Model, Ref, field
from holdall.stores.sql import open_sql
from tests.support.preloaded import PreloadedProcess
from tests.support.sql_collections import AUTHOR, BOOK

pytestmark = pytest.mark.anyio

PROCESSES = 4
ROUNDS = 6
ROUNDS_OF_SERVERS = 2

_CREATING = """
import asyncio, sys
from holdall.stores.sql import open_sql
from tests.support.sql_collections import AUTHOR, BOOK, add_author

async def main(urls):
    print("ready", flush=True)
    for url in urls:
        sys.stdin.readline()  # all begin together
        store = open_sql("main", url)
        store.bind([AUTHOR, BOOK])
        await store.create()
        await store.apply([add_author("a")])
        await store.close()
        print("done", flush=True)

asyncio.run(main(sys.argv[1:]))
"""


async def test_processes_that_create_at_once(tmp_path: Path) -> None:
    await _create_at_once([f"sqlite:///{tmp_path / f'{number}.db'}" for number in range(ROUNDS)])


@pytest.fixture(params=["postgres_url", "mariadb_url"])
def urls(request: pytest.FixtureRequest, fresh_database: Callable[[str], str]) -> list[str]:
    server = request.getfixturevalue(request.param)
    return [fresh_database(server) for _ in range(ROUNDS_OF_SERVERS)]


async def test_processes_that_create_on_a_server_at_once(urls: list[str]) -> None:
    await _create_at_once(urls)


class Left(Model):
    id: int = field(pk=True, generated=True)
    name: str = field(default="", index=True, unique=True)
    right: Ref[Right | None] = field(default=None)


class Right(Model):
    id: int = field(pk=True, generated=True)
    left: Ref[Left | None] = field(default=None)


async def test_applications_that_start_at_once(urls: list[str]) -> None:
    """Their tables refer to each other, so that constraints come after the tables."""
    for url in urls:
        apps = [Holdall(f"starter {number}") for number in range(4)]
        for app in apps:
            app.add_store("main", url, connections=1)
            app.add(Left, Right, store="main")
        await asyncio.gather(*(app.create() for app in apps))
        assert await apps[0].inspect() == {}
        for app in apps:
            await app.close()


@pytest.mark.parametrize("driver", ["apsw", "stdlib"])
async def test_a_file_that_somebody_writes_is_waited_for_where_its_mode_changes(tmp_path: Path, driver: str) -> None:
    """SQLite does not wait there by itself, whatever its busy timeout."""
    path = tmp_path / "test.db"
    if driver == "apsw":
        other: Any = apsw.Connection(str(path))
        other.set_busy_timeout(5_000)  # as sqlite3 does: it may end while the store looks at the file
    else:
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    ending = threading.Timer(0.2, other.execute, ["COMMIT"])
    ending.start()
    store = open_sql("main", f"sqlite:///{path}?driver={driver}")
    store.bind([AUTHOR, BOOK])
    await store.create()
    assert await store.inspect() == []
    await store.close()
    ending.join()
    other.close()


async def _create_at_once(urls: list[str]) -> None:
    pipe = subprocess.PIPE
    children = [
        PreloadedProcess("-c", _CREATING, *urls, stdin=pipe, stdout=pipe, stderr=pipe) for _ in range(PROCESSES)
    ]

    async def say(child: PreloadedProcess, expected: bytes) -> None:
        assert child.stdout is not None
        assert child.stderr is not None
        if await asyncio.to_thread(child.stdout.readline) != expected:
            raise AssertionError((await asyncio.to_thread(child.stderr.read)).decode())

    try:
        await asyncio.gather(*(say(child, b"ready\n") for child in children))
        for _ in urls:
            for child in children:
                assert child.stdin is not None
                child.stdin.write(b"go\n")
                child.stdin.flush()
            await asyncio.gather(*(say(child, b"done\n") for child in children))
    finally:
        for child in children:
            child.kill()
            await asyncio.to_thread(child.communicate)
    for url in urls:
        store = open_sql("main", url)
        store.bind([AUTHOR, BOOK])
        assert await store.inspect() == []
        await store.close()
