"""Additions of a plan: in the order in which records need each other, in batches that have the same fields."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from holdall.model import Model, Record
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.commit.plan.object_ids import new_object_id
from holdall.session.commit.plan.order import Order
from holdall.session.commit.plan.plan import Batch
from holdall.session.commit.plan.uuid7 import uuid7
from holdall.store import Verb

__all__ = ["additions", "additions_alike", "by_binding", "prepare_new"]

_NOTHING: Mapping[int, Record] = MappingProxyType({})


def by_binding(
    bindings: Bindings, records: list[Record], known: set[type[Model]] | None = None
) -> list[tuple[Binding, list[Record]]]:
    """The records of each model side by side, so that stores can batch them; ``known`` are their models."""
    models = dict.fromkeys(map(type, records) if known is None or len(known) > 1 else known)
    if len(models) == 1:
        return [(bindings.of_model(model), records) for model in models]
    return [(bindings.of_model(model), [record for record in records if type(record) is model]) for model in models]


def prepare_new(binding: Binding, group: list[Record], moving: Mapping[int, Record] = _NOTHING) -> None:
    """Give new records what the session makes: the first version, and keys that are UUIDs or ObjectIds. Records
    that get another key have their next version.
    """
    if (version := binding.declaration.version) is not None:
        for record in group:
            version.put(record, version.get(record) + 1 if id(record) in moving else 1)
    for field in binding.session_keys:
        made = new_object_id if field.is_object_id else uuid7
        for record in group:
            if field.get(record) is None:
                field.put(record, made())


def additions(
    bindings: Bindings, new: list[Record], order: Order, fields: dict[tuple[int, int], set[str]]
) -> tuple[list[Batch], list[Batch]]:
    """The additions in order, and the updates that close circles of references."""
    waiting: dict[int, set[str]] = {}
    for edge in order.waiting:
        waiting.setdefault(edge.source, set()).update(fields[edge.source, edge.target])
    adds = []
    for level in order.levels:
        for binding, group in by_binding(bindings, [new[number] for number in level if number not in waiting]):
            adds.extend(_add(binding, group, frozenset()))
        for number in level:
            if number in waiting:
                adds.extend(_add(bindings.of_model(type(new[number])), [new[number]], frozenset(waiting[number])))
    late = []
    for number, names in waiting.items():
        record = new[number]
        fields_late = tuple(sorted(names))
        late.append(
            Batch(bindings.of_model(type(record)), Verb.UPDATE, [record], [record.__key__()], fields=fields_late)
        )
    return adds, late


def _add(binding: Binding, group: list[Record], left_out: frozenset[str]) -> list[Batch]:
    """One batch, or two where some records have their key and others wait for the store's; more where the store gives
    values that some records have and others have not.
    """
    if binding.has_server_values:
        return _add_with_server_values(binding, group, left_out)
    return additions_alike(binding, group, left_out)


def _add_with_server_values(binding: Binding, group: list[Record], left_out: frozenset[str]) -> list[Batch]:
    by_unset: dict[frozenset[str], list[Record]] = {}
    for record in group:
        unset = frozenset([field.name for field in binding.server_defaults if field.get(record) is None])
        by_unset.setdefault(unset, []).append(record)
    return [
        batch
        for unset, records in by_unset.items()
        for batch in additions_alike(binding, records, left_out | unset | binding.server_computed)
    ]


def additions_alike(binding: Binding, group: list[Record], left_out: frozenset[str] = frozenset()) -> list[Batch]:
    """The additions of records to which no store gives values but their keys: one batch, or two, as for ``_add``."""
    key_of = binding.declaration.key_of
    keys = list(map(key_of, group))
    if None not in keys:
        return [Batch(binding, Verb.ADD, group, keys, binding.fields_without(left_out))]
    unset = binding.store_keys
    keyed = [record for record, key in zip(group, keys, strict=True) if key is not None]
    keyless = [record for record, key in zip(group, keys, strict=True) if key is None]
    batches = [Batch(binding, Verb.ADD, keyless, [None] * len(keyless), binding.fields_without(left_out | unset))]
    if keyed:
        batches.append(Batch(binding, Verb.ADD, keyed, list(map(key_of, keyed)), binding.fields_without(left_out)))
    return batches
