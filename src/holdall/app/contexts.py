"""The part of an application that opens contexts, of requests and of tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, ParamSpec, TypeVar, overload

from holdall.app.context_parts import ContextParts
from holdall.app.host import of_web
from holdall.app.repeating import pauses_before
from holdall.app.sync_contexts import SyncContexts
from holdall.app.tasks import Task, TaskMeta, TaskUser, again_after, wrapped_as
from holdall.errors import HoldallError, StateError
from holdall.policy import SYSTEM, User
from holdall.query import Value
from holdall.service import (
    Context,
    Dal,
    DalBlock,
    Meta,
    active_core,
    new_context,
)

__all__ = ["Contexts"]

P = ParamSpec("P")
R = TypeVar("R")
L = TypeVar("L")


class Contexts(ContextParts):
    """An application that opens contexts, each with its resources and services.

    >>> from holdall import Holdall, Service
    >>> app = Holdall("library")
    >>> @app.resource
    ... async def lines(context):
    ...     yield ["opened"]
    >>> @app.middleware
    ... async def audit(context):
    ...     print("begins")
    ...     yield
    ...     print("ends")
    >>> class Journal(Service):
    ...     async def write(self, line: str) -> list[str]:
    ...         found = await self.context.lines
    ...         found.append(line)
    ...         return found
    >>> app.add_services(journal=Journal())
    >>> async def example():
    ...     async with app.dal(meta={"ip": "192.0.2.1"}) as dal:
    ...         print(await dal.journal.write("read"), app.require_context().meta.ip)
    ...     print(app.active_context)
    >>> import asyncio
    >>> asyncio.run(example())
    begins
    ['opened', 'read'] 192.0.2.1
    ends
    None
    """

    name: str

    if TYPE_CHECKING:

        @property
        def sync(self) -> SyncContexts: ...

    def context(self, meta: Mapping[str, Value] | Meta | None = None, *, user: User = SYSTEM) -> Context:
        """Make a context for one request or task: ``async with app.context() as context``. Example: :class:`Context`.

        Without a user it acts for the program itself. Raises StateError for what is no user, DeclarationError for what
        are no meta data.
        """
        found: Context = new_context(self.registry, meta, user).on_loop
        return found

    @overload
    def dal(
        self, *, user: User = ..., meta: Mapping[str, Value] | Meta | None = ...
    ) -> AbstractAsyncContextManager[Dal]: ...
    @overload
    def dal(
        self, services: type[L], *, user: User = ..., meta: Mapping[str, Value] | Meta | None = ...
    ) -> AbstractAsyncContextManager[L]: ...
    def dal(
        self,
        services: type[L] | None = None,
        *,
        user: User = SYSTEM,
        meta: Mapping[str, Value] | Meta | None = None,
    ) -> AbstractAsyncContextManager[Value]:
        """Open a context that gives its services: ``async with app.dal() as dal``. Example: :class:`holdall.Service`.

        With a class whose annotations are services, type checkers know them. Raises what ``context`` raises, and
        DeclarationError where the application does not have those services.
        """
        context = self.context(meta, user=user)
        return DalBlock(context, context.dal if services is None else context.dal_as(services))

    @overload
    def task(self, function: Callable[P, R], /) -> Callable[..., R]: ...
    @overload
    def task(
        self, function: None = ..., /, *, user: TaskUser = ..., meta: TaskMeta = ..., retries: int = ...
    ) -> Callable[[Callable[P, R]], Callable[..., R]]: ...
    def task(
        self,
        function: Callable[P, R] | None = None,
        /,
        *,
        user: TaskUser = SYSTEM,
        meta: TaskMeta = None,
        retries: int = 0,
    ) -> Value:
        """Let each run of a function be a context: ``@app.task``, below the decorator of a task queue.

        Parameters of type Context, SyncContext, Session, SyncSession or Dal, and those without a type that are named
        context, session or dal, are given by the context; who runs the task gives the others. ``user`` and ``meta`` may
        be functions of these. ``retries`` is how many times a run is done anew where its error says that this may help.
        A function that is async stays so; ``app.sync.task`` makes a plain one of it. Raises DeclarationError for what
        is no function. Example: ``docs/tasks.md``.
        """
        pauses_before(retries)

        def declare(given: Callable[P, R]) -> Value:
            task = Task.of(given, user, meta)
            if not task.is_async:
                return self.sync.task(user=user, meta=meta, retries=retries)(given)

            async def run(*args: Value, **kwargs: Value) -> Value:
                known, who = task.context_for(args, kwargs)
                pauses = pauses_before(retries)
                while True:
                    try:
                        async with self.context(known, user=who) as context:
                            bound = task.bound(context, args, kwargs)
                            return await task.function(*bound.args, **bound.kwargs)
                        return None  # middleware suppressed an exception
                    except HoldallError as error:
                        pause = again_after(error, pauses)
                    await asyncio.sleep(pause)

            return wrapped_as(task, run)

        return declare if function is None else declare(function)

    def context_dependency(self, user: object = None) -> Value:
        """Return the context of a request for routes: ``context: Annotated[Context, app.context_dependency()]``.

        The context ends, and its session commits, before the answer is sent; ``user`` and errors are those of
        ``session_dependency``. Example: ``docs/http.md``.
        """
        return of_web("context_dependency")(self, user)

    def dal_dependency(self, services: type[Value] | None = None, user: object = None) -> Value:
        """Return the services of a request's context: ``dal: Annotated[Library, app.dal_dependency(Library)]``.

        Without a class that declares them, they are a ``Dal``. Example: ``docs/http.md``.
        """
        return of_web("dal_dependency")(self, services, user)

    @property
    def active_context(self) -> Context | None:
        """Return the innermost context that this task is in, or None. Example: :class:`Contexts`."""
        core = active_core(self.registry)
        return None if core is None else core.on_loop

    def require_context(self) -> Context:
        """Return the innermost context that this task is in; raises StateError outside. Example: :class:`Contexts`."""
        found = self.active_context
        if found is None:
            raise StateError(f"no context of {self.name!r} is open here: async with app.context() as context")
        return found
