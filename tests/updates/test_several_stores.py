"""No update of two stores is lost: counters, lists of references and unique values all say how often was drawn.

``NEIGHBOURS=2`` lets so many other processes draw from one of the stores at a time meanwhile; with it, or with
``HOLDALL_WHOLE=1``, all pairs are tried.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.contention.scenery import Scenery
from tests.support.preloaded import PreloadedProcess
from tests.updates.tickets import Booth, Counts, begin, counts_of, draw

pytestmark = pytest.mark.anyio

_ROOT = Path(__file__).parents[2]
_NEIGHBOURS = int(os.environ.get("NEIGHBOURS", "1"))
_WRITERS, _TIMES, _NEIGHBOURS_TIMES = 3, 8, 10
_PAIRS = [
    ("sqlite", "redis"),
    ("sqlite", "sqlite"),
    ("postgresql", "yaml"),
    ("mongo", "redis"),
]
if {"NEIGHBOURS", "HOLDALL_WHOLE"} & os.environ.keys():
    _PAIRS += [("sqlite", "yaml"), ("redis", "yaml"), ("postgresql", "redis")]


def _options(kind: str, name: str) -> dict[str, Any]:
    return {"prefix": name, "scan_limit": 10_000} if kind == "redis" else {}


async def _drawn(booth: Booth) -> tuple[list[Counts], int]:
    """What both offices say in the end, and how often writers met."""
    app = booth.app()
    neighbours: list[PreloadedProcess] = []
    try:
        await begin(app)
        neighbours += [_started(booth, f"n{number}") for number in range(_NEIGHBOURS)]
        conflicts = await asyncio.gather(*(draw(app, f"w{number}", _TIMES) for number in range(_WRITERS)))
        for neighbour in neighbours:
            complaint = (await asyncio.to_thread(neighbour.communicate, timeout=120))[1]
            assert neighbour.returncode == 0, complaint.decode()
        return [await counts_of(app, side) for side in range(2)], sum(conflicts)
    finally:
        for neighbour in neighbours:
            neighbour.kill()
            neighbour.communicate()
        await app.close()


def _started(booth: Booth, name: str) -> PreloadedProcess:
    told = msgspec.structs.replace(booth, times=_NEIGHBOURS_TIMES, name=name)
    process = PreloadedProcess("-m", "tests.updates.tickets", stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(told))
    process.stdin.flush()
    process.stdin.close()
    process.stdin = None
    return process


@pytest.mark.parametrize("kinds", _PAIRS, ids="+".join)
async def test_every_draw_counts_in_both(scenery: Scenery, tmp_path: Path, kinds: tuple[str, ...]) -> None:
    arena, stack = scenery.arena(kinds)
    with stack:
        first, second = [(url, _options(kind, arena.name)) for url, kind in zip(arena.urls, kinds, strict=True)]
        booth = Booth((first, second), str(tmp_path / "journal.db"))
        counts, conflicts = await asyncio.wait_for(_drawn(booth), 180)
    both, singles = _WRITERS * _TIMES, _NEIGHBOURS * _NEIGHBOURS_TIMES
    total = both + singles // 2
    assert counts == [Counts(total, total, total, list(range(1, total + 1)))] * 2
    assert conflicts > 0, "writers never met, so nothing was tried"
