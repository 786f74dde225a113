"""Rounds of kills, several arenas side by side, each round a process of its own with stores of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice

import msgspec

from tests.contention.scenery import Scenery
from tests.crash.neighbourhood import Round, RoundOutcome
from tests.support.preloaded import run_preloaded

__all__ = ["EMBEDDED_WORLDS", "WORLDS", "Plan", "planned", "run_all", "run_round"]

WORLDS: tuple[tuple[str, ...], ...] = (
    ("sqlite", "redis"),
    ("postgresql", "redis"),
    ("sqlite", "yaml"),
    ("sqlite", "sqlite"),
    ("postgresql", "yaml"),
    ("sqlite", "postgresql"),
    ("mariadb", "postgresql"),
    ("mariadb", "sqlite"),
    ("mongo", "redis"),
    ("redis", "yaml"),
    ("postgresql", "postgresql"),
    ("sqlite", "redis", "yaml"),
    ("postgresql", "sqlite", "redis"),
)
EMBEDDED_WORLDS = tuple(world for world in WORLDS if "mariadb" not in world)
"""Those that need no server of the machine."""

_ROUND_KILLS = 40
_KILL_SECONDS = 8.0  # at most, for each kill, until a round is given up
_RECORDS = 5


class Plan(msgspec.Struct, frozen=True):
    """One round to be; ``number`` tells it from the others and is its seed."""

    number: int
    world: tuple[str, ...]
    variant: str
    neighbours: int
    kills: int


def planned(kills: int, worlds: Sequence[tuple[str, ...]], neighbours: int, seed: int, each: int = 0) -> list[Plan]:
    """Rounds for so many kills over all worlds: every sixth is without neighbours, every third with linked records."""
    size = each or max(1, min(_ROUND_KILLS, -(-kills // len(worlds))))
    rounds = -(-kills // size)
    plans = []
    for number, world in enumerate(islice(cycle(worlds), rounds)):
        turn = number // len(worlds) + number
        variant = ("versions", "versions", "linked")[turn % 3] if turn % 7 else "entries"
        others = 0 if turn % 6 == 5 else neighbours
        plans.append(Plan(seed * 10_000 + number, world, variant, others, size))
    return plans


def run_round(scenery: Scenery, plan: Plan, lease: float | None = None) -> RoundOutcome:
    """Carry out one of them. Raises RuntimeError where its process failed."""
    arena, stack = scenery.arena(plan.world, plan.variant, _RECORDS)
    with stack:
        job = Round(msgspec.structs.replace(arena, lease=lease), plan.kills, plan.neighbours, plan.number)
        seconds = 120.0 + plan.kills * _KILL_SECONDS
        told = msgspec.json.encode(job).decode()
        done = run_preloaded("-m", "tests.crash.neighbourhood", given=told, timeout=seconds)
    if done.returncode:
        raise RuntimeError(f"{'+'.join(plan.world)}: {done.stderr[-4_000:]}")
    return msgspec.json.decode(done.stdout, type=RoundOutcome)


def run_all(
    scenery: Scenery, plans: Sequence[Plan], side_by_side: int, run: Callable[[Scenery, Plan], RoundOutcome]
) -> Iterator[tuple[Plan, RoundOutcome | Exception, float]]:
    """All of them, some side by side, as they end; with seconds since the beginning."""
    began = time.monotonic()
    with ThreadPoolExecutor(side_by_side) as pool:
        futures = [(plan, pool.submit(run, scenery, plan)) for plan in plans]
        for plan, future in futures:
            error = future.exception()
            if error is not None and not isinstance(error, Exception):
                raise error
            yield plan, error or future.result(), time.monotonic() - began
