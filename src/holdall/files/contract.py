"""The contract of file stores: contents under keys that the store makes, written whole or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol, runtime_checkable

__all__ = ["FileStore", "Signing"]


class FileStore(Protocol):
    """Keeps contents of files. ``holdall.testing.FileStoreConformance`` tells whether one does what is said here.

    ``name`` is that of ``app.add_files``. ``is_shared`` if one key may belong to several files, as where equal contents
    have one key: then nothing is deleted with a record, and what nobody refers to is collected. Keys are text of
    letters and digits; a store is given keys that it made and nothing else, and refuses all others.

    Example: :class:`holdall.files.MemoryFiles`.
    """

    name: str
    is_shared: bool

    async def write(self, content: AsyncIterator[bytes], key: str | None = None) -> str:
        """Keep the content and return its key. ``key`` is that of another file store, which this one stands beside.

        The content lasts when this returns. Where it raises, or is cancelled, nothing is kept under any key; an error
        of ``content`` itself is passed on.
        """
        ...

    def read(self, key: str, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        """Give the bytes from ``start`` to before ``stop``, or to the end; raises FileMissing where there are none."""
        ...

    async def size(self, key: str) -> int | None:
        """Return the size in bytes; None where there is no content with this key."""
        ...

    async def delete(self, key: str, before: datetime | None = None) -> bool:
        """Delete the content, unless it was written at ``before`` or later; return whether it was there and is gone."""
        ...

    def keys(self, before: datetime) -> AsyncIterator[str]:
        """Give the keys of all contents that were written before a moment."""
        ...

    async def sweep(self, before: datetime) -> int:
        """Remove what is left of writes that never ended and began before a moment; return of how many."""
        ...

    async def close(self) -> None:
        """Give back what the store holds."""


@runtime_checkable
class Signing(FileStore, Protocol):
    """A file store that lets clients write and read by themselves, at URLs that are good for some time.

    Example: ``docs/attachments.md``.
    """

    async def upload_url(self, key: str, seconds: float) -> str:
        """Return a URL that takes a PUT of the content."""
        ...

    async def download_url(self, key: str, seconds: float) -> str:
        """Return a URL that answers a GET with the content."""
        ...

    async def copy(self, key: str) -> str:
        """Copy a content within the store and return the key of the copy; raises FileMissing where there is none."""
        ...
