"""Types of commands where they give something else than their methods do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar, cast

__all__ = ["awaited", "waited"]

P = ParamSpec("P")
R = TypeVar("R")


def awaited(command: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    """Return the command of a method that is not async, as it is in async code: awaited.

    Nothing is done to the command: this is for type checkers, which know it by its method.

    >>> class Prices(SyncService):
    ...     def double(self, price: int) -> int:
    ...         return 2 * price
    >>> class Shop:
    ...     prices: Prices
    >>> app = Holdall("shop")
    >>> app.add_services(prices=Prices())
    >>> async def example() -> int:
    ...     async with app.dal(Shop) as dal:
    ...         return await awaited(dal.prices.double)(21)
    >>> import asyncio
    >>> asyncio.run(example())
    42
    """
    return cast("Callable[P, Awaitable[R]]", command)


def waited(command: Callable[P, Awaitable[R]]) -> Callable[P, R]:
    """Return the command of a method that is async, as it is in code that is not: its result is waited for.

    >>> class Prices(Service):
    ...     async def double(self, price: int) -> int:
    ...         return 2 * price
    >>> class Shop:
    ...     prices: Prices
    >>> app = Holdall("shop")
    >>> app.add_services(prices=Prices())
    >>> with app.sync.dal(Shop) as dal:
    ...     waited(dal.prices.double)(21)
    42
    >>> app.sync.close()
    """
    return cast("Callable[P, R]", command)
