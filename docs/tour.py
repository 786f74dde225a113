"""A tour of Holdall in one program: a library whose countries lie in YAML files and whose books in SQLite.

Run it with ``python docs/tour.py``; it works in a temporary folder and leaves nothing behind.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, assert_type

from holdall import (
    Everyone,
    Frozen,
    Holdall,
    Length,
    Many,
    Model,
    OnDelete,
    Policy,
    Ref,
    Role,
    User,
    back,
    check,
    computed,
    desc,
    field,
)
from holdall.errors import CommitAborted, Forbidden, ValidationError


class Country(Model):
    code: str = field(pk=True, pattern=r"[A-Z]{2}")
    name: str


class Author(Model):
    id: int = field(pk=True, generated=True, frozen=Frozen.ALWAYS)
    name: Annotated[str, Length(1, 200)]
    country: Ref[Country | None] = field(default=None)
    books: Many[Book] = back("author", on_delete=OnDelete.RESTRICT)


class Book(Model):
    id: int = field(pk=True, generated=True, frozen=Frozen.ALWAYS)
    title: str
    isbn: str | None = field(default=None, unique=True, frozen=Frozen.UPDATE)
    author: Ref[Author]
    pages: int = field(default=0, ge=0)
    version: int = field(version=True)

    @check
    def _long_books_have_isbn(self) -> None:
        if self.pages > 100 and self.isbn is None:
            raise ValueError("a book of more than 100 pages needs an ISBN")

    @computed
    def label(self) -> str:
        return f"{self.title} ({self.pages} pages)"


def library(folder: Path) -> Holdall:
    """The application, with its stores in the folder."""
    app = Holdall("library")
    app.add_store("main", f"sqlite:///{folder / 'library.db'}")
    app.add_store("reference", f"yaml:{folder / 'reference'}")
    app.add(Country, store="reference", policy=Policy(read=Everyone))
    app.add(Author, Book, store="main", policy=Policy(read=Everyone, write=Role("librarian")))
    return app


async def tour(app: Holdall) -> None:
    """Add, change, ask, and see what is refused."""
    librarian = User("ann", roles=frozenset({"librarian"}))
    reader = User("bob")
    await app.create()

    async with app.session() as s:
        for code, name in (("US", "United States"), ("FR", "France")):
            s.add(Country(code=code, name=name))

    # A reference takes a record or a key, whichever store it points into. Leaving the block commits.
    async with app.session(user=librarian) as s:
        ursula = s.add(Author(name="Ursula Le Guin", country=await s.require(Country, code="US")))
        s.add(Book(title="The Dispossessed", isbn="9780060512750", author=ursula, pages=341))
        marguerite = s.add(Author(name="Marguerite Yourcenar", country="FR"))
        s.add(Book(title="Œuvres", isbn="9782070101856", author=marguerite, pages=1280))
    assert ursula.id is not None

    async with app.session(user=librarian) as s:
        ursula = await s.require(Author, id=ursula.id)
        ursula.name = "Ursula K. Le Guin"
        print(s.plan())

    # A condition may follow references, also into another store.
    async with app.session(user=reader) as s:
        french = await s.query(Book.where(Book.author.country.code == "FR", Book.pages > 100).sort(desc(Book.pages)))
        assert_type(french, list[Book])
        author = await french[0].author
        assert_type(author, Author)
        assert_type(await author.country, Country | None)
        print(french[0].label, "by", author.name)

    # The same look for those who like it, the same engine below.
    async with app.session(user=reader):
        assert [book.title for book in await Book.objects.filter(author=ursula).order_by("-title")] == [
            "The Dispossessed"
        ]

    try:
        Book(title="Long", author=ursula, pages=500)
    except ValidationError as error:
        print(error)

    try:
        async with app.session(user=reader) as s:
            s.add(Book(title="Mine", author=ursula))
    except Forbidden as error:
        print(error)

    # Somebody else's change in between is an error, never a loss.
    try:
        async with app.session(user=librarian) as mine, app.session(user=librarian) as theirs:
            for session in (mine, theirs):
                book = await session.one(Book.where(Book.title == "The Dispossessed"))
                book.pages += 1
    except CommitAborted as error:
        print(error)
    await app.close()


def script(app: Holdall) -> None:
    """The same verbs for programs that are not async."""
    with app.sync.session() as s:
        print(s.count(Book.where()), "books")
    app.sync.close()


def main() -> None:
    """The whole tour."""
    with TemporaryDirectory() as folder:
        app = library(Path(folder))
        asyncio.run(tour(app))
        script(app)


if __name__ == "__main__":
    main()
