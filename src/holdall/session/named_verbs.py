"""The verbs of sessions and contexts for what an application has by name: actions and selections."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Sequence
from typing import Protocol, TypeVar, overload

from holdall.errors import StateError
from holdall.model import Model
from holdall.query import AnyQuery, Query, Value
from holdall.session.context import SessionContext
from holdall.session.runs import Alone, AloneInThread, OnRecord, OnRecordInThread, OnRecords, OnRecordsInThread

__all__ = ["MOST_RECORDS", "ActingVerbs", "Application", "NamedVerbs", "Selected", "application_of"]

M = TypeVar("M", bound=Model)
R = TypeVar("R")

MOST_RECORDS = 1_000
"""The most records that one call of an action is done on, unless it says another number."""


class Application(Protocol):
    """An application, as its sessions ask it for what it has by name. Example: :class:`Session`."""

    async def act(self, session: Value, action: object, on: object, most: int, core: object = None) -> Value:
        """Run an action in a session, and commit it."""
        ...

    def has(self, kind: str, collection: str, name: str) -> bool:
        """Whether there is such an action or selection."""
        ...

    def selected(self, session: Value, selection: object, sort: Sequence[object], values: dict[str, Value]) -> AnyQuery:
        """The query that a selection is for the user of a session."""
        ...


class Selected(Protocol[R]):
    """A selection as type checkers see it. Example: :class:`Selection`."""

    query: Query[R]


class ActingVerbs(ABC):
    """The verb that runs actions, of sessions and of contexts. Example: :class:`Action`."""

    __slots__ = ()

    @overload
    async def act(self, action: Alone[R], /) -> R: ...
    @overload
    async def act(self, action: OnRecord[M, R], on: M, /) -> R: ...
    @overload
    async def act(
        self, action: OnRecord[M, R], on: Sequence[M] | AnyQuery, /, *, max_affected: int = ...
    ) -> list[R]: ...
    @overload
    async def act(self, action: OnRecords[M, R], on: Sequence[M] | AnyQuery, /, *, max_affected: int = ...) -> R: ...
    @overload
    async def act(self, action: AloneInThread[R], /) -> R: ...
    @overload
    async def act(self, action: OnRecordInThread[M, R], on: M, /) -> R: ...
    @overload
    async def act(
        self, action: OnRecordInThread[M, R], on: Sequence[M] | AnyQuery, /, *, max_affected: int = ...
    ) -> list[R]: ...
    @overload
    async def act(
        self, action: OnRecordsInThread[M, R], on: Sequence[M] | AnyQuery, /, *, max_affected: int = ...
    ) -> R: ...
    async def act(self, action: object, on: object = None, /, *, max_affected: int = MOST_RECORDS) -> object:
        """Run an action in one context, on nothing, on a record of this session or on several, and commit it.

        Several are a list, or a query for all that it means, within ``max_affected``. An action of this session is a
        commit of its own, and an exception undoes all of it; one that is called by another is a part of that. Raises
        NotFound for an action that the user may not see, ActionUnavailable where he may not execute it,
        LimitExceeded before anything is done, StateError where something is yet to be committed here, and what the
        action and the commit raise. Example: :class:`Action`.
        """
        return await self._act(action, on, max_affected)

    @abstractmethod
    def _act(self, action: object, on: object, most: int) -> Awaitable[object]: ...


class NamedVerbs(ActingVerbs):
    """The part of :class:`Session` for actions and selections."""

    context: SessionContext

    def _act(self, action: object, on: object, most: int) -> Awaitable[object]:
        return application_of(self, "action").act(self, action, on, most)

    @overload
    def select(self, selection: Selected[R], /, *sort: object, **parameters: object) -> Query[R]: ...
    @overload
    def select(self, selection: str, /, *sort: object, **parameters: object) -> AnyQuery: ...
    def select(self, selection: object, /, *sort: object, **parameters: object) -> AnyQuery:
        """Return the query that a selection is for this session's user, to be asked, counted and streamed as any other.

        ``await session.query(session.select(FRENCH, desc(Book.title), pages=100))``. ``sort`` goes before its own.
        ``selection`` is what ``app.add_selection`` gave, or ``"books/french-books"``. Raises NotFound where there is
        none that the user may see, ValidationError with everything that is wrong with the parameters.
        Example: :class:`Selection`.
        """
        return application_of(self, "selection").selected(self, selection, sort, parameters)


def application_of(session: NamedVerbs, what: str) -> Application:
    """The application of a session, which has something of this kind. Raises StateError where it has nothing.

    Example: :class:`Session`.
    """
    found: Application | None = session.context.bindings.application
    if found is None:
        raise StateError(f"this application has no {what}: app.add_{what}(...) adds one")
    return found
