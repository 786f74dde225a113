"""One process of writers: each puts its own members on lists that all share, and takes some away again.

All take the one place of a ticket as well. Its arguments are the folder, the two URLs, the number of the first writer,
how many there are, how many steps each takes, and whether a fault is planted. Prints, as JSON, the links and children
that must be there when all have ended.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from holdall import Holdall, Session
from holdall.errors import CommitAborted
from holdall.store import Members
from tests.session.concurrent_ends.shelves import BOOKS, Book, Person, Tag, Ticket, opened

_TRIES = 20


async def _done(app: Holdall, body: Callable[[Session], Coroutine[Any, Any, None]]) -> None:
    """Commit, once more where nothing was written; any other end of a commit is an error of this program."""
    for attempt in range(_TRIES):
        try:
            async with app.session() as session:
                await body(session)
            return
        except CommitAborted:
            if attempt == _TRIES - 1:
                raise
            await asyncio.sleep(random.random() * 0.05)


async def _write(app: Holdall, number: int, steps: int, links: set[tuple[int, int]], children: set[int]) -> None:
    """Write the links of tag ``number``, from either end, and children of the one site."""
    draw = random.Random(number)
    mine: set[int] = set()

    async def change(session: Session) -> None:
        if is_here:
            tags = (await session.require(Book, book)).tags
            tags.remove(number) if book in mine else tags.add(number)
        else:
            books = (await session.require(Tag, number)).books
            books.remove(book) if book in mine else books.add(book)

    async def join(session: Session) -> None:
        session.add(Person(id=child, site=1))

    async def take(session: Session) -> None:
        (await session.require(Ticket, number)).site = 1  # which all take

    for step in range(steps):
        book, is_here, child = draw.randrange(BOOKS), draw.random() < 0.6, number * 1000 + step
        await _done(app, change)
        mine ^= {book}
        await _done(app, take)
        await _done(app, join)
        children.add(child)
    links |= {(book, number) for book in mine}


async def main(folder: str, left: str, right: str, first: str, count: str, steps: str, fault: str) -> None:
    """Let the writers run side by side."""
    if fault == "whole":  # who repeats a change writes the list as it was meant to be before
        Members.applied_to = lambda self, keys: tuple(self)  # type: ignore[method-assign]
    links: set[tuple[int, int]] = set()
    children: set[int] = set()
    async with opened(Path(folder), left, right) as app:
        numbers = range(int(first), int(first) + int(count))
        await asyncio.gather(*(_write(app, number, int(steps), links, children) for number in numbers))
    print(json.dumps([sorted(links), sorted(children)]))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
