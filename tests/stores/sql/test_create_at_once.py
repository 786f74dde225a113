"""Several processes that create the same tables at once, as several first use a local journal."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from holdall.stores.sql import open_sql
from tests.stores.sql.library import AUTHOR, BOOK

pytestmark = pytest.mark.anyio

PROCESSES = 6
ROUNDS = 25

_CREATING = """
import asyncio, sys
from holdall.stores.sql import open_sql
from tests.stores.sql.library import AUTHOR, BOOK, add_author

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
    urls = [f"sqlite:///{tmp_path / f'{number}.db'}" for number in range(ROUNDS)]
    pipe = asyncio.subprocess.PIPE
    children = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", _CREATING, *urls, stdin=pipe, stdout=pipe, stderr=pipe
        )
        for _ in range(PROCESSES)
    ]

    async def say(child: asyncio.subprocess.Process, expected: bytes) -> None:
        assert child.stdout is not None
        assert child.stderr is not None
        if await child.stdout.readline() != expected:
            raise AssertionError((await child.stderr.read()).decode())

    try:
        await asyncio.gather(*(say(child, b"ready\n") for child in children))
        for _ in urls:
            for child in children:
                assert child.stdin is not None
                child.stdin.write(b"go\n")
            await asyncio.gather(*(say(child, b"done\n") for child in children))
    finally:
        for child in children:
            if child.returncode is None:
                child.kill()
            await child.communicate()
    for url in urls:
        store = open_sql("main", url)
        store.bind([AUTHOR, BOOK])
        assert await store.inspect() == []
        await store.close()
