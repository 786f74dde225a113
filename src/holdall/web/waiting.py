"""Bounds of time that cost nothing where nothing is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from types import coroutine
from typing import TypeVar

from holdall.query import Value

__all__ = ["within"]

T = TypeVar("T")


async def within(work: Coroutine[Value, Value, T], seconds: float) -> T:
    """Return the result of the work. Raises TimeoutError where it takes more than ``seconds`` after its first wait.

    A timer is set only for that: bodies of requests have mostly come whole before anybody reads them.

    >>> async def ready() -> int:
    ...     return 7
    >>> asyncio.run(within(ready(), 1.0))
    7
    """
    try:
        pending = work.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    async with asyncio.timeout(seconds):
        return await _resumed(work, pending)


@coroutine
def _resumed(work: Coroutine[Value, Value, T], pending: Value) -> Generator[Value, Value, T]:
    """Go on with work that waits for this: all that it waits for is handed on to the task, as ``await`` does."""
    while True:
        try:
            try:
                sent = yield pending
            except BaseException as error:
                pending = work.throw(error)
            else:
                pending = work.send(sent)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
