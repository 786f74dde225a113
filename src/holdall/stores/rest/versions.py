"""How an API keeps two writers from overwriting each other, and the tags of what was read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, TypeAlias

import msgspec

from holdall.query import Key, Value

__all__ = ["BodyVersion", "ETags", "Seen", "SeenTags", "TaggedVersion", "Versions", "is_strong", "version_of_content"]


_STRONG = re.compile(r'"[^"]*"|(?![Ww]/|\*)[^\s",]+')  # nothing and * would let every write pass


class BodyVersion(msgspec.Struct, frozen=True, kw_only=True):
    """Records carry their version as a field of their JSON.

    The version a write expects goes into ``header``, as ``text`` says, or into the query's parameter ``query``.
    ``is_sent``: the new version is part of the payload; otherwise the API counts by itself, from 1 up by 1.

    >>> from holdall.stores.rest import RestCollection
    >>> RestCollection(path="/books/{id}", version=BodyVersion(is_sent=True)).version.header
    'If-Match'
    """

    header: str = "If-Match"
    text: str = '"{version}"'
    query: str = ""
    is_sent: bool = False


class TaggedVersion(BodyVersion, frozen=True, kw_only=True):
    """Records carry their version as a field of their JSON, and a write is guarded by their entity tag.

    So do services of Holdall. The tags of the last ``most`` records read are remembered. Where one is not, the record
    is read again before it is written, and must have the version it had.

    Example: :class:`ETags`.
    """

    most: int = 10_000


class ETags(msgspec.Struct, frozen=True, kw_only=True):
    """Records have entity tags and no version of their own (RFC 9110, section 8.8.3).

    A record's version is then made from its content; the tags of the last ``most`` records read are remembered. Where
    one is not, the record is read again before it is written, and must be as it was.

    >>> from holdall.stores.rest import RestCollection
    >>> RestCollection(path="/books/{id}", version=ETags()).version.most
    10000
    """

    most: int = 10_000


Versions: TypeAlias = BodyVersion | ETags


class Seen(msgspec.Struct, frozen=True):
    """The known facts of a record at a version: its tag, or the version made from its content."""

    tag: str | None
    content: int | None = None


class SeenTags:
    """The tags of records by key and version; the oldest go first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen: dict[tuple[str, Any, int], Seen] = {}

    def note(self, collection: str, key: Key, version: int, seen: Seen) -> None:
        """Remember this."""
        place = (collection, key, version)
        self._seen.pop(place, None)
        self._seen[place] = seen
        if len(self._seen) > self._most:
            del self._seen[next(iter(self._seen))]

    def find(self, collection: str, key: Key, version: int) -> Seen | None:
        """Return the remembered facts, or None."""
        return self._seen.get((collection, key, version))

    def forget(self, collection: str, key: Key, version: int) -> None:
        """The record has left this version."""
        self._seen.pop((collection, key, version), None)


def is_strong(tag: str | None) -> bool:
    """Whether an entity tag can guard a write: one strong tag (RFC 9110, section 8.8.1), its quotes left out or not."""
    return tag is not None and _STRONG.fullmatch(tag) is not None


def version_of_content(values: Sequence[Value]) -> int:
    """A positive number of 62 bits made from a record's values."""
    digest = blake2b(msgspec.msgpack.encode(values, order="sorted"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 2 or 1
