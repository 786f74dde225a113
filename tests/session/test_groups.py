from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from holdall import Authenticated, Holdall, Model, Nobody, Policy, Ref, User, desc, field, rows
from holdall.errors import Forbidden, LimitExceeded, QueryError
from holdall.query import AnyQuery


class Genre(Enum):
    NOVEL = "novel"
    PLAY = "play"


class Country(Model):
    code: str = field(pk=True)
    name: str


class Author(Model):
    id: int = field(pk=True)
    name: str
    country: Ref[Country | None] = field(default=None)


class Book(Model):
    id: int = field(pk=True)
    genre: Genre
    author: Ref[Author | None] = field(default=None)
    pages: int | None = None
    price: Decimal | None = None


_BOOK: Any = Book

_STORES = {
    "memory": ("memory:", "memory:", "memory:"),
    "one SQLite": ("sqlite:///{}/books.db", "", ""),
    "several": ("sqlite:///{}/books.db", "memory:", "yaml:{}/countries"),
    "YAML": ("yaml:{}/books", "", ""),
}


@pytest.fixture(params=list(_STORES))
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holdall]:
    app = Holdall("library")
    first, second, third = _STORES[request.param]
    app.add_store("main", first.format(tmp_path))
    app.add_store("people", (second or "memory:").format(tmp_path))
    app.add_store("places", (third or "memory:").format(tmp_path))
    app.add(Book, store="main")
    app.add(Author, store="people" if second else "main")
    app.add(Country, store="places" if third else "main")
    await app.create()
    async with app.session() as session:
        france, britain = Country(code="FR", name="France"), Country(code="GB", name="Britain")
        jane, emile, anon = (
            Author(id=1, name="Jane", country=britain),
            Author(id=2, name="Émile", country=france),
            Author(id=3, name="anon"),
        )
        session.add_all([france, britain, jane, emile, anon])
        for number, (author, pages) in enumerate([(jane, 100), (jane, 50), (emile, 200), (anon, None), (None, 7)]):
            genre = Genre.PLAY if number % 2 else Genre.NOVEL
            session.add(Book(id=number, genre=genre, author=author, pages=pages, price=Decimal("0.1") * number))
    yield app
    await app.close()


async def _found(app: Holdall, query: AnyQuery) -> list[Any]:
    async with app.session() as session:
        return await session.query(query)


async def test_groups_by_a_reference(app: Holdall) -> None:
    query = Book.where().group_by(Book.author).only(Book.author, _BOOK.pages.sum(), rows())
    assert await _found(app, query.sort(desc(_BOOK.pages.sum()), Book.author)) == [
        (2, 200, 1),
        (1, 150, 2),
        (None, 7, 1),
        (3, None, 1),
    ]


async def test_groups_by_what_references_lead_to(app: Holdall) -> None:
    name = _BOOK.author.country.name
    query = Book.where().group_by(name).only(name, _BOOK.pages.avg(), _BOOK.author.name.max()).sort(name)
    assert await _found(app, query) == [(None, 7.0, "anon"), ("Britain", 75.0, "Jane"), ("France", 200.0, "Émile")]


async def test_having_and_a_condition_that_lead_elsewhere(app: Holdall) -> None:
    query = Book.where(_BOOK.author.country.code == "GB").group_by(Book.author).having(rows() > 1)
    assert await _found(app, query) == [(1,)]
    counted = Book.where(_BOOK.author.country.code == "GB").only(rows())
    assert await _found(app, counted) == [(2,)]


async def test_one_row_over_all(app: Holdall) -> None:
    price = _BOOK.price
    query = Book.where().only(rows(), price.sum(), price.avg(), _BOOK.author.count(distinct=True), _BOOK.genre.max())
    assert await _found(app, query) == [(5, Decimal("1.0"), Decimal("0.2"), 3, Genre.PLAY)]
    assert await _found(app, Book.where(Book.id > 90).only(rows(), price.sum())) == [(0, None)]


async def test_distinct_rows(app: Holdall) -> None:
    query = Book.where().only(Book.genre).distinct().sort(desc(Book.genre))
    assert await _found(app, query) == [(Genre.PLAY,), (Genre.NOVEL,)]


async def test_verbs_of_a_session(app: Holdall) -> None:
    query = Book.where().group_by(Book.genre).only(Book.genre, rows()).sort(Book.genre)
    async with app.session() as session:
        assert await session.first(query) == (Genre.NOVEL, 3)
        assert await session.one(query.offset(1)) == (Genre.PLAY, 2)
        assert await session.exists(query)
        assert not await session.exists(query.having(rows() > 7))
        assert [row async for row in session.stream(query)] == [(Genre.NOVEL, 3), (Genre.PLAY, 2)]
        assert (await session.readable(query)).records == [(Genre.NOVEL, 3), (Genre.PLAY, 2)]
        assert "rows()" in str(await session.explain(query)) or "grouped" in str(await session.explain(query))
        with pytest.raises(QueryError, match="counts records"):
            await session.count(query)


async def test_a_query_that_does_not_fit_is_refused(app: Holdall) -> None:
    with pytest.raises(QueryError, match="takes numbers"):
        await _found(app, Book.where().only(_BOOK.genre.sum()))


async def test_what_is_read_to_be_grouped_is_bounded(tmp_path: Path) -> None:
    app = Holdall("library")
    app.add_store("main", f"yaml:{tmp_path}/books")
    app.add(Country, store="main")
    app.bindings.of_model(Country).semi_join_limit = 2
    await app.create()
    async with app.session() as session:
        session.add_all([Country(code=code, name="x") for code in ("AA", "BB", "CC")])
    with pytest.raises(LimitExceeded, match="semi_join_limit"):
        await _found(app, Country.where().group_by(Country.name).only(rows()))
    grouped = Country.where(Country.code < "CC").group_by(Country.name).only(Country.name, rows())
    assert await _found(app, grouped) == [("x", 2)]
    await app.close()


@pytest.mark.parametrize("stores", ["main", "other"])
async def test_nobody_learns_by_aggregates_what_may_not_be_read(stores: str) -> None:
    app = Holdall("library")
    app.add_store("main", "memory:")
    app.add_store("other", "memory:")
    app.add(Book, store="main", policy=Policy(read=Authenticated, write=Authenticated))
    app.add(Author, store=stores, policy=Policy(read=Nobody, write=Authenticated))
    app.add(Country, store=stores, policy=Policy(read=Authenticated, write=Authenticated))
    name, books = _BOOK.author.name, Book.where()
    async with app.session(user=User("jane")) as session:
        for query in (
            books.only(name.max()),
            books.only(name.count(distinct=True)),
            books.group_by(name).only(rows()),
            books.group_by(name),
            books.only(name).distinct(),
            books.only(rows()).having(name.min() > "A"),
            books.group_by(Book.genre).only(Book.genre).sort(name.max()),
            books.where(name == "Jane").only(rows()),
            Author.where().only(rows()),
        ):
            with pytest.raises(Forbidden):
                await session.query(query)
            with pytest.raises(Forbidden):
                await session.explain(query)
        assert await session.query(books.only(rows())) == [(0,)]
    await app.close()
