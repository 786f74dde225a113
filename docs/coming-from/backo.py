"""The bookstore of backo: authors, their books, and references that are true at both ends and over two stores.

Run it with ``python docs/coming-from/backo.py``; it works in a temporary folder and leaves nothing behind.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from holdall import (
    Action,
    ActionPolicy,
    Authenticated,
    Context,
    Each,
    Everyone,
    Fill,
    Ge,
    Holdall,
    Le,
    Many,
    Model,
    OnDelete,
    Policy,
    Ref,
    Role,
    User,
    back,
    desc,
    field,
    param,
)
from holdall.errors import ActionUnavailable, CommitAborted, Forbidden, ValidationError
from holdall.testing.client import Client

# --- the models: what backo declares with Item({...}), Ref(...) and RefsList(...) ----------------------------------


class Country(Model, collection="countries"):
    a2: str = field(pk=True, pattern=r"[A-Z]{2}")
    name: str


class Author(Model, collection="authors"):
    id: int = field(pk=True, generated=True)
    name: str
    surname: str
    nationality: Ref[Country]  # in another store
    books: Many[Book] = back("author", on_delete=OnDelete.RESTRICT)  # DeleteStrategy.MUST_BE_EMPTY
    portrait: Ref[Portrait | None] = back("author", on_delete=OnDelete.CASCADE)  # 1-1


class Portrait(Model, collection="portraits"):
    id: int = field(pk=True, generated=True)
    painter: str
    author: Ref[Author | None] = field(default=None)


class Book(Model, collection="books"):
    id: int = field(pk=True, generated=True)
    title: str
    subtitle: str = ""
    author: Ref[Author]
    shelf: Ref[Shelf | None] = field(default=None)
    genres: Many[Genre] = field(default=())  # RefsList <-> RefsList
    reviews: Many[Review] = back("book", on_delete=OnDelete.CASCADE)  # DeleteStrategy.DELETE_REFERENCED_ITEMS
    score: float = field(default=5.0, ge=0, le=10)
    number_of_voters: int = 0
    version: int = field(version=True)


class Shelf(Model, collection="shelves"):
    id: int = field(pk=True, generated=True)
    room: str
    books: Many[Book] = back("shelf", on_delete=OnDelete.UNLINK)  # DeleteStrategy.UNLINK_REFERENCED_ITEMS


class Genre(Model, collection="genres"):
    name: str = field(pk=True)
    books: Many[Book] = back("genres", fill=Fill.STORED, on_delete=OnDelete.UNLINK)  # FillStrategy.FILL


class Review(Model, collection="reviews"):
    id: int = field(pk=True, generated=True)
    text: str
    book: Ref[Book]


class Vote(Action[Book], on=Each):  # Action({"score": Float(min=0, max=10)}, do_vote)
    """The next voter's opinion."""

    score: Annotated[float, Ge(0), Le(10)]

    async def run(self, context: Context, book: Book) -> float:
        """Count it in."""
        book.score = (book.score * book.number_of_voters + self.score) / (book.number_of_voters + 1)
        book.number_of_voters += 1
        return book.score


def bookstore(folder: Path) -> Holdall:
    """The application: countries and genres in files that people can edit, all else in SQLite."""
    app = Holdall("bookstore")
    app.add_store("main", f"sqlite:///{folder / 'bookstore.db'}")
    app.add_store("files", f"yaml:{folder / 'reference'}")
    policy = Policy(read=Everyone, write=Role("librarian"))
    app.add(Country, Genre, store="files", policy=policy)
    app.add(Author, Portrait, Book, Shelf, Review, store="main", policy=policy)

    # what backo has register_action for, with can_see= and can_execute=
    may_vote = Authenticated & (Book.number_of_voters < 2)
    app.add_action(Vote, policy=ActionPolicy(see=Everyone, execute=may_vote, reason="Two votes are enough."))

    # what backo has Selection and register_selection for, here with a parameter
    french = Book.where(Book.author.nationality.a2 == "FR", Book.score >= param("score", float, 0.0))
    app.add_selection("french-books", french.sort(desc(Book.title)).only(Book.title, Book.author.name))
    return app


ANN = User("ann", roles=frozenset({"librarian"}))
BOB = User("bob")


# --- at work -------------------------------------------------------------------------------------------------------


async def fill(app: Holdall) -> None:
    async with app.session(ANN) as s:
        s.add_all([Country(a2="FR", name="France"), Country(a2="GB", name="United Kingdom")])
        s.add_all([Genre(name="novel"), Genre(name="letters")])
    async with app.session(ANN) as s:
        hugo = s.add(Author(name="Victor", surname="Hugo", nationality="FR"))
        austen = s.add(Author(name="Jane", surname="Austen", nationality="GB"))
        shelf = s.add(Shelf(room="reading room"))
        s.add(Book(title="Les Misérables", author=hugo, shelf=shelf, genres=["novel"]))
        s.add(Book(title="Notre-Dame de Paris", author=hugo, genres=["novel"]))
        s.add(Book(title="Emma", author=austen, shelf=shelf, genres=["novel"]))
        print(await s.expand())

    # Nothing may refer to what is not there, in another store neither.
    try:
        async with app.session(ANN) as s:
            s.add(Author(name="Nobody", surname="Nowhere", nationality="XX"))
    except ValidationError as error:
        print(error)


