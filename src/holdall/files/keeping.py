"""Keeping a content: streamed into its store, and looked at on the way; what does not fit leaves nothing there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Protocol

from holdall.errors import FieldError
from holdall.files.codec import FileCodec
from holdall.files.contract import FileStore, Signing
from holdall.files.facts import StoredFile
from holdall.files.media import HEAD, TAIL, media_type_of
from holdall.files.source import PIECE, Content, pieces_of

__all__ = ["Refused", "keep", "take"]


class Digest(Protocol):
    """A hash under way, as ``hashlib`` makes them. Example: :func:`keep`."""

    def update(self, data: bytes, /) -> None:
        """Take in more bytes."""

    def hexdigest(self) -> str:
        """Return the hash of all bytes so far, in hexadecimal digits."""
        ...


_LARGE = 1 << 17  # bytes from which on a hash takes longer than a change of threads, and is made beside the event loop
_MANY = 64  # pieces that are put together, as each would take longer than its bytes


class Refused(Exception):
    """A content does not fit its field; ``error`` says why, without the path.

    Example: :class:`File`.
    """

    def __init__(self, error: FieldError) -> None:
        self.error = error
        super().__init__(error.message)


async def keep(store: FileStore, rule: FileCodec, content: Content, name: str, meta: dict[str, str]) -> StoredFile:
    """Write a content to its store and return what was found of it. Raises Refused for its size or type.

    No more than some pieces of it are in memory.

    Example: :class:`File`.
    """
    looking = _Looking(rule, name)
    pieces = looking.passed_on(pieces_of(content))
    try:
        key = await store.write(pieces, None)
    except BaseException:
        await looking.settle()
        raise
    try:
        await looking.settle()
    except BaseException:
        if not store.is_shared:  # others may have the same content
            await store.delete(key)
        raise
    return looking.facts(key, meta)


async def take(store: Signing, rule: FileCodec, key: str, name: str) -> StoredFile:
    """Copy a content, which somebody has written to the store, and return what was found of the copy.

    Raises Refused for its size or type, or where it is not there. Example: ``docs/attachments.md``.
    """
    size = await store.size(key)
    if size is None:
        raise Refused(FieldError("", "required", "must be sent to its URL first"))
    if size > rule.max_size:
        raise Refused(FieldError("", "too_large", f"must have at most {rule.max_size} bytes"))
    copied = await store.copy(key)
    looking = _Looking(rule, name)
    try:
        async for _ in looking.passed_on(store.read(copied, 0, size)):
            pass
        await looking.settle()
    except BaseException:
        await store.delete(copied)
        raise
    return looking.facts(copied, {})


class _Looking:
    """A look at a content while it passes: its size, type and hash."""

    def __init__(self, rule: FileCodec, name: str) -> None:
        self._rule = rule
        self._name = name
        self.size = 0
        self.type = ""
        self.hash = _sha256()
        self._head = b""
        self._tail = b""
        self._hashing: asyncio.Future[None] | None = None

    def facts(self, key: str, meta: dict[str, str]) -> StoredFile:
        """The facts of a content that has passed, under its key."""
        return StoredFile(
            key, self.size, self.type, self.hash.hexdigest(), datetime.now(UTC), name=self._name, meta=meta
        )

    async def passed_on(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Give the content in large pieces, hashed while they are written. Raises Refused before the last ones are
        given, and before the first ones where they show it.
        """
        held = list[bytes]()
        async for part in self._parts(pieces):
            if not held and self._rule.types and len(self._head) >= HEAD:  # a small content is looked at as a whole
                self._demand_type(media_type_of(self._head, b"", self._name))
            for piece in held:
                yield piece
            await self.settle()
            self._hashing = self._hashed(part)
            held = part
        self.type = media_type_of(self._head, self._tail, self._name)
        self._demand_type(self.type)
        for piece in held:
            yield piece

    async def settle(self) -> None:
        """Wait until all that has passed is hashed."""
        if self._hashing is not None and not self._hashing.done():
            await asyncio.wait([self._hashing])

    def _hashed(self, part: list[bytes]) -> asyncio.Future[None] | None:
        if sum(map(len, part)) >= _LARGE:
            return asyncio.get_running_loop().run_in_executor(None, self._hash, part)
        self._hash(part)
        return None

    def _hash(self, part: list[bytes]) -> None:
        for piece in part:
            self.hash.update(piece)

    async def _parts(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[list[bytes]]:
        """Give parts of some size, each looked at. Raises Refused as soon as there are too many bytes.

        Pieces of a part stay as they came: to put a MiB together takes as long as to send it through a socket.
        """
        held, size = list[bytes](), 0
        async for piece in pieces:
            self.size += len(piece)
            if self.size > self._rule.max_size:
                raise Refused(FieldError("", "too_large", f"must have at most {self._rule.max_size} bytes"))
            held.append(piece)
            size += len(piece)
            if size >= PIECE:
                yield self._seen(held)
                held, size = [], 0
        if size:
            yield self._seen(held)

    def _seen(self, part: list[bytes]) -> list[bytes]:
        if len(part) > _MANY:
            part = [b"".join(part)]
        if len(self._head) < HEAD:
            self._head = _beginning([self._head, *part])
        self._tail = _end([self._tail, *part])
        return part

    def _demand_type(self, found: str) -> None:
        if not self._rule.takes(found):
            wanted = " or ".join(self._rule.types)
            raise Refused(FieldError("", "media_type", f"must be {wanted}, by its content"))


def _beginning(pieces: list[bytes]) -> bytes:
    """The first bytes of a content, as far as they are looked at."""
    found = b""
    for piece in pieces:
        found += piece[: HEAD - len(found)]
    return found


def _end(pieces: list[bytes]) -> bytes:
    """The last bytes of a content, as far as they are looked at."""
    found = b""
    while pieces and len(found) < TAIL:
        found = pieces.pop()[-(TAIL - len(found)) :] + found
    return found


def _sha256() -> Digest:
    import hashlib  # takes its time, and programs without files do not need it

    return hashlib.sha256()
