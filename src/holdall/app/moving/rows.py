"""The rows of moves: beside the source, where a collection lies; in the target, who moves it and how far that is."""

from __future__ import annotations

import datetime as dt
from typing import TypeVar

import msgspec

from holdall.query import Compare, FieldSchema, Kind, Op, Query, Schema
from holdall.store import MOVE_NOTES, MOVE_POSITIONS, Change, Store, Verb

__all__ = ["MOVE", "POSITION", "MoveRow", "Position", "note_name", "put_row", "read_row", "removal", "row_change"]

_NAME = 120  # characters in names of collections and stores
_LONGEST = 40  # of a collection's name within the name of another, so that databases take that

MOVE = Schema(
    "holdall_move",
    (
        FieldSchema("collection", Kind.STR, max_length=_NAME),
        FieldSchema("id", Kind.STR, max_length=_NAME),
        FieldSchema("store", Kind.STR, max_length=_NAME),
        FieldSchema("state", Kind.STR, max_length=16),
        FieldSchema("epoch", Kind.INT),
        FieldSchema("version", Kind.INT),
    ),
    ("collection",),
    version="version",
)
POSITION = Schema(
    MOVE_POSITIONS,
    (
        FieldSchema("collection", Kind.STR, max_length=_NAME),
        FieldSchema("id", Kind.STR, max_length=_NAME),
        FieldSchema("source", Kind.STR, max_length=_NAME),
        FieldSchema("epoch", Kind.INT),
        FieldSchema("state", Kind.STR, max_length=16),
        FieldSchema("after", Kind.STR),
        FieldSchema("copied", Kind.INT),
        FieldSchema("followed", Kind.INT),
        FieldSchema("owner", Kind.STR, max_length=200),
        FieldSchema("until", Kind.DATETIME),
        FieldSchema("version", Kind.INT),
    ),
    ("collection",),
    version="version",
)


class MoveRow(msgspec.Struct, frozen=True):
    """Beside the source: the move ``id`` of a collection to ``store``. ``state`` is noted, closed or moved.

    Of two rows that lead to each other, as a collection was moved back, the one with the larger ``epoch`` holds: the
    time at which the move began, in milliseconds.
    """

    collection: str
    id: str
    store: str
    state: str
    epoch: int
    version: int = 1


class Position(msgspec.Struct, frozen=True):
    """In the target: how far a move is. ``state`` is preparing, copying, following, switching or moved.

    ``after`` is the key behind which copying goes on, as JSON texts of its parts. ``owner`` moves it, until ``until``.
    Its versions begin at the ``epoch``, so that a mover of a cancelled move does not find its own in the next one.
    """

    collection: str
    id: str
    source: str
    epoch: int
    state: str
    after: str
    copied: int
    followed: int
    owner: str
    until: dt.datetime
    version: int = 1

    @property
    def is_decided(self) -> bool:
        """Whether the target was told that everybody goes there, by this move or by a former one."""
        return self.state in ("switching", "moved")

    def is_over(self, row: MoveRow | None) -> bool:
        """Whether the position says nothing of the move that is under way from the source, which has this row.

        Former moves leave such positions, from which the collection has come back since (``switching`` where the mover
        died at the very end), and so do moves that were refused, or cancelled by a process that died.
        """
        if row is None or row.id != self.id or self.state == "moved":
            return True
        return self.state == "switching" and row.state != "closed"


Kept = TypeVar("Kept", MoveRow, Position)


def _schema(kind: type[MoveRow | Position]) -> Schema:
    return MOVE if kind is MoveRow else POSITION


async def read_row(store: Store, kind: type[Kept], collection: str) -> Kept | None:
    """The row about a collection, if there is one."""
    schema = _schema(kind)
    rows = await store.fetch(Query(schema.name, Compare(("collection",), Op.EQ, collection)))
    return kind(**dict(zip((each.name for each in schema.stored), rows[0], strict=True))) if rows else None


def row_change(row: Kept, former: Kept | None) -> Change:
    """The change that puts a row in the place of a former one, at the version of that."""
    schema = _schema(type(row))
    names = tuple(each.name for each in schema.stored if former is None or each.name != "collection")
    values = tuple(getattr(row, name) for name in names)
    if former is None:
        return Change(Verb.ADD, schema.name, row.collection, names, values)
    return Change(Verb.UPDATE, schema.name, row.collection, names, values, former.version)


async def put_row(store: Store, row: Kept, former: Kept | None) -> Kept:
    """Write a row, and return it. Raises StaleVersion or AlreadyExists where another process was faster."""
    row = msgspec.structs.replace(row, version=1 if former is None else former.version + 1)
    await store.apply([row_change(row, former)])
    return row


def removal(row: MoveRow | Position) -> Change:
    """The change that removes a row."""
    return Change(Verb.REMOVE, _schema(type(row)).name, row.collection, version=row.version)


def note_name(collection: str) -> str:
    """The name of the collection of notes about another.

    >>> note_name("song")
    'holdall_move_note_song'
    """
    if len(collection) <= _LONGEST:
        return f"{MOVE_NOTES}_{collection}"
    from hashlib import sha256  # takes its time, and only long names need it

    short = sha256(collection.encode()).hexdigest()[:_LONGEST]
    return f"{MOVE_NOTES}_{short}"
