"""Nothing grows: commits over several stores, as many as asked, always on the same records.

``python -m tests.contention.growth --stores sqlite+redis+yaml --commits 1000000`` prints a line for every 10,000: how
long a commit took, and how many rows, keys, files and bytes there are. It exits with 1 if anything grew or is left.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path

import msgspec

from holdall import Holdall
from holdall.errors import CommitAborted
from tests.contention.models import Arena
from tests.contention.raw import sizes_of
from tests.contention.scenery import Scenery

__all__ = ["Growth", "Stage", "grow"]

_FEW = 40  # commits after which everything is there that will ever be
_TASKS = 4


class Stage(msgspec.Struct, frozen=True):
    """How things stand after so many commits. ``milliseconds`` is one commit's time since the last stage."""

    commits: int
    milliseconds: float
    sizes: list[dict[str, int]]
    bytes: int

    @property
    def things(self) -> int:
        """Rows, keys and files."""
        return sum(sum(size.values()) for size in self.sizes)


class Growth(msgspec.Struct):
    """All stages: later ones are held against the first. ``unfinished`` is what is left at the end."""

    stages: list[Stage] = msgspec.field(default_factory=list)
    unfinished: int = 0

    def grown(self) -> dict[str, tuple[int, int]]:
        """What has more in the end than in the beginning: by store and table, key or folder, both counts."""
        first, last = self.stages[0].sizes, self.stages[-1].sizes
        return {
            f"{side} {name}": (before.get(name, 0), count)
            for side, (before, after) in enumerate(zip(first, last, strict=True))
            for name, count in after.items()
            if count > before.get(name, 0)
        }

    @property
    def ratio(self) -> float:
        """The time of a commit in the last full stage for that in the first."""
        timed = self.stages[1:]
        return timed[-1].milliseconds / timed[0].milliseconds


async def grow(arena: Arena, commits: int, every: int, *, is_told: bool = False) -> Growth:
    """So many commits, each writing one record in every store, and a look after each ``every``."""
    growth = Growth()
    app = arena.app()
    await arena.begin(app)
    done = 0
    while done <= commits:
        goal = _FEW if not growth.stages else min(done + every, _FEW + commits)
        began = time.monotonic()
        await asyncio.gather(*(_work(app, arena, task, done, goal) for task in range(_TASKS)))
        milliseconds = (time.monotonic() - began) * 1_000 / max(1, goal - done)
        done = goal
        growth.stages.append(await _stage(app, arena, done, milliseconds))
        if is_told:
            _tell(growth.stages[-1])
        if done >= _FEW + commits:
            break
    growth.unfinished = len(await app.recovery.unfinished())
    await app.close()
    return growth


async def _work(app: Holdall, arena: Arena, task: int, start: int, goal: int) -> None:
    """The share of one task: its own records, so that tasks never meet."""
    own = range(task, arena.records, _TASKS)
    for number in range(start + task, goal, _TASKS):
        key = own[number // _TASKS % len(own)]
        while True:
            try:
                async with app.session() as session:
                    for side in arena.sides:
                        record = await session.require(arena.books(side).account, key)
                        record.balance = number
                break
            except CommitAborted:
                await asyncio.sleep(0.001)


async def _stage(app: Holdall, arena: Arena, commits: int, milliseconds: float) -> Stage:
    await app.recovery.run()  # what a service does from time to time
    sizes = [await sizes_of(arena, side) for side in arena.sides]
    return Stage(commits, round(milliseconds, 3), sizes, _bytes(Path(arena.folder)))


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _tell(stage: Stage) -> None:
    hidden = {
        f"{side} {name}": count
        for side, size in enumerate(stage.sizes)
        for name, count in size.items()
        if "holdall" in name
    }
    print(
        f"{stage.commits:>9} commits  {stage.milliseconds:7.3f} ms each  {stage.things:>6} rows, keys and files "
        f" {stage.bytes:>10} bytes  {hidden}",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.contention.growth", description=__doc__)
    parser.add_argument("--stores", default="sqlite+redis+yaml")
    parser.add_argument("--commits", type=int, default=5_000)
    parser.add_argument("--every", type=int, default=10_000)
    parser.add_argument("--folder", default=None, help="where files are kept")
    parser.add_argument("--embedded", action="store_true", help="PostgreSQL from its wheel")
    options = parser.parse_args()
    with Scenery(is_embedded=options.embedded, folder=options.folder) as scenery:
        arena, stack = scenery.arena(tuple(options.stores.split("+")), records=20)
        with stack:
            growth = asyncio.run(grow(arena, options.commits, options.every, is_told=True))
    grown = growth.grown()
    print(f"last for first: {growth.ratio:.2f}; grown: {grown or 'nothing'}; unfinished: {growth.unfinished}")
    return 1 if grown or growth.unfinished else 0


if __name__ == "__main__":
    sys.exit(main())
