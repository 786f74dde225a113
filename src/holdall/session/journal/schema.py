"""The hidden collections in which stores keep what a commit over several of them must not forget."""

from __future__ import annotations

from holdall.query import FieldSchema, Kind, Schema
from holdall.store import CommitClass, Preparable, Store

__all__ = ["JOURNAL", "MARKER", "hidden_schemas"]

_ID_LENGTH = 120  # a commit's id and a store's name

JOURNAL = Schema(
    "holdall_journal",
    (
        FieldSchema("id", Kind.STR, max_length=_ID_LENGTH),
        FieldSchema("state", Kind.STR, max_length=16),
        FieldSchema("owner", Kind.STR, max_length=64),
        FieldSchema("expires", Kind.DATETIME),
        FieldSchema("body", Kind.BYTES),
        FieldSchema("version", Kind.INT),
    ),
    ("id",),
    version="version",
)
MARKER = Schema(
    "holdall_marker",
    (FieldSchema("id", Kind.STR, max_length=_ID_LENGTH), FieldSchema("made", Kind.DATETIME)),
    ("id",),
)


def hidden_schemas(store: Store) -> list[Schema]:
    """The hidden collections a store needs, if its application has several durable stores.

    A transactional store may be the home of commits. A store that cannot hold a part proves by a marker that it was
    applied; PostgreSQL tells only once it is connected whether it can, so every transactional store has room for both.
    """
    match store.capabilities.commit:
        case CommitClass.TX:
            return [JOURNAL, MARKER]
        case CommitClass.BATCH:
            return [] if isinstance(store, Preparable) else [MARKER]
    return []
