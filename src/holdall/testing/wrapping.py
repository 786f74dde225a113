"""Put something between an application and one of its stores: to count calls, to delay them or to make them fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from holdall.app import Holdall
from holdall.session import in_middleware, store_within
from holdall.store import Aggregating

__all__ = ["wrap_store"]

T = TypeVar("T")


def wrap_store(app: Holdall, name: str, wrapper: Callable[[Any], T]) -> T:
    """Let the application ask the wrapper instead of the store of this name; return the wrapper.

    ``wrapper`` is called once, with the store that is asked now. The object it returns must have the methods of that
    store that are needed; a ``__getattr__`` that delegates gives it all others. Sessions that are open ask it from the
    next call on. Raises KeyError if the application has no store of this name.

    >>> import asyncio
    >>> from holdall import Holdall, Model, field
    >>> class Country(Model):
    ...     code: str = field(pk=True)
    >>> class Counting:
    ...     def __init__(self, store):
    ...         self.store, self.fetches = store, 0
    ...     def __getattr__(self, name):
    ...         return getattr(self.store, name)
    ...     async def fetch(self, query):
    ...         self.fetches += 1
    ...         return await self.store.fetch(query)
    >>> async def example():
    ...     app = Holdall("atlas")
    ...     app.add_store("main", "memory:")
    ...     app.add(Country, store="main")
    ...     counting = wrap_store(app, "main", Counting)
    ...     async with app.session() as session:
    ...         await session.query(Country.where())
    ...     await app.close()
    ...     return counting.fetches
    >>> asyncio.run(example())
    1
    """
    store = app.stores[name]
    wrapped: Any = wrapper(store)
    persistence = app.bindings.persistence
    asked: Any = wrapped if persistence is None else in_middleware(wrapped, persistence)
    app.stores[name] = wrapped
    for binding in app.collections():
        if store_within(binding.store) is store:
            binding.store = asked
            binding.count = asked.count if isinstance(wrapped, Aggregating) else None
    found: T = wrapped
    return found
