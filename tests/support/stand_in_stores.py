"""Stores put before real ones, to hold them up or to make them fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any


class Held:
    """A store whose apply waits, works and then waits again, as one with a writer thread does."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.entered = asyncio.Event()
        self.go = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def apply(self, changes: Any) -> Any:
        self.entered.set()
        await self.go.wait()
        outcomes = await self.store.apply(changes)
        await asyncio.sleep(0)
        return outcomes


class Failing:
    """A store that raises, or answers something else than it should, after or before it has applied."""

    def __init__(self, store: Any, answer: Any, applies: bool = False) -> None:
        self.store = store
        self.answer = answer
        self.applies = applies

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def apply(self, changes: Any) -> Any:
        if self.applies:
            await self.store.apply(changes)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


class Overtaken:
    """A store that others write once just before it is given changes: ``meanwhile`` says how."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def apply(self, changes: Any) -> Any:
        await self._be_overtaken()
        return await self.store.apply(changes)

    async def prepare(self, *given: Any) -> Any:
        await self._be_overtaken()
        return await self.store.prepare(*given)

    async def _be_overtaken(self) -> None:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
