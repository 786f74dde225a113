"""What came of a commit: a task for every record, and what was promised."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from holdall.store import CommitClass, Verb

if TYPE_CHECKING:
    from holdall.errors import CommitError
    from holdall.session.commit.lost_answer import LostAnswer
    from holdall.session.commit.unfinished import UnfinishedCommit

__all__ = ["CommitResult", "Guarantee", "Task", "TaskState", "guarantee_of"]


class TaskState(StrEnum):
    """How far a task came."""

    APPLIED = "applied"
    FAILED = "failed"
    NOT_RUN = "not run"
    UNKNOWN = "unknown"  # it was sent and the answer was lost
    PENDING = "pending"  # it is decided, and recovery will do it
    ROLLED_BACK = "rolled back"
    COMPENSATED = "compensated"


class Guarantee(StrEnum):
    """What a commit promises before it begins, the strongest first."""

    NOTHING_TO_DO = "nothing to do"
    ATOMIC = "all or nothing"
    RECOVERED = "all or nothing after recovery"
    COMPENSATED = "all or nothing after recovery, calls being undone"
    LISTED = "calls at most once; what is left over is listed"
    PER_RECORD = "each record by itself"

    def is_at_least(self, other: Guarantee) -> bool:
        """Whether this promise is as strong."""
        return _STRONGEST_FIRST.index(self) <= _STRONGEST_FIRST.index(other)


_STRONGEST_FIRST = list(Guarantee)


class Task(msgspec.Struct, frozen=True):
    """One record's part of a commit.

    ``started`` counts from the beginning of the commit, ``duration`` is that of its own call or of the step it was
    part of; both in seconds. ``answer`` is what a DAO returned. ``places`` is how many of its own places the store
    wrote or freed, if it told.
    """

    record: Any
    verb: Verb
    collection: str
    key: Any
    store: str
    state: TaskState
    version: int | None = None
    started: float = 0.0
    duration: float = 0.0
    error: Exception | None = None
    answer: Any = None
    places: int = 1


class CommitResult:
    """The outcome of a commit. ``tasks`` is made when first asked for, so that a large commit does not pay for it.

    ``commit`` is the name under which the journal knows a commit over several stores. ``error`` is what
    ``commit(raise_for_status=False)`` did not raise.
    """

    __slots__ = ("_make_tasks", "_tasks", "commit", "duration", "error", "guarantee", "settlement")

    def __init__(
        self,
        guarantee: Guarantee,
        duration: float,
        make_tasks: Callable[[], tuple[Task, ...]],
        settlement: UnfinishedCommit | LostAnswer | None = None,
    ) -> None:
        self.guarantee = guarantee
        self.duration = duration  # seconds
        self.settlement = settlement
        self.commit = settlement.commit if settlement is not None else None
        self.error: CommitError | None = None
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
        """The tasks of which nobody knows whether they had their effect."""
        return tuple(task for task in self.tasks if task.state is TaskState.UNKNOWN)

    def raise_for_status(self) -> None:
        """Raise the CommitError this commit ended with, if it did."""
        if self.error is not None:
            raise self.error

    def __repr__(self) -> str:
        return f"CommitResult({self.guarantee.value}, {len(self.tasks)} tasks)"


def guarantee_of(classes: list[CommitClass], *, is_compensated: bool = False) -> Guarantee:
    """What stores of these commit classes, written by one commit, allow to promise."""
    if not classes:
        return Guarantee.NOTHING_TO_DO
    calls = [item for item in classes if item in (CommitClass.IDEMP, CommitClass.ONCE)]
    if len(classes) == 1:
        return Guarantee.PER_RECORD if calls else Guarantee.ATOMIC
    if not calls:
        return Guarantee.RECOVERED
    return Guarantee.COMPENSATED if is_compensated and CommitClass.ONCE not in calls else Guarantee.LISTED
