"""Keys of stores that are written after the decision: reserved before it, so that the journal knows them.

Also for a store that may forget its counter, such as Redis without persistence: keys never begin again below those that
records in other stores refer to.
"""

from __future__ import annotations

from typing import Any

from holdall.errors import HoldallError, Unsupported
from holdall.query import AnyQuery, Key, Kind, Query, SortKey
from holdall.session.binding import Binding, Relationship
from holdall.session.bindings import Bindings
from holdall.session.commit.plan.plan import Plan
from holdall.session.identity import IdentityMap
from holdall.store import Counting, Reserving, Verb

__all__ = ["reserve_keys", "reserve_row_keys"]


async def reserve_keys(records: IdentityMap, bindings: Bindings) -> None:
    """Give new records of atomic batches their keys, where the commit writes other stores, too, or they refer here.

    Raises Unsupported where such a store cannot give keys before it is written.
    """
    waiting: dict[type, list[Any]] = {}
    for record in records.new.values():
        if record.__key__() is None:
            waiting.setdefault(type(record), []).append(record)
    late = [binding for binding in map(bindings.of_model, waiting) if binding.makes_late_keys]
    if not late:
        return
    is_alone = len(_stores(records, bindings)) < 2
    for binding in late:
        outer = _referring_from_elsewhere(binding)
        if is_alone and not outer:
            continue
        group = waiting[binding.model]
        keys = await _reserved(binding, outer, len(group))
        fields = [field for field in binding.declaration.key if field.name in binding.store_keys]
        for record, key in zip(group, keys, strict=True):
            fields[0].put(record, key)
        records.index_new(binding.model)


async def reserve_row_keys(plan: Plan) -> None:
    """Give rows that are written beside records their keys, where their store cannot make them after the decision.

    Raises as ``reserve_keys``.
    """
    if len(plan.steps) < 2:
        return
    for step in plan.steps:
        for batch in step.batches:
            if batch.binding.makes_late_keys and None in batch.keys and batch.verb is Verb.ADD:
                (field,) = batch.binding.declaration.key
                batch.keys = await _reserved(batch.binding, [], len(batch.keys))
                batch.fields = batch.binding.all_fields
                for record, key in zip(batch.records, batch.keys, strict=True):
                    field.put(record, key)


async def _reserved(binding: Binding, outer: list[Relationship], count: int) -> list[Key]:
    store = binding.store
    if not isinstance(store, Reserving):
        raise Unsupported(store.name, "keys known before a record is written", "give the records keys of your own")
    keys = list(await store.reserve(binding.collection, count))
    is_first, began_again = not binding.counted_up_to, keys[0] <= binding.counted_up_to
    if outer and isinstance(store, Counting) and (is_first or began_again):
        largest = max([await _largest(relationship) for relationship in outer])
        if largest >= keys[0]:
            await store.step_over(binding.collection, largest)
            keys = list(await store.reserve(binding.collection, count))
    binding.counted_up_to = keys[-1]
    return keys


def _referring_from_elsewhere(binding: Binding) -> list[Relationship]:
    """The references from other stores by which a key that is made anew could be taken for an old one."""
    if not isinstance(binding.store, Counting) or len(binding.declaration.key) != 1:
        return []
    return [relationship for relationship in binding.bound_by if relationship.source.store is not binding.store]


async def _largest(relationship: Relationship) -> int:
    """The largest key that one kind of reference leads to; 0 where there is none, or its store cannot tell."""
    source, name = relationship.source, relationship.field.name
    if relationship.field.kind is not Kind.REF or relationship.field.root is not relationship.field:
        return 0
    query: AnyQuery = Query(source.collection, sort_keys=(SortKey((name,), descending=True),), max_rows=1)
    try:
        rows = await source.store.fetch(query)
    except HoldallError:
        return 0
    key = rows[0][source.schema.positions[name]] if rows else None
    return key if isinstance(key, int) else 0


def _stores(records: IdentityMap, bindings: Bindings) -> set[int]:
    models = {type(record) for group in (records.new, records.dirty, records.deleted) for record in group.values()}
    return {id(bindings.of_model(model).store) for model in models}
