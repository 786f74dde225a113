"""Keys of stores that are written after the decision: asked for before it, so that the journal knows them."""

from __future__ import annotations

from typing import Any

from holdall.errors import Unsupported
from holdall.query import Generated
from holdall.session.binding import Bindings
from holdall.session.identity import IdentityMap
from holdall.store import Reserving

__all__ = ["reserve_keys"]


async def reserve_keys(records: IdentityMap, bindings: Bindings) -> None:
    """Give new records of atomic batches their keys, where the commit writes other stores, too.

    Raises Unsupported where such a store cannot give keys before it is written.
    """
    waiting: dict[type, list[Any]] = {}
    for record in records.new.values():
        if record.__key__() is None:
            waiting.setdefault(type(record), []).append(record)
    late = [binding for binding in map(bindings.of_model, waiting) if binding.makes_late_keys]
    if not late or len(_stores(records, bindings)) < 2:
        return
    for binding in late:
        fields = [field for field in binding.declaration.key if field.generated is Generated.STORE]
        store = binding.store
        if not isinstance(store, Reserving):
            raise Unsupported(store.name, "keys known before a record is written", "give the records keys of your own")
        group = waiting[binding.model]
        for record, key in zip(group, await store.reserve(binding.collection, len(group)), strict=True):
            fields[0].put(record, key)
        records.index_new(binding.model)


def _stores(records: IdentityMap, bindings: Bindings) -> set[int]:
    models = {type(record) for group in (records.new, records.dirty, records.deleted) for record in group.values()}
    return {id(bindings.of_model(model).store) for model in models}
