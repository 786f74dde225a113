"""What the tests of promises do over and over: move an amount between two stores, die at a place, read past Holdall."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from holdall import Holdall
from holdall.errors import CommitAborted, StaleVersion
from holdall.store import Change
from tests.contention.models import Arena
from tests.contention.raw import rows_of
from tests.crash.failpoints import Failpoint
from tests.support.preloaded import PreloadedProcess

__all__ = ["Gate", "add", "balances", "die_at", "end_victims", "move", "opened", "started_victim"]

_SECONDS = 60  # until a victim counts as hanging
_TRIES = 5
_victims: list[PreloadedProcess] = []


@asynccontextmanager
async def opened(arena: Arena, *, is_new: bool = True) -> AsyncIterator[Holdall]:
    """An application over the arena, closed at the end; ``is_new`` creates the records."""
    app = arena.app()
    try:
        if is_new:
            await arena.begin(app)
        yield app
    finally:
        await app.close()


async def move(app: Holdall, arena: Arena, *, account: int = 1, amount: int = 10, **options: Any) -> None:
    """Move an amount from an account of the first store to the same account of the second."""
    async with app.session() as session:
        for side, change in ((0, -amount), (1, amount)):
            (await session.require(arena.books(side).account, account)).balance += change
        await session.commit(**options)


async def add(app: Holdall, arena: Arena, side: int, amount: int = 1, *, account: int = 1) -> None:
    """Change an account of one store alone; read it again where another commit was faster, or was settled first."""
    for _ in range(_TRIES):
        try:
            async with app.session() as session:
                (await session.require(arena.books(side).account, account)).balance += amount
        except CommitAborted as error:
            if not isinstance(error.__cause__, StaleVersion):
                raise
        else:
            return
    raise AssertionError(f"account {account} was changed by others {_TRIES} times")


async def balances(arena: Arena, account: int = 1) -> list[int]:
    """The balance of an account in each store, by its own driver. Close the applications before: a second SQLite
    library in one process takes the locks of the first."""
    found = []
    for side in arena.sides:
        collection = arena.books(side).account.__holdall__.collection
        found += [row[1] for row in await rows_of(arena, side, collection, ("id", "balance")) if row[0] == account]
    return found


async def die_at(arena: Arena, point: Failpoint, *, is_elsewhere: bool = False) -> None:
    """Let another process move 10 and be killed at this point; ``is_elsewhere`` if nobody can see whether it lives."""
    with PreloadedProcess(*_words(arena, point, "kill", is_elsewhere)) as victim:
        try:
            ended = await asyncio.to_thread(victim.wait, _SECONDS)
            assert ended == -9, f"it was not killed at {point}, and ended with {ended}"
        finally:
            victim.kill()


def started_victim(arena: Arena, point: Failpoint, how: str, *, is_elsewhere: bool = False) -> PreloadedProcess:
    """A process that moves 10 and is killed or stopped at this point; it prints ``stops``, then how it ended."""
    words = _words(arena, point, how, is_elsewhere)
    victim = PreloadedProcess(*words, stdout=subprocess.PIPE, is_text=True)
    _victims.append(victim)
    return victim


def _words(arena: Arena, point: Failpoint, how: str, is_elsewhere: bool) -> list[str]:
    told = json.dumps([point.name, how, is_elsewhere])
    return ["-m", "tests.promises.victim", msgspec.json.encode(arena).decode(), told]


def end_victims() -> None:
    """End those that a test has left, stopped or not."""
    while _victims:
        with _victims.pop() as victim:
            if victim.poll() is None:
                victim.kill()


class Gate:
    """Stands before a store's writing of what is decided: closed, it lets nobody through until it is opened."""

    def __init__(self, store: Any) -> None:
        self.reached = asyncio.Event()
        self._open = asyncio.Event()
        self._commit_prepared: Callable[..., Any] = store.commit_prepared
        store.commit_prepared = self._wait

    def open(self) -> None:
        """Let everybody through."""
        self._open.set()

    async def _wait(self, commit: str, changes: Sequence[Change]) -> bool:
        self.reached.set()
        await self._open.wait()
        return bool(await self._commit_prepared(commit, changes))
