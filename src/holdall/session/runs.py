"""The shapes that actions have for type checkers: alone, on a record, on records; async or not."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol, TypeVar

from holdall.model import Model
from holdall.query import Value

__all__ = ["Alone", "AloneInThread", "OnRecord", "OnRecordInThread", "OnRecords", "OnRecordsInThread"]

M = TypeVar("M", bound=Model)
N = TypeVar("N", bound=Model, contravariant=True)
S = TypeVar("S", covariant=True)


class Alone(Protocol[S]):
    """An action on nothing."""

    def run(self, context: Value, /) -> Awaitable[S]:
        """Do it."""
        ...


class AloneInThread(Protocol[S]):
    """The same, of code that is not async."""

    def run(self, context: Value, /) -> S:
        """Do it."""
        ...


class OnRecord(Protocol[N, S]):
    """An action on one record, or on each of several."""

    def run(self, context: Value, record: N, /) -> Awaitable[S]:
        """Do it."""
        ...


class OnRecordInThread(Protocol[N, S]):
    """The same, of code that is not async."""

    def run(self, context: Value, record: N, /) -> S:
        """Do it."""
        ...


class OnRecords(Protocol[M, S]):
    """An action on several records together."""

    def run(self, context: Value, records: list[M], /) -> Awaitable[S]:
        """Do it."""
        ...


class OnRecordsInThread(Protocol[M, S]):
    """The same, of code that is not async."""

    def run(self, context: Value, records: list[M], /) -> S:
        """Do it."""
        ...