async def both_ends(app: Holdall) -> None:
    """A change at one end is a change at the other."""
    async with app.session(ANN) as s:
        emma = await s.one(Book.where(Book.title == "Emma"))
        austen = await emma.author
        assert [book.title for book in await austen.books] == ["Emma"]
        (novel,) = await emma.genres
        assert len(novel.books) == 3  # kept there, by every commit that concerns it

        letters = await s.require(Genre, "letters")
        letters.books.add(emma)
    async with app.session(BOB) as s:
        emma = await s.one(Book.where(Book.title == "Emma"))
        assert emma.genres.keys == ("novel", "letters")

    # Moving a book from one author to another; a portrait that is given to somebody else leaves its owner.
    async with app.session(ANN) as s:
        hugo = await s.one(Author.where(Author.surname == "Hugo"))
        austen = await s.one(Author.where(Author.surname == "Austen"))
        portrait = s.add(Portrait(painter="Cassandra", author=austen))
        await s.commit()
        assert await austen.portrait is portrait
        hugo.portrait = portrait
    async with app.session(BOB) as s:
        hugo = await s.one(Author.where(Author.surname == "Hugo"))
        same = await hugo.portrait
        assert same is not None
        assert same.painter == "Cassandra"
        assert await (await s.one(Author.where(Author.surname == "Austen"))).portrait is None


async def ask(app: Holdall) -> None:
    async with app.session(BOB) as s:
        french = s.select("books/french-books")
        assert await s.query(french) == [("Notre-Dame de Paris", "Victor"), ("Les Misérables", "Victor")]
        assert await s.count(french) == 2
        assert await s.query(french.limit(1).offset(1)) == [("Les Misérables", "Victor")]
        assert await s.count(s.select("books/french-books", score=7)) == 0


async def rate(app: Holdall) -> None:
    """Bob may not change books, and yet he may vote."""
    async with app.session(BOB) as s:
        paris = await s.one(Book.where(Book.title == "Notre-Dame de Paris"))
        assert await s.act(Vote(score=9), paris) == 9
        assert await s.act(Vote(score=7), paris) == 8
        try:
            await s.act(Vote(score=1), paris)
        except ActionUnavailable as error:
            print(error)
        paris.score = 1
        try:
            await s.commit()
        except Forbidden as error:
            print(error)
        s.rollback()
    async with app.session(ANN) as s:
        paris = await s.one(Book.where(Book.title == "Notre-Dame de Paris"))
        assert (paris.score, paris.number_of_voters) == (8, 2)
        emma = await s.one(Book.where(Book.title == "Emma"))
        s.add(Review(text="A comedy of manners.", book=emma))


async def remove(app: Holdall) -> None:
    async with app.session(ANN) as s:
        austen = await s.one(Author.where(Author.surname == "Austen"))
        s.remove(austen)
        try:
            await s.commit()
        except CommitAborted as error:  # she still has a book
            print(error)
        s.rollback()

    async with app.session(ANN) as s:
        shelf = await s.one(Shelf.where(Shelf.room == "reading room"))
        s.remove(shelf)
    async with app.session(ANN) as s:
        emma = await s.one(Book.where(Book.title == "Emma"))
        assert emma.shelf.key is None  # unlinked
        s.remove(emma)  # with its reviews
    async with app.session(ANN) as s:
        assert await s.count(Review.where()) == 0
        novel = await s.require(Genre, "novel")
        assert len(novel.books) == 2
        austen = await s.one(Author.where(Author.surname == "Austen"))
        s.remove(austen)


async def serve(app: Holdall) -> None:
    """The same over HTTP; ``holdall serve`` does it for good."""
    async with Client(app.asgi()) as http:
        answer = await http.request("GET", "/books?author.nationality.a2=FR&sort=-title")
        assert [book["title"] for book in answer.json()["data"]] == ["Notre-Dame de Paris", "Les Misérables"]
        assert (await http.request("GET", "/books/999")).status == 404
        answer = await http.request("GET", "/books/selections/french-books?score=7")
        assert answer.json()["data"] == [{"title": "Notre-Dame de Paris", "author.name": "Victor"}]
        assert (await http.post("/books/2/actions/vote", {"score": 5})).status in {401, 403}  # not without a name


async def main(app: Holdall) -> None:
    """The bookstore from its opening to its last customer."""
    await app.create()
    try:
        await fill(app)
        await both_ends(app)
        await ask(app)
        await rate(app)
        await serve(app)
        await remove(app)
    finally:
        await app.close()


if __name__ == "__main__":
    with TemporaryDirectory() as here:
        asyncio.run(main(bookstore(Path(here))))
