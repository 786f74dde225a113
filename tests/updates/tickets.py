"""Writers who draw tickets from two offices at once: each raises both counters, adds a ticket to both lists, and takes
the next number, which is unique.

As a script: a neighbour in a process of its own, who draws from one of the offices at a time; it reads a Booth from its
input and writes how many tickets it drew from each.
"""

from __future__ import annotations

import asyncio
import random
import sys
from typing import Any

import msgspec

from holdall import Holdall, Many, Model, Session, field
from holdall.errors import CommitAborted

__all__ = ["Booth", "Counts", "begin", "counts_of", "draw"]

_MOST_TRIES = 10_000


class LeftTicket(Model):
    id: str = field(pk=True, length=(1, 40))
    number: int = field(unique=True)


class LeftOffice(Model):
    id: int = field(pk=True)
    drawn: int = 0
    tickets: Many[LeftTicket] = field(default=())
    version: int = field(version=True)


class RightTicket(Model):
    id: str = field(pk=True, length=(1, 40))
    number: int = field(unique=True)


class RightOffice(Model):
    id: int = field(pk=True)
    drawn: int = 0
    tickets: Many[RightTicket] = field(default=())
    version: int = field(version=True)


_SIDES: tuple[tuple[Any, Any], ...] = ((LeftOffice, LeftTicket), (RightOffice, RightTicket))


class Counts(msgspec.Struct, frozen=True):
    """What an office says: its counter, how often it was written, how many are listed, and all tickets' numbers."""

    drawn: int
    writes: int
    listed: int
    numbers: list[int]


class Booth(msgspec.Struct, frozen=True):
    """Two stores: URL and options of each."""

    stores: tuple[tuple[str, dict[str, Any]], tuple[str, dict[str, Any]]]
    journal: str
    times: int = 0
    name: str = ""

    def app(self) -> Holdall:
        """The application over both."""
        app = Holdall("tickets", journal=f"sqlite:///{self.journal}")
        for side, (url, options) in enumerate(self.stores):
            app.add_store(f"side{side}", url, **options)
            app.add(*_SIDES[side][::-1], store=f"side{side}")
        return app


async def begin(app: Holdall) -> None:
    """Two offices, and nothing drawn."""
    await app.create()
    for office, _ in _SIDES:
        async with app.session() as session:
            session.add(office(id=1))


async def counts_of(app: Holdall, side: int) -> Counts:
    """What is there in the end."""
    office, ticket = _SIDES[side]
    async with app.session() as session:
        found: Any = await session.require(office, 1)
        numbers = [item.number for item in await session.query(ticket.where())]
        return Counts(found.drawn, found.version - 1, len(found.tickets), sorted(numbers))


async def draw(app: Holdall, name: str, times: int, sides: tuple[int, ...] = (0, 1)) -> int:
    """Draw so often from these offices, all at once; tells how often somebody came first."""
    conflicts = 0
    for number in range(times):
        for tries in range(_MOST_TRIES):
            try:
                await _drawn(app, f"{name}-{number}", sides)
                break
            except CommitAborted:
                conflicts += 1
                await asyncio.sleep(random.random() * 0.001 * min(tries, 8))
        else:
            raise AssertionError(f"no luck in {_MOST_TRIES} tries")
    return conflicts


async def _drawn(app: Holdall, name: str, sides: tuple[int, ...]) -> None:
    session = Session(app.bindings)
    for side in sides:
        office, ticket = _SIDES[side]
        found: Any = await session.require(office, 1)
        found.drawn += 1
        found.tickets.add(session.add(ticket(id=name, number=found.drawn)))
    await asyncio.sleep(0)
    await session.commit()


async def _neighbour(booth: Booth) -> None:
    app = booth.app()
    for number in range(booth.times):
        await draw(app, f"{booth.name}-{number}", 1, (number % 2,))
    await app.close()


if __name__ == "__main__":
    asyncio.run(_neighbour(msgspec.json.decode(sys.stdin.buffer.read(), type=Booth)))
