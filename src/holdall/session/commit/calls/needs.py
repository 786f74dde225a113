"""Which calls of a step wait for which: what a record refers to is written first, removed last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, TypeAlias

from holdall.model import Field, Model, Record, Reference, record_in
from holdall.session.commit.calls.passing import kept_together, passing_edges
from holdall.session.commit.plan.order import Edge, order_nodes
from holdall.session.commit.plan.plan import Batch
from holdall.session.commit.plan.reference_edges import removal_edges
from holdall.store import Verb

__all__ = ["needs_of", "removal_needs", "write_edges", "write_needs"]

Write: TypeAlias = tuple[Batch, int]
"""A batch and the place of one of its records."""


def write_needs(writes: Sequence[Write]) -> list[list[int]]:
    """For each addition or change the numbers of those that are done before it."""
    return needs_of(len(writes), *write_edges(writes))


def write_edges(writes: Sequence[Write]) -> tuple[list[Edge], set[Edge]]:
    """The needs of additions and changes, and those of them that give way first on a circle.

    A change needs the addition of its record. A write that refers to another record, by a field that is sent or not,
    needs that one's write, and a write that takes a unique value needs that of the previous owner; on a circle this
    gives way, unless a key that is yet to be made is sent.
    """
    batches = {id(batch): batch for batch, _ in writes}
    models = {batch.binding.model for batch in batches.values()}
    fields = {number: _fields_to(batch, models) for number, batch in batches.items()}
    has_rules = any(batch.binding.schema.unique for batch in batches.values())
    passing, circles = passing_edges(writes) if has_rules else ([], [])
    if not passing and not any(fields.values()) and len({batch.verb for batch in batches.values()}) < 2:
        return [], set()
    targets = _Targets(writes)
    edges, is_passing = dict.fromkeys(passing), set(passing)
    standing: set[Edge] = set()  # by references to records that are there, which need no order
    for number, (batch, index) in enumerate(writes):
        own = targets.of_record(batch.records[index])
        if own is not None and own != number:
            edges[Edge(number, own)] = None
        for field in fields[id(batch)]:
            for other in targets.of_field(field, batch.records[index]):
                if other not in (number, own):
                    is_firm = targets.awaits_key(other) and field.name in batch.fields
                    if is_firm or field.depends_on:
                        edge = Edge(number, other, may_wait=not is_firm)
                        edges[edge] = None
                        if writes[other][0].verb is Verb.UPDATE and edge not in is_passing:
                            standing.add(edge)
    return list(kept_together(edges, circles) if circles else edges), standing if passing else set()


def removal_needs(removals: Sequence[Write]) -> list[list[int]]:
    """For each removal the numbers of those that are done before it: what refers to others goes first."""
    records = [batch.records[index] for batch, index in removals]
    return needs_of(len(records), removal_edges(records))


def needs_of(count: int, edges: list[Edge], standing: AbstractSet[Edge] = frozenset()) -> list[list[int]]:
    """The needs that the edges are, without those that would close a circle: first without those that are standing."""
    if standing and order_nodes(count, edges).waiting:
        edges = [edge for edge in edges if edge not in standing]
    needs: list[list[int]] = [[] for _ in range(count)]
    left_out = set(order_nodes(count, edges).waiting) if edges else set()
    firm = {(edge.source, edge.target) for edge in edges if not edge.may_wait}
    for edge in edges:
        if edge in left_out or (edge.may_wait and (edge.source, edge.target) in firm):
            continue
        needs[edge.source].append(edge.target)
    return needs


def _fields_to(batch: Batch, models: set[type[Model]]) -> list[Field]:
    return [field for field in batch.binding.declaration.references if _target(field) in models]


def _target(field: Field) -> Any:
    return None if field.target is None else field.target()


class _Targets:
    """The first write of each record, by the record and by its key."""

    def __init__(self, writes: Sequence[Write]) -> None:
        self._writes = writes
        self._by_record: dict[int, int] = {}
        self._by_key: dict[tuple[Any, Any], int] = {}
        adds = [number for number, (batch, _) in enumerate(writes) if batch.verb is Verb.ADD]
        others = [number for number, (batch, _) in enumerate(writes) if batch.verb is not Verb.ADD]
        for number in (*adds, *others):
            batch, index = writes[number]
            self._by_record.setdefault(id(batch.records[index]), number)
            if batch.keys[index] is not None:
                self._by_key.setdefault((batch.binding.model, batch.keys[index]), number)

    def of_record(self, record: Record) -> int | None:
        """The write of this record."""
        return self._by_record.get(id(record))

    def of_field(self, field: Field, record: Record) -> Iterator[int]:
        """The writes of the records that a reference leads to, whether they are at hand or named by their keys."""
        value = field.get(record)
        if not value:
            return
        keys = field.encode(value)
        items, keys = (value, keys) if field.form is not None else ((value,), (keys,))
        for item, key in zip(items, keys, strict=True):
            target = record_in(item) if item.__class__ is Reference else None
            found = None if target is None else self.of_record(target)
            if found is None and key is not None:
                found = self._by_key.get((_target(field), key))
            if found is not None:
                yield found

    def awaits_key(self, number: int) -> bool:
        """Whether this write is to make the key of its record."""
        batch, index = self._writes[number]
        return batch.verb is Verb.ADD and batch.keys[index] is None
