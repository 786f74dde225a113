"""Writers of a collection that moves: what each has been told was written, to be compared with what is there."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import threading
from collections.abc import Callable

import msgspec

from holdall import Holdall, Model, field
from holdall.errors import CommitAborted

__all__ = ["Counted", "Written", "application", "write"]

OWN = 1_000_000  # how far the keys of writers are apart


class Counted(Model, collection="counted"):
    """A record that writers count in, or add and remove."""

    id: int = field(pk=True)
    title: str = ""
    code: str | None = field(default=None, unique=True)
    count: int = 0
    version: int = field(version=True)


class Written(msgspec.Struct):
    """What one writer was told was written, by keys: what it added to counts, and its own records that are there."""

    counts: dict[int, int] = {}
    own: dict[int, int] = {}
    refused: int = 0


def application(stores: dict[str, str], at: str) -> Holdall:
    """An application with these stores by URLs, whose settings say that the collection is in one of them."""
    app = Holdall("moving")
    for name, url in stores.items():
        app.add_store(name, url)
    app.add(Counted, store=at)
    return app


async def write(app: Holdall, number: int, records: int, is_over: Callable[[], bool], pause: float = 0.0) -> Written:
    """Count in records 1 to ``records``, and add and remove some of the writer's own, until it is over."""
    chance, told, last = random.Random(number), Written(), number * OWN
    while not is_over():
        act = chance.random()
        try:
            async with app.session() as session:
                if act < 0.6:
                    key = chance.randint(1, records)
                    (await session.require(Counted, key)).count += 1
                    await session.commit()
                    told.counts[key] = told.counts.get(key, 0) + 1
                elif act < 0.85 or not told.own:
                    last += 1
                    session.add(Counted(id=last, title=f"own {last}", code=f"code {number} {last % 7}"))
                    for other in [each for each in told.own if each % 7 == last % 7]:  # its code goes to the new one
                        session.remove(await session.require(Counted, other))
                    await session.commit()
                    told.own = {key: 0 for key in told.own if key % 7 != last % 7} | {last: 0}
                else:
                    key = chance.choice(sorted(told.own))
                    session.remove(await session.require(Counted, key))
                    await session.commit()
                    del told.own[key]
        except CommitAborted as error:
            if not error.is_retryable:
                raise
            told.refused += 1
        await asyncio.sleep(pause)
    return told


def main() -> None:
    """Write in a process of its own until its input is closed, and print what was written."""
    stores, at, number, records, pause = json.loads(sys.argv[1])
    over = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait, daemon=True).start()

    async def run() -> Written:
        app = application(stores, at)
        print("ready", flush=True)
        try:
            return await write(app, number, records, over.is_set, pause)
        finally:
            await app.close()

    print(msgspec.json.encode(asyncio.run(run())).decode(), flush=True)


if __name__ == "__main__":
    main()
