"""Options of one collection in a Redis store beyond its schema."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["Encoding", "RedisCollection"]


Encoding = Literal["json", "typed"]
"""How values stand in hashes: as JSON, or in envelopes that name their type."""


class RedisCollection(msgspec.Struct, frozen=True, kw_only=True):
    """Options of one collection, given as ``add_store(..., collections={"visit": RedisCollection(ttl=60)})``.

    ``ttl`` is how many seconds a record lives after it was last written; ``name`` stands in its keys in place of the
    collection's name (``module:Class`` for records of another program). ``encoding="typed"`` reads and writes values in
    the envelopes of repocket; ``create()`` takes in what other programs wrote. ``scan_limit`` is how many records may
    be read through for a condition or a sort that no index answers, in place of the store's own.

    >>> from holdall.stores.redis import open_redis
    >>> store = open_redis("main", "redis://127.0.0.1:6379/0", collections={"visit": RedisCollection(ttl=60)})
    """

    ttl: float | None = None
    name: str | None = None
    encoding: Encoding = "json"
    scan_limit: int | None = None
