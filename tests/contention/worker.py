"""Run as a script, on whatever Holdall ``PYTHONPATH`` names: sets an arena up, writes it, or looks at it in the end.

It reads one Job from its input; ``write`` says that it is ready and waits for a line before it begins. SIGTERM ends it
after the commits that are under way.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from holdall import Holdall
from holdall.query import Query
from tests.contention.audit import Content, Findings, audit
from tests.contention.log import Log, Told
from tests.contention.models import FIRST_BALANCE, Arena
from tests.contention.plants import plant_named
from tests.contention.raw import rows_of, sizes_of
from tests.contention.writer import Writer

__all__ = ["Job", "Seen", "contents_of", "look"]

_RECOVERY_SECONDS = 20.0


class Job(msgspec.Struct, frozen=True):
    """``act`` is begin, write or look; ``seconds`` and what follows are for writing."""

    act: str
    arena: Arena
    log: str = ""
    seconds: float = 0.0
    tasks: int = 0
    singles: float = 0.0
    cancels: float = 0.0


class Seen(msgspec.Struct):
    """What is there in the end: what is wrong, what is left over, and how long recovery took, in seconds."""

    findings: Findings
    unfinished: dict[str, int]
    prepared: int
    hidden: dict[str, int]
    sizes: list[dict[str, int]]
    recovery: float
    samples: list[str] = []

    @property
    def is_clean(self) -> bool:
        """Whether all is whole and nothing is left over."""
        return self.findings.is_clean and not self.unfinished and not self.prepared


async def look(arena: Arena, logs: list[Path]) -> Seen:
    """Start a fresh program, let it recover, and hold all stores against the logs."""
    began = time.monotonic()
    app = arena.app()
    async with app:
        while True:
            await app.recovery.run()
            left = await app.recovery.unfinished()
            held = sum([len(await prepared()) for prepared in _prepared_of(app)])
            is_over = not held and all(item.state == "listed" for item in left)
            if is_over or time.monotonic() > began + _RECOVERY_SECONDS:
                break
            await asyncio.sleep(0.02)
        seconds = time.monotonic() - began
        contents = [await contents_of(app, arena, side) for side in arena.sides]
    sizes = [await sizes_of(arena, side) for side in arena.sides]
    findings = audit(contents, Told.of(logs), FIRST_BALANCE)
    states: dict[str, int] = {}
    for item in left:
        states[str(item.state)] = states.get(str(item.state), 0) + 1
    hidden = {
        f"{side} {name}": count
        for side, size in enumerate(sizes)
        for name, count in size.items()
        if "holdall" in name and count
    }
    return Seen(findings, states, held, hidden, sizes, seconds, [repr(item)[:2_000] for item in left[:3]])


async def contents_of(app: Holdall, arena: Arena, side: int) -> Content:
    """What one store holds; lists of references are read through Holdall, all else past it."""
    books = arena.books(side)
    named = [model.__holdall__.collection for model in (books.entry, books.subject(arena.variant))]
    entries = {
        row[0]: (int(row[1]), int(row[2])) for row in await rows_of(arena, side, named[0], ("id", "account", "amount"))
    }
    if arena.variant == "entries":
        notes = await rows_of(arena, side, named[1], ("id", "note"))
        return Content(entries, {}, {int(row[0]): str(row[1]) for row in notes})
    accounts = {
        int(row[0]): (int(row[1]), int(row[2]))
        for row in await rows_of(arena, side, named[1], ("id", "balance", "version"))
    }
    states = await _states(app, books.linked) if arena.variant == "linked" else {}
    return Content(entries, accounts, states)


async def _states(app: Holdall, model: Any) -> dict[int, str]:
    """Unique value and list of references by key."""
    binding = next(binding for binding in app.collections() if binding.model is model)
    names = [item.name for item in binding.schema.stored]
    states = {}
    for row in await binding.store.fetch(Query(binding.collection)):
        values = dict(zip(names, row, strict=True))
        states[int(values["id"])] = f"{values['slot']} {list(values['marks'] or ())}"
    return states


def _prepared_of(app: Holdall) -> list[Any]:
    return [store.prepared for store in app.stores.values() if hasattr(store, "prepared")]


async def _write(job: Job) -> None:
    app = job.arena.app()
    app.bindings.configure()
    plant_named(app)
    log = Log(job.log)
    writers = [
        Writer(app, job.arena, log, f"{Path(job.log).stem}-{number}", singles=job.singles, cancels=job.cancels)
        for number in range(job.tasks)
    ]
    async with app.session() as session:
        for side in job.arena.sides:
            await session.require(job.arena.books(side).subject(job.arena.variant), 0)
    print("ready", flush=True)
    sys.stdin.readline()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    end = time.monotonic() + job.seconds
    await asyncio.gather(*(writer.write(lambda: time.monotonic() < end and not stopped.is_set()) for writer in writers))
    await app.close()
    log.close()


async def _begin(arena: Arena) -> None:
    app = arena.app()
    await arena.begin(app)
    await app.close()


def main() -> None:
    job = msgspec.json.decode(sys.stdin.readline(), type=Job)
    match job.act:
        case "begin":
            asyncio.run(_begin(job.arena))
        case "write":
            asyncio.run(_write(job))
        case _:
            logs = sorted(Path(job.arena.folder).glob("*.log"))
            sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(look(job.arena, logs))))


if __name__ == "__main__":
    main()
