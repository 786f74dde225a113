"""A program that counts in a few records, some with one commit, and has each step delivered; killed at any moment.

Then it is started again.

Run as ``python -m tests.support.outbox_victim URL RECEIVER COUNT [plant]``.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from typing import Any

from holdall import Holdall, Model, field
from holdall.events.listeners import Listeners

__all__ = ["RECORDS", "SECRET", "counting_app"]

RECORDS = 8
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLzSw"
_PLANTED = 5  # commits that go well with the planted fault


class Counter(Model, collection="counter"):
    id: int = field(pk=True)
    count: int = 0


def counting_app(url: str, receiver: str) -> Holdall:
    app = Holdall("counting")
    app.add_store("main", url)
    app.add(Counter, store="main")
    app.add_webhook(
        receiver,
        Counter.changed("count"),
        name="receiver",
        secret=SECRET,
        timeout=0.15,
        attempts=1_000,
        backoff=0.001,
        allow_http=True,
        allow_private=True,
    )
    return app


async def count_on(app: Holdall, total: int) -> None:
    """Count until all records together have been counted so often, and everything is delivered."""
    async with app:
        async with app.session() as session:
            counters = await session.query(Counter.where())
            if not counters:
                session.add_all([Counter(id=number) for number in range(RECORDS)])
        done, commits = sum(each.count for each in counters), 0
        while done < total:
            several = random.sample(range(RECORDS), min(random.randint(1, 3), total - done))
            async with app.session() as session:
                for number in several:
                    (await session.require(Counter, number)).count += 1
            done += len(several)
            commits += 1
            if commits % 3 == 0:
                await asyncio.sleep(0.002)  # the worker has its turn
        while [entry async for entry in app.outbox.entries()]:  # noqa: ASYNC110 - other processes may deliver, too
            await asyncio.sleep(0.02)


def plant_rows_after_the_commit(total: int) -> None:
    """Write rows of the outbox after their commit instead of with it, and die in between."""
    rows, written, held = Listeners.rows, Listeners.written, list[Any]()

    def late(self: Listeners, batches: Any, user: Any) -> list[Any]:
        held[:] = rows(self, batches, user)
        return []

    def write(self: Listeners, plan: Any) -> None:
        for batch in held:
            for record in batch.records:
                if record.handler and len(_commits) == _PLANTED:
                    os._exit(9)
                _commits.append(record)
                task = self.bindings.of_name(batch.binding.collection).store.apply(
                    [_change(batch, record)],
                )
                _tasks.append(asyncio.ensure_future(task))
        held.clear()
        written(self, plan)

    Listeners.rows = late  # type: ignore[method-assign]
    Listeners.written = write  # type: ignore[method-assign]


_commits: list[Any] = []
_tasks: list[Any] = []


def _change(batch: Any, record: Any) -> Any:
    from holdall.store import Change, Verb

    values = batch.binding.codec.reader(batch.fields)(record)
    return Change(Verb.ADD, batch.binding.collection, None, batch.fields, values)


async def _main(url: str, receiver: str, total: int) -> None:
    app = counting_app(url, receiver)
    await app.create()
    await count_on(app, total)


if __name__ == "__main__":
    if len(sys.argv) > 4:
        plant_rows_after_the_commit(int(sys.argv[3]))
    asyncio.run(_main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
