"""Writers that all count in one record, each reading, adding one and trying again where another came first.

As a script: one writer in a process of its own; arguments are the store's URL, its options as JSON and the number of
times.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from typing import Any

from holdall import Holdall, Model, Session, field
from holdall.errors import CommitAborted, Conflict, StaleVersion, StoreTimeout
from holdall.store import Store

__all__ = ["Counter", "begin", "count", "counting_app", "total"]

_MOST_TRIES = 10_000


class Counter(Model):
    id: str = field(pk=True, length=(1, 20))
    value: int
    version: int = field(version=True)


def counting_app(url: str | Store, **options: Any) -> Holdall:
    app = Holdall("counting")
    app.add_store("main", url, **options)
    app.add(Counter, store="main")
    return app


async def begin(app: Holdall) -> None:
    """A counter at nothing."""
    await app.create()
    async with app.session() as session:
        session.add(Counter(id="all", value=0))


async def total(app: Holdall) -> tuple[int, int]:
    """What the counter says, and how often it was written."""
    async with app.session() as session:
        counter = await session.require(Counter, "all")
        return counter.value, counter.version - 1


async def count(app: Holdall, times: int) -> int:
    """Add one so many times; tells how often another writer came first."""
    conflicts = 0
    for _ in range(times):
        for tries in range(_MOST_TRIES):
            session = Session(app.bindings)
            try:
                counter = await session.require(Counter, "all")
                await asyncio.sleep(0)
                counter.value += 1
                await session.commit()
                break
            except CommitAborted as error:
                if (
                    not isinstance(error.__cause__, StaleVersion | StoreTimeout)
                    and type(error.__cause__) is not Conflict
                ):
                    raise
                conflicts += 1
                await asyncio.sleep(random.random() * 0.001 * min(tries, 8))
        else:
            raise AssertionError(f"no luck in {_MOST_TRIES} tries")
    return conflicts


async def _main(url: str, options: dict[str, Any], times: int) -> None:
    app = counting_app(url, **options)
    await count(app, times)
    await app.close()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])))
