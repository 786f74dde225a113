"""Removals that let go of unique values which others are to get: before these, after references to them are gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from holdall.model import Field, old_of
from holdall.query import Key, Value
from holdall.session.commit.calls.needs import Write, needs_of, removal_needs, write_edges
from holdall.session.commit.calls.passing import removed_first, unique_values
from holdall.session.commit.plan.order import Edge
from holdall.session.commit.plan.plan import Batch
from holdall.session.commit.plan.reference_edges import removal_edges
from holdall.store import Verb

__all__ = ["freeing", "freeing_needs"]


def freeing(removals: Sequence[Write], writes: Sequence[Write]) -> list[int]:
    """The numbers of the removals that cannot wait for all writes, as they let go of unique values that these take."""
    if not writes or not any(batch.binding.schema.unique for batch, _ in removals):
        return []
    return removed_first(removals, removal_needs(removals), writes)


def freeing_needs(writes: Sequence[Write], removals: Sequence[Write]) -> list[list[int]]:
    """For each write, and behind them for each of these removals, the numbers of those that are done before it."""
    count, (edges, standing) = len(writes), write_edges(writes)
    records = [batch.records[index] for batch, index in removals]
    edges = [
        *edges,
        *[Edge(each.source + count, each.target + count, may_wait=True) for each in removal_edges(records)],
    ]
    removed: dict[tuple[object, Key], int] = {}
    freed: dict[tuple[Value, ...], int] = {}
    for number, (batch, index) in enumerate(removals, count):
        removed[batch.binding.model, batch.keys[index]] = number
        freed.update((value, number) for value in unique_values(batch, index, is_stored=True))
    for number, (batch, index) in enumerate(writes):
        taken = {freed[value] for value in unique_values(batch, index) if value in freed}
        left = {removed[target] for target in _left_by(batch, index) if target in removed}
        edges += [Edge(number, removal, may_wait=True) for removal in taken - left]
        edges += [Edge(removal, number, may_wait=True) for removal in left]
    return needs_of(count + len(removals), edges, standing)


def _left_by(batch: Batch, index: int) -> Iterator[tuple[object, Key]]:
    """The models and keys of the records that a change has its record refer to no more."""
    if batch.verb is not Verb.UPDATE:
        return
    record, old = batch.records[index], old_of(batch.records[index])
    for field in batch.binding.declaration.references:
        if field.name in old and field.target is not None:
            now = set(_keys(field, field.get(record)))
            yield from [(field.target(), key) for key in _keys(field, old[field.name]) if key not in now]


def _keys(field: Field, slot: Value) -> tuple[Key, ...]:
    keys = field.encode(slot)
    return tuple(keys) if field.form is not None else (keys,)
