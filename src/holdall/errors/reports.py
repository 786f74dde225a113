"""Protocols of the reports that commit errors carry; the classes are in ``session``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

__all__ = ["CommitReport", "TaskReport", "UnfinishedReport", "Unresolved"]


class TaskReport(Protocol):
    """One record's part of a commit: see ``holdall.Task``. Example: :class:`CommitError`."""

    @property
    def record(self) -> Any:
        """The record."""
        ...

    @property
    def verb(self) -> str:
        """The act of the task: add, update or remove."""
        ...

    @property
    def collection(self) -> str:
        """The record's collection."""
        ...

    @property
    def key(self) -> Any:
        """The record's key, as far as it is known."""
        ...

    @property
    def store(self) -> str:
        """The name of its store."""
        ...

    @property
    def state(self) -> str:
        """How far it came: a TaskState."""
        ...

    @property
    def version(self) -> int | None:
        """The version it has now."""
        ...

    @property
    def started(self) -> float:
        """Seconds from the beginning of the commit."""
        ...

    @property
    def duration(self) -> float:
        """Seconds of its own call, or of the step it was part of."""
        ...

    @property
    def error(self) -> Exception | None:
        """The error that refused the change, or None."""
        ...

    @property
    def answer(self) -> Any:
        """The value that a DAO returned."""
        ...

    @property
    def places(self) -> int:
        """How many of its own places the store wrote or freed."""
        ...


class UnfinishedReport(Protocol):
    """A commit that is not over: see ``holdall.Unfinished``. Example: :class:`CommitError`."""

    @property
    def commit(self) -> str:
        """Its id."""
        ...

    @property
    def state(self) -> str:
        """How it stands: a JournalState."""
        ...

    @property
    def expires(self) -> datetime:
        """Until when its owner has it to himself."""
        ...

    @property
    def parts(self) -> tuple[Any, ...]:
        """The parts that the commit wrote or was to write, one for each store."""
        ...

    @property
    def application(self) -> str:
        """The application that made it."""
        ...

    @property
    def home(self) -> str:
        """Where its row is."""
        ...

    @property
    def owner(self) -> str:
        """The process that holds it; empty where nobody does."""
        ...

    @property
    def reason(self) -> str:
        """Why nobody here can go on with it; empty where somebody can."""
        ...

    @property
    def standings(self) -> tuple[Any, ...]:
        """Of each part, whether its store has it."""
        ...

    @property
    def orphans(self) -> tuple[Any, ...]:
        """The calls that had or may have had an effect, and that nothing undoes."""
        ...


class Unresolved(Protocol):
    """A handle on a commit that did not end as asked. Example: :class:`CommitError`."""

    @property
    def was_applied(self) -> bool | None:
        """How it ended, once that is known."""
        ...

    async def resolve(self) -> UnfinishedReport | None:
        """Find out how it ended, and finish it."""

    async def retry(self) -> UnfinishedReport | None:
        """Try again what was refused."""

    async def compensate(self) -> UnfinishedReport | None:
        """Undo everything it wrote."""

    async def accept(self) -> None:
        """Leave everything as it is."""


class CommitReport(Protocol):
    """The outcome of a commit: see ``holdall.CommitResult``. Example: :class:`CommitError`."""

    @property
    def commit(self) -> str | None:
        """The name under which the journal knows it; None for a commit of one store."""
        ...

    @property
    def duration(self) -> float:
        """Seconds."""
        ...

    @property
    def guarantee(self) -> str:
        """The guarantee that the plan gave: a Guarantee."""
        ...

    @property
    def tasks(self) -> Sequence[TaskReport]:
        """Every record's task, in the order they ended."""
        ...

    @property
    def failed(self) -> Sequence[TaskReport]:
        """The tasks that were refused."""
        ...

    @property
    def unknown(self) -> Sequence[TaskReport]:
        """The tasks of which nobody knows whether they had their effect."""
        ...

    @property
    def unresolved(self) -> Unresolved | None:
        """A handle to retry, compensate or accept the commit; None where loading its records again is all that can be
        done.
        """
        ...
