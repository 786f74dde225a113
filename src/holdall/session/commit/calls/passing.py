"""Unique values that pass from one record to another, where calls are made one by one: who lets go goes first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from holdall.model import old_of
from holdall.query import Value
from holdall.session.commit.plan.order import Edge
from holdall.session.commit.plan.plan import Batch
from holdall.session.commit.plan.strongly_connected import strongly_connected
from holdall.store import Verb

__all__ = ["kept_together", "passing_edges", "removed_first", "unique_values"]

Write: TypeAlias = tuple[Batch, int]
"""A batch and the place of one of its records."""


def passing_edges(writes: Sequence[Write]) -> tuple[list[Edge], list[list[int]]]:
    """Which writes take what others let go of, and which hand values round in a circle and are left to the store."""
    freed = {
        value: number
        for number, (batch, index) in enumerate(writes)
        if batch.verb is Verb.UPDATE
        for value in unique_values(batch, index, is_stored=True)
    }
    if not freed:
        return [], []
    needs: list[set[int]] = [set() for _ in writes]
    for number, (batch, index) in enumerate(writes):
        for value in unique_values(batch, index):
            if freed.get(value, number) != number:
                needs[number].add(freed[value])
    circles = strongly_connected(needs)
    members: dict[int, list[int]] = {}
    for number, circle in enumerate(circles):
        members.setdefault(circle, []).append(number)
    edges = [
        Edge(number, other, may_wait=True)
        for number, found in enumerate(needs)
        for other in found
        if circles[number] != circles[other]
    ]
    return edges, [group for group in members.values() if len(group) > 1]


def kept_together(edges: Iterable[Edge], circles: Sequence[Sequence[int]]) -> dict[Edge, None]:
    """The edges, so that the members of a circle can go in one call: none waits for another, all for what one needs."""
    circle_of = {number: place for place, circle in enumerate(circles) for number in circle}
    found: dict[Edge, None] = {}
    for edge in edges:
        circle = circle_of.get(edge.source)
        if circle is None or not edge.may_wait:
            found[edge] = None
        elif circle_of.get(edge.target) != circle:
            found.update((Edge(number, edge.target, may_wait=True), None) for number in circles[circle])
    return found


def removed_first(removals: Sequence[Write], needs: Sequence[Sequence[int]], writes: Sequence[Write]) -> list[int]:
    """The numbers of the removals that let go of what writes take, and of those they need."""
    taken = {value for batch, index in writes for value in unique_values(batch, index)}
    first: set[int] = set()
    for number, (batch, index) in enumerate(removals):
        if not taken.isdisjoint(unique_values(batch, index, is_stored=True)):
            group, left = set[int](), [number]
            while left:
                each = left.pop()
                if each not in group:
                    group.add(each)
                    left.extend(needs[each])
            first |= group
    return sorted(first)


def unique_values(batch: Batch, index: int, *, is_stored: bool = False) -> Iterator[tuple[Value, ...]]:
    """The unique values that a change gives its record, or takes from it; each with its rule."""
    rules = batch.binding.schema.unique
    if not rules:
        return
    record, fields = batch.records[index], batch.binding.declaration.by_name
    old = old_of(record)
    for rule in rules:
        if batch.verb is Verb.UPDATE and old.keys().isdisjoint(rule):
            continue
        slots = [old.get(name, fields[name].get(record)) if is_stored else fields[name].get(record) for name in rule]
        values = tuple([fields[name].encode(slot) for name, slot in zip(rule, slots, strict=True)])
        if None not in values:
            yield batch.binding.collection, rule, values
