"""Files as type checkers see them: fields are what they are annotated with, and need not be given."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import assert_type

from holdall import BlobFile, File, KiB, Model, field, file


class Book(Model):
    id: int = field(pk=True)
    cover: File | None = file("covers", types=["image/*"], max_size=64 * KiB)
    note: BlobFile | None = file()
    pages: list[File] = file("pages", default_factory=list)


async def read(book: Book) -> None:
    cover = book.cover
    assert_type(cover, File | None)
    if cover is not None:
        assert_type(await cover.content(), bytes)
        assert_type(await cover.text(), str)
        assert_type(cover.chunks(), AsyncIterator[bytes])
        assert_type((cover.name, cover.size, cover.type, cover.sha256), tuple[str, int, str, str])
        assert_type(cover.created, datetime)
        assert_type(cover.copy(), File)
        book.cover = cover.copy(name="other.png")
    book.note = BlobFile("text")
    assert_type(await book.pages[0].content(), bytes)
    book.pages.append(File(b"", name="a"))
    Book(id=1)
    Book(id=1, cover=File(b"", name="a"), note=None)
