"""A task that moves amounts between the stores of an arena, again and again, and tells of every commit."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable
from typing import Any

from holdall import Holdall, Session
from holdall.errors import CommitAborted, CommitError, HoldallError, StoreError
from tests.contention.log import CANCELLED, Begun, Ended, Log
from tests.contention.models import MARKS, Arena

__all__ = ["Writer"]

_LARGEST = 10
_LATEST = 0.03  # seconds, for being cancelled
_LIST = 3  # references in a list
_IDS = re.compile(r"[0-9a-f]{8,}[-0-9a-f]*|\d+")


class Writer:
    """One task. ``singles`` is the share of commits that write one store only, ``cancels`` that of those which are
    cancelled at any moment; ``pause`` the most seconds between.
    """

    def __init__(
        self,
        app: Holdall,
        arena: Arena,
        log: Log,
        name: str,
        *,
        singles: float = 0.0,
        cancels: float = 0.0,
        pause: float = 0.0,
    ) -> None:
        self._app = app
        self._arena = arena
        self._log = log
        self._name = name
        self._chance = random.Random(name)
        self._singles = singles
        self._cancels = cancels
        self._pause = pause
        self._tries = 0

    async def write(self, goes_on: Callable[[], bool]) -> None:
        """Move after move, as long as ``goes_on`` says."""
        while goes_on():
            await self.move(goes_on)
            if self._pause:
                await asyncio.sleep(self._chance.random() * self._pause)

    async def move(self, goes_on: Callable[[], bool] = lambda: True) -> None:
        """One move, tried until it is done, is in doubt, or time is over."""
        sides = list(self._arena.sides)
        if self._chance.random() < self._singles:
            sides = [self._chance.choice(sides)]
        accounts = self._drawn(sides)
        amount = self._chance.randint(1, _LARGEST)
        gains = [amount, *[1] * (len(sides) - 2)]  # every store is written, so that others meet what is held there
        amounts = dict(zip(sides, [-sum(gains) if len(sides) > 1 else -amount, *gains], strict=False))
        began = self._log.now()
        for tries in range(1, 10_000):
            ended = await self._attempt(amounts, accounts, began)
            if ended.end not in ("CommitAborted", "unread") or not goes_on():
                return
            await asyncio.sleep(self._chance.random() * 0.001 * min(tries, 8))

    async def touch(self, accounts: dict[int, int], goes_on: Callable[[], bool]) -> None:
        """Write these accounts, each in a commit of its own, as long as ``goes_on`` says."""
        for side, account in accounts.items():
            while goes_on():
                ended = await self._attempt({side: 1}, {side: account}, self._log.now())
                if ended.end not in ("CommitAborted", "unread"):
                    break
                await asyncio.sleep(0.005)

    def _drawn(self, sides: list[int]) -> dict[int, int]:
        """An account of each store: any where there is a balance to check, else the same everywhere."""
        if self._arena.variant == "versions":
            return {side: self._chance.randrange(self._arena.records) for side in sides}
        return dict.fromkeys(sides, self._chance.randrange(self._arena.records))

    async def _attempt(self, amounts: dict[int, int], accounts: dict[int, int], first: float) -> Ended:
        self._tries += 1
        commit = f"{self._name}-{self._tries}"
        began = self._log.now()
        self._log.tell(Begun(commit, amounts, accounts, began))
        session = Session(self._app.bindings)
        try:
            await self._edit(session, commit, amounts, accounts)
        except HoldallError as error:
            ended = self._ended(commit, "unread", began, first, error)
        else:
            ended = await self._committed(session, commit, began, first)
        self._log.tell(ended)
        return ended

    async def _committed(self, session: Session, commit: str, began: float, first: float) -> Ended:
        committing = asyncio.ensure_future(session.commit())
        if self._chance.random() < self._cancels:
            asyncio.get_running_loop().call_later(self._chance.random() ** 2 * _LATEST, committing.cancel)
        try:
            await committing
        except asyncio.CancelledError:
            return self._ended(commit, CANCELLED, began, first)
        except CommitError as error:
            return self._ended(commit, type(error).__name__, began, first, error)
        except HoldallError as error:  # refused before anything was sent
            return self._ended(commit, CommitAborted.__name__, began, first, error)
        return self._ended(commit, "done", began, first)

    async def _edit(self, session: Session, commit: str, amounts: dict[int, int], accounts: dict[int, int]) -> None:
        arena = self._arena
        slot = f"s{self._chance.randrange(arena.records * 3)}"
        marks = self._chance.sample(range(MARKS), _LIST)
        for side, amount in amounts.items():
            books = arena.books(side)
            record: Any = await session.require(books.subject(arena.variant), accounts[side])
            if arena.versioned:
                record.balance += amount
            elif len(amounts) > 1:
                record.note = commit
            if arena.variant == "linked" and len(amounts) > 1:
                record.slot = slot
                record.marks = marks
            session.add(books.entry(id=commit, account=accounts[side], amount=amount))

    def _ended(self, commit: str, end: str, began: float, first: float, error: Exception | None = None) -> Ended:
        now = self._log.now()
        return Ended(commit, end, now, now - began, _cause(error), _IDS.sub("…", str(error or ""))[:400], now - first)


def _cause(error: BaseException | None) -> str:
    """The class of the store's error behind it, or of its last reason."""
    last = ""
    while error is not None:
        if not isinstance(error, CommitError):
            last = type(error).__name__
        if isinstance(error, StoreError):
            break
        error = error.__cause__
    return last
