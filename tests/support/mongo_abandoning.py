"""Run as a script: a program that writes in a transaction and then waits to be killed.

Its arguments are the URL and, if it is to look like one of another host, its name. It adds person 2 and renames person
1 in an open transaction, says so by a line, and never ends by itself.
"""

from __future__ import annotations

import asyncio
import sys

from holdall.stores.mongo import MongoStore, sessions
from tests.support.mongo_collections import add, opened, update


async def main(url: str, name: str) -> None:
    if name:
        vars(sessions)["this_process"] = lambda: name
    store = opened(url)
    assert isinstance(store, MongoStore)
    async with store.transaction() as transaction:
        await transaction.apply([update("person", 1, name="dead"), add("person", 2, name="dead")])
        print("open", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], "".join(sys.argv[2:])))
