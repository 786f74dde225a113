"""A collection as the scripts get it: the names of the keys that lie beside its records, and the kind of each."""

from __future__ import annotations

import msgspec

from holdall.stores.redis.layout import Layout
from holdall.stores.redis.sent import CollectionSent, IndexSent, PlaceSent, RuleSent

__all__ = ["described", "place_of"]

_pack = msgspec.msgpack.Encoder().encode


def described(layout: Layout, first: int) -> tuple[tuple[str, ...], msgspec.Raw]:
    """Names of keys, and the packed description in which they are told by their numbers, where ``first`` precede them.

    Most batches are of one collection, so it is made once for each number that precedes it.
    """
    found = layout.descriptions.get(first)
    if found is None:
        names: list[str] = []
        sent = _described(layout, names, first)
        found = layout.descriptions[first] = (tuple(names), msgspec.Raw(_pack(sent)))
    return found


def place_of(layout: Layout, names: list[str], first: int = 0) -> PlaceSent:
    """Where commits hold something of a collection; ``names`` grows by its keys."""
    names += (layout.reserved, layout.commits, layout.held)
    return PlaceSent(*range(first + len(names) - 2, first + len(names) + 1))


def _described(layout: Layout, names: list[str], first: int) -> CollectionSent:
    def numbered(name: str) -> int:
        names.append(name)
        return first + len(names)

    indexes, uniques = layout.slot_numbers
    version = layout.schema.version
    held = place_of(layout, names, first)
    return CollectionSent(
        listing=numbered(layout.keys),
        prefix=layout.record,
        ttl=layout.ttl or False,
        expiry=numbered(layout.expiry) if layout.ttl else False,
        entries=numbered(layout.entries) if layout.slots else False,
        version=layout.columns_of([version])[0] if version else False,
        indexes=[
            IndexSent(numbered(layout.index(name)), slot) for name, slot in zip(layout.indexed, indexes, strict=True)
        ],
        uniques=[
            RuleSent(numbered(layout.unique_values(fields)), slots, number)
            for number, (fields, slots) in enumerate(zip(layout.unique, uniques, strict=True))
        ],
        streams=list(layout.schema.streams),
        slots=len(layout.slots),
        counter=numbered(layout.counter) if layout.counts else False,
        mark=numbered(layout.mark),
        declared=layout.declared,
        is_typed=layout.is_shared,
        reserved=held.place_reserved,
        commits=held.place_commits,
        held=held.place_held,
    )
