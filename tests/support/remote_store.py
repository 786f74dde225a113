"""A store that takes one change at a time, as somebody else's API does, and keeps a log of what it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from holdall.errors import Conflict, HoldallError
from holdall.query import Query, Schema
from holdall.store import Capabilities, Change, CommitClass, Outcome, Rows, Verb
from holdall.stores.memory import MemoryStore

__all__ = ["Remote"]


class Remote:
    """``before`` and ``after`` are asked for an error to raise before or after a change has had its effect."""

    def __init__(self, name: str, commit: CommitClass = CommitClass.ONCE, *, width: int = 4, size: int = 1) -> None:
        self.name = name
        self._store = MemoryStore(name)
        self._capabilities = msgspec.structs.replace(
            self._store.capabilities,
            commit=commit,
            is_durable=True,
            limits=msgspec.structs.replace(
                self._store.capabilities.limits, concurrent_changes=width, changes_per_call=size
            ),
        )
        self.log: list[tuple[Verb, str, Any, str | None]] = []
        self.before: Callable[[Change], BaseException | None] = lambda change: None
        self.after: Callable[[Change], BaseException | None] = lambda change: None
        self.called = asyncio.Event()
        self.pause = 0.0
        self.running = 0
        self.calls = 0
        self.most_running = 0
        self._made: dict[str, Outcome] = {}  # by token, as a server with idempotency keys has it

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    def bind(self, schemas: Sequence[Schema]) -> None:
        self._store.bind(schemas)

    async def fetch(self, query: Query[Any]) -> Rows:
        return await self._store.fetch(query)

    async def count(self, query: Query[Any]) -> int:
        return await self._store.count(query)

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        self.running += 1
        self.calls += 1
        self.most_running = max(self.running, self.most_running)
        try:
            return [await self._apply(change) for change in changes]
        finally:
            self.running -= 1

    async def _apply(self, change: Change) -> Outcome:
        self.log.append((change.verb, change.collection, change.key, change.token))
        self.called.set()
        await asyncio.sleep(self.pause)
        error = self.before(change)
        if isinstance(error, Conflict):
            return Outcome(error=error)
        if error is not None:
            raise error
        if self._capabilities.commit is CommitClass.IDEMP and change.token in self._made:
            return self._made[change.token]
        try:
            (outcome,) = await self._store.apply([change])
        except HoldallError as refusal:
            return Outcome(error=refusal)
        if change.token is not None:
            self._made[change.token] = outcome
        error = self.after(change)
        if error is not None:
            raise error
        return outcome

    async def close(self) -> None:
        await self._store.close()
