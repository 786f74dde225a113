"""The context of a request or task, as code in threads sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import NoReturn, Self, TypeVar, overload

from holdall.errors import StateError
from holdall.query import Value
from holdall.service.core import ContextCore, acted
from holdall.service.facet import CallerOf, ContextFacet
from holdall.service.one_task import ENDED
from holdall.service.place import InThread, drive
from holdall.session import Session, SyncActingVerbs, SyncSession

__all__ = ["SyncContext"]

T = TypeVar("T")


class SyncContext(SyncActingVerbs, ContextFacet):
    """A context for code that is not async: the same parts, whose verbs wait, and resources that are plain attributes.

    >>> app = Holdall("library")
    >>> @app.resource("numbers")
    ... def numbers(context: SyncContext) -> Iterator[list[int]]:
    ...     yield [1, 2]
    >>> with app.sync.context(meta={"task": "count"}) as context:
    ...     print(context.meta.task, context.numbers, context.resource(numbers) is context.numbers)
    count [1, 2] True
    """

    __slots__ = ("_session",)

    def __init__(self, core: ContextCore, caller_of: CallerOf) -> None:
        super().__init__(core, caller_of)
        self._session: tuple[Session, SyncSession] | None = None

    def __enter__(self) -> Self:
        drive(self.core.enter(self._place, self))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return drive(self.core.exit(self._place, error))

    async def __aenter__(self) -> NoReturn:
        raise StateError("write with app.sync.context(), or async with app.context() in code that is async")

    async def __aexit__(self, *_: object) -> None:
        """Never reached."""

    @property
    def session(self) -> SyncSession:
        """Return the session, which leaving the context commits. Example: :class:`SyncService`."""
        session = self.core.session
        if self._session is None or self._session[0] is not session:
            self._session = session, SyncSession(session, self.core.wait)
        return self._session[1]

    @overload
    def resource(self, which: str) -> Value: ...
    @overload
    def resource(self, which: Callable[[SyncContext], Iterator[T]]) -> T: ...
    @overload
    def resource(self, which: Callable[[Value], AsyncIterator[T]]) -> T: ...
    @overload
    def resource(self, which: object) -> Value: ...
    def resource(self, which: object) -> object:
        """Return a resource by its name, or by the function or class that was declared. Example: :class:`SyncContext`.

        Raises StateError where there is none, or for resources that need each other in a circle, and what their opening
        raises.
        """
        return drive(self.core.resource(self._place, which))

    def __getattr__(self, name: str) -> Value:
        self._demand_resource(name)
        found = self.core.opened(name)
        return self.resource(name) if found is ENDED else found

    def _act(self, action: object, on: object, most: int) -> object:
        core = self.core
        return core.on_the_loop(lambda: acted(core, action, on, most))

    def _call(self, path: tuple[str, ...], args: tuple[Value, ...], kwargs: dict[str, Value]) -> Value:
        return drive(self.core.call(self._place, path, args, kwargs))

    @property
    def _place(self) -> InThread:
        return InThread(self.core.wait)
