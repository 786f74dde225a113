"""The order in which rows are locked: commits that lock in one order never wait for each other in a circle.

Within a statement rows are locked by their keys, and statements that change rows go by their collections' names where
nothing else says in which order. Pure: it never meets a connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from itertools import groupby
from operator import attrgetter

import msgspec

from holdall.store import Verb

__all__ = ["Batch", "in_lock_order", "to_lock_first"]

_by_collection = attrgetter("collection")


class Batch(msgspec.Struct, frozen=True):
    """Changes of one kind that go together; ``positions`` are their places among all changes."""

    verb: Verb
    collection: str
    positions: range


def in_lock_order(batches: Iterable[Batch]) -> list[Batch]:
    """The batches, with updates that follow each other sorted by collection.

    Updates change no key, so those of different collections may change places.
    """
    ordered: list[Batch] = []
    for is_update, group in groupby(batches, key=_is_update):
        found = list(group)
        ordered += sorted(found, key=_by_collection) if is_update else found
    return ordered


def to_lock_first(
    batches: Sequence[Batch], claimed: AbstractSet[str] = frozenset(), *, is_each_in_order: bool
) -> dict[str, list[Batch]]:
    """By collection, the batches whose rows must be locked before the first of them is carried out.

    ``is_each_in_order`` if the database locks the rows of one batch in the order of their keys. Rows of ``claimed``
    collections are changed before that, too.
    """
    found: dict[str, list[Batch]] = {}
    for batch in batches:
        if batch.verb is not Verb.ADD:
            found.setdefault(batch.collection, []).append(batch)
    return {
        name: group
        for name, group in found.items()
        if name in claimed or len(group) > 1 or (not is_each_in_order and len(group[0].positions) > 1)
    }


def _is_update(batch: Batch) -> bool:
    return batch.verb is Verb.UPDATE
