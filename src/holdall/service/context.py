"""The context of a request or task, as code on an event loop sees it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from types import TracebackType
from typing import NoReturn, Self, TypeVar, overload

from holdall.errors import StateError
from holdall.query import Value
from holdall.service.core import ContextCore, acted
from holdall.service.facet import ContextFacet
from holdall.service.one_task import ENDED
from holdall.service.place import ON_LOOP
from holdall.service.sync_context import SyncContext
from holdall.session import ActingVerbs, Session

__all__ = ["Context"]

T = TypeVar("T")


class Context(ActingVerbs, ContextFacet):
    """One request or task: who asks, what is known of it, its session, resources and services.

    A context is entered once. Within the block, a resource is an attribute that is awaited: ``await context.pool``
    opens it on first touch, and ``await context.resource(pool)`` has the type of what the function ``pool`` yields.
    Leaving the block commits the session and closes the resources in reverse; an exception rolls back.

    >>> app = Holdall("library")
    >>> @app.resource("log")
    ... async def log(context: Context) -> AsyncIterator[list[str]]:
    ...     lines = []
    ...     yield lines
    ...     print(context.state, lines)
    >>> async def example():
    ...     async with app.context({"ip": "192.0.2.1"}) as context:
    ...         (await context.log).append(f"asked by {context.user.id}")
    ...         print("log" in context, context.meta.ip, await context.resource(log) is await context.log)
    ...         await asyncio.to_thread(lambda: print(context.in_thread.log))
    ...     print(context.state, context.closing_errors)
    >>> import asyncio
    >>> asyncio.run(example())
    True 192.0.2.1 True
    ['asked by system']
    exiting ['asked by system']
    exited ()
    """

    __slots__ = ()

    async def __aenter__(self) -> Self:
        self.core.loop = asyncio.get_running_loop()
        await self.core.enter(ON_LOOP, self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self.core.exit(ON_LOOP, error)

    def __enter__(self) -> NoReturn:
        raise StateError("write async with app.context(), or with app.sync.context() in code that is not async")

    def __exit__(self, *_: object) -> None:
        """Never reached."""

    @property
    def session(self) -> Session:
        """Return the session, which leaving the context commits. Example: :class:`holdall.Service`."""
        return self.core.session

    @overload
    async def resource(self, which: str) -> Value: ...
    @overload
    async def resource(self, which: Callable[[Context], AsyncIterator[T]]) -> T: ...
    @overload
    async def resource(self, which: Callable[[Value], Iterator[T]]) -> T: ...
    @overload
    async def resource(self, which: object) -> Value: ...
    async def resource(self, which: object) -> object:
        """Return a resource by its name, or by the function or class that was declared. Example: :class:`Context`.

        Raises StateError where there is none, or for resources that need each other in a circle, and what their opening
        raises.
        """
        return await self.core.resource(ON_LOOP, which)

    @property
    def in_thread(self) -> SyncContext:
        """Return the context for code in threads, which may wait. Example: :class:`Context`."""
        found: SyncContext = self.core.in_thread
        return found

    def __getattr__(self, name: str) -> Value:
        self._demand_resource(name)
        return _Resource(self.core, name)

    def _act(self, action: object, on: object, most: int) -> Awaitable[object]:
        return acted(self.core, action, on, most)

    def _call(self, path: tuple[str, ...], args: tuple[Value, ...], kwargs: dict[str, Value]) -> Value:
        return self.core.call(ON_LOOP, path, args, kwargs)


class _Resource:
    """A resource that is awaited."""

    __slots__ = ("_core", "_name")

    def __init__(self, core: ContextCore, name: str) -> None:
        self._core = core
        self._name = name

    def __await__(self) -> Generator[Value, Value, Value]:
        found = self._core.opened(self._name)
        if found is not ENDED:
            return found
        return (yield from self._core.resource(ON_LOOP, self._name).__await__())

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a resource is awaited on a loop: (await context.{self._name}).{name}")
