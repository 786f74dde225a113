"""One life of a program that keeps its books in several stores: it recovers, tells what it finds, and goes on."""

from __future__ import annotations

import asyncio
import os
import random
import time
from typing import Any

import msgspec

from holdall import Holdall
from holdall.errors import CommitError
from holdall.query import Query
from tests.crash.audit import TAKEN, Content, Listed
from tests.crash.failpoints import Failpoint, arm
from tests.crash.models import ACCOUNTS, ENTRIES, World
from tests.crash.plants import plant

__all__ = ["Found", "Job", "Passed", "Told", "live", "meddle"]

_RECOVERY_SECONDS = 5.0
_HANDS = 2  # transfers under way at once


class Job(msgspec.Struct, frozen=True):
    """A life: what it does and where it ends. ``point`` is passed ``after`` times before it is the end."""

    world: World
    log: str
    seed: int
    transfers: int
    point: Failpoint | None = None
    after: int = 0
    delay: float | None = None  # seconds after which it is killed from outside
    is_first: bool = False
    plant: str = ""  # a fault that this life has
    has_rival: bool = False  # another process recovers all the while


class Found(msgspec.Struct, frozen=True, tag="found"):
    """What is there after recovery, and how long, in seconds, that took."""

    contents: dict[str, Content]
    listed: list[Listed]
    seconds: float


class Passed(msgspec.Struct, frozen=True, tag="passed"):
    """The failpoints that a life without a kill has passed."""

    points: list[Failpoint]


class Told(msgspec.Struct, frozen=True, tag="told"):
    """A transfer is about to begin, or has ended so."""

    transfer: str
    amounts: dict[str, int]
    end: str = ""
    cancels: str = ""  # the transfer whose entries it removes; else it adds its own


def live(job: Job, die: Any, ready: Any) -> None:
    """Live until the end: ``die`` is called there, ``ready`` when work begins."""
    log = os.open(job.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    asyncio.run(_Life(job, log).run(die, ready))


def meddle(job: Job) -> None:
    """Recover without end, also what is well under way: with so short a lease it looks abandoned."""

    async def main() -> None:
        app = job.world.app()
        app.bindings.configure()
        while True:
            await app.recovery.run()
            await asyncio.sleep(0.003)

    asyncio.run(main())


class _Life:
    def __init__(self, job: Job, log: int) -> None:
        self._job = job
        self._log = log
        self._rng = random.Random(job.seed)
        self._kinds = job.world.kinds

    async def run(self, die: Any, ready: Any) -> None:
        job = self._job
        app = job.world.app()
        app.bindings.configure()
        if job.is_first:
            await app.create()
            await self._set_up(app)
        if job.plant:
            plant(job.plant, die)
        passed: dict[Failpoint, int] = {}

        def look(point: Failpoint) -> None:
            passed[point] = passed.get(point, 0) + 1
            if point is job.point and passed[point] > job.after:
                die()

        arm(look)
        await self._recover(app)
        ready()
        await asyncio.gather(*(self._work(app, hand) for hand in range(_HANDS)))
        self._tell(Passed(list(passed)))
        await app.close()

    def _tell(self, message: Found | Passed | Told) -> None:
        """Into a file that outlives us, as one write each."""
        os.write(self._log, msgspec.json.encode(message) + b"\n")

    async def _set_up(self, app: Holdall) -> None:
        """Each store by itself: accounts with nothing on them, and a transfer of nothing."""
        self._tell(Told(TAKEN, dict.fromkeys(self._kinds, 0)))
        for kind in self._kinds:
            async with app.session() as session:
                session.add(ENTRIES[kind](id=TAKEN, amount=0))
                if kind in ACCOUNTS:
                    session.add_all(ACCOUNTS[kind](id=str(hand), total=0) for hand in range(_HANDS))
        self._tell(Told(TAKEN, dict.fromkeys(self._kinds, 0), "done"))

    async def _recover(self, app: Holdall) -> None:
        begun = time.monotonic()
        listed = await recovered(app, begun + _RECOVERY_SECONDS)
        seconds = time.monotonic() - begun
        contents = {}
        for kind in self._kinds:
            entries = await _rows(app, ENTRIES[kind])
            accounts = await _rows(app, ACCOUNTS[kind]) if kind in ACCOUNTS else []
            contents[kind] = Content({row[0]: row[1] for row in entries}, {row[0]: row[1] for row in accounts})
        self._tell(Found(contents, listed, seconds))

    async def _work(self, app: Holdall, hand: int) -> None:
        done: list[Told] = []
        for number in range(self._job.transfers):
            told = self._drawn(f"{self._job.seed}-{hand}-{number}", done)
            self._tell(told)
            try:
                await self._transfer(app, hand, told)
            except CommitError as error:
                self._tell(msgspec.structs.replace(told, end=type(error).__name__))
            else:
                self._tell(msgspec.structs.replace(told, end="done"))
                if not told.cancels:
                    done.append(told)

    def _drawn(self, transfer: str, done: list[Told]) -> Told:
        """A transfer of amounts that cancel out, or one that cancels an earlier one."""
        if done and self._rng.random() < 0.35:
            earlier = done.pop(self._rng.randrange(len(done)))
            return Told(transfer, earlier.amounts, cancels=earlier.transfer)
        amounts = {kind: self._rng.randint(-10, 10) for kind in self._kinds}
        amounts[self._kinds[0]] -= sum(amounts.values())
        return Told(transfer, amounts)

    async def _transfer(self, app: Holdall, hand: int, told: Told) -> None:
        """One commit in all stores, which one of them may refuse."""
        refused = self._rng.choice(self._kinds) if self._rng.random() < 0.2 else None
        async with app.session() as session:
            for kind, amount in told.amounts.items():
                entry = ENTRIES[kind]
                if told.cancels:
                    session.remove(await session.require(entry, told.cancels))
                else:
                    session.add(entry(id=told.transfer, amount=amount))
                if kind in ACCOUNTS:
                    account = await session.require(ACCOUNTS[kind], str(hand))
                    account.total += -amount if told.cancels else amount
                if kind == refused:
                    session.add(entry(id=TAKEN, amount=0))


async def _rows(app: Holdall, model: Any) -> list[tuple[Any, ...]]:
    """Everything in the collection, as the store has it."""
    binding = next(binding for binding in app.collections() if binding.model is model)
    return await binding.store.fetch(Query(binding.collection))


async def recovered(app: Holdall, deadline: float) -> list[Listed]:
    """Recover until nothing is left that could be finished; what is listed then. Gives up at the deadline."""
    while True:
        await app.recovery.run()
        left = await app.recovery.unfinished()
        if all(item.state == "listed" for item in left) or time.monotonic() > deadline:
            break
        await asyncio.sleep(0.02)
    return [
        Listed(kind, operation.key)
        for item in left
        for operation in item.orphans
        for kind, model in (*ENTRIES.items(), *ACCOUNTS.items())
        if model.__holdall__.collection == operation.collection
    ]
