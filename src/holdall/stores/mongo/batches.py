"""Changes made ready to be sent: grouped, and with all keys filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import NoneType
from typing import Any

import msgspec

from holdall.errors import StoreError
from holdall.query import Generated, Key, Value
from holdall.store import Change, Expected, KeyOf, Runs, Verb, awaits_key, positions_awaited, with_made_keys
from holdall.stores.mongo.errors import unstorable
from holdall.stores.mongo.layout import Layout, Layouts
from holdall.stores.mongo.source import Document

__all__ = ["Batch", "batches_of", "fill_in_keys", "is_counted"]


class Batch(msgspec.Struct):
    """Changes of one verb to the same fields of one collection, in order; ``first`` is the position of the first.

    ``needs`` holds, by place, the positions of the earlier adds that a change refers to. ``expected`` holds for each
    record; ``conditions`` are then what their documents must meet beside having the key, once they were looked at.
    ``origins`` are the keys that records of an ADD had, in parallel, None for new ones; empty if all are new.
    """

    verb: Verb
    layout: Layout
    fields: tuple[str, ...]
    first: int
    keys: list[Key]
    rows: Sequence[tuple[Value, ...]]
    versions: Sequence[int | None]
    tokens: Sequence[str | None]
    needs: dict[int, set[int]] = {}
    expected: Expected | None = None
    conditions: Sequence[Document] = ()
    origins: Sequence[Key] = ()

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def is_check(self) -> bool:
        """Whether its records are compared and not written."""
        return self.verb is Verb.UPDATE and not self.fields

    @property
    def lacks_keys(self) -> bool:
        """Whether a key is still to be made."""
        return NoneType in set(map(type, self.keys))


def is_counted(layout: Layout) -> bool:
    """Whether the store makes this collection's keys."""
    return layout.schema.by_name[layout.schema.key[0]].generated is Generated.STORE


def batches_of(store: str, layouts: Layouts, changes: Sequence[Change]) -> tuple[list[Batch], bool]:
    """The changes in batches, and whether a KeyOf may stand among them. Raises StoreError for unknown fields."""
    if isinstance(changes, Runs):
        batches, is_linked = list(_from_runs(layouts, changes)), changes.is_linked
    else:
        batches, is_linked = list(_from_changes(layouts, changes)), True
    for batch in batches:
        _demand_fields(store, batch)
        if batch.verb is Verb.ADD and batch.lacks_keys:
            batch.keys = _keys_among_values(batch)
    return batches, is_linked


def _from_runs(layouts: Layouts, changes: Runs) -> Iterator[Batch]:
    first = 0
    for run in changes.runs:
        nothing = [None] * len(run.keys)
        versions = nothing if run.versions is None else run.versions
        layout = layouts.of(run.collection)
        batch = Batch(run.verb, layout, run.fields, first, run.keys, run.rows, versions, nothing)
        batch.expected, batch.origins = run.expected, run.origins or ()
        yield batch
        first += len(run.keys)


def _from_changes(layouts: Layouts, changes: Sequence[Change]) -> Iterator[Batch]:
    first = 0
    while first < len(changes):
        start = changes[first]
        last = first + 1
        while last < len(changes) and _is_alike(start, changes[last]):
            last += 1
        group = changes[first:last]
        yield Batch(
            start.verb,
            layouts.of(start.collection),
            start.fields,
            first,
            [change.key for change in group],
            [change.values for change in group],
            [change.version for change in group],
            [change.token for change in group],
            expected=start.expected,
            origins=[change.origin for change in group] if any(each.origin is not None for each in group) else (),
        )
        first = last


def _is_alike(one: Change, other: Change) -> bool:
    is_expected_alike = one.expected is other.expected
    return (
        is_expected_alike
        and one.verb is other.verb
        and one.collection == other.collection
        and one.fields == other.fields
    )


def _demand_fields(store: str, batch: Batch) -> None:
    schema = batch.layout.schema
    for name in batch.fields:
        if name not in batch.layout.places:
            raise StoreError(store, f"{schema.name} has no stored field {name!r}")
        if batch.verb is Verb.UPDATE and name in schema.key:
            raise StoreError(store, f"an update cannot change {schema.name}.{name}")


def _keys_among_values(batch: Batch) -> list[Key]:
    names = batch.layout.schema.key
    if not set(names) <= set(batch.fields):
        return batch.keys
    places = [batch.fields.index(name) for name in names]
    found = (row[places[0]] if len(places) == 1 else tuple([row[place] for place in places]) for row in batch.rows)
    return [other if key is None else key for key, other in zip(batch.keys, found, strict=True)]


def fill_in_keys(store: str, batches: Sequence[Batch], made: Mapping[int, Any], *, is_linked: bool) -> None:
    """Let every batch have its keys: those ``made``, by position, and those that a KeyOf stands for."""
    known: dict[int, Any] = {}
    for batch in batches:
        if made:
            batch.keys = [made.get(batch.first + place, key) for place, key in enumerate(batch.keys)]
        if is_linked:
            batch.keys = [
                with_made_keys(store, key, known) if type(key) in (KeyOf, tuple) else key for key in batch.keys
            ]
        if batch.verb is Verb.ADD and batch.lacks_keys:
            raise unstorable(batch.layout.schema.name, batch.layout.schema.key[0], "cannot be missing")
        if is_linked:
            if batch.verb is Verb.ADD:
                known.update(enumerate(batch.keys, batch.first))
            _resolve_values(store, batch, known)


def _resolve_values(store: str, batch: Batch, known: Mapping[int, Any]) -> None:
    references = [place for place, name in enumerate(batch.fields) if batch.layout.places[name].field.may_await_key]
    if not any(awaits_key(row[place]) for place in references for row in batch.rows):
        return
    rows = []
    for index, row in enumerate(batch.rows):
        values = list(row)
        for place in references:
            values[place] = with_made_keys(store, row[place], known, batch.first + index)
        rows.append(tuple(values))
        if needed := {position for place in references for position in positions_awaited(row[place])}:
            batch.needs[index] = needed
    batch.rows = rows
