"""What type checkers must refuse: each line is wrong, and a checker that lets it pass calls its comment unused."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from holdall import Session
from holdall.model import Many, Model, Ref, back, computed, field


class Author(Model):
    id: int = field(pk=True, generated=True)
    name: str


class Book(Model):
    id: int = field(pk=True, generated=True)
    title: str
    author: Ref[Author]
    editor: Ref[Author | None] = field(default=None)
    version: int = field(version=True)

    @computed
    def label(self) -> str:
        return self.title.upper()


class Shelf(Model):
    id: int = field(pk=True)
    books: Many[Book] = back("shelf")
    first: Ref[Book | None] = back("first_of")


def constructing(author: Author) -> None:
    Book(title="x")  # type: ignore[call-arg]
    Book("x", author=author)  # type: ignore[call-arg]
    Book(title=1, author=author)  # type: ignore[arg-type]
    Book(title="x", author=author, subtitle="y")  # type: ignore[call-arg]
    Book(title="x", author=author, version=1)  # type: ignore[call-arg]
    Book(title="x", author=author, id=1)  # type: ignore[call-arg]
    Book(title="x", author=1.5)  # type: ignore[arg-type]
    Book(title="x", author=None)  # type: ignore[arg-type]
    Book(title="x", author=Book(title="y", author=author))  # type: ignore[arg-type]


def writing(book: Book) -> None:
    book.title = None  # type: ignore[assignment]
    book.author = book  # type: ignore[assignment]
    book.author = None  # type: ignore[assignment]
    book.label = "x"  # type: ignore[misc]
    book.subtitle  # type: ignore[attr-defined]


async def reading(book: Book) -> None:
    editor = await book.editor
    editor.name  # type: ignore[union-attr]
    found = await Book.objects.get(1)
    found.title  # type: ignore[union-attr]


def the_other_end(book: Book, shelf: Shelf) -> None:
    shelf.books = [shelf]  # type: ignore[list-item]
    shelf.books.add(shelf)  # type: ignore[arg-type]
    shelf.first = shelf  # type: ignore[assignment]


def asking() -> None:
    Book.subtitle  # type: ignore[attr-defined]
    Book.where("title")  # type: ignore[arg-type]


def declaring() -> None:
    field(pk="yes")  # type: ignore[call-overload]
    field(defualt=1)  # type: ignore[call-overload]
    back(1)  # type: ignore[arg-type]


async def some_fields(session: Session) -> None:
    rows = await session.query(Book.where().only(Book.title))
    rows[0].title  # type: ignore[attr-defined]
    first = await session.first(Book.where().only(Book.title, Book.id))
    first.id  # type: ignore[union-attr]
