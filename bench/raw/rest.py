"""The graph by hand on bare aiohttp: each call as soon as its parent is there, level by level, one after the other."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from functools import cache
from typing import Any

import aiohttp

from bench.graph import MOST_AT_ONCE, NODES, TENTH

_CALLS = 1_000


async def ready_set(url: str) -> float:
    """A queue of what is ready, a hundred workers, and children queued by their parent."""
    session, start = _session(), time.perf_counter()
    keys: dict[int, int] = {}
    children: dict[int, list[int]] = {}
    for place, (_, _, parent) in enumerate(NODES):
        children.setdefault(parent, []).append(place)
    ready = deque(children[-1])
    running: set[asyncio.Task[None]] = set()
    over = asyncio.get_running_loop().create_future()

    async def one(place: int) -> None:
        keys[place] = await _save(session, url, place, keys)
        ready.extend(children.get(place, ()))

    def ended(task: asyncio.Task[None]) -> None:
        running.discard(task)
        go()
        if not running and not over.done():
            over.set_result(None)

    def go() -> None:
        while ready and len(running) < MOST_AT_ONCE:
            task = asyncio.create_task(one(ready.popleft()))
            running.add(task)
            task.add_done_callback(ended)

    go()
    await over
    assert len(keys) == len(NODES)
    return time.perf_counter() - start


async def by_level(url: str) -> float:
    """Each level once the one before is done."""
    session, start = _session(), time.perf_counter()
    keys: dict[int, int] = {}
    slots = asyncio.Semaphore(MOST_AT_ONCE)

    async def one(place: int) -> None:
        async with slots:
            keys[place] = await _save(session, url, place, keys)

    for level in ("company", "department", "person"):
        await asyncio.gather(*(one(place) for place, node in enumerate(NODES) if node[0] == level))
    assert len(keys) == len(NODES)
    return time.perf_counter() - start


async def sequential(url: str) -> float:
    """One call after the other, a tenth of them timed."""
    session, start = _session(), time.perf_counter()
    keys: dict[int, int] = {}
    for place in TENTH:
        keys[place] = await _save(session, url, place, keys)
    return (time.perf_counter() - start) * len(NODES) / len(TENTH)


async def write(url: str) -> float:
    """What a POST costs the processor here."""
    session, start = _session(), time.process_time()
    for _ in range(_CALLS):
        await _save(session, url, 0, {})
    return (time.process_time() - start) / _CALLS


async def read(url: str) -> float:
    """What a GET costs the processor here."""
    session, start = _session(), time.process_time()
    for number in range(_CALLS):
        async with session.get(f"{url}/company/{number}") as answer:
            answer.raise_for_status()
            found = json.loads(await answer.read())
            assert found["id"] == number
    return (time.process_time() - start) / _CALLS


@cache
def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=MOST_AT_ONCE))


async def _save(session: aiohttp.ClientSession, url: str, place: int, keys: dict[int, int]) -> int:
    collection, name, parent = NODES[place]
    record: dict[str, Any] = {"name": name}
    if parent >= 0:
        record["parent"] = keys[parent]
    async with session.post(f"{url}/{collection}", json=record) as answer:
        answer.raise_for_status()
        key: int = json.loads(await answer.read())["id"]
        return key
