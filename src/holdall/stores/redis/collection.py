"""What may be said of one collection in a Redis store beyond its schema."""

from __future__ import annotations

import msgspec

__all__ = ["RedisCollection"]


class RedisCollection(msgspec.Struct, frozen=True, kw_only=True):
    """Options of one collection, given as ``add_store(..., collections={"visit": RedisCollection(ttl=60)})``.

    ``ttl`` is how many seconds a record lives after it was last written; ``name`` stands in its keys in place of the
    collection's name (``module:Class`` for records of another program); ``scan_limit`` is how many records may be read
    through for a condition or a sort that no index answers, in place of the store's own.
    """

    ttl: float | None = None
    name: str | None = None
    scan_limit: int | None = None
