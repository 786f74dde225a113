"""Arguments and replies of scripts that write no records: tuples whose places the scripts name in the same order.

A class whose name ends in ``Keys`` is the KEYS of a script, before those whose number varies; one in ``Asked`` is its
ARGV; the others are arrays within these or within an answer. ``sent`` has what the scripts that write are sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

from holdall.query import Value

__all__ = [
    "Alternative",
    "AppendAsked",
    "AppendKeys",
    "ByKeys",
    "ByPage",
    "ByRanges",
    "CountAsked",
    "CountKeys",
    "ForgetKeys",
    "IndexHead",
    "IndexKeys",
    "IndexRecord",
    "LoadAsked",
    "LoadKeys",
    "LookHead",
    "LookKeys",
    "LookRecord",
    "Looked",
    "MarkAsked",
    "MarkKeys",
    "PurgeAsked",
    "RenewAsked",
    "SizeAsked",
    "SizeKeys",
    "Where",
]


# --- load.lua -------------------------------------------------------------------------------------------------------


class LoadKeys(NamedTuple):
    """The listing of all keys, and the mark; keys that are read follow."""

    listing: str
    mark: str


class LoadAsked(NamedTuple):
    """How records are read; ``names``, ``where`` and ``key_names`` are packed. ``bound`` is 0 for any number of them.

    ``form`` is ``raw`` where values are wanted as they are stored. ``declared`` is what must be indexed, or empty.
    """

    prefix: str
    names: bytes
    where: bytes
    bound: int
    form: str
    declared: str
    key_names: bytes


class ByKeys(NamedTuple):
    """Read these records."""

    kind: Literal["keys"]
    texts: list[str]


class Alternative(NamedTuple):
    """Where a sorted set or a unique rule finds records; ``wanted`` are bounds of ranges in turn, or values.

    ``separators`` stand before a member's key. ``number`` is that of the key in the mark.
    """

    kind: Literal["sorted", "unique"]
    key: str
    wanted: list[str]
    separators: int
    number: int


class ByRanges(NamedTuple):
    """Read by that of the alternatives which finds the fewest."""

    kind: Literal["ranges"]
    alternatives: list[Alternative]


class ByPage(NamedTuple):
    """Read a page of the listing, between two bounds."""

    kind: Literal["page"]
    low: str
    high: str
    is_reversed: bool
    skip: int
    page_size: int
    page_separators: int


Where: TypeAlias = ByKeys | ByRanges | ByPage


# --- size.lua, count.lua, append.lua, renew.lua, forget.lua -----------------------------------------------------------


class SizeKeys(NamedTuple):
    """The listing, the mark and, where records expire, ``#expiry``; it is left out where it is empty."""

    listing: str
    mark: str
    expiry: str


class SizeAsked(NamedTuple):
    """``most`` is how many records are looked at one by one."""

    prefix: str
    separators: int
    most: int


class CountKeys(NamedTuple):
    """The counter of generated keys, and the listing."""

    counter: str
    listing: str


class CountAsked(NamedTuple):
    """How many keys are made, and the key that the counter steps over, 0 for none."""

    amount: int
    separators: int
    floor: int


class AppendKeys(NamedTuple):
    """A record, its stream, and where commits hold something."""

    record: str
    stream: str
    reserved: str
    commits: str


class AppendAsked(NamedTuple):
    """The bytes added to the stream, and the record's text."""

    data: bytes
    text: str


class RenewAsked(NamedTuple):
    """The commit's id, and its reservation, encoded."""

    commit: str
    reservation: bytes


class ForgetKeys(NamedTuple):
    """The mark of the indexes, and the commits that hold something."""

    mark: str
    entries: str
    commits: str


# --- besides.lua with mark.lua, look.lua, purge.lua and index.lua -----------------------------------------------------


class MarkKeys(NamedTuple):
    """The arguments of ``mark.lua``; indexes and unique rules follow."""

    listing: str
    mark: str
    entries: str


class MarkAsked(NamedTuple):
    """``expected`` is the mark that must be there, or empty; ``is_indexed`` is 0 or 1."""

    declared: str
    expected: str
    is_indexed: int


class LookKeys(NamedTuple):
    """The arguments of ``look.lua`` and ``purge.lua``; indexes and unique rules follow."""

    listing: str
    mark: str
    entries: str
    expiry: str


class LookHead(NamedTuple):
    """``first`` keys precede the records; ``indexes`` and ``rules`` are slots, those of a rule in a list."""

    first: int
    names: Sequence[str]
    indexes: list[int]
    rules: list[list[int]]
    expires: bool


class LookRecord(NamedTuple):
    """A record to be looked at."""

    text: str
    member: str


class Looked(NamedTuple):
    """The state of a record: ``is_whole`` says that all of ``kept`` is in indexes and unique rules."""

    kind: bytes
    values: Sequence[bytes]
    digest: bytes
    is_listed: int
    kept: bytes | None
    is_whole: int


class PurgeAsked(NamedTuple):
    """``rules`` and ``members`` are packed; ``members`` is False for those that have expired. At most ``most`` go."""

    prefix: str
    most: int
    indexes: int
    rules: bytes
    separators: int
    members: bytes
    is_indexed: int


class IndexKeys(NamedTuple):
    """The keys that ``index.lua`` writes and reads; indexes, unique rules and records follow."""

    listing: str
    mark: str
    entries: str
    expiry: str
    reserved: str
    commits: str


class IndexHead(NamedTuple):
    """As ``LookHead``; ``ttl`` in milliseconds or False."""

    first: int
    names: Sequence[str]
    indexes: list[int]
    rules: list[list[int]]
    ttl: int | bool
    prefix: str


class IndexRecord(NamedTuple):
    """A record to be taken in, as long as its values have this digest."""

    digest: str
    text: str
    member: str
    slots: list[Value]
