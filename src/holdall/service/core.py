"""The life of a context: created, set up, active, exiting, exited."""

from __future__ import annotations

import logging
from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial

from holdall.errors import StateError
from holdall.policy import User
from holdall.query import Value
from holdall.service.acting import act_for, act_in_thread, act_on_loop
from holdall.service.meta import Meta
from holdall.service.one_task import ENDED
from holdall.service.place import ON_LOOP, Place, waiting_for
from holdall.service.registry import Registry
from holdall.service.resources import Resources
from holdall.service.steps import Steps, end_of, in_one_task, raise_as_is, step_of
from holdall.session import Session, Wait, application_of

__all__ = ["ContextCore", "ContextState", "acted"]

_log = logging.getLogger("holdall.context")


class ContextState(StrEnum):
    """How far a context is. Example: :class:`Context`."""

    CREATED = "created"
    SETUP = "setup"
    ACTIVE = "active"
    EXITING = "exiting"
    EXITED = "exited"


class ContextCore:
    """One context, as both of its facets share it."""

    state = ContextState.CREATED
    loop: AbstractEventLoop | None = None  # of a context for async code, from its beginning on
    closing_errors: tuple[BaseException, ...] = ()
    _on_loop: Value = None
    _in_thread: Value = None
    _resources: Resources | None = None
    _session: Session | None = None
    _leave: Callable[[], None] | None = None
    _is_committing = False
    _is_closing = False
    _ends: Callable[[], Awaitable[object]] | None = None  # how a session that was lent is committed

    def __init__(
        self,
        registry: Registry,
        meta: Meta,
        user: User,
        wait: Wait | None,
        facet_of: Callable[[ContextCore, bool], Value],
    ) -> None:
        self.registry = registry
        self.meta = meta
        self.user = user
        self._wait = wait
        self._facet_of = facet_of
        self._middleware: list[tuple[str, Steps]] = []

    # --- its life ---------------------------------------------------------------------------------------------------

    async def enter(self, place: Place, facet: object) -> None:
        """Set the context up: middleware in order. Where that fails, what was set up is told, and the error raised."""
        if self.state is not ContextState.CREATED:
            raise StateError(f"a context is entered once, and this one is {self.state}: app.context() makes another")
        self.state = ContextState.SETUP
        self._leave = act_for(facet)
        try:
            for middleware in self.registry.middleware:
                facet = self._facet(middleware.factory.is_async)
                if middleware.when is None or middleware.when(facet):
                    steps = middleware.factory.make(facet)
                    if place is not ON_LOOP:
                        steps = in_one_task(steps)
                    if await step_of(place, steps) is ENDED:
                        raise StateError(f"{middleware.told} ended without a yield: what follows has nowhere to go on")
                    self._middleware.append((middleware.told, steps))
        except BaseException as error:
            await self.exit(place, error, is_set_up=False)
            raise
        self.state = ContextState.ACTIVE

    async def exit(self, place: Place, error: BaseException | None, *, is_set_up: bool = True) -> bool:
        """End the context; return whether the error is suppressed. Raises the error that took its place.

        Middleware comes first, in reverse, then the session's commit, then resources in reverse, which see the outcome.
        Without ``is_set_up`` there is nothing to go on with, so no middleware can suppress the error.
        """
        if self.state not in (ContextState.SETUP, ContextState.ACTIVE):
            raise StateError(f"a context is left once, after it was entered, and this one is {self.state}")
        self.state = ContextState.EXITING
        final = error
        while self._middleware:
            told, steps = self._middleware.pop()
            final = await end_of(place, told, steps, final) or (None if is_set_up else final)
        if self._resources is not None:
            final = await self._end_of_resources(place, self._resources, final)
        elif self._session is not None:
            self._is_committing = True
            final = await self._end_of_session(place, self._session, final) or final
            if self._resources is not None:  # which hand-written code has opened to commit
                final = self._report(final, await self._resources.close(place, final))
        self._is_closing = True
        if self._leave is not None:
            self._leave()
        self.state = ContextState.EXITED
        self._on_loop = self._in_thread = self._session = None
        if final is not None and final is not error:
            raise_as_is(final)
        return final is None and error is not None

    async def _end_of_resources(
        self, place: Place, resources: Resources, final: BaseException | None
    ) -> BaseException | None:
        """Commit while resources are there, close them, and write what they added to the session meanwhile."""
        if final is None and self._session is not None:
            final = await self._committed(place, self._session)
        self._is_closing = True
        failures = await resources.close(place, final)
        if self._session is not None:
            failed = await self._end_of_session(place, self._session, final)
            failures += [] if failed is None else [("session", failed)]
        return self._report(final, failures)

    async def _committed(self, place: Place, session: Session) -> BaseException | None:
        """Commit what the session changed, while resources are there; return the error of that."""
        self._is_committing = True
        try:
            await place.on_loop(self._ends or session.commit)
        except BaseException as error:
            return error
        finally:
            self._is_committing = False
        return None

    async def _end_of_session(
        self, place: Place, session: Session, error: BaseException | None
    ) -> BaseException | None:
        """Commit or roll back; return the error of that. A session that was lent is not ended."""
        kind = None if error is None else type(error)
        try:
            if self._ends is None:
                await place.on_loop(lambda: session.__aexit__(kind, error, None))
            elif error is None:
                await place.on_loop(self._ends)
        except BaseException as raised:
            return raised
        return None

    def _report(self, final: BaseException | None, failures: list[tuple[str, BaseException]]) -> BaseException | None:
        """Return the error that the context ends with, which names the others; all of them are logged."""
        if not failures:
            return final
        self.closing_errors = tuple(error for _, error in failures)
        for name, error in failures:
            _log.error("resource %r of application %r failed to close", name, self.registry.name, exc_info=error)
        stopping = [error for error in self.closing_errors if not isinstance(error, Exception)]
        if final is None or (isinstance(final, Exception) and stopping):
            final = (stopping or self.closing_errors)[0]
        for name, error in failures:
            if error is not final:
                final.add_note(f"resource {name!r} failed to close: {type(error).__name__}: {error}")
        return final

    # --- its facets, which hold this until it ends --------------------------------------------------------------------

    @property
    def on_loop(self) -> Value:
        """The context as code on the loop sees it."""
        if self._on_loop is None and self.state is not ContextState.EXITED:
            self._on_loop = self._facet_of(self, True)
        return self._on_loop

    @property
    def in_thread(self) -> Value:
        """The context as code in threads sees it."""
        if self._in_thread is None and self.state is not ContextState.EXITED:
            self._in_thread = self._facet_of(self, False)
        return self._in_thread

    @property
    def wait(self) -> Wait:
        """The function by which threads wait for the context's loop. Raises StateError before the context begins."""
        if self._wait is None:
            if self.loop is None:
                raise StateError("a context is entered before anything of it is used: async with app.context()")
            self._wait = waiting_for(self.loop)
        return self._wait

    # --- work for others ----------------------------------------------------------------------------------------------

    def lend(self, session: Session, ends: Callable[[], Awaitable[object]]) -> None:
        """Work in a session of somebody else, before the context begins; ``ends`` commits it, in its place at the end
        of the context.
        """
        self._session, self._ends = session, ends

    def has(self, session: Session) -> bool:
        """Whether the context is at work in this session."""
        return self._session is session and self.state in (ContextState.SETUP, ContextState.ACTIVE)

    @contextmanager
    def using(self, session: Session) -> Iterator[None]:
        """Within the block, the session is this one, which somebody else commits."""
        before, self._session = self._session, session
        try:
            yield
        finally:
            self._session = before

    async def run(self, function: Callable[..., Value], *args: object, is_async: bool) -> Value:
        """Call a function of the context and more: on the loop where it is async, else in a thread."""
        if is_async:
            return await act_on_loop(self.on_loop, lambda: function(self.on_loop, *args))
        call = partial(act_in_thread, self.in_thread, lambda: function(self.in_thread, *args))
        return await ON_LOOP.in_thread(call)

    # --- its parts --------------------------------------------------------------------------------------------------

    async def resource(self, place: Place, given: object) -> Value:
        """The value of a resource, by its name or by what was declared; opened on first touch."""
        name, factory = self.registry.resource_named(given)
        found = self.opened(name)
        if found is not ENDED:
            return found
        self._demand_open(f"resource {name!r}")
        if self._resources is None:
            with self.registry.lock:
                if self._resources is None:
                    self._resources = Resources()
        return await self._resources.open(place, name, factory, self._facet(factory.is_async))

    def opened(self, name: str) -> Value:
        """The value of an open resource, or ENDED."""
        return ENDED if self._resources is None else self._resources.value(name)

    @property
    def session(self) -> Session:
        """The session, which is made on first touch."""
        session = self._session
        if session is None or self.state is ContextState.EXITED:
            if self.state is not ContextState.EXITING or self._is_closing:  # middleware may write on its way out
                self._demand_open("its session")
            session = self._session = Session(self.registry.bindings, self.user)
        return session

    @property
    def session_if_open(self) -> Session | None:
        """The session; None where it was not touched before the context began to end."""
        if self.state in (ContextState.SETUP, ContextState.ACTIVE, ContextState.EXITING) and not self._is_closing:
            return self.session
        return None if self.state is ContextState.EXITED else self._session

    async def call(
        self, place: Place, path: tuple[str, ...], args: tuple[Value, ...], kwargs: dict[str, Value]
    ) -> Value:
        """Return what a method of a service returns. Raises StateError before the context is open and after its end."""
        if self.state not in (ContextState.SETUP, ContextState.ACTIVE, ContextState.EXITING):
            raise StateError(f"commands are called within a context, and this one is {self.state}")
        return await self.registry.calls.call(self, place, path, args, kwargs)

    def act_in_thread(self, function: Callable[[], Value]) -> Value:
        """Call in a thread what acts for the context."""
        return act_in_thread(self.in_thread, function)

    def on_the_loop(self, function: Callable[[], Awaitable[Value]]) -> Value:
        """Wait in a thread for what acts for the context on the loop."""
        return self.wait(lambda: act_on_loop(self.on_loop, function))

    def _facet(self, is_async: bool) -> Value:
        return self.on_loop if is_async else self.in_thread

    def _demand_open(self, what: str) -> None:
        if self.state is ContextState.CREATED:
            raise StateError(f"{what} is there once the context is entered: async with app.context() as context")
        if self.state is ContextState.EXITED:
            raise StateError(f"{what} is gone: this context has ended")
        if self.state is ContextState.EXITING and not self._is_committing:
            raise StateError(f"{what} was not opened before the context began to end, and nothing new is opened then")


async def acted(core: ContextCore, action: object, on: object, most: int) -> object:
    """Run an action in a context."""
    session = core.session
    return await application_of(session, "action").act(session, action, on, most, core)
