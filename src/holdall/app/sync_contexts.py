"""The part of the sync facade that opens contexts."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, ParamSpec, TypeVar, overload

from holdall.app.repeating import pauses_before
from holdall.app.tasks import Task, TaskMeta, TaskUser, again_after, wrapped_as
from holdall.errors import HoldallError, StateError
from holdall.policy import SYSTEM, User
from holdall.query import Value
from holdall.service import Dal, Meta, Registry, SyncContext, SyncDalBlock, active_core, new_context
from holdall.session import Wait

__all__ = ["SyncContexts"]

L = TypeVar("L")
P = ParamSpec("P")
R = TypeVar("R")


class SyncContexts:
    """The verbs of an application that open contexts, for code that is not async; see ``Holdall`` for each.

    Example: :class:`SyncContext`.
    """

    _registry: Registry

    if TYPE_CHECKING:

        @property
        def _call(self) -> Wait: ...

    def context(self, meta: Mapping[str, Value] | Meta | None = None, *, user: User = SYSTEM) -> SyncContext:
        """Make a context for one request or task."""
        found: SyncContext = new_context(self._registry, meta, user, self._call).in_thread
        return found

    @overload
    def dal(
        self, *, user: User = ..., meta: Mapping[str, Value] | Meta | None = ...
    ) -> AbstractContextManager[Dal]: ...
    @overload
    def dal(
        self, services: type[L], *, user: User = ..., meta: Mapping[str, Value] | Meta | None = ...
    ) -> AbstractContextManager[L]: ...
    def dal(
        self,
        services: type[L] | None = None,
        *,
        user: User = SYSTEM,
        meta: Mapping[str, Value] | Meta | None = None,
    ) -> AbstractContextManager[Value]:
        """Open a context that gives its services."""
        context = self.context(meta, user=user)
        return SyncDalBlock(context, context.dal if services is None else context.dal_as(services))

    @overload
    def task(self, function: Callable[..., Awaitable[R]], /) -> Callable[..., R]: ...
    @overload
    def task(self, function: Callable[P, R], /) -> Callable[..., R]: ...
    @overload
    def task(
        self, function: None = ..., /, *, user: TaskUser = ..., meta: TaskMeta = ..., retries: int = ...
    ) -> Callable[[Callable[..., Value]], Callable[..., Value]]: ...
    def task(
        self,
        function: Callable[..., Value] | None = None,
        /,
        *,
        user: TaskUser = SYSTEM,
        meta: TaskMeta = None,
        retries: int = 0,
    ) -> Value:
        """Let each run of a function be a context, async or not; what is given back is not async."""
        pauses_before(retries)

        def declare(given: Callable[..., Value]) -> Value:
            task = Task.of(given, user, meta)

            def run(*args: Value, **kwargs: Value) -> Value:
                known, who = task.context_for(args, kwargs)
                pauses = pauses_before(retries)
                while True:
                    try:
                        with self.context(known, user=who) as context:
                            return self._run(task, context, args, kwargs)
                        return None  # middleware suppressed an exception
                    except HoldallError as error:
                        pause = again_after(error, pauses)
                    time.sleep(pause)

            return wrapped_as(task, run)

        return declare if function is None else declare(function)

    def _run(self, task: Task, context: SyncContext, args: tuple[Value, ...], kwargs: Mapping[str, Value]) -> Value:
        if not task.is_async:
            bound = task.bound(context, args, kwargs)
            return task.function(*bound.args, **bound.kwargs)
        bound = task.bound(context.core.on_loop, args, kwargs)
        return context.core.on_the_loop(lambda: task.function(*bound.args, **bound.kwargs))

    @property
    def active_context(self) -> SyncContext | None:
        """The innermost context that this code is in, or None."""
        core = active_core(self._registry)
        return None if core is None else core.in_thread

    def require_context(self) -> SyncContext:
        """The innermost context that this code is in. Raises StateError outside of one."""
        found = self.active_context
        if found is None:
            raise StateError(f"no context of {self._registry.name!r} is open here: with app.sync.context() as context")
        return found
