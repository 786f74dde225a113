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
from holdall.errors import CommitAborted, Conflict
from tests.contention.models import Arena
from tests.contention.raw import sizes_of
from tests.contention.scenery import Scenery

__all__ = ["Growth", "Stage", "grow"]

_FEW = 40  # commits after which everything is there that will ever be
_TASKS = 4
_SLACK = 100  # rows that a running program may be about to remove


class Stage(msgspec.Struct, frozen=True):
    """How things stand after so many commits. ``milliseconds`` is one commit's time since the last stage.

    ``processor`` is how many of them this program used itself, which does not depend on what else the machine does.
    """

    commits: int
    sizes: list[dict[str, int]]
    bytes: int
    milliseconds: float = 0.0
    processor: float = 0.0

    @property
    def things(self) -> int:
        """Rows, keys and files."""
        return sum(sum(size.values()) for size in self.sizes)


class Growth(msgspec.Struct):
    """``first`` and ``last`` are how things stand before and after, the program closed; ``stages`` while it runs.

    ``unfinished`` is what a program that starts then finds.
    """

    first: Stage
    last: Stage
    stages: list[Stage]
    unfinished: int = 0

    def grown(self) -> dict[str, tuple[int, int]]:
        """What there is more of: by store and table, key or folder, how much there was and is."""
        return _more(self.first, self.last, 0) | {
            f"{name} meanwhile": counts
            for stage in self.stages
            for name, counts in _more(self.first, stage, _SLACK).items()
        }

    @property
    def ratios(self) -> tuple[float, float]:
        """The time of a commit in the last stage for that in the first, and the processor's time."""
        first, last = self.stages[0], self.stages[-1]
        return last.milliseconds / first.milliseconds, last.processor / first.processor


def _more(before: Stage, after: Stage, slack: int) -> dict[str, tuple[int, int]]:
    return {
        f"{side} {name}": (size.get(name, 0), count)
        for side, size in enumerate(before.sizes)
        for name, count in after.sizes[side].items()
        if count > size.get(name, 0) + slack
    }


async def grow(arena: Arena, commits: int, every: int, *, is_told: bool = False) -> Growth:
    """So many commits, each writing one record in every store, and a look after each ``every``."""
    app = arena.app()
    await arena.begin(app)
    await _burst(app, arena, 0, _FEW)
    await app.close()
    first = await _stage(arena, _FEW)
    app = arena.app()
    stages: list[Stage] = []
    for done in range(0, commits, every):
        goal = min(done + every, commits)
        began, began_work = time.monotonic(), time.process_time()
        await _burst(app, arena, done, goal)
        milliseconds = (time.monotonic() - began) * 1_000 / (goal - done)
        processor = (time.process_time() - began_work) * 1_000 / (goal - done)
        await app.recovery.run()  # what a service does from time to time
        stages.append(await _stage(arena, goal, milliseconds, processor))
        if is_told:
            _tell(stages[-1])
    await app.close()
    last = await _stage(arena, commits)
    if is_told:
        _tell(last)
    async with arena.app() as app:
        await app.recovery.run()
        return Growth(first, last, stages, len(await app.recovery.unfinished()))


async def _burst(app: Holdall, arena: Arena, start: int, goal: int) -> None:
    await asyncio.gather(*(_work(app, arena, task, start, goal) for task in range(_TASKS)))


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
            except CommitAborted as error:
                if not isinstance(error.__cause__, Conflict):
                    raise
                await asyncio.sleep(0.001)


async def _stage(arena: Arena, commits: int, milliseconds: float = 0.0, processor: float = 0.0) -> Stage:
    sizes = [await sizes_of(arena, side) for side in arena.sides]
    return Stage(commits, sizes, _bytes(Path(arena.folder)), round(milliseconds, 3), round(processor, 3))


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
        f"{stage.commits:>9} commits  {stage.milliseconds:7.3f} ms each ({stage.processor:.3f} of work)  "
        f"{stage.things:>6} rows, keys and files  {stage.bytes:>10} bytes  {hidden}",
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
    elapsed, worked = growth.ratios
    print(f"last for first: {elapsed:.2f}, of work {worked:.2f}")
    print(f"grown: {grown or 'nothing'}; unfinished: {growth.unfinished}")
    return 1 if grown or growth.unfinished else 0


if __name__ == "__main__":
    sys.exit(main())
