"""The health of an application: whether each of its stores answers, how soon, and how its connections are used."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from enum import StrEnum
from math import inf
from time import perf_counter

import msgspec

from holdall.errors import HoldallError, StateError
from holdall.store import Pingable, Pooled, PoolFigures, Store

__all__ = ["Health", "StoreHealth", "StoreState", "health_of"]


class StoreState(StrEnum):
    """Whether a store answers. Example: :class:`Health`."""

    WELL = "well"
    DOWN = "down"
    UNKNOWN = "unknown"  # it has no way to be asked


class StoreHealth(msgspec.Struct, frozen=True):
    """The health of one store: its state, the seconds that its answer took, its connections, the reason if it is down.

    Example: :class:`Health`.
    """

    state: StoreState
    seconds: float | None = None
    pool: PoolFigures | None = None
    reason: str | None = None


class Health(msgspec.Struct, frozen=True):
    """The health of an application, by the names of its stores.

    >>> Health({"main": StoreHealth(StoreState.WELL, 0.001)}).is_well
    True
    """

    stores: dict[str, StoreHealth]

    @property
    def is_well(self) -> bool:
        """Whether no store is down."""
        return all(store.state is not StoreState.DOWN for store in self.stores.values())


async def health_of(stores: Mapping[str, Store], timeout: float) -> Health:  # noqa: ASYNC109 - of each store by itself
    """Look at all stores at once, for at most ``timeout`` seconds each; a store that fails is told, not raised."""
    seconds: object = timeout
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < inf:
        raise StateError("the timeout of a look at stores is a number of seconds above zero")
    found = await asyncio.gather(*(_store_health(store, timeout) for store in stores.values()))
    return Health(dict(zip(stores, found, strict=True)))


async def _store_health(store: Store, seconds: float) -> StoreHealth:
    state, reason, spent = StoreState.UNKNOWN, None, None
    if isinstance(store, Pingable):
        begun = perf_counter()
        try:
            async with asyncio.timeout(seconds):
                await store.ping()
            state = StoreState.WELL
        except TimeoutError:
            state, reason = StoreState.DOWN, f"no answer within {seconds:g} s"
        except HoldallError as error:
            state, reason = StoreState.DOWN, str(error)
        except Exception as error:
            state, reason = StoreState.DOWN, type(error).__name__
        spent = perf_counter() - begun
    pool = store.pool() if isinstance(store, Pooled) else None
    return StoreHealth(state, spent, pool, reason)
