"""From batches in order to the steps of a commit: one for each store that takes all at once, calls side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter

from holdall.errors import StateError
from holdall.session.commit.plan.plan import Batch, Step
from holdall.session.commit.plan.referenced_records import referenced_records
from holdall.store import CommitClass, Verb

__all__ = ["schedule_steps"]

_BATCH = CommitClass.BATCH
_RANKS = {CommitClass.TX: 0, CommitClass.IDEMP: 1, CommitClass.ONCE: 2, _BATCH: 3}
_AT_ONCE = (CommitClass.TX, _BATCH)


def schedule_steps(batches: list[Batch], *, is_linked: bool) -> tuple[Step, ...]:
    """The steps that carry out these batches.

    Transactions come first, then calls that can be repeated, then those that cannot, and atomic batches last; but
    whatever needs a key that another store makes comes after it. Raises StateError where stores wait for each other's
    keys, or for those of an atomic batch.
    """
    if not batches:
        return ()
    first = batches[0].binding.store
    if all(batch.binding.store is first for batch in batches):
        return (Step(tuple(batches), is_linked),)
    if not is_linked:
        groups = _groups(batches, range(len(batches)))
        return tuple([Step(tuple([batches[number] for number in group])) for group in groups])
    late = [number for number, batch in enumerate(batches) if batch.binding.store.capabilities.commit is _BATCH]
    left = [number for number in range(len(batches)) if number not in late]
    needs = _needs(batches)
    steps: list[Step] = []
    taken: set[int] = set()
    while left:
        before = len(taken)
        for group in _groups(batches, left):
            ready = list(_ready(group, needs, taken))
            if ready:
                steps.append(Step(tuple([batches[number] for number in ready]), is_linked))
                taken.update(ready)
        left = [number for number in left if number not in taken]
        if len(taken) == before:
            names = sorted({batches[number].binding.collection for number in left})
            raise StateError(
                f"{', '.join(names)} wait for keys that other stores make only later; give the records their keys"
                " yourself, or commit one store at a time"
            )
    for group in _groups(batches, late):
        steps.append(Step(tuple([batches[number] for number in group]), is_linked))
    return tuple(steps)


def _groups(batches: list[Batch], numbers: Sequence[int]) -> list[list[int]]:
    """Those of one transactional store, then those that are repeatable calls, then all other calls, then those of one
    store that takes a batch.
    """
    groups: dict[tuple[int, int], list[int]] = {}
    for number in numbers:
        store = batches[number].binding.store
        kind = store.capabilities.commit
        groups.setdefault((_RANKS[kind], id(store) if kind in _AT_ONCE else 0), []).append(number)
    return [groups[place] for place in sorted(groups, key=itemgetter(0))]


def _ready(group: list[int], needs: list[set[int]], taken: set[int]) -> Iterator[int]:
    """The first of a group, up to the one that needs what is neither taken nor among them."""
    here = set(taken)
    for number in group:
        if not needs[number] <= here:
            return
        here.add(number)
        yield number


def _needs(batches: list[Batch]) -> list[set[int]]:
    """For each batch those that add records without keys to which its records refer."""
    makers: dict[int, int] = {}
    for number, batch in enumerate(batches):
        if batch.verb is Verb.ADD and None in batch.keys:
            for record, key in zip(batch.records, batch.keys, strict=True):
                if key is None:
                    makers[id(record)] = number
    return [_needed(batch, makers) - {number} if makers else set() for number, batch in enumerate(batches)]


def _needed(batch: Batch, makers: dict[int, int]) -> set[int]:
    found: set[int] = set()
    if batch.verb is Verb.REMOVE:
        return found
    names = set(batch.fields)
    for field in batch.binding.declaration.references:
        if field.name not in names:
            continue
        for record in batch.records:
            found.update(makers[id(target)] for target in referenced_records(field, record) if id(target) in makers)
    if batch.verb is Verb.UPDATE:
        found.update(makers[id(record)] for record in batch.records if id(record) in makers)
    return found
