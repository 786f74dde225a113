"""Records that must still be as they were read: what is expected of them goes with their changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec

from holdall.errors import StateError, Unsupported
from holdall.model import Record, old_of
from holdall.query import Value
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.commit.plan.plan import Batch
from holdall.session.identity import IdentityMap
from holdall.store import Expected, Feature, Verb

__all__ = ["demand_written", "expected_of", "guarded"]


def expected_of(binding: Binding, record: Record, names: Collection[str] | None = None) -> Expected:
    """Return the values that the store must still have of a record: its stored values, or those of some fields, as they
    were read.

    Raises Unsupported where the store cannot tell, and the model has no version that says the same.
    """
    declaration, before = binding.declaration, old_of(record)
    version = declaration.version
    if Feature.EXPECTED not in binding.store.capabilities.features or binding.record_access is not None:
        if version is None:
            advice = f"give the model of {binding.collection} a version, or leave the precondition out"
            raise Unsupported(binding.store.name, Feature.EXPECTED, advice)
        return Expected((), ())
    key = binding.schema.key
    fields = [
        field
        for field in declaration.stored
        if field.name not in key and field is not version and (names is None or field.name in names)
    ]
    values = [_own(field.encode(before.get(field.name, field.get(record)))) for field in fields]
    return Expected(tuple([field.name for field in fields]), tuple(values))


def guarded(batches: Iterable[Batch], guards: Mapping[int, tuple[Any, Expected]]) -> list[Batch]:
    """The batches, with each record of which something is expected in one of its own."""
    found: list[Batch] = []
    for batch in batches:
        places = [place for place, record in enumerate(batch.records) if id(record) in guards]
        if batch.verb is Verb.ADD or not places:
            found.append(batch)
            continue
        rest = [place for place in range(len(batch.records)) if place not in places]
        if rest:
            found.append(_part(batch, rest))
        for place in places:
            _, expected = guards[id(batch.records[place])]
            found.append(msgspec.structs.replace(_part(batch, [place]), expected=expected if expected.fields else None))
    return found


def demand_written(records: IdentityMap, bindings: Bindings, batches: list[Batch]) -> None:
    """Raise StateError where something is expected of a record that is not written: nothing would compare it."""
    written = {id(record) for batch in batches for record in batch.records}
    for number, (record, _) in records.guards.items():
        if number not in written and number not in records.idle_guards and records.holds(record):
            place = f"{bindings.of_model(type(record)).collection} {records.stored_key(record)!r}"
            raise StateError(
                f"{place} is expected to be as it was read, and this commit does not write it: only what is written is"
                " compared; change or remove the record too, or leave expect() out"
            )


def _part(batch: Batch, places: list[int]) -> Batch:
    versions = batch.versions
    return msgspec.structs.replace(
        batch,
        records=[batch.records[place] for place in places],
        keys=[batch.keys[place] for place in places],
        versions=None if versions is None else [versions[place] for place in places],
    )


def _own(value: object) -> Value:
    """The value, with copies of lists and objects that may be changed in place."""
    if isinstance(value, dict):
        return {name: _own(item) for name, item in value.items()}
    return [_own(item) for item in value] if isinstance(value, list) else value
