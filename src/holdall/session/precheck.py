"""A look before the leap: conflicts in a store that is written after the decision, found while it can still be refused."""

from __future__ import annotations

from typing import Any

from holdall.errors import AlreadyExists, StaleVersion
from holdall.query import Compare, Op, Query
from holdall.session.plan import Batch, Step
from holdall.store import Verb

__all__ = ["precheck"]


async def precheck(step: Step) -> None:
    """Raise StaleVersion or AlreadyExists where the step would be refused as things stand."""
    added: set[int] = set()
    for batch in step.batches:
        if batch.verb is Verb.ADD:
            added.update(map(id, batch.records))
        names = batch.binding.schema.key
        keys = [key for key in batch.keys if key is not None]
        is_closing = batch.verb is Verb.UPDATE and any(id(record) in added for record in batch.records)
        if keys and len(names) == 1 and not is_closing:
            await _check(batch, names[0], keys)


async def _check(batch: Batch, name: str, keys: list[Any]) -> None:
    binding = batch.binding
    version = binding.schema.version
    paths = ((name,), (version,)) if version is not None else ((name,),)
    size = binding.store.capabilities.limits.in_values
    found: dict[Any, Any] = {}
    for start in range(0, len(keys), size):
        condition = Compare((name,), Op.IN, tuple(keys[start : start + size]))
        query: Query[Any] = Query(binding.collection, condition, projection=paths)
        found.update({row[0]: row[-1] for row in await binding.store.fetch(query)})
    if batch.verb is Verb.ADD:
        if found:
            raise AlreadyExists(binding.store.name, binding.collection, (name,))
        return
    for place, key in enumerate(batch.keys):
        if key not in found or (batch.versions is not None and found[key] != batch.versions[place]):
            raise StaleVersion(binding.store.name, binding.collection, key)
