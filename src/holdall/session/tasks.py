"""The tasks of a commit, one for each record, made from its steps when somebody asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from holdall.session.plan import Batch, Step
from holdall.session.result import Task, TaskState
from holdall.store import Outcome, Verb

__all__ = ["make_tasks"]


def make_tasks(
    steps: Sequence[Step], outcomes: Sequence[Sequence[Outcome]], durations: Sequence[float], failure: Exception | None
) -> tuple[Task, ...]:
    """A task for every record of every step; steps beyond ``outcomes`` failed with ``failure`` or were not run."""
    tasks: list[Task] = []
    for number, step in enumerate(steps):
        is_done = number < len(outcomes)
        place = 0
        for batch in step.batches:
            for index, record in enumerate(batch.records):
                error: Exception | None = None
                state = TaskState.NOT_RUN
                if is_done:
                    error = outcomes[number][place].error
                    state = TaskState.APPLIED if error is None else TaskState.FAILED
                elif (
                    failure is not None
                    and number == len(outcomes)
                    and getattr(failure, "position", None) in (place, None)
                ):
                    error, state = failure, TaskState.FAILED
                tasks.append(_task(batch, index, record, step, state, durations[number] if is_done else 0.0, error))
                place += 1
    return tuple(tasks)


def _task(
    batch: Batch, index: int, record: Any, step: Step, state: TaskState, duration: float, error: Exception | None
) -> Task:
    version = batch.versions[index] if batch.versions is not None else None
    if state is TaskState.APPLIED and batch.binding.declaration.version is not None:
        version = {Verb.ADD: 1, Verb.UPDATE: (version or 0) + 1}.get(batch.verb, version)
    return Task(
        record=record,
        verb=batch.verb,
        collection=batch.binding.collection,
        key=batch.keys[index],
        store=step.store.name,
        state=state,
        version=version,
        duration=duration,
        error=error,
    )
