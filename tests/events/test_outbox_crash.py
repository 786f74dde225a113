"""The outbox under a receiver that fails, hangs and dies, and kills of the program that writes and delivers.

The long form: ``make outbox N=2000``.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import standardwebhooks
from aiohttp import web

from tests.support.outbox_victim import RECORDS, SECRET
from tests.support.preloaded import PreloadedProcess

pytestmark = [pytest.mark.early, pytest.mark.anyio]

_EVENTS = int(os.environ.get("OUTBOX", "60"))
_KILLS = max(3, _EVENTS // 40)
_AT_MOST = 600.0  # seconds


class Receiver:
    """Notes what arrives: some of it is refused before, some is not answered, and sometimes nobody listens."""

    def __init__(self) -> None:
        self.arrived: list[tuple[str, int, int]] = []  # id, record, count
        self.came = asyncio.Event()
        self._draw = random.Random(20_261_129)
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/"

    async def start(self) -> None:
        service = web.Application()
        service.router.add_post("/", self._take)
        self._runner = web.AppRunner(service, shutdown_timeout=0.01, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def die(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        standardwebhooks.Webhook(SECRET).verify(body, dict(request.headers))
        luck = self._draw.random()
        if luck < 0.1:
            return web.Response(status=500)
        document = json.loads(body)
        self.arrived.append((document["id"], document["data"]["key"], document["data"]["new"]["count"]))
        self.came.set()
        if luck < 0.13:
            await asyncio.sleep(0.2)  # longer than the sender waits
        elif luck < 0.2 and request.transport is not None:
            request.transport.abort()
        return web.Response(status=204)

    async def has(self, number: int) -> None:
        """Wait until so many have arrived."""
        while len(self.arrived) < number:
            self.came.clear()
            await self.came.wait()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    found = Receiver()
    await found.start()
    yield found
    await found.die()


def faults_of(arrived: list[tuple[str, int, int]], total: int) -> list[str]:
    """What is wrong with what arrived: steps that are missing or came before earlier ones, and ids that differ."""
    found, ids = [], dict[tuple[int, int], str]()
    counts: dict[int, int] = defaultdict(int)
    for id, record, count in arrived:  # noqa: A001
        if count > counts[record] + 1:
            found.append(f"record {record}: {count} came after {counts[record]}")
        counts[record] = max(counts[record], count)
        if ids.setdefault((record, count), id) != id:
            found.append(f"record {record}: {count} came under two ids")
    if len(set(ids.values())) != len(ids):
        found.append("two events have one id")
    if sum(counts.values()) != total:
        found.append(f"{sum(counts.values())} steps arrived of {total}")
    return found


def run(url: str, receiver: str, total: int, *more: str) -> PreloadedProcess:
    words = ("-m", "tests.support.outbox_victim", url, receiver, str(total), *more)
    return PreloadedProcess(*words, stderr=subprocess.DEVNULL)


async def test_each_event_arrives_in_order_whoever_dies(receiver: Receiver, tmp_path: Path) -> None:
    url, draw = f"sqlite:///{tmp_path}/counting.db", random.Random(7)
    marks = sorted(draw.sample(range(1, _EVENTS), _KILLS))
    async with asyncio.timeout(_AT_MOST):
        for number, mark in enumerate(marks):
            process = run(url, receiver.url, _EVENTS)
            await receiver.has(mark)
            assert process.poll() is None, "it was done before it could be killed"
            process.kill()
            await asyncio.to_thread(process.wait)
            if number % 3 == 0:
                await receiver.die()
                await receiver.start()
        process = run(url, receiver.url, _EVENTS)
        assert await asyncio.to_thread(process.wait) == 0
    assert faults_of(receiver.arrived, _EVENTS) == []
    assert len({record for _, record, _ in receiver.arrived}) == RECORDS


async def test_rows_that_are_written_after_the_commit_are_found(receiver: Receiver, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/counting.db"
    async with asyncio.timeout(_AT_MOST):
        process = run(url, receiver.url, 20, "plant")
        assert await asyncio.to_thread(process.wait) == 9
        process = run(url, receiver.url, 20)
        assert await asyncio.to_thread(process.wait) == 0
    assert faults_of(receiver.arrived, 20)


def test_faults_are_seen() -> None:
    assert faults_of([("a", 1, 1), ("a", 1, 1), ("b", 1, 2)], 2) == []
    assert faults_of([("b", 1, 2), ("a", 1, 1)], 2)
    assert faults_of([("a", 1, 1)], 2)
    assert faults_of([("a", 1, 1), ("c", 1, 1)], 1)
    assert faults_of([("a", 1, 1), ("a", 2, 1)], 2)
