"""Turns of commits that were refused for one record: they go one after the other, and not all at once again.

Within one event loop of a process; between processes each tries again for itself.
"""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary

from holdall.errors import CommitAborted, ReferenceViolation, StaleVersion, UniqueViolation
from holdall.query import Key

__all__ = ["Turn", "Turns", "place_of"]


class Turns:
    """The queues of an application, by loop, collection and key."""

    def __init__(self) -> None:
        self._queues: WeakValueDictionary[tuple[int, str, Key], asyncio.Lock] = WeakValueDictionary()

    def queue(self, collection: str, key: Key) -> asyncio.Lock:
        """The queue at a record; it is gone when nobody is in it."""
        return self._queues.setdefault((id(asyncio.get_running_loop()), collection, key), asyncio.Lock())


class Turn:
    """The turn of one commit, at one record at a time, so that no two wait for each other."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._queue: asyncio.Lock | None = None

    async def take(self, collection: str, key: Key, seconds: float) -> bool:
        """Wait for the turn at a record, in place of any other; returns whether this commit has it anew.

        Raises TimeoutError after ``seconds``.
        """
        queue = self._turns.queue(collection, key)
        if queue is self._queue:
            return False
        self.end()
        async with asyncio.timeout(seconds):
            await queue.acquire()
        self._queue = queue
        return True

    def end(self) -> None:
        """Let the next one go."""
        queue, self._queue = self._queue, None
        if queue is not None:
            queue.release()


def place_of(error: CommitAborted) -> tuple[str, Key]:
    """The record that a commit was refused for, as far as it is known."""
    cause = error.__cause__
    if isinstance(cause, StaleVersion):
        return cause.collection, cause.key
    return (cause.collection, None) if isinstance(cause, UniqueViolation | ReferenceViolation) else ("", None)
