"""Kill a migration at random moments; each record is changed once: ``make migration N=100000``."""

from __future__ import annotations

import argparse
import asyncio
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from holdall import Holdall
from holdall.app import MigrationReport
from tests.support.moving_writers import Counted, application

__all__ = ["main"]


def counted_once_more(record: Counted) -> None:
    """The change that shows how often it was made."""
    record.count += 1


async def migrate(url: str) -> MigrationReport:
    """Go on with the migration, to its end."""
    app = application({"main": url}, "main")
    try:
        return await app.migrate(Counted, counted_once_more, dry_run=False, name="once more", progress=_tell)
    finally:
        await app.close()


def _tell(report: MigrationReport) -> None:
    print(report.seen, flush=True)


def main() -> int:
    """Kill so many processes, let one end, and print how often each record was changed; 1 unless each was once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at", help="the store, by URL, in which a process goes on")
    given = parser.parse_args()
    if given.at:
        asyncio.run(migrate(given.at))
        return 0
    chance = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'records.db'}"
        asyncio.run(_filled(url, given.records))
        places = [
            _killed(url, chance.randint(1, max(1, given.records // 500 // given.kills)), chance)
            for _ in range(given.kills)
        ]
        report = asyncio.run(migrate(url))
        found = asyncio.run(_counts(url))
    print(f"killed after {', '.join(map(str, places))} records; {report}")
    print(", ".join(f"{number} records were changed {count} times" for count, number in sorted(found.items())))
    return found != {1: given.records}


def _killed(url: str, batches: int, chance: random.Random) -> int:
    """Let a process make so many batches more and kill it in the midst of the next; how far it came."""
    command = [sys.executable, "-m", "tests.crash.migration_kills", "--at", url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    seen = 0
    for _ in range(batches):
        seen = int(process.stdout.readline() or seen)
    time.sleep(chance.random() * 0.05)
    process.kill()
    process.communicate()
    return seen


async def _filled(url: str, records: int) -> None:
    app = application({"main": url}, "main")
    await app.create()
    for start in range(1, records + 1, 5_000):
        async with app.session() as session:
            session.add_all([Counted(id=key) for key in range(start, min(start + 5_000, records + 1))])
    await app.close()


async def _counts(url: str) -> Counter[int]:
    app: Holdall = application({"main": url}, "main")
    found = Counter[int]()
    async with app.session() as session:
        async for record in session.stream(Counted.where()):
            found[record.count] += 1
    await app.close()
    return found


if __name__ == "__main__":
    sys.exit(main())
