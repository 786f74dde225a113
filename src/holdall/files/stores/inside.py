"""Contents inside their records: the key is the content."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from datetime import datetime

from holdall.errors import FileMissing, LimitExceeded

__all__ = ["InsideFiles"]

_MARK = "base64:"
_MOST = 4 << 20


class InsideFiles:
    """Keeps contents, of ``most`` bytes each, in the records that refer to them, and nowhere else.

    >>> InsideFiles("record").is_shared
    False
    """

    is_shared = False

    def __init__(self, name: str, *, most: int = _MOST) -> None:
        self.name = name
        self._most = most

    async def write(self, content: AsyncIterator[bytes], key: str | None = None) -> str:
        """Return the content as a key. Raises LimitExceeded where it is larger than a record should be."""
        parts, size = list[bytes](), 0
        async for piece in content:
            size += len(piece)
            if size > self._most:
                raise LimitExceeded("bytes of a file in a record", self._most)
            parts.append(piece)
        return _MARK + b64encode(b"".join(parts)).decode()

    async def read(self, key: str, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        """Give the bytes in a range; raises FileMissing for a key that holds no content."""
        if found := self._content(key)[start:stop]:
            yield found

    async def size(self, key: str) -> int | None:
        """Return the size of the content in the key."""
        try:
            return len(self._content(key))
        except FileMissing:
            return None

    async def delete(self, key: str, before: datetime | None = None) -> bool:
        """Delete nothing: the content goes with the record."""
        return False

    async def keys(self, before: datetime) -> AsyncIterator[str]:
        """Give no key: nothing lies outside of records."""
        for key in list[str]():
            yield key

    async def sweep(self, before: datetime) -> int:
        """Remove nothing."""
        return 0

    async def close(self) -> None:
        """Do nothing."""

    def _content(self, key: str) -> bytes:
        if not key.startswith(_MARK):
            raise FileMissing(self.name)
        try:
            return b64decode(key.removeprefix(_MARK), validate=True)
        except binascii.Error as error:
            raise FileMissing(self.name) from error
