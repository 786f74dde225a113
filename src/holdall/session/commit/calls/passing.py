"""Unique values that pass from one record to another, where calls are made one by one: who lets go goes first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from holdall.session.commit.plan.order import Edge
from holdall.session.commit.plan.plan import Batch
from holdall.session.commit.plan.strongly_connected import strongly_connected
from holdall.store import Verb

__all__ = ["passing_edges", "removed_first"]

Write: TypeAlias = tuple[Batch, int]
"""A batch and the place of one of its records."""


def passing_edges(writes: Sequence[Write]) -> list[Edge]:
    """Which writes take what others let go of. Those that hand values round in a circle are left to the store."""
    freed = {
        value: number
        for number, (batch, index) in enumerate(writes)
        if batch.verb is Verb.UPDATE
        for value in _values(batch, index, is_stored=True)
    }
    if not freed:
        return []
    needs: list[set[int]] = [set() for _ in writes]
    for number, (batch, index) in enumerate(writes):
        for value in _values(batch, index):
            if freed.get(value, number) != number:
                needs[number].add(freed[value])
    circles = strongly_connected(needs)
    return [
        Edge(number, other, may_wait=True)
        for number, found in enumerate(needs)
        for other in found
        if circles[number] != circles[other]
    ]


def removed_first(removals: Sequence[Write], needs: Sequence[Sequence[int]], writes: Sequence[Write]) -> list[int]:
    """The numbers of the removals that let go of what writes take, and of those they need, unless writes free them.

    A record that a written one refers to by now cannot go before that is written.
    """
    taken = {value for batch, index in writes for value in _values(batch, index)}
    first: set[int] = set()
    for number, (batch, index) in enumerate(removals):
        if not taken.isdisjoint(_values(batch, index, is_stored=True)):
            group, left = set[int](), [number]
            while left:
                each = left.pop()
                if each not in group:
                    group.add(each)
                    left.extend(needs[each])
            first |= group
    held = {target for batch, index in writes for target in _let_go(batch, index)} if first else set()
    gone = {(batch.binding.model, batch.keys[index]) for batch, index in map(removals.__getitem__, first)}
    return sorted(first) if gone.isdisjoint(held) else []


def _values(batch: Batch, index: int, *, is_stored: bool = False) -> Iterator[tuple[Any, ...]]:
    """The unique values that a change gives its record, or takes from it; each with its rule."""
    rules = batch.binding.schema.unique
    if not rules:
        return
    record, fields = batch.records[index], batch.binding.declaration.by_name
    old = record._track.old or {}
    for rule in rules:
        if batch.verb is Verb.UPDATE and old.keys().isdisjoint(rule):
            continue
        slots = [old.get(name, fields[name].get(record)) if is_stored else fields[name].get(record) for name in rule]
        values = tuple([fields[name].encode(slot) for name, slot in zip(rule, slots, strict=True)])
        if None not in values:
            yield batch.binding.collection, rule, values


def _let_go(batch: Batch, index: int) -> Iterator[tuple[Any, Any]]:
    """The records to which a changed one refers as it is stored, by model and key."""
    if batch.verb is not Verb.UPDATE:
        return
    record = batch.records[index]
    old = record._track.old or {}
    for field in batch.binding.declaration.references:
        stored = field.encode(old[field.name]) if field.name in old else None
        for key in (stored or ()) if field.form is not None else (stored,):
            yield field.target() if field.target is not None else None, key
