"""What came of a commit: a task for every record, and what was promised."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import msgspec

from holdall.store import CommitClass, Verb

__all__ = ["CommitResult", "Guarantee", "Task", "TaskState", "guarantee_of"]


class TaskState(StrEnum):
    """How far a task came."""

    APPLIED = "applied"
    FAILED = "failed"
    NOT_RUN = "not run"


class Guarantee(StrEnum):
    """What a commit promised before it began."""

    NOTHING_TO_DO = "nothing to do"
    ATOMIC = "all or nothing"
    PER_STORE = "all or nothing in each store, one store after another"
    PER_RECORD = "each record by itself"


class Task(msgspec.Struct, frozen=True):
    """One record's part of a commit. ``duration`` is that of the step it was part of, in seconds."""

    record: Any
    verb: Verb
    collection: str
    key: Any
    store: str
    state: TaskState
    version: int | None = None
    duration: float = 0.0
    error: Exception | None = None


class CommitResult:
    """The outcome of a commit. ``tasks`` is made when first asked for, so that a large commit does not pay for it."""

    __slots__ = ("_make_tasks", "_tasks", "duration", "guarantee")

    def __init__(self, guarantee: Guarantee, duration: float, make_tasks: Callable[[], tuple[Task, ...]]) -> None:
        self.guarantee = guarantee
        self.duration = duration  # seconds
        self._make_tasks = make_tasks
        self._tasks: tuple[Task, ...] | None = None

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Every record's task, in the order of the plan."""
        if self._tasks is None:
            self._tasks = self._make_tasks()
        return self._tasks

    @property
    def failed(self) -> tuple[Task, ...]:
        """The tasks that were refused."""
        return tuple(task for task in self.tasks if task.state is TaskState.FAILED)

    def __repr__(self) -> str:
        return f"CommitResult({self.guarantee.value}, {len(self.tasks)} tasks)"


def guarantee_of(classes: list[CommitClass]) -> Guarantee:
    """What stores of these commit classes, written by one commit, allow to promise."""
    if not classes:
        return Guarantee.NOTHING_TO_DO
    if any(item in (CommitClass.IDEMP, CommitClass.ONCE) for item in classes):
        return Guarantee.PER_RECORD
    return Guarantee.ATOMIC if len(classes) == 1 else Guarantee.PER_STORE
