"""Books, their authors and the countries of these: references of every direction, in one store or two."""

from __future__ import annotations

from holdall import Everyone, Holdall, Many, Model, Policy, Ref, back, field
from holdall.policy import Grant
from tests.support.served import Served

__all__ = ["AUTHORS", "BOOKS", "COUNTRIES", "Author", "Book", "Country", "bookshop", "filled"]


class Country(Model, collection="countries"):
    code: str = field(pk=True)
    name: str


class Author(Model, collection="authors"):
    id: int = field(pk=True)
    name: str
    country: Ref[Country | None] = field(default=None)
    books: Many[Book] = back("author")


class Book(Model, collection="books"):
    id: int = field(pk=True)
    title: str
    pages: int = 0
    price: float | None = None
    author: Ref[Author]
    sold_in: Many[Country]


COUNTRIES = [("FR", "France"), ("IT", "Italia")]
AUTHORS = [(1, "Ada", "FR"), (2, "Bo, Jr", "IT"), (3, "Cy", None)]
BOOKS = [
    (1, "Alpha", 100, 5.0, 1, ["FR", "IT"]),
    (2, "Beta", 200, None, 1, ["IT"]),
    (3, "Gamma", 300, 15.0, 2, []),
    (4, "Delta", 400, 20.0, 2, ["FR"]),
    (5, "a(b),c", 500, 25.0, 3, []),
]


def bookshop(
    url: str, countries: str | None = None, read_countries: Grant = Everyone, *, can_write: bool = False
) -> Holdall:
    """The application; with ``countries`` these are kept in a store of their own."""
    app = Holdall("bookshop")
    app.add_store("main", url)
    if countries is not None:
        app.add_store("reference", countries)
    app.add(Country, store="main" if countries is None else "reference", policy=Policy(read=read_countries))
    policy = Policy(read=Everyone, write=Everyone) if can_write else Policy(read=Everyone)
    app.add(Author, Book, store="main", policy=policy)
    return app


def filled(served: Served) -> Served:
    """The records, written by the program itself."""

    async def fill() -> None:
        async with served.app.session() as session:
            session.add_all([Country(code=code, name=name) for code, name in COUNTRIES])
        async with served.app.session() as session:
            session.add_all([Author(id=key, name=name, country=code) for key, name, code in AUTHORS])
        async with served.app.session() as session:
            for key, title, pages, price, author, sold_in in BOOKS:
                session.add(Book(id=key, title=title, pages=pages, price=price, author=author, sold_in=sold_in))

    served.run(fill())
    return served
