"""Queries within queries and combinations, over whatever stores there are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from holdall import Authenticated, Holdall, Model, Nobody, Policy, Ref, User, desc, field
from holdall.errors import Forbidden, LimitExceeded, QueryError, Unsupported
from holdall.functions import exists, length, outer
from holdall.query import AnyQuery


class Author(Model):
    id: int = field(pk=True)
    name: str
    age: int | None = None


class Book(Model):
    id: int = field(pk=True)
    title: str
    pages: int
    author: Ref[Author | None] = field(default=None)


_BOOK: Any = Book
_AUTHOR: Any = Author

_STORES = {
    "memory": ("memory:", ""),
    "one SQLite": ("sqlite:///{}/books.db", ""),
    "YAML": ("yaml:{}/books", ""),
    "several": ("sqlite:///{}/books.db", "memory:"),
    "several, the other way round": ("yaml:{}/books", "sqlite:///{}/people.db"),
}


@pytest.fixture(params=list(_STORES))
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holdall]:
    app = Holdall("library")
    first, second = _STORES[request.param]
    app.add_store("main", first.format(tmp_path))
    app.add_store("people", (second or "memory:").format(tmp_path))
    app.add(Book, store="main", policy=Policy(read=Authenticated, write=Authenticated))
    app.add(Author, store="people" if second else "main", policy=Policy(read=Nobody))
    await app.create()
    async with app.session() as session:
        people = [Author(id=1, name="Jane", age=41), Author(id=2, name="Émile"), Author(id=3, name="Emma", age=9)]
        session.add_all(people)
        jane, emile, _ = people
        for number, (title, pages, author) in enumerate(
            [("Emma", 400, jane), ("Jane", 10, jane), ("Nana", 300, emile), ("Anon", 7, None)]
        ):
            session.add(Book(id=number, title=title, pages=pages, author=author))
    yield app
    await app.close()


async def _ids(app: Holdall, query: AnyQuery) -> list[int]:
    async with app.session() as session:
        return sorted(record.id for record in await session.query(query))


async def test_values_among_rows(app: Holdall) -> None:
    old = Author.where(_AUTHOR.age > 20).only(_AUTHOR.id)
    for condition, wanted in (
        (_BOOK.author.in_(old), [0, 1]),
        (_BOOK.author.not_in(old), [2]),
        (~_BOOK.author.in_(old), [2, 3]),
        (_BOOK.title.in_(Author.where().only(_AUTHOR.name)), [0, 1]),
        (_BOOK.title.in_(Author.where().sort(_AUTHOR.name).limit(1).only(_AUTHOR.name)), [0]),
        (_BOOK.author.name.in_(Book.where(_BOOK.pages > 9).only(_BOOK.title)), [0, 1]),
        (_BOOK.pages.in_(Book.where(_BOOK.author.name == "Jane").only(_BOOK.pages).distinct()), [0, 1]),
        (length(_BOOK.title).in_(Author.where().only(length(_AUTHOR.name))), [0, 1, 2, 3]),
    ):
        assert await _ids(app, Book.where(condition)) == wanted


async def test_rows_that_are_there(app: Holdall) -> None:
    for condition, wanted in (
        (exists(Book.where(_BOOK.author == outer(_AUTHOR.id))), [1, 2]),
        (exists(Book.where(_BOOK.author == outer(_AUTHOR.id), _BOOK.pages > 350)), [1]),
        (exists(Book.where(_BOOK.title == outer(_AUTHOR.name))) & (_AUTHOR.age > 20), [1]),
        (~exists(Book.where(_BOOK.author == outer(_AUTHOR.id))), [3]),
        (exists(Book.where(_BOOK.pages > 1000)), []),
        (exists(Book.where(_BOOK.pages > 10).limit(1)), [1, 2, 3]),
    ):
        assert await _ids(app, Author.where(condition)) == wanted


async def test_combinations(app: Holdall) -> None:
    long, first = Book.where(_BOOK.pages > 200), Book.where().sort(_BOOK.id).limit(2)
    assert await _ids(app, long.union(first)) == [0, 1, 2]
    assert await _ids(app, long.intersect(first)) == [0]
    assert await _ids(app, long.except_(first)) == [2]
    assert await _ids(app, long.union(first, Book.where(_BOOK.id == 3)).sort(desc(_BOOK.id)).limit(2)) == [2, 3]
    async with app.session() as session:
        jane = Book.where(_BOOK.author.name == "Jane").only(_BOOK.author.name)
        assert await session.query(
            jane.union(Book.where(_BOOK.id == 2).only(_BOOK.author.name)).sort(_BOOK.author.name)
        ) == [
            ("Jane",),
            ("Émile",),
        ]
        assert await session.count(long.except_(first)) == 1


async def test_another_comparison_over_two_stores_is_refused_by_name(app: Holdall) -> None:
    asked = Author.where(exists(Book.where(_BOOK.pages > outer(_AUTHOR.age))))
    if app.bindings.of_model(Author).store is app.bindings.of_model(Book).store:
        assert await _ids(app, asked) == [1, 3]
    else:
        with pytest.raises(Unsupported, match="by other comparisons than ="):
            await _ids(app, asked)


async def test_rows_that_come_over_have_a_bound(app: Holdall) -> None:
    app.bindings.of_model(Author).semi_join_limit = 2
    asked = Book.where(_BOOK.title.in_(Author.where().only(_AUTHOR.name)))
    if app.bindings.of_model(Author).store is app.bindings.of_model(Book).store:
        assert await _ids(app, asked) == [0, 1]
    else:
        with pytest.raises(LimitExceeded):
            await _ids(app, asked)


async def test_who_may_not_read_a_collection_may_not_look_into_it(app: Holdall) -> None:
    async with app.session(user=User("somebody")) as session:
        for condition in (
            _BOOK.title.in_(Author.where().only(_AUTHOR.name)),
            exists(Author.where(_AUTHOR.id == outer(_BOOK.author))),
            exists(Book.where(_BOOK.title.in_(Author.where().only(_AUTHOR.name)))),
        ):
            with pytest.raises(Forbidden):
                await session.query(Book.where(condition))


@pytest.mark.parametrize(
    "written",
    [
        lambda: _BOOK.author.in_(Author.where()),
        lambda: _BOOK.author.in_(Author.where().only(_AUTHOR.id, _AUTHOR.name)),
        lambda: _BOOK.pages.in_(Book.where().only(_BOOK.pages.max())),
        lambda: _BOOK.pages.in_(Book.where().sort(_BOOK.id).after(3).only(_BOOK.pages)),
        lambda: exists(Book),
        lambda: _BOOK.where().union(Author.where()),
        lambda: Book.where().only(_BOOK.id).intersect(Book.where().only(_BOOK.id)),
        lambda: Book.where().only(_BOOK.id).union(Book.where().only(_BOOK.pages)),
        lambda: _BOOK.where().except_(Book.where().group_by(_BOOK.id)),
        lambda: _BOOK.where().union(3),
    ],
)
def test_wrong_queries_within_are_refused_when_they_are_written(written: Any) -> None:
    with pytest.raises(QueryError):
        written()
