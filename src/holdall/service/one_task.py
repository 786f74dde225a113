"""Async generators whose steps all run in one task, wherever they are asked for.

Task groups, timeouts and the like that are open across a yield must end in the task in which they began. A resource may
be opened by one task and closed by another; and in code that is not async every step would be a task of its own.
"""

from __future__ import annotations

import asyncio
from types import AsyncGeneratorType

from holdall.query import Value

__all__ = ["ENDED", "OneTask", "Raised", "async_step"]

ENDED: Value = object()
"""Given where a generator did not yield."""


class Raised:
    """An exception on its way from a thread or a loop, which would end by some of them."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error = error


async def async_step(steps: AsyncGeneratorType[Value, None], error: BaseException | None) -> Value:
    """Let a generator go on to its next yield: return what it yields, ``ENDED``, or what it ``Raised``."""
    try:
        return await (anext(steps) if error is None else steps.athrow(error))
    except StopAsyncIteration:
        return ENDED
    except BaseException as raised:
        return Raised(raised)


class OneTask:
    """An async generator, and the task in which it runs from its first step on."""

    def __init__(self, steps: AsyncGeneratorType[Value, None]) -> None:
        self._steps = steps
        self._asked: asyncio.Queue[tuple[BaseException | None, asyncio.Future[Value]]] | None = None
        self._task: asyncio.Task[None] | None = None

    async def step(self, error: BaseException | None) -> Value:
        """Let it go on, as ``async_step`` does. Cancelling this cancels what it is doing."""
        answer = self._ask(error)
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            assert self._task is not None
            self._task.cancel()
            found = await answer
            if not isinstance(found, Raised) and found is not ENDED:
                await self._ask(asyncio.CancelledError())  # it went on all the same, and nobody waits for it any more
                raise
            return found

    async def aclose(self) -> None:
        """End it where it stands."""
        await self._steps.aclose()
        if self._task is not None:
            self._task.cancel()

    def _ask(self, error: BaseException | None) -> asyncio.Future[Value]:
        if self._asked is None:
            self._asked = asyncio.Queue()
            self._task = asyncio.create_task(self._run(self._asked))
        answer = asyncio.get_running_loop().create_future()
        self._asked.put_nowait((error, answer))
        return answer

    async def _run(self, asked: asyncio.Queue[tuple[BaseException | None, asyncio.Future[Value]]]) -> None:
        while True:
            try:
                error, answer = await asked.get()
            except asyncio.CancelledError:
                await self._steps.aclose()  # the loop ends
                raise
            found = await async_step(self._steps, error)
            answer.set_result(found)
            if found is ENDED or isinstance(found, Raised):
                return
