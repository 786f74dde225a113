"""Tasks that run beside an application from its start to its end: recovery in rounds, a look at the guarantees of
stores, and one at moves of collections.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from holdall.app.moving import KnownMoves
from holdall.session import Recovery, recovering

__all__ = ["Background"]

_log = logging.getLogger("holdall")


class Background:
    """The tasks of one application; started twice, they run once. A ``Background`` does not hold the application, which
    holds it.
    """

    def __init__(self, recovery: Recovery) -> None:
        self._recovery = recovery
        self._recovering: asyncio.Task[None] | None = None
        self._telling: asyncio.Task[None] | None = None
        self._following: asyncio.Task[None] | None = None

    def tell(self, durability: Callable[[], Awaitable[dict[str, str]]]) -> None:
        """Log what stores do not promise of a write, as soon as they have told."""
        if self._telling is None:
            self._telling = asyncio.create_task(_log_what_is_told(durability))

    def recover(self, every: float, lease: float) -> None:
        """Recover now and at least every ``every`` seconds; see ``recovering``."""
        if self._recovering is None:
            self._recovering = asyncio.create_task(recovering(self._recovery.run, self._recovery.sweep, every, lease))

    def follow(self, moves: KnownMoves) -> None:
        """Look again and again whether collections were moved."""
        if self._following is None:
            self._following = asyncio.create_task(moves.looking())

    async def stop(self) -> None:
        """End all, and wait until they have ended."""
        for task in (self._recovering, self._telling, self._following):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
        self._recovering = self._telling = self._following = None


async def _log_what_is_told(durability: Callable[[], Awaitable[dict[str, str]]]) -> None:
    for name, sentence in (await durability()).items():
        _log.warning("store %r: %s", name, sentence)
