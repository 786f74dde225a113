"""``replace_store``: the collections of a store are kept in another one from then on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from holdall import Holdall, Model, Ref, field
from holdall.errors import DeclarationError
from holdall.session import StoreCall, StoreHandler
from holdall.store import open_store

pytestmark = pytest.mark.anyio


class Author(Model):
    id: int = field(pk=True)


class Book(Model):
    id: int = field(pk=True)
    author: Ref[Author]


@pytest.fixture
async def app() -> AsyncIterator[Holdall]:
    made = Holdall("library")
    made.add_store("main", "memory:")
    made.add_store("shelf", "memory:")
    made.add(Author, store="main")
    made.add(Book, store="shelf")
    yield made
    await made.close()


async def write(app: Holdall) -> None:
    async with app.session() as session:
        session.add(Book(id=1, author=session.add(Author(id=1))))


async def counted(app: Holdall) -> tuple[int, int]:
    async with app.session() as session:
        return await session.count(Author.where()), await session.count(Book.where())


@pytest.mark.parametrize("is_used", [True, False])
async def test_collections_are_kept_in_the_other_store(app: Holdall, is_used: bool) -> None:
    if is_used:
        await write(app)
    former = app.replace_store("main", "memory:")
    assert app.stores["main"] is not former
    assert await counted(app) == ((0, 1) if is_used else (0, 0))
    if not is_used:
        await write(app)
        assert await counted(app) == (1, 1)
    app.replace_store("main", former)
    assert (await counted(app))[0] == (1 if is_used else 0)


async def test_commits_over_several_stores_and_references_go_on(app: Holdall) -> None:
    await write(app)
    app.replace_store("shelf", open_store("shelf", "memory:"))
    async with app.session() as session:
        session.add(Book(id=2, author=1))
        session.add(Author(id=2))
    assert await counted(app) == (2, 1)


async def test_persistence_middleware_stands_around_the_other_store(app: Holdall) -> None:
    seen: list[str] = []

    async def look(call: StoreCall, handler: StoreHandler) -> Any:
        seen.append(call.verb)
        return await handler(call)

    app.add_persistence_middleware(look)
    await counted(app)
    app.replace_store("main", "memory:")
    await counted(app)
    assert seen == ["count"] * 4


@pytest.mark.parametrize(
    "name, store, options",
    [("other", "memory:", {}), ("main", 7, {}), ("main", "nothing:", {}), ("main", "memory:", {"unknown": 1})],
)
async def test_what_cannot_stand_there_is_refused(app: Holdall, name: str, store: Any, options: Any) -> None:
    before = dict(app.stores)
    with pytest.raises(DeclarationError):
        app.replace_store(name, store, **options)
    with pytest.raises(DeclarationError, match="takes no options"):
        app.replace_store("main", open_store("main", "memory:"), timeout=1)
    assert app.stores == before
