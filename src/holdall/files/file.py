"""Files of records: what reading ``book.cover`` gives, and what it is given."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Self

from holdall.errors import LimitExceeded, QueryError, StateError
from holdall.files.body import Body
from holdall.files.contract import FileStore
from holdall.files.facts import StoredFile
from holdall.files.names import clean_name
from holdall.files.shelf import store_of
from holdall.files.source import Content, is_content, pieces_of
from holdall.files.thumbnails import Thumbnail, Thumbnails
from holdall.model import Record

__all__ = ["BlobFile", "File"]

MOST_IN_MEMORY = 64 << 20
"""Bytes that ``content()`` returns unless it is told otherwise; larger files are read in pieces."""


class File:
    """A file in a field of a record: ``book.cover = File(data, name="cover.png")``, kept by the next commit.

    ``content`` is bytes, text (kept as UTF-8), a Path, an open file, an upload, or an iterator of bytes, async or not;
    ``name`` is shown and never used to find anything; ``meta`` is any text by name. The type, size and hash are found
    when the content is written. A file belongs to one record: given to another, its content is copied. Raises
    StateError for what is no content.

    >>> from holdall import File, Holdall, Model, field, file
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     cover: File | None = file("covers", types=["image/*"])
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main")
    >>> app.add_files("covers", "memory:")
    >>> async def example() -> None:
    ...     async with app.session() as session:
    ...         session.add(Book(id=1, cover=File(b"GIF89a" + bytes(20), name="cover.gif")))
    ...     async with app.session() as session:
    ...         cover = (await session.require(Book, 1)).cover
    ...         print(cover.name, cover.type, cover.size, await cover.read(0, 6))
    >>> import asyncio
    >>> asyncio.run(example())
    cover.gif image/gif 26 b'GIF89a'
    """

    __slots__ = ("__weakref__", "_body", "_field", "_record")

    _body: Body

    def __init__(self, content: Content, *, name: str = "", meta: Mapping[str, str] | None = None) -> None:
        if not is_content(content):
            raise StateError(
                f"a file's content is bytes, text, a Path, an open file or an iterator, not {type(content).__name__}"
            )
        self._body = Body(name=clean_name(name or _name_of(content)), meta=dict(meta or {}), content=content)
        self._record: Record = None
        self._field: str | None = None

    @classmethod
    def of(cls, body: Body, record: Record = None, field: str | None = None) -> Self:
        """Return the File that has this state, as the field of a record where one is given. Example: :class:`File`."""
        made = cls.__new__(cls)
        made._body, made._record, made._field = body, record, field
        return made

    @property
    def body(self) -> Body:
        """Return the state that all Files of one content share. Example: :class:`File`."""
        return self._body

    # --- what is known of it ------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Return the name that it was given, without folders and what misleads. Example: :class:`File`."""
        return self._body.name if self._body.facts is None else self._body.facts.name

    @property
    def meta(self) -> dict[str, str]:
        """Return the text that it was given by name. Example: :class:`File`."""
        return dict(self._body.meta if self._body.facts is None else self._body.facts.meta)

    @property
    def size(self) -> int:
        """Return the size in bytes. Raises StateError before a commit has kept it. Example: :class:`File`."""
        return self._facts.size

    @property
    def type(self) -> str:
        """Return the media type that its content has. Raises StateError as ``size``. Example: :class:`File`."""
        return self._facts.type

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of its content, in hexadecimal. Raises StateError as ``size``. Example: :class:`File`."""
        return self._facts.sha256

    @property
    def created(self) -> datetime:
        """Return when its content was written. Raises StateError as ``size``. Example: :class:`File`."""
        return self._facts.created

    @property
    def key(self) -> str:
        """Return the key of its content in its file store; no client ever sees it. Raises StateError as ``size``.

        Example: :class:`File`.
        """
        return self._facts.key

    @property
    def is_stored(self) -> bool:
        """Return whether a commit has kept its content. Example: :class:`File`."""
        return self._body.facts is not None

    @property
    def _facts(self) -> StoredFile:
        if self._body.facts is None:
            raise StateError("this File is not stored yet: its type, size and hash are known after the commit")
        return self._body.facts

    # --- its content --------------------------------------------------------------------------------------------------

    async def content(self, *, most: int = MOST_IN_MEMORY) -> bytes:
        """Return the whole content. Raises LimitExceeded where it has more bytes than ``most``, and as ``chunks``.

        Example: :meth:`chunks`.
        """
        return await self._joined(self.chunks(), most)

    async def text(self, *, most: int = MOST_IN_MEMORY) -> str:
        """Return the whole content, which is text in UTF-8. Raises as ``content``. Example: :meth:`chunks`."""
        return (await self.content(most=most)).decode()

    async def read(self, start: int = 0, stop: int | None = None, *, most: int = MOST_IN_MEMORY) -> bytes:
        """Return the bytes from ``start`` to before ``stop``. Raises as ``content``. Example: :class:`File`."""
        return await self._joined(self.chunks(start, stop), most)

    async def chunks(self, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        """Give the bytes from ``start`` to before ``stop`` in pieces, so that no size of a file fills the memory.

        Raises FileMissing where its store has lost the content, StateError for one that a commit has yet to keep.

        >>> from holdall import BlobFile, Holdall, Model, field, file
        >>> class Note(Model):
        ...     id: int = field(pk=True)
        ...     text: BlobFile | None = file()
        >>> app = Holdall("notes")
        >>> app.add_store("main", "memory:")
        >>> app.add(Note, store="main")
        >>> async def example() -> None:
        ...     async with app.session() as session:
        ...         note = session.add(Note(id=1, text=BlobFile("good morning")))
        ...         await session.commit()
        ...         print([piece async for piece in note.text.chunks(5)], await note.text.text())
        >>> import asyncio
        >>> asyncio.run(example())
        [b'morning'] good morning
        """
        if start < 0 or (stop is not None and stop < 0):
            raise StateError("a range of a file counts from its beginning: no position is negative")
        facts = self._facts
        store = await self._store()
        stop = facts.size if stop is None else min(stop, facts.size)
        if start < stop or not facts.size:
            async for piece in store.read(facts.key, start, stop):
                yield piece

    async def thumbnail(self, name: str) -> Thumbnail:
        """Return the thumbnail that the field declares under this name, made now unless it was before.

        Raises QueryError for another name, NoThumbnail for what is no picture, or too large a one, and as ``chunks``.
        Example: ``docs/attachments.md``.
        """
        record, field = self._place("thumbnail")
        declared = type(record).__holdall__.by_name[field]
        thumbnails: Thumbnails = declared.options.codec.thumbnails
        if name not in thumbnails.names:
            told = f"there are {', '.join(thumbnails.names)}" if thumbnails.names else "it declares none"
            raise QueryError(f"{declared.model}.{field} has no thumbnail {name!r}; {told}")
        return await thumbnails.get(await self._store(), self._facts, name)

    async def exists(self) -> bool:
        """Return whether the content is in its store, as long as it was written. Example: :meth:`copy`."""
        if self._body.facts is None:
            return False
        store = await self._store()
        return bool(await store.size(self._body.facts.key) == self._body.facts.size)

    async def _store(self) -> FileStore:
        """The store that has its content. Raises StateError for the File of no record."""
        if self._body.store is None:
            self._body.store = await store_of(*self._place("content"))
        return self._body.store

    async def _joined(self, pieces: AsyncIterator[bytes], most: int) -> bytes:
        if self._facts.size > most:
            raise LimitExceeded("bytes of a file in memory", most)
        return b"".join([piece async for piece in pieces])

    # --- changed ------------------------------------------------------------------------------------------------------

    def set_content(self, content: Content, *, name: str | None = None) -> None:
        """Give the record another file in this field, under the same name unless there is another one.

        Raises StateError where this File is not that of a record.
        """
        record, field = self._place("set_content")
        setattr(record, field, type(self)(content, name=self.name if name is None else name, meta=self.meta))

    def rename(self, name: str, *, meta: Mapping[str, str] | None = None) -> None:
        """Give the same content another name, and other ``meta`` where that is given. Raises as ``set_content``."""
        record, field = self._place("rename")
        claims = {"name": name} | ({} if meta is None else {"meta": dict(meta)})
        claimed = Body(name=clean_name(name), meta=self.meta if meta is None else dict(meta), claims=claims)
        setattr(record, field, type(self).of(claimed))

    def delete(self) -> None:
        """Empty the field; the content goes after the commit. Raises as ``set_content``."""
        record, field = self._place("delete")
        setattr(record, field, None)

    def copy(self, *, name: str | None = None, meta: Mapping[str, str] | None = None) -> Self:
        """Return a File with the same content, for another record or field.

        >>> from holdall import BlobFile, Holdall, Model, field, file
        >>> class Note(Model):
        ...     id: int = field(pk=True)
        ...     text: BlobFile | None = file()
        >>> app = Holdall("notes")
        >>> app.add_store("main", "memory:")
        >>> app.add(Note, store="main")
        >>> async def example() -> None:
        ...     async with app.session() as session:
        ...         first = session.add(Note(id=1, text=BlobFile("one", name="one.txt")))
        ...         await session.commit()
        ...         second = session.add(Note(id=2, text=first.text.copy(name="two.txt")))
        ...         first.text.set_content("three")
        ...         await session.commit()
        ...         print(await first.text.text(), await second.text.text(), second.text.name)
        ...         second.text.delete()
        ...         print(second.text, await first.text.exists())
        >>> import asyncio
        >>> asyncio.run(example())
        three one two.txt
        None True
        """
        given = self._body.content
        content = self.chunks() if given is None else pieces_of(given)
        made = type(self)(content, meta=self.meta if meta is None else meta)
        made._body.name = self.name if name is None else clean_name(name)
        return made

    def _place(self, verb: str) -> tuple[Record, str]:
        if self._record is None or self._field is None:
            raise StateError(
                f"{verb}() is for the File of a record, as book.cover is: assign this one to a field first"
            )
        return self._record, self._field

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, File):
            return NotImplemented
        mine, its = self._body, other._body
        return mine is its or (mine.facts is not None and mine.facts == its.facts)

    def __hash__(self) -> int:
        return hash(self._body.facts.key) if self._body.facts is not None else id(self._body)

    def __repr__(self) -> str:
        facts = self._body.facts
        state = "not stored yet" if facts is None else f"{facts.type}, {facts.size} bytes"
        return f"{type(self).__name__}({self.name!r}, {state})"


class BlobFile(File):
    """A file whose content is kept in its record, beside the other fields: for small ones.

    Example: :class:`File`.
    """

    __slots__ = ()


def _name_of(content: Content) -> str:
    """The name that a path, an open file or an upload has by itself."""
    for attribute in ("filename", "name"):
        found = getattr(content, attribute, None)
        if isinstance(found, str):
            return found
    return ""
