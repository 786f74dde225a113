"""The order in which the steps of a commit over several stores are carried out before its decision.

Participants that only reserve come first, then transactions, the home store's last among them, then calls: so nothing
waits for a lock while it could still be refused for nothing, and stores are locked in the order of their names wherever
keys do not demand another.
"""

from __future__ import annotations

from collections.abc import Sequence

from holdall.session.commit.plan.changes import Awaited
from holdall.session.commit.plan.modes import Mode
from holdall.session.commit.plan.plan import Role, Step
from holdall.session.commit.two_phase.participants import TwoPhaseCommit
from holdall.store import Runs, Verb

__all__ = ["step_order"]


def step_order(steps: Sequence[Step], changes: Sequence[Runs], commit: TwoPhaseCommit) -> list[int]:
    """The numbers of the steps, each after those that make keys it needs."""
    makers = _makers(steps)
    ranks = [_rank(step, commit) for step in steps]
    if not makers:
        return sorted(range(len(steps)), key=ranks.__getitem__)
    needs = [_needed(changes[number], makers) - {number} for number in range(len(steps))]
    left, order = set(range(len(steps))), list[int]()
    while left:
        ready = [number for number in left if not needs[number] & left] or list(left)
        first = min(ready, key=lambda number: (*ranks[number], number))
        left.discard(first)
        order.append(first)
    return order


def _rank(step: Step, commit: TwoPhaseCommit) -> tuple[int, str]:
    if step.role is Role.CALLS:
        return 4, ""
    participant = commit.participant(step.store)
    match participant.mode:
        case Mode.HOME:
            rank = 3
        case Mode.OPEN:
            rank = 2
        case Mode.RESERVED:
            rank = 0
        case Mode.PREPARED | Mode.CHECKED:
            rank = 1
    return rank, step.store.name


def _makers(steps: Sequence[Step]) -> dict[int, int]:
    """By record, the step that makes its key."""
    return {
        id(record): number
        for number, step in enumerate(steps)
        for batch in step.batches
        if batch.verb is Verb.ADD and None in batch.keys
        for record, key in zip(batch.records, batch.keys, strict=True)
        if key is None
    }


def _needed(changes: Runs, makers: dict[int, int]) -> set[int]:
    if not changes.is_linked:
        return set()
    found: set[int] = set()
    for run in changes.runs:
        for value in (*run.keys, *run.rows):
            _collect(value, makers, found)
    return found


def _collect(value: object, makers: dict[int, int], found: set[int]) -> None:
    if isinstance(value, Awaited):
        found.add(makers.get(id(value.record), -1))
    elif isinstance(value, tuple):
        for item in value:
            _collect(item, makers, found)
