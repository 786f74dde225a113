"""Authors and books whose events are told."""

from __future__ import annotations

from holdall import Codec, Holdall, Many, Model, OnDelete, Ref, back, field
from holdall.events.body import Body, encode_facts, encode_tail

__all__ = ["Author", "Book", "Pin", "changed_books", "encoded"]


class Pin:
    """A secret number."""

    def __init__(self, digits: str) -> None:
        self.digits = digits

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pin) and other.digits == self.digits

    def __hash__(self) -> int:
        return hash(self.digits)


_PIN = Codec(Pin, str, encode=lambda pin: pin.digits, decode=Pin, secret=True, example=Pin("1"))


class Author(Model, collection="author"):
    id: int = field(pk=True, generated=True)
    name: str = ""
    books: Many[Book] = back("author", on_delete=OnDelete.CASCADE)


class Book(Model, collection="book"):
    id: int = field(pk=True, generated=True)
    title: str = field(default="", index=True, length=(0, 200))
    status: str = "draft"
    notes: int = 0
    author: Ref[Author | None] = field(default=None, index=True)
    pin: Pin | None = field(default=None, codec=_PIN)
    version: int = field(version=True)


async def changed_books(app: Holdall, number: int) -> list[Book]:
    """So many books, whose status one commit has changed."""
    await app.create()
    async with app.session() as session:
        books = [session.add(Book(title=str(place))) for place in range(number)]
        await session.commit()
        for book in books:
            book.status = "out"
    return books


def encoded(body: Body) -> bytes:
    """The bytes of a body, from its facts and its tail."""
    tail = encode_tail(body.user, body.request_id, body.commit, body.at)
    return encode_facts(body.kind, body.key, body.fields, body.old, body.new, tail)
