"""The tasks of a commit, one for each record, made from the reports of its steps when somebody asks."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from holdall.model import Record
from holdall.session.commit.outcome.result import Task, TaskState
from holdall.session.commit.plan.plan import Batch, Step
from holdall.store import APPLIED, Outcome, Verb

__all__ = ["Report", "Span", "make_tasks"]

Span = tuple[float, float]
"""When something started and how long it took, in seconds, by the clock of ``time.perf_counter``."""


class Report(msgspec.Struct):
    """The result of one step.

    ``outcomes`` run in parallel to its records, None where one was not run; all None where the step failed as a whole,
    with ``failure``. ``state`` is the state of the tasks that succeeded.
    """

    step: Step
    outcomes: Sequence[Outcome | None] | None = None
    span: Span = (0.0, 0.0)
    spans: Sequence[Span] | None = None  # of each record, where each is a call
    unknown: set[int] = msgspec.field(default_factory=set)  # places of calls whose answers were lost
    undone: set[int] = msgspec.field(default_factory=set)  # places of calls that were compensated
    state: TaskState = TaskState.APPLIED
    failure: Exception | None = None

    def state_at(self, place: int) -> tuple[TaskState, Exception | None]:
        """How far the record at this place came, and what refused it."""
        outcome = self.outcomes[place] if self.outcomes is not None else None
        if outcome is not None and outcome.error is None:
            return (TaskState.COMPENSATED if place in self.undone else self.state), None
        if outcome is not None:
            return (TaskState.UNKNOWN if place in self.unknown else TaskState.FAILED), outcome.error
        if self.outcomes is not None or self.failure is None:
            return TaskState.NOT_RUN, None
        if getattr(self.failure, "position", None) not in (place, None):
            return TaskState.NOT_RUN, None
        is_unknown = getattr(self.failure, "is_outcome_unknown", False)
        return (TaskState.UNKNOWN if is_unknown else TaskState.FAILED), self.failure

    def told_at(self, place: int) -> Outcome:
        """Return the store's outcome for the record at this place."""
        outcome = self.outcomes[place] if self.outcomes is not None else None
        return APPLIED if outcome is None else outcome


def make_tasks(reports: Sequence[Report], began: float) -> tuple[Task, ...]:
    """A task for every record of every step, in the order they ended; ``began`` is when the commit did."""
    ended: list[tuple[float, Task]] = []
    idle: list[Task] = []
    for report in reports:
        place = 0
        for batch in report.step.batches:
            if batch.binding.is_hidden:
                place += len(batch.records)
                continue
            for index in range(len(batch.records)):
                state, error = report.state_at(place)
                told = report.told_at(place)
                started, duration = report.span if report.spans is None else report.spans[place]
                if state is TaskState.NOT_RUN:
                    idle.append(_task(batch, index, state, (0.0, 0.0), error, told))
                else:
                    at = max(0.0, started - began)
                    ended.append((at + duration, _task(batch, index, state, (at, duration), error, told)))
                place += 1
    ended.sort(key=lambda pair: pair[0])
    return (*[task for _, task in ended], *idle)


def _task(batch: Batch, index: int, state: TaskState, span: Span, error: Exception | None, told: Outcome) -> Task:
    version = batch.versions[index] if batch.versions is not None else None
    is_written = state in (TaskState.APPLIED, TaskState.PENDING) and not batch.is_check
    if is_written and batch.binding.declaration.version is not None:
        version = {Verb.ADD: 1, Verb.UPDATE: (version or 0) + 1}.get(batch.verb, version)
    record: Record = batch.records[index]
    return Task(
        record=record,
        verb=batch.verb,
        collection=batch.binding.collection,
        key=batch.keys[index],
        store=batch.binding.store.name,
        state=state,
        version=version,
        started=span[0],
        duration=span[1],
        error=error,
        answer=told.answer,
        places=told.places,
    )
