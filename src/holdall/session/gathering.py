"""Gets of one tick of the loop go out as one fetch, and nobody fetches what is being fetched."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from holdall.errors import CorruptRecord
from holdall.model import Record
from holdall.query import Key
from holdall.session.binding import Binding

__all__ = ["Fetched", "Gathering", "fetched_apart"]

Fetched: TypeAlias = tuple[dict[Any, Any], dict[Any, CorruptRecord]]
"""The records that were found and those that cannot be read, by key."""

Fetch: TypeAlias = Callable[[Binding, list[Any]], Awaitable[Fetched]]


class Gathering:
    """The keys that gets of one session ask for.

    The first get of a tick leads: it lets the others of the tick join, and fetches for all of them.
    """

    def __init__(self) -> None:
        self._loading: dict[Binding, dict[Key, asyncio.Future[Any]]] = {}  # the keys being fetched or gathered
        self._joining: dict[Binding, list[Any]] = {}  # the keys of this tick

    async def get(self, binding: Binding, key: Key, fetch: Fetch) -> Record:
        """The record with this key, or None, where ``fetch`` gives those of several keys.

        Raises CorruptRecord where it cannot be read. ``fetch`` is not kept: it holds the session, which is to be freed
        as soon as nobody holds it.
        """
        while True:
            loading = self._loading.setdefault(binding, {})
            future = loading.get(key)
            if future is None and binding not in self._joining:
                return await self._lead(binding, key, loading, fetch)
            if future is None:
                future = loading[key] = asyncio.get_running_loop().create_future()
                self._joining[binding].append(key)
            try:
                return await asyncio.shield(future)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if not future.cancelled() or (task is not None and task.cancelling()):
                    raise
                # the get that was to fetch for all was cancelled; take its place

    async def _lead(self, binding: Binding, key: Key, loading: dict[Key, asyncio.Future[Any]], fetch: Fetch) -> Record:
        """Wait for the others of this tick, then fetch for all of them."""
        loop = asyncio.get_running_loop()
        loading[key] = loop.create_future()
        keys = self._joining[binding] = [key]
        try:
            # Where nothing else is ready to run, nobody can join in this tick; only a private attribute tells. Not to
            # sleep saves 14 of the 50 microseconds of a get from SQLite. Loops of others always sleep.
            if getattr(loop, "_ready", True):
                await asyncio.sleep(0)
            del self._joining[binding]
            found, broken = await fetch(binding, keys)
        except BaseException as error:
            if self._joining.get(binding) is keys:
                del self._joining[binding]
            for future in map(loading.pop, keys):
                if isinstance(error, Exception):
                    future.set_exception(error)
                    future.exception()  # it is no failure that nobody else awaits it
                else:
                    future.cancel()
            raise
        for other in keys:
            future = loading.pop(other)
            if other in broken:
                future.set_exception(broken[other])
                future.exception()
            else:
                future.set_result(found.get(other))
        if key in broken:
            raise broken[key]
        return found.get(key)


async def fetched_apart(
    fetch: Callable[[Binding, Sequence[Key]], Awaitable[dict[Key, Record]]], binding: Binding, keys: Sequence[Key]
) -> Fetched:
    """The records that ``fetch`` finds, with an error for each of several that cannot be read."""
    try:
        return await fetch(binding, keys), {}
    except CorruptRecord:
        if len(keys) == 1:
            raise
    found, broken = dict[Key, Record](), dict[Key, CorruptRecord]()
    for key in keys:
        try:
            found |= await fetch(binding, [key])
        except CorruptRecord as error:
            broken[key] = error
    return found, broken
