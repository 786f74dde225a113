"""Thumbnails of pictures: made when one is first asked for, and kept beside the content, under keys made of its key.

No record refers to one: who has the key of a content and the sizes that its field declares knows all of its keys.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import AsyncIterator, Mapping
from functools import cache
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import msgspec

from holdall.errors import DeclarationError, FileMissing, NoThumbnail, StoreError
from holdall.files.contract import FileStore
from holdall.files.facts import StoredFile
from holdall.files.pictures import READ_TYPES, smaller
from holdall.files.stores.inside import InsideFiles

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["Thumbnail", "Thumbnails"]

_log = logging.getLogger("holdall.files")

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_LARGEST = 2_048  # pixels of a side
_MOST_BYTES = 64 << 20  # of a picture that is decoded
_AT_ONCE = 2  # pictures that are decoded at the same time, each of some bytes for every pixel
_FORM = b"1"  # of what is made; another one when that changes


class Thumbnail(msgspec.Struct, frozen=True):
    """A small picture: its ``content``, and its media ``type``, image/jpeg or image/png.

    Example: ``docs/attachments.md``.
    """

    content: bytes
    type: str


class Thumbnails:
    """The sizes that a field declares, by name, each a width and a height in pixels that bound the picture.

    Pictures of more than ``max_pixels`` have none. Raises DeclarationError for what is no name, size or number.

    >>> Thumbnails({"small": (160, 160)}, 50_000_000).names
    ('small',)
    """

    def __init__(self, sizes: Mapping[str, tuple[int, int]], max_pixels: int) -> None:
        for name, size in sizes.items():
            if _NAME.fullmatch(str(name)) is None:
                raise DeclarationError(f"file(thumbnails=...) has names of small letters and digits, not {name!r}")
            if not _is_size(size):
                raise DeclarationError(
                    f"file(thumbnails=...) takes two sides of 1 to {_LARGEST} pixels, as in {{{name!r}: (160, 160)}}"
                )
        given: object = max_pixels
        if isinstance(given, bool) or not isinstance(given, int) or given < 1:
            raise DeclarationError("file(max_pixels=...) takes a number of pixels, such as 50_000_000")
        self.sizes = {name: (size[0], size[1]) for name, size in sizes.items()}
        self._most = max_pixels
        self.names = tuple(sorted(sizes))

    def keys(self, facts: StoredFile) -> list[str]:
        """Return the keys under which the thumbnails of a content lie, as far as they were made."""
        if facts.type not in READ_TYPES:
            return []
        return [_key(facts.key, size) for size in self.sizes.values()]

    def tag(self, facts: StoredFile, name: str) -> str:
        """Return what tells this thumbnail apart from all others."""
        width, height = self.sizes[name]
        return f"{facts.sha256}-{width}x{height}"

    async def get(self, store: FileStore, facts: StoredFile, name: str) -> Thumbnail:
        """Return a thumbnail of a content in a store, made and kept there unless it was before.

        Raises NoThumbnail where none can be made, FileMissing where the content is lost.
        """
        size = self.sizes[name]
        if facts.type not in READ_TYPES:
            raise NoThumbnail("it is no picture that is read")
        if facts.size > _MOST_BYTES:
            raise NoThumbnail(f"it has more than {_MOST_BYTES} bytes")
        if isinstance(store, InsideFiles):
            async with _slots():
                return _told(await self._made(store, facts, size))
        key = _key(facts.key, size)
        found = await _read(store, key)
        if found is None:
            async with _slots():
                found = await _read(store, key)  # somebody else may have made it meanwhile
                if found is None:
                    found = await self._made(store, facts, size)
                    await _keep(store, key, found)
        return _told(found)

    async def _made(self, store: FileStore, facts: StoredFile, size: tuple[int, int]) -> bytes:
        content = b"".join([piece async for piece in store.read(facts.key, 0, facts.size)])
        return await asyncio.get_running_loop().run_in_executor(_pool(), smaller, content, facts.type, size, self._most)


def _is_size(size: object) -> bool:
    return (
        isinstance(size, tuple | list)
        and len(size) == 2
        and all(isinstance(each, int) and not isinstance(each, bool) and 1 <= each <= _LARGEST for each in size)
    )


def _key(key: str, size: tuple[int, int]) -> str:
    """A key as stores make them, which nobody knows who does not know that of the content."""
    import hashlib  # few programs have thumbnails, and all import this module

    return hashlib.sha256(b"thumbnail\0%b\0%b\0%dx%d" % (_FORM, key.encode(), *size)).hexdigest()


def _told(content: bytes) -> Thumbnail:
    return Thumbnail(content, "image/png" if content.startswith(b"\x89PNG") else "image/jpeg")


async def _read(store: FileStore, key: str) -> bytes | None:
    try:
        return b"".join([piece async for piece in store.read(key)]) or None
    except FileMissing:
        return None


async def _keep(store: FileStore, key: str, content: bytes) -> None:
    """Keep a thumbnail; where that fails it is made again when it is asked for."""

    async def pieces() -> AsyncIterator[bytes]:
        yield content

    try:
        await store.write(pieces(), key)
    except StoreError as error:
        _log.warning("a thumbnail is not kept in %r: %s", store.name, error)


@cache
def _pool() -> ThreadPoolExecutor:
    """The threads that decode. One whose request was given up still works, and holds up those that come later."""
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(_AT_ONCE, "holdall-thumbnails")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)


_waiting: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


def _slots() -> asyncio.Semaphore:
    """The slots of this event loop: no more contents than these are in memory to be decoded."""
    return _waiting.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(_AT_ONCE))
