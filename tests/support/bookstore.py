"""A bookstore with actions and selections: readers vote, editors publish, librarians do everything."""

from __future__ import annotations

from typing import Annotated

from holdall import (
    Action,
    ActionPolicy,
    All,
    Context,
    Each,
    Everyone,
    FieldRights,
    Ge,
    Holdall,
    Le,
    Model,
    Nobody,
    Nothing,
    One,
    Policy,
    Ref,
    Role,
    SyncContext,
    User,
    desc,
    field,
    param,
)
from holdall.actions import Content
from holdall.actions.house import Duplicate, Export
from holdall.query import Value

__all__ = [
    "ANN",
    "EVE",
    "LIBRARIAN",
    "Author",
    "Book",
    "Card",
    "Country",
    "Import",
    "Outer",
    "Publish",
    "Report",
    "Vote",
    "bookstore",
    "filled",
    "who",
]


class Country(Model, collection="countries"):
    code: str = field(pk=True)
    name: str


class Author(Model, collection="authors"):
    id: int = field(pk=True)
    name: str
    country: Ref[Country | None] = field(default=None)


class Book(Model, collection="books"):
    id: int = field(pk=True, generated=True)
    title: str
    isbn: str | None = field(default=None, unique=True)
    author: Ref[Author | None] = field(default=None)
    pages: int = 0
    status: str = "draft"
    margin: int = 0
    owner: str = ""
    score: float = field(default=0.0, ge=0, le=10)
    votes: int = 0


class Card(Model, collection="cards"):
    id: int = field(pk=True, generated=True)
    text: str
    owner: str = ""


class Vote(Action[Book], on=Each):
    """Give a book a mark."""

    score: Annotated[float, Ge(0), Le(10)]
    comment: str = field(default="", length=(0, 100))

    async def run(self, context: Context, book: Book) -> float:
        book.score = (book.score * book.votes + self.score) / (book.votes + 1)
        book.votes += 1
        if self.comment == "fail":
            raise ValueError("planted")
        return book.score


class Publish(Action[Book], on=One):
    def run(self, context: SyncContext, book: Book) -> Book:
        book.status = "published"
        context.session.add(Card(text=f"published {book.title}"))
        return book


class Report(Action[Book], on=All):
    async def run(self, context: Context, books: list[Book]) -> list[str]:
        return [book.title for book in books]


class Import(Action[Book], on=Nothing, name="import-titles"):
    titles: list[str]
    author: Ref[Author | None] = field(default=None)

    async def run(self, context: Context) -> list[Book]:
        writer = self.author
        return context.session.add_all([Book(title=title, author=writer) for title in self.titles])


class Outer(Action[Book], on=One):
    """Vote twice, in one commit."""

    inner: str = ""

    async def run(self, context: Context, book: Book) -> float:
        await context.act(Vote(score=2), book)
        try:
            return await context.act(Vote(score=4, comment=self.inner), book)
        except ValueError:
            return 0.0  # and yet nothing of it is written


class Label(Action[Book], on=One):
    async def run(self, context: Context, book: Book) -> Content:
        return Content(f"<{book.title}>".encode(), "text/plain", "label.txt")


class Drop(Action[Book], on=Each, repeat=False):
    async def run(self, context: Context, book: Book) -> None:
        context.session.remove(book)


ANN = User("ann", roles=frozenset({"reader"}))
EVE = User("eve")
LIBRARIAN = User("lib", roles=frozenset({"librarian", "reader"}))
USERS = {"ann": ANN, "eve": EVE, "lib": LIBRARIAN}


async def who(scope: Value) -> User | None:
    return USERS.get(dict(scope["headers"]).get(b"x-user", b"").decode())


def bookstore(books: str = "memory:", others: str | None = None) -> Holdall:
    """The application, in one store or in two."""
    app = Holdall("bookstore")
    app.add_store("main", books)
    if others is not None:
        app.add_store("other", others)
    place = "main" if others is None else "other"
    app.add(Country, Author, store=place, policy=Policy(read=Everyone, write=Role("librarian")))
    app.add(
        Book,
        store="main",
        policy=Policy(
            read=Role("librarian") | (Book.owner != "secret"),
            write=Role("librarian"),
            fields={"margin": FieldRights(read=Role("librarian"))},
        ),
    )
    app.add(Card, store="main", policy=Policy(read=Nobody, write=Nobody))
    reader = ActionPolicy(see=Everyone, execute=Role("reader"))
    app.add_action(Vote, reader)
    app.add_action(Publish, ActionPolicy(see=Role("reader"), execute=Role("reader") & (Book.status == "draft")))
    app.add_action(Report, ActionPolicy(execute=Role("reader")))
    app.add_action(Import, ActionPolicy(execute=Role("reader")))
    app.add_action(Outer, ActionPolicy(execute=Role("reader")))
    app.add_action(Label, ActionPolicy(execute=Everyone))
    app.add_action(Drop)
    app.add_action(Duplicate[Book])
    app.add_action(Export[Book], ActionPolicy(execute=Role("reader")))
    app.add_selection(
        "french-books",
        Book.where(Book.author.country.code == "FR", Book.pages >= param("pages", int, 0))
        .sort(desc(Book.pages))
        .only(Book.title, Book.author.name),
        title="Books by French authors",
    )
    app.add_selection("drafts", Book.where(Book.status == "draft"), policy=Role("reader") & (Book.pages < 500))
    app.add_selection("margins", Book.where(Book.margin > 0).only(Book.title))
    return app


async def filled(app: Holdall, count: int = 12) -> None:
    """Two countries, two authors, and books of theirs in turn; each fourth is a secret."""
    async with app.session() as session:
        session.add_all([Country(code="FR", name="France"), Country(code="GB", name="United Kingdom")])
    async with app.session() as session:
        session.add_all([Author(id=1, name="Hugo", country="FR"), Author(id=2, name="Austen", country="GB")])
    async with app.session() as session:
        for number in range(1, count + 1):
            owner = "secret" if number % 4 == 0 else ""
            book = Book(title=f"b{number:02}", author=1 + number % 2, pages=number * 100, margin=7777, owner=owner)
            session.add(book)
