"""The commits that lives were killed in, until each is whole: in all of its stores, or in none."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from tests.contention.audit import standing
from tests.contention.log import Begun, Told
from tests.contention.models import Arena
from tests.contention.raw import present

__all__ = ["Graves"]


class Graves:
    """``late`` are sentences on those not whole in time, ``slowest`` how many seconds one was seen not to be."""

    def __init__(self, arena: Arena) -> None:
        self._arena = arena
        self._told = Told()
        self._dead: dict[str, tuple[Begun, float]] = {}  # since when
        self._is_told_late: set[str] = set()
        self.buried = 0
        self.late: list[str] = []
        self.slowest = 0.0

    @property
    def is_empty(self) -> bool:
        """Whether all of them are whole."""
        return not self._dead

    @property
    def accounts(self) -> list[dict[int, int]]:
        """What those that are left were to write, by store."""
        return [begun.accounts for begun, _ in self._dead.values()]

    def bury(self, log: str, life: str) -> None:
        """Take in what a life, which is over, had begun and not ended."""
        now = time.monotonic()
        self._told.read([Path(self._arena.folder) / f"{log}.log"])
        for name, begun in self._told.begun.items():
            if name.startswith(f"{life}-") and name not in self._told.ended and name not in self._dead:
                self._dead[name] = (begun, now)
                self.buried += 1

    def look(self, limit: float) -> None:
        """Let go of what is whole; what is not for longer than ``limit`` seconds is late."""
        if not self._dead:
            return
        entries = [asyncio.run(present(self._arena, side, list(self._dead))) for side in self._arena.sides]
        now = time.monotonic()
        for name, (begun, since) in list(self._dead.items()):
            there, missing = standing(begun, entries)
            if not (there and missing):
                del self._dead[name]
                continue
            self.slowest = max(self.slowest, now - since)
            if now - since > limit and name not in self._is_told_late:
                self._is_told_late.add(name)
                self.late.append(f"late: {name} is in {there} and not in {missing} after {now - since:.1f} s")

    def begin_anew(self) -> None:
        """Count time from now on."""
        now = time.monotonic()
        self._dead = {name: (begun, now) for name, (begun, _) in self._dead.items()}

    def await_whole(self, limit: float) -> None:
        """Look until all are whole, or time is over."""
        end = time.monotonic() + limit + 0.5
        while self._dead and time.monotonic() < end:
            self.look(limit)
            time.sleep(0.02)

    def forget(self) -> None:
        """Those that are left were told of."""
        self._dead.clear()
