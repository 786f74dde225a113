"""Stores with connections, and forks: the parent's stay as they are, a child has its own.

Each kind of connection is tried; ``FORKS=1`` tries each with every test.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.servers.api import Api
from tests.support.forked import run_forking

pytestmark = pytest.mark.early

PRELUDE = """
import asyncio, gc, os, sys
from holdall import Holdall, Model, field
from holdall.query import Op
from holdall.stores.rest import Filters, RestCollection

class Note(Model):
    id: str = field(pk=True)
    text: str

url = sys.argv[1]
notes = RestCollection(path="/once/forks/notes/{id}", filters=Filters(operators={Op.IN: "id", Op.EQ: "id"}))
options = {"collections": {"notes": notes}} if url.startswith("http") else {}
app = Holdall("notes")
app.add_store("main", url, **options)
app.add(Note, store="main", collection="notes")
run = str(os.getpid())  # other programs have written to the same server

def write(key):
    with app.sync.session() as session:
        session.add(Note(id=run + key, text="x"))

def look(key):
    with app.sync.session() as session:
        return session.get(Note, run + key).text

async def write_here(key):
    async with app.session() as session:
        session.add(Note(id=run + key, text="x"))

async def look_here(key):
    async with app.session() as session:
        return (await session.get(Note, run + key)).text

def ended(pid):
    assert os.waitpid(pid, 0)[1] == 0, "the child failed"
"""


@pytest.fixture(scope="module")
def rest_url() -> Iterator[str]:
    with Api() as api:
        yield api.url


SERVERS = ["postgres_url", "mariadb_url", "redis_url", "redis_cluster_url", "mongo_url"]
FEW = ["postgres_url", "mongo_url"]  # where there is no time for all
IS_LONG = bool(os.environ.get("FORKS"))


@pytest.fixture(params=[*SERVERS, "rest_url"] if IS_LONG else FEW)
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(request.param)
    return found


IDLE = """
if not url.startswith("http"):
    app.sync.create()
write("p1")
for number in range(3):
    if (pid := os.fork()) == 0:
        leave()
        del app
        gc.collect()
        sys.exit()
    ended(pid)
    print(look("p1"), flush=True)
app.sync.close()
"""


def test_a_child_that_does_nothing_leaves_its_parent_alone(url: str) -> None:
    leave = "def leave(): pass"
    assert run_forking(PRELUDE + leave + IDLE, url) == ["x"] * 3


@pytest.mark.parametrize("url", ["postgres_url", "redis_url", "redis_cluster_url", "rest_url"], indirect=True)
def test_a_child_that_ends_its_parents_connections_is_caught(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault, where an event loop looks after the sockets: parent and child share its selector."""
    leave = """
def leave():
    for item in gc.get_objects():
        if isinstance(item, asyncio.Transport):
            item.abort()
"""
    monkeypatch.setattr("tests.support.forked.SECONDS", 4)
    with pytest.raises((AssertionError, subprocess.TimeoutExpired)):
        run_forking(PRELUDE + leave + IDLE, url)


def test_a_child_has_connections_of_its_own(url: str) -> None:
    script = """
if not url.startswith("http"):
    app.sync.create()
write("q1")
for number in range(3):
    if (pid := os.fork()) == 0:
        print(look("q1"), flush=True)
        write(f"child {number}")
        app.sync.close()
        gc.collect()
        sys.exit()
    ended(pid)
    print(look(f"child {number}"), flush=True)
app.sync.close()
"""
    assert run_forking(PRELUDE + script, url) == ["x"] * 6


def test_parent_and_child_at_once(url: str) -> None:
    script = """
if not url.startswith("http"):
    app.sync.create()
write("r1")
children = []
for number in range(3):
    if (pid := os.fork()) == 0:
        for _ in range(20):
            assert look("r1") == "x"
        sys.exit()
    children.append(pid)
for _ in range(50):
    assert look("r1") == "x"
for pid in children:
    ended(pid)
print("done")
"""
    assert run_forking(PRELUDE + script, url) == ["done"]


# without REST: aiohttp has something to say about the sessions of loops that have ended, fork or none
@pytest.mark.parametrize("url", SERVERS, indirect=True)
def test_a_fork_after_a_loop_that_has_ended(url: str) -> None:
    script = """
async def begin():
    if not url.startswith("http"):
        await app.create()
    await write_here("s1")
asyncio.run(begin())
if (pid := os.fork()) == 0:
    print(asyncio.run(look_here("s1")), flush=True)
    gc.collect()
    os._exit(0)
ended(pid)
print(asyncio.run(look_here("s1")), flush=True)
"""
    assert run_forking(PRELUDE + script, url) == ["x", "x"]


def test_a_fork_within_a_running_loop(url: str) -> None:
    script = """
async def main():
    if not url.startswith("http"):
        await app.create()
    await write_here("t1")
    if (pid := os.fork()) == 0:
        asyncio._set_running_loop(None)
        print(asyncio.run(look_here("t1")), flush=True)
        gc.collect()
        os._exit(0)
    await asyncio.to_thread(ended, pid)
    print(await look_here("t1"), flush=True)
    await app.close()
asyncio.run(main())
"""
    assert run_forking(PRELUDE + script, url) == ["x", "x"]
