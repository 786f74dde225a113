"""Changes run by run, and the keys of new records: given, found among their values, or made by the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from holdall.query import Key, Value
from holdall.store import Change, Run, Runs, Verb, with_made_keys
from holdall.stores.redis.layout import Layout

__all__ = ["is_keyed", "own_key", "runs_of", "with_keys"]


def is_keyed(changes: Sequence[Change]) -> bool:
    """Whether the changes come as runs that have every key in its place."""
    return isinstance(changes, Runs) and not changes.is_linked and not any(map(_lacks_keys, changes.runs))


def runs_of(changes: Sequence[Change]) -> list[Run]:
    found = []
    for (verb, collection, fields, is_versioned, _), group in groupby(changes, _alike):
        members = list(group)
        versions = [change.version for change in members if change.version is not None]
        keys, rows = [change.key for change in members], [change.values for change in members]
        expected = members[0].expected
        run = Run(verb, collection, fields, keys, rows, versions if is_versioned else None, expected=expected)
        if any(change.origin is not None for change in members):
            run.origins = [change.origin for change in members]
        found.append(run)
    return found


def _alike(change: Change) -> tuple[Value, ...]:
    """Return the properties that the changes of one run have in common."""
    expected = None if change.expected is None else id(change.expected)
    return change.verb, change.collection, change.fields, change.version is not None, expected


def _lacks_keys(run: Run) -> bool:
    """Whether keys of new records are still to be made, or to be found among their values."""
    return run.verb is Verb.ADD and None in run.keys


def own_key(layout: Layout, change: Change) -> Key:
    """The key that a new record brings with it, or None."""
    if change.key is not None:
        return change.key
    given = dict(zip(change.fields, change.values, strict=True))
    parts = tuple([given.get(name) for name in layout.schema.key])
    return None if None in parts else parts[0] if len(parts) == 1 else parts


def with_keys(
    store: str, layouts: Mapping[str, Layout], changes: Sequence[Change], made: Mapping[int, Any]
) -> list[Change]:
    """The changes with the keys that were made: for records that had none, and wherever a KeyOf stands for one."""
    known: dict[int, Any] = dict(made)
    found = []
    for place, change in enumerate(changes):
        values = with_made_keys(store, change.values, known, place)
        key = change.key
        if change.verb is Verb.ADD:
            key = known.get(place, own_key(layouts[change.collection], change))
        key = with_made_keys(store, key, known, place)
        if change.verb is Verb.ADD:
            known[place] = key
        found.append(
            Change(
                change.verb,
                change.collection,
                key,
                change.fields,
                values,
                change.version,
                expected=change.expected,
                origin=change.origin,
            )
        )
    return found
