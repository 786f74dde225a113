"""One life of a program that writes an arena until it is killed, and the lives of its neighbours, who are not."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import msgspec

from tests.contention.log import Log
from tests.contention.models import Arena
from tests.contention.writer import Writer
from tests.crash.failpoints import Failpoint, arm

__all__ = ["DIED", "Act", "Life", "live", "neighbour"]

DIED = "died"
"""Noted in the place of a point, by who dies at its own."""

_HANDS = 3  # commits under way at once
_NEIGHBOUR_HANDS = 2
_SINGLES = 0.4  # of a neighbour's commits, those of one store
_PAUSE = 0.02  # seconds at most, between a neighbour's moves


class Act(StrEnum):
    """What a life does."""

    WRITE = "write"
    RECOVER = "recover"  # one round after the other
    START = "start"  # with default settings, and nothing else
    TOUCH = "touch"  # write some accounts, once


class Life(msgspec.Struct, frozen=True):
    """``point`` is passed ``after`` times before it is the end; ``accounts`` are what is to be touched, by store.

    ``pause`` is the most seconds between two commits of a hand, or two rounds of recovery. With ``moves`` it dies after
    so many commits or rounds in any case: how long it lives does not depend on how busy the machine is.
    """

    arena: Arena
    name: str
    act: Act
    point: Failpoint | None = None
    after: int = 0
    accounts: list[dict[int, int]] = []
    pause: float = 0.0
    moves: int = 0


def live(life: Life, ready: Callable[[], None]) -> None:
    """Live until killed; ``ready`` is called when work begins."""
    asyncio.run(_live(life, ready))


async def _live(life: Life, ready: Callable[[], None]) -> None:
    _watch(life)
    app = life.arena.app()
    log = Log(f"{life.arena.folder}/victim.log")
    writers = [Writer(app, life.arena, log, f"{life.name}-{hand}", pause=life.pause) for hand in range(_HANDS)]
    left = life.moves

    def goes_on() -> bool:
        """Asked before each move, and each further try of one."""
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return True

    match life.act:
        case Act.WRITE:
            app.bindings.configure()
            ready()
            await asyncio.gather(*(writer.write(goes_on) for writer in writers))
        case Act.RECOVER:
            app.bindings.configure()
            ready()
            while goes_on():
                await app.recovery.run()
                await asyncio.sleep(0.002 + life.pause)
        case Act.START:
            ready()
            async with app:
                await asyncio.sleep(3_600)
        case Act.TOUCH:
            app.bindings.configure()
            ready()
            end = time.monotonic() + 5.0
            for accounts in life.accounts:
                await writers[0].touch(accounts, lambda: time.monotonic() < end)
            await asyncio.sleep(3_600)


def _watch(life: Life) -> None:
    """Die at the point; note every point that is passed for the first time in this life."""
    notes = os.open(f"{life.arena.folder}/points", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    passed: dict[Failpoint, int] = {}

    def look(point: Failpoint) -> None:
        passed[point] = passed.get(point, 0) + 1
        if passed[point] == 1:
            os.write(notes, f"{life.name} {point.name}\n".encode())
        if point is life.point and passed[point] > life.after:
            os.write(notes, f"{life.name} {DIED}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)

    arm(look)


def neighbour(arena: Arena, name: str) -> None:
    """Write the same accounts until SIGTERM, in one store or in all, with default settings."""
    asyncio.run(_neighbour(arena, name))


async def _neighbour(arena: Arena, name: str) -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    log = Log(str(Path(arena.folder) / f"{name}.log"))
    async with arena.app() as app:
        writers = [
            Writer(app, arena, log, f"{name}-{hand}", singles=_SINGLES, pause=_PAUSE)
            for hand in range(_NEIGHBOUR_HANDS)
        ]
        await asyncio.gather(*(writer.write(lambda: not stopped.is_set()) for writer in writers))
