"""Contents in an object store, by obstore: S3 and what speaks like it, Google's, Azure's, and one in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Literal

import obstore
from obstore.exceptions import BaseError, NotFoundError, UnknownConfigurationKeyError
from obstore.store import MemoryStore, from_url

from holdall.errors import DeclarationError, FileMissing, StoreUnavailable
from holdall.files.keys import demand_key, new_key
from holdall.query import Value

__all__ = ["ObjectFiles", "SigningObjectFiles", "open_objects"]

_PART = 8 << 20  # bytes; S3 takes at most 10,000 parts, so this is enough for 80 GiB
_AT_ONCE = 2  # parts in memory while they are sent
_READ = 1 << 20


def open_objects(name: str, url: str, **options: object) -> ObjectFiles:
    """Open an object store by its URL, such as s3://bucket/folder, with the options of obstore (``region``,
    ``endpoint``, ``access_key_id``, …); objectmemory: is one in memory. Raises DeclarationError for others.

    >>> open_objects("covers", "objectmemory:").name
    'covers'
    """
    if url.partition(":")[0] == "objectmemory":
        return ObjectFiles(name, MemoryStore())
    client = {option: options.pop(option) for option in ("client_options", "retry_config") if option in options}
    try:
        given: Value = {**client, **({"config": options} if options else {})}
        return SigningObjectFiles(name, from_url(url, **given))
    except (BaseError, UnknownConfigurationKeyError, ValueError, TypeError) as error:
        raise DeclarationError(f"file store {name!r} cannot be opened: see to its URL and options") from error


class ObjectFiles:
    """Keeps contents in an object store of obstore, under ``ab/cd/abcd…``.

    Example: :func:`open_objects`.
    """

    is_shared = False

    def __init__(self, name: str, objects: Value) -> None:
        self.name = name
        self._objects = objects

    async def write(self, content: AsyncIterator[bytes], key: str | None = None) -> str:
        """Keep the content and return its key; a large one goes up in parts, and is there when all of them are."""
        key = new_key() if key is None else demand_key(self.name, key)
        first, rest = await _first_part(content)
        if rest is None:
            with self._mapped():
                await obstore.put_async(self._objects, _place(key), first, use_multipart=False)
            return key
        relay = _Relay(first, rest)
        try:
            with self._mapped():
                await obstore.put_async(
                    self._objects, _place(key), relay.pieces(), chunk_size=_PART, max_concurrency=_AT_ONCE
                )
        except Exception:
            if relay.failure is not None:
                raise relay.failure from None
            raise
        if relay.failure is not None:  # it was taken for the end
            await self.delete(key)
            raise relay.failure
        return key

    async def read(self, key: str, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        """Give the bytes in a range; raises FileMissing where there is no content."""
        place = _place(demand_key(self.name, key))
        wanted: Value = {}
        if start or stop is not None:
            size = await self.size(key)
            if size is None:
                raise FileMissing(self.name)
            stop = size if stop is None else min(stop, size)  # stores refuse ranges behind the end
            if start >= stop:
                return
            wanted = {"range": (start, stop)}
        with self._mapped():
            found = await obstore.get_async(self._objects, place, options=wanted)
            async for piece in found.stream(min_chunk_size=_READ):
                whole = memoryview(piece)
                for begin in range(0, len(whole), _READ):
                    yield bytes(whole[begin : begin + _READ])

    async def size(self, key: str) -> int | None:
        """Return the size in bytes; None where there is no content."""
        try:
            with self._mapped():
                return int((await obstore.head_async(self._objects, _place(demand_key(self.name, key))))["size"])
        except FileMissing:
            return None

    async def delete(self, key: str, before: datetime | None = None) -> bool:
        """Delete the content, unless it was written later."""
        place = _place(demand_key(self.name, key))
        try:
            with self._mapped():
                found = await obstore.head_async(self._objects, place)
                if before is not None and found["last_modified"] >= before:
                    return False
                await obstore.delete_async(self._objects, place)
        except FileMissing:
            return False
        return True

    async def keys(self, before: datetime) -> AsyncIterator[str]:
        """Give the keys of contents that were written before a moment."""
        with self._mapped():
            async for found in obstore.list(self._objects):
                for each in found:
                    key = each["path"].rpartition("/")[2]
                    with suppress(FileMissing):
                        if each["last_modified"] < before and each["path"] == _place(demand_key(self.name, key)):
                            yield key

    async def sweep(self, before: datetime) -> int:
        """Remove nothing: parts of uploads that never ended are seen by a lifecycle rule of the bucket alone."""
        return 0

    async def close(self) -> None:
        """Do nothing: connections go with the store."""

    def _mapped(self) -> _Mapped:
        return _Mapped(self.name)


class SigningObjectFiles(ObjectFiles):
    """An object store that signs URLs, so that clients reach contents by themselves.

    Example: ``docs/attachments.md``.
    """

    async def upload_url(self, key: str, seconds: float) -> str:
        """Return a URL that takes a PUT of the content."""
        return await self._signed("PUT", key, seconds)

    async def download_url(self, key: str, seconds: float) -> str:
        """Return a URL that answers a GET with the content."""
        return await self._signed("GET", key, seconds)

    async def copy(self, key: str) -> str:
        """Copy a content within the store and return the key of the copy; raises FileMissing where there is none."""
        copied = new_key()
        with self._mapped():
            await obstore.copy_async(self._objects, _place(demand_key(self.name, key)), _place(copied))
        return copied

    async def _signed(self, method: Literal["GET", "PUT"], key: str, seconds: float) -> str:
        place, period = _place(demand_key(self.name, key)), timedelta(seconds=seconds)
        with self._mapped():
            return await obstore.sign_async(self._objects, method, place, period)


class _Mapped:
    """Errors of obstore become ours."""

    def __init__(self, store: str) -> None:
        self._store = store

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, NotFoundError | FileNotFoundError):
            raise FileMissing(self._store) from error
        if isinstance(error, BaseError):
            raise StoreUnavailable(self._store, "the object store gave no answer that can be used") from error


class _Relay:
    """Passes pieces on, and remembers an error among them, which would come back as another one."""

    def __init__(self, first: bytes, rest: AsyncIterator[bytes]) -> None:
        self._first = first
        self._rest = rest
        self.failure: BaseException | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        """Give the pieces."""
        try:
            yield self._first
            async for piece in self._rest:
                yield piece
        except BaseException as error:
            self.failure = error
            raise


async def _first_part(content: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes] | None]:
    """The content, where it is small, or its beginning with all that comes behind."""
    held, size = list[bytes](), 0
    async for piece in content:
        held.append(piece)
        size += len(piece)
        if size > _PART:
            return b"".join(held), content
    return b"".join(held), None


def _place(key: str) -> str:
    return f"{key[:2]}/{key[2:4]}/{key}"
