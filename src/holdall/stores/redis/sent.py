"""Arguments of the scripts that write: tuples whose places ``places.lua`` names in the same order.

Names of keys are told as their numbers among the script's KEYS, counted from 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

__all__ = ["CollectionSent", "HeadSent", "IndexSent", "MembersSent", "PlaceSent", "RuleSent", "RunSent"]


class IndexSent(NamedTuple):
    """An index: its key, and which slot of ``#entries`` it shows."""

    index_key: int
    index_slot: int


class RuleSent(NamedTuple):
    """A unique rule: its key, the slots that are unique together, its number in the schema from 0."""

    rule_key: int
    rule_slots: list[int]
    rule_number: int


class PlaceSent(NamedTuple):
    """Where commits over several stores hold something of one collection."""

    place_reserved: int
    place_commits: int
    place_held: int


class CollectionSent(NamedTuple):
    """A collection that is written; ``ttl`` in milliseconds. False stands for what it has not."""

    listing: int
    prefix: str
    ttl: int | bool
    expiry: int | bool
    entries: int | bool
    version: str | bool
    indexes: list[IndexSent]
    uniques: list[RuleSent]
    streams: list[str]
    slots: int
    counter: int | bool
    mark: int
    declared: str
    is_typed: bool
    reserved: int
    commits: int
    held: int


class MembersSent(NamedTuple):
    """A list of references as a difference: the whole that is wanted, and JSON lists of what came and went."""

    whole: str
    come: str
    gone: str


class RunSent(NamedTuple):
    """Changes of one verb to the same fields; ``largest`` is the largest key that was given and not counted.

    ``lists`` are the places, from 1, of columns in which MembersSent may stand. ``expected`` are the stored texts that
    records must still have, by number: names and texts in turn, False for what is missing. ``is_whole`` if every field
    of records that may be no hashes is given. ``origins`` are the texts of the keys that records had, False for new
    ones.
    """

    verb: str
    collection: int
    names: list[str]
    texts: list[str]
    columns: Sequence[Sequence[str | MembersSent]]
    members: list[str]
    versions: list[str] | bool
    given_slots: list[int]
    slot_columns: list[list[Any]]
    largest: str | bool
    lists: list[int] | bool
    expected: list[list[str | bool]] | bool = False
    is_whole: bool = False
    origins: list[str | bool] | bool = False


class HeadSent(NamedTuple):
    """The arguments before the runs; ``commit`` is False where only one store is written.

    ``passing`` says which fences are passed, by rows that are written along."""

    beside: int
    collections: Sequence[msgspec.Raw]  # each a CollectionSent, packed
    is_repeated: bool
    commit: str | bool = False
    reservation: str | bool = False
    elsewhere: Sequence[PlaceSent] = ()
    passing: str | bool = False
