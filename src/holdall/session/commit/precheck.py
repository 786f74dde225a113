"""A look before the leap: conflicts in a store that is written after the decision, seen while it can be refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from holdall.errors import AlreadyExists, StaleVersion, UniqueViolation, Unsupported
from holdall.query import And, Compare, Condition, Op, Or, Query
from holdall.session.binding import Binding
from holdall.session.commit.plan import Batch, Step
from holdall.session.references.asking import having_keys
from holdall.store import KeyOf, Row, Runs, Verb

__all__ = ["precheck"]


async def precheck(step: Step, changes: Runs) -> None:
    """Raise StaleVersion, AlreadyExists or UniqueViolation where the step would be refused as things stand."""
    added: set[int] = set()
    touched: dict[str, set[Any]] = {}  # by collection, the keys whose values are about to go
    for batch in step.batches:
        if batch.verb is Verb.ADD:
            added.update(map(id, batch.records))
        else:
            touched.setdefault(batch.binding.collection, set()).update(batch.keys)
        keys = [key for key in batch.keys if key is not None]
        is_closing = batch.verb is Verb.UPDATE and any(id(record) in added for record in batch.records)
        if keys and not is_closing:
            await _check_keys(batch, keys)
    for batch, run in zip(step.batches, changes.runs, strict=True):
        if batch.verb is not Verb.REMOVE:
            for names in batch.binding.schema.unique:
                if set(names) <= set(batch.fields):
                    await _check_unique(batch, names, run.rows, touched.get(batch.binding.collection, set()))


async def _check_keys(batch: Batch, keys: list[Any]) -> None:
    binding = batch.binding
    names, version = binding.schema.key, binding.schema.version
    paths = tuple([(name,) for name in (*names, version) if name is not None])
    found: dict[Any, Any] = {}
    for some in _pieces(binding, keys, len(names)):
        query: Query[Any] = Query(binding.collection, having_keys(binding, some), projection=paths)
        for row in await binding.store.fetch(query):
            found[_key(row, len(names))] = row[-1]
    if batch.verb is Verb.ADD:
        if found:
            raise AlreadyExists(binding.store.name, binding.collection, names)
        return
    for place, key in enumerate(batch.keys):
        if key not in found or (batch.versions is not None and found[key] != batch.versions[place]):
            raise StaleVersion(binding.store.name, binding.collection, key)


async def _check_unique(batch: Batch, names: tuple[str, ...], rows: Sequence[Row], touched: set[Any]) -> None:
    """What is null or yet to be made collides with nothing, nor does what a record has that is changed as well."""
    binding, places = batch.binding, [batch.fields.index(name) for name in names]
    wanted = [tuple([row[place] for place in places]) for row in rows]
    wanted = [values for values in wanted if not any(value is None or isinstance(value, KeyOf) for value in values)]
    size = len(binding.schema.key)
    paths = tuple([(name,) for name in binding.schema.key])
    for some in _pieces(binding, wanted, len(names)):
        query: Query[Any] = Query(binding.collection, _having(names, some), projection=paths)
        try:
            found = await binding.store.fetch(query)
        except Unsupported:
            return  # the store will say so itself, later
        if any(_key(row, size) not in touched for row in found):
            raise UniqueViolation(binding.store.name, binding.collection, names)


def _having(names: tuple[str, ...], values: Sequence[Row]) -> Condition:
    if len(names) == 1:
        return Compare((names[0],), Op.IN, tuple([value for (value,) in values]))
    return Or(
        tuple(
            [
                And(tuple([Compare((name,), Op.EQ, part) for name, part in zip(names, row, strict=True)]))
                for row in values
            ]
        )
    )


def _pieces(binding: Binding, values: list[Any], parts: int) -> Iterator[list[Any]]:
    """As many at once as the store takes in one condition."""
    limits = binding.store.capabilities.limits
    size = limits.in_values if parts == 1 else max(1, (limits.condition_nodes - 1) // (parts + 1))
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _key(row: Row, size: int) -> Any:
    return row[0] if size == 1 else row[:size]
