"""Formulas over whatever stores there are: computed by the store, or here of what is read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdall import Holdall, Model, Ref, desc, field, rows
from holdall.errors import LimitExceeded
from holdall.functions import coalesce, length
from holdall.query import AnyQuery
from holdall.store import Capabilities, Feature
from holdall.stores.memory import MemoryStore


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


class Plain(MemoryStore):
    """A memory store that computes nothing."""

    @property
    def capabilities(self) -> Capabilities:
        able = super().capabilities
        return msgspec.structs.replace(able, features=able.features - {Feature.EXPRESSIONS})


_STORES = {
    "memory": ("memory:", ""),
    "one SQLite": ("sqlite:///{}/books.db", ""),
    "several": ("sqlite:///{}/books.db", "yaml:{}/people"),
    "one that cannot": (None, ""),
    "several that cannot": (None, "memory:"),
}


@pytest.fixture(params=list(_STORES))
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holdall]:
    app = Holdall("library")
    first, second = _STORES[request.param]
    app.add_store("main", Plain("main") if first is None else first.format(tmp_path))
    app.add_store("people", (second or "memory:").format(tmp_path))
    app.add(Book, store="main")
    app.add(Author, store="people" if second else "main")
    await app.create()
    async with app.session() as session:
        jane, emile = Author(id=1, name="Jane", age=41), Author(id=2, name="Émile")
        session.add_all([jane, emile])
        for number, (title, pages, author) in enumerate(
            [("Emma", 400, jane), ("jane", 10, jane), ("Nana", 300, emile), ("Anon", 7, None)]
        ):
            session.add(Book(id=number, title=title, pages=pages, author=author))
    yield app
    await app.close()


async def _found(app: Holdall, query: AnyQuery) -> list[Any]:
    async with app.session() as session:
        return await session.query(query)


async def test_conditions(app: Holdall) -> None:
    for condition, wanted in (
        (_BOOK.title.ieq("EMMA"), {0}),
        (_BOOK.title == _BOOK.author.name, set[int]()),
        (_BOOK.title.lower() == _BOOK.author.name.lower(), {1}),
        (~(_BOOK.pages > _BOOK.author.age), {1, 2, 3}),
        (_BOOK.pages * 2 > coalesce(_BOOK.author.age, 500), {0, 2}),
        ((_BOOK.pages > _BOOK.author.age) & (_BOOK.pages % 2 == 0), {0}),
        (length(_BOOK.author.name) == 4, {0, 1}),
    ):
        books = await _found(app, Book.where(condition))
        assert {book.id for book in books} == wanted, condition


async def test_sorts_projections_and_groups(app: Holdall) -> None:
    over = _BOOK.pages - coalesce(_BOOK.author.age, 0)
    found = await _found(app, Book.where().sort(desc(over)).limit(3).only(_BOOK.id, over, _BOOK.title.upper()))
    assert found == [(0, 359, "EMMA"), (2, 300, "NANA"), (3, 7, "ANON")]
    grouped = (
        Book.where()
        .group_by(length(_BOOK.author.name))
        .only(length(_BOOK.author.name), rows(), (_BOOK.pages + 1).sum())
    )
    assert sorted(await _found(app, grouped), key=repr) == [(4, 2, 412), (5, 1, 301), (None, 1, 8)]
    async with app.session() as session:
        assert await session.count(Book.where(_BOOK.pages + 1 > 300)) == 2
        assert [row async for row in session.stream(Book.where().only(_BOOK.id, _BOOK.pages // 100))] != []
        explained = await session.explain(Book.where(_BOOK.pages > _BOOK.author.age).sort(over))
    assert explained.store == "main"


async def test_what_must_be_read_has_a_bound() -> None:
    app = Holdall("library")
    app.add_store("main", Plain("main"))
    app.add(Author, Book, store="main")
    await app.create()
    app.bindings.of_model(Book).semi_join_limit = 3
    async with app.session() as session:
        session.add_all([Book(id=number, title="x", pages=number) for number in range(4)])
    for query in (
        Book.where(_BOOK.pages + 1 > 2),
        Book.where().sort(_BOOK.pages * -1),
        Book.where().group_by(_BOOK.pages % 2),
    ):
        with pytest.raises(LimitExceeded):
            await _found(app, query)
    assert len(await _found(app, Book.where().only(_BOOK.pages * 2))) == 4
    await app.close()
