"""The way from a model to the session in which its records act: the active one, or one for a single act."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from holdall.errors import StateError
from holdall.model.tracking import Record, SessionAccess
from holdall.query import Query

__all__ = ["Act", "Gateway", "SessionLike", "gateway_of"]

M = TypeVar("M")


class SessionLike(Protocol):
    """The verbs of a session that ``Model.objects`` and ``record.save()`` use."""

    @property
    def context(self) -> SessionAccess:
        """The part of the session that answers records, also those whose own session is gone."""
        ...

    def add(self, record: Record) -> object:
        """Add a record."""

    def attach(self, record: Record) -> Record:
        """Take in a record whose session is gone; one that is here already stays as it is."""

    def remove(self, record: Record) -> object:
        """Remove a record."""

    def names_of(self, record: Record) -> tuple[str, ...]:
        """Under which names the store keeps the record."""

    async def get(self, model: type[M], *args: object, **key: object) -> M | None:
        """The record with this key."""

    async def query(self, query: Query[M]) -> Any:
        """The records a query means."""

    async def count(self, query: Query[M]) -> int:
        """How many there are."""


class Act(Protocol):
    """One act of the active-record look, in ``session``."""

    @property
    def session(self) -> SessionLike:
        """The active session, or one of this act alone."""

    async def commit(self) -> Any:
        """Commit a session of this act alone, and give the result; in the active one, its block commits: None."""


class Gateway(Protocol):
    """Gives acts: in the active session, else in a session of their own, which ends with the act."""

    def __call__(self) -> AbstractAsyncContextManager[Act]:
        """One act."""


def gateway_of(model: Any) -> AbstractAsyncContextManager[Act]:
    """An act with records of the model; raises StateError while it belongs to no Holdall. Example: :class:`Stream`."""
    gateway: Gateway | None = getattr(model, "__gateway__", None)
    if gateway is None:
        raise StateError(f"{model.__name__} belongs to no Holdall yet: call app.add({model.__name__}, store=...) first")
    return gateway()
