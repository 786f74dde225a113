"""A collection that moves from store to store while several processes write it: nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from holdall import Holdall
from holdall.app import MoveReport
from holdall.errors import StoreTimeout, StoreUnavailable
from tests.support.moving_writers import Counted, Written, application, write

__all__ = ["Trial", "losses_of", "trial"]

_TRIES = 10


class Trial(msgspec.Struct):
    """The reports of all moves, the number of commits, and everything that is not as the writers were told."""

    moves: list[MoveReport]
    commits: int
    refused: int
    wrong: list[str]


async def losses_of(app: Holdall, to: str) -> list[str]:
    """The names of what the collection would lose."""
    return [each.name for each in (await app.move(Counted, to=to)).losses]


async def trial(
    stores: dict[str, str],
    road: Sequence[str],
    records: int,
    *,
    batch: int = 20,
    writers: int = 2,
    processes: int = 0,
    pause: float = 0.002,
) -> Trial:
    """Move ``records`` records along the road, the first store of which the settings of everybody name."""
    app = application(stores, road[0])
    await app.create()
    for start in range(1, records + 1, 1_000):
        async with app.session() as session:
            keys = range(start, min(start + 1_000, records + 1))
            session.add_all([Counted(id=key, title=f"record {key}", code=f"c{key}") for key in keys])
    is_over = asyncio.Event()
    others = [await _started(stores, road[0], number + 100, records, pause) for number in range(processes)]
    own = [asyncio.create_task(write(app, each + 1, records, is_over.is_set, pause)) for each in range(writers)]
    moves = []
    try:
        for to in road[1:]:
            moves.append(await _moved(app, to, batch))
    finally:
        is_over.set()
        told = list(await asyncio.gather(*own)) + [await _ended(each) for each in others]
    wrong = await _wrong(app, told, records)
    await app.close()
    commits = sum(sum(each.counts.values()) for each in told)
    return Trial(moves, commits, sum(each.refused for each in told), wrong)


async def _moved(app: Holdall, to: str, batch: int) -> MoveReport:
    """Move it, again where a server did not answer in time."""
    accepted = await losses_of(app, to)
    for _ in range(_TRIES):
        with suppress(StoreTimeout, StoreUnavailable):
            return await app.move(Counted, to=to, dry_run=False, batch=batch, accept=accepted)
    return await app.move(Counted, to=to, dry_run=False, batch=batch, accept=accepted)


async def _wrong(app: Holdall, told: Sequence[Written], records: int) -> list[str]:
    expected = Counter(dict.fromkeys(range(1, records + 1), 0))
    for each in told:
        expected.update(each.counts)
        expected.update(dict.fromkeys(each.own, 0))
    found = {}
    async with app.session() as session:
        async for record in session.stream(Counted.where()):
            found[record.id] = record.count
    missing, extra = expected.keys() - found.keys(), found.keys() - expected.keys()
    wrong = [f"{len(missing)} lost: {sorted(missing)[:5]}"] if missing else []
    wrong += [f"{len(extra)} too many: {sorted(extra)[:5]}"] if extra else []
    return wrong + [
        f"record {key}: {found[key]}, not {number}"
        for key, number in expected.items()
        if key in found and found[key] != number
    ]


async def _started(
    stores: dict[str, str], at: str, number: int, records: int, pause: float
) -> asyncio.subprocess.Process:
    given = json.dumps([stores, at, number, records, pause])
    pipe = asyncio.subprocess.PIPE
    command = [sys.executable, "-m", "tests.support.moving_writers", given]
    made = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert made.stdout is not None
    assert await made.stdout.readline() == b"ready\n"
    return made


async def _ended(process: asyncio.subprocess.Process) -> Written:
    assert process.stdin is not None
    process.stdin.close()  # which ends it
    out, _ = await process.communicate()
    return msgspec.json.decode(out, type=Written)
