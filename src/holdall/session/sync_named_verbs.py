"""The verbs of sync sessions and contexts for what an application has by name: actions and selections."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeVar, overload

from holdall.model import Model
from holdall.query import AnyQuery, Query
from holdall.session.named_verbs import MOST_RECORDS, Selected, application_of
from holdall.session.runs import Alone, AloneInThread, OnRecord, OnRecordInThread, OnRecords, OnRecordsInThread
from holdall.session.session import Session
from holdall.session.waiting import Wait

__all__ = ["SyncActingVerbs", "SyncNamedVerbs"]

M = TypeVar("M", bound=Model)
R = TypeVar("R")


class SyncActingVerbs(ABC):
    """The verb that runs actions, of sessions and contexts of code that is not async. Example: :class:`Action`."""

    __slots__ = ()

    @overload
    def act(self, action: Alone[R], /) -> R: ...
    @overload
    def act(self, action: OnRecord[M, R], on: M, /) -> R: ...
    @overload
    def act(self, action: OnRecord[M, R], on: Sequence[M] | AnyQuery, /, *, max_affected: int = ...) -> list[R]: ...
    @overload
    def act(self, action: OnRecords[M, R], on: Sequence[M] | AnyQuery, /, *, max_affected: int = ...) -> R: ...
    @overload
    def act(self, action: AloneInThread[R], /) -> R: ...
    @overload
    def act(self, action: OnRecordInThread[M, R], on: M, /) -> R: ...
    @overload
    def act(
        self, action: OnRecordInThread[M, R], on: Sequence[M] | AnyQuery, /, *, max_affected: int = ...
    ) -> list[R]: ...
    @overload
    def act(self, action: OnRecordsInThread[M, R], on: Sequence[M] | AnyQuery, /, *, max_affected: int = ...) -> R: ...
    def act(self, action: object, on: object = None, /, *, max_affected: int = MOST_RECORDS) -> object:
        """Run an action in one context, and commit it; as ``act`` of ``Session``. Example: :class:`Action`."""
        return self._act(action, on, max_affected)

    @abstractmethod
    def _act(self, action: object, on: object, most: int) -> object: ...


class SyncNamedVerbs(SyncActingVerbs):
    """The part of :class:`SyncSession` for actions and selections."""

    _session: Session
    _call: Wait

    def _act(self, action: object, on: object, most: int) -> object:
        return self._call(lambda: self._session._act(action, on, most))

    @overload
    def select(self, selection: Selected[R], /, *sort: object, **parameters: object) -> Query[R]: ...
    @overload
    def select(self, selection: str, /, *sort: object, **parameters: object) -> AnyQuery: ...
    def select(self, selection: object, /, *sort: object, **parameters: object) -> AnyQuery:
        """Return the query that a selection is for this session's user. Example: :class:`Selection`."""
        return application_of(self._session, "selection").selected(self._session, selection, sort, parameters)
