"""The result of a commit: a task for every record, and the guarantee."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

import msgspec

from holdall.errors import CommitError, Unresolved
from holdall.model import Record
from holdall.query import Key, Value
from holdall.session.commit.plan.guarantee import Guarantee
from holdall.store import Verb

__all__ = ["CommitResult", "Task", "TaskState", "told_refused"]


def told_refused(refused: int, applied: int) -> str:
    """The beginning of the message of a commit some changes of which were refused.

    >>> told_refused(1, 0)
    '1 change was refused, 0 applied'
    """
    return f"{refused} {'change was' if refused == 1 else 'changes were'} refused, {applied} applied"


class TaskState(StrEnum):
    """How far a task came. Example: :class:`CommitResult`."""

    APPLIED = "applied"
    FAILED = "failed"
    NOT_RUN = "not run"
    UNKNOWN = "unknown"  # it was sent and the answer was lost
    PENDING = "pending"  # it is decided, and recovery will do it
    ROLLED_BACK = "rolled back"
    COMPENSATED = "compensated"


class Task(msgspec.Struct, frozen=True):
    """One record's part of a commit.

    ``started`` counts from the beginning of the commit, ``duration`` is that of its own call or of the step it was part
    of; both in seconds. ``answer`` is what a DAO returned. ``places`` is how many of its own places the store wrote or
    freed, if it says so.

    Example: :class:`CommitResult`.
    """

    record: Record
    verb: Verb
    collection: str
    key: Key
    store: str
    state: TaskState
    version: int | None = None
    started: float = 0.0
    duration: float = 0.0
    error: Exception | None = None
    answer: Value = None
    places: int = 1


class Ended(Unresolved, Protocol):
    """A commit that did not end as asked; ``commit`` is its name in the journal, None where it has no row there."""

    @property
    def commit(self) -> str | None:
        """The name."""
        ...


class CommitResult:
    """The outcome of a commit. ``tasks`` is made when first asked for, so that a large commit does not pay for it.

    ``affected`` has, for each bulk change of the session, how many records this commit changed or removed by it.
    ``commit`` is the name under which the journal knows a commit over several stores. ``error`` is what
    ``commit(raise_for_status=False)`` did not raise.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main")
    >>> async def example():
    ...     async with app.session() as session:
    ...         session.add(Book(id=1))
    ...         return await session.commit()
    >>> import asyncio
    >>> result = asyncio.run(example())
    >>> result, [(str(task.verb), task.key, str(task.state)) for task in result.tasks]
    (CommitResult(all or nothing, 1 tasks), [('add', 1, 'applied')])
    >>> result.failed, result.unknown, result.raise_for_status()
    ((), (), None)
    """

    __slots__ = ("_make_tasks", "_tasks", "affected", "commit", "duration", "error", "guarantee", "unresolved")

    def __init__(
        self,
        guarantee: Guarantee,
        duration: float,
        make_tasks: Callable[[], tuple[Task, ...]],
        unresolved: Ended | None = None,
    ) -> None:
        self.guarantee = guarantee
        self.duration = duration  # seconds
        self.unresolved = unresolved
        self.commit = unresolved.commit if unresolved is not None else None
        self.error: CommitError | None = None
        self.affected: tuple[int, ...] = ()
        self._make_tasks = make_tasks
        self._tasks: tuple[Task, ...] | None = None

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Every record's task, in the order they ended; those that did not begin come last."""
        if self._tasks is None:
            self._tasks = self._make_tasks()
        return self._tasks

    @property
    def failed(self) -> tuple[Task, ...]:
        """The tasks that were refused."""
        return tuple(task for task in self.tasks if task.state is TaskState.FAILED)

    @property
    def unknown(self) -> tuple[Task, ...]:
        """The tasks whose effect nobody knows: the answer was lost."""
        return tuple(task for task in self.tasks if task.state is TaskState.UNKNOWN)

    def raise_for_status(self) -> None:
        """Raise the CommitError this commit ended with, if it did."""
        if self.error is not None:
            raise self.error

    def __repr__(self) -> str:
        return f"CommitResult({self.guarantee.value}, {len(self.tasks)} tasks)"
