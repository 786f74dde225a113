"""Work that is done once for all who ask for it at the same time, and refused where it would wait for itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextvars import ContextVar
from typing import Any, TypeVar
from weakref import ref

from holdall.errors import StateError
from holdall.store import reset_here

__all__ = ["SingleFlight"]

T = TypeVar("T")


class _Flight:
    """One piece of work under way, and those it waits for."""

    __slots__ = ("__weakref__", "awaits", "future", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.awaits: list[_Flight] = []

    def leads_to(self, other: _Flight) -> bool:
        """Whether this waits, directly or not, for the other."""
        pending, seen = [self], {id(self)}
        while pending:
            flight = pending.pop()
            if flight is other:
                return True
            for item in flight.awaits:
                if id(item) not in seen:
                    seen.add(id(item))
                    pending.append(item)
        return False


_current: ContextVar[ref[_Flight] | None] = ContextVar("holdall_flight", default=None)


class SingleFlight:
    """The work under way, by what it is."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight] = {}

    async def run(self, what: Hashable, name: str, work: Callable[[], Awaitable[T]]) -> T:
        """Return the result of the work, which the first caller begins; if that one is cancelled, the next one takes
        its place.

        Raises StateError where the work, however indirectly, asks for itself.
        """
        while True:
            current = _current.get()
            mine = None if current is None else current()
            if mine is not None and mine.future.done():
                mine = None
            flight = self._flights.get(what)
            if flight is None:
                return await self._lead(what, name, work, mine)
            if mine is not None and flight.leads_to(mine):
                raise StateError(f"{name} is needed to make {name} itself; refer to it by its key there")
            if mine is not None:
                mine.awaits.append(flight)
            try:
                return await asyncio.shield(flight.future)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if not flight.future.cancelled() or (task is not None and task.cancelling()):
                    raise
            finally:
                if mine is not None:
                    mine.awaits.remove(flight)

    async def _lead(self, what: Hashable, name: str, work: Callable[[], Awaitable[T]], mine: _Flight | None) -> T:
        flight = self._flights[what] = _Flight(name)
        if mine is not None:
            mine.awaits.append(flight)
        token = _current.set(ref(flight))
        try:
            result = await work()
        except BaseException as error:
            if isinstance(error, Exception):
                flight.future.set_exception(error)
                flight.future.exception()  # it is no failure that nobody else awaits it
            else:
                flight.future.cancel()
            raise
        finally:
            reset_here(_current, token)
            del self._flights[what]
            if mine is not None:
                mine.awaits.remove(flight)
        flight.future.set_result(result)
        return result
