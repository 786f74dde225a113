"""The resources of one context: each opened when it is first touched, once, and closed in reverse."""

from __future__ import annotations

import asyncio

from holdall.errors import StateError
from holdall.query import Value
from holdall.service.factory import Factory
from holdall.service.one_task import ENDED
from holdall.service.openings import Openings
from holdall.service.place import ON_LOOP, Place
from holdall.service.steps import Steps, end_of, in_one_task, step_of

__all__ = ["Resources"]


class Resources:
    """The open resources of a context, in the order in which they were opened. Tasks and threads may share them."""

    def __init__(self) -> None:
        self._openings = Openings()
        self._values: dict[str, Value] = {}
        self._open: list[tuple[str, Steps]] = []
        self._is_closing = False

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def value(self, name: str) -> Value:
        """The value of an open resource, or ENDED."""
        return self._values.get(name, ENDED)

    async def open(self, place: Place, name: str, factory: Factory, facet: Value) -> Value:
        """The value of a resource, which is opened now if nobody has done so. Raises StateError for a circle."""
        while True:
            with self._openings.lock:
                if name in self._values:
                    return self._values[name]
                end = self._openings.find(name)
            if end is None:
                with self._openings.begun(name):
                    return await self._opened(place, name, factory, facet)
            with self._openings.awaited(name):
                if place is ON_LOOP:
                    await asyncio.shield(asyncio.wrap_future(end))
                else:
                    end.result()

    async def close(self, place: Place, error: BaseException | None) -> list[tuple[str, BaseException]]:
        """Close all, with the context's error raised at their yields; return the errors of closing, by name."""
        with self._openings.lock:
            self._is_closing = True
        failures = list[tuple[str, BaseException]]()
        while self._open:
            name, steps = self._open.pop()
            self._values.pop(name, None)
            ended = await end_of(place, f"resource {name!r}", steps, error)
            if ended is not None and ended is not error:
                failures.append((name, ended))
        return failures

    async def _opened(self, place: Place, name: str, factory: Factory, facet: Value) -> Value:
        steps = in_one_task(factory.make(facet))
        value = await step_of(place, steps)
        if value is ENDED:
            raise StateError(f"resource {name!r} was not set up: its generator ended without a yield")
        with self._openings.lock:
            if not self._is_closing:
                self._values[name] = value
                self._open.append((name, steps))
                return value
        late = StateError(f"resource {name!r} was opened too late: its context has ended")
        await end_of(place, f"resource {name!r}", steps, late)
        raise late
