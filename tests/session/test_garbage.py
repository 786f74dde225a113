"""Reads and commits leave nothing to the garbage collector: whatever they made goes with its last reference.

What a collector has to find costs the whole process a pause, the longer the more the program has in memory.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holdall import Holdall, Model, Ref, field

pytestmark = pytest.mark.usefixtures("older_objects_apart")

TIMES = 20


class Author(Model):
    id: int = field(pk=True)
    name: str = ""


class Book(Model):
    id: int = field(pk=True)
    title: str = ""
    author: Ref[Author]


@contextmanager
def collecting_nothing() -> Iterator[Counter[str]]:
    """Give the types of what only the collector could find; it does not run within the block."""
    found: Counter[str] = Counter()
    gc.disable()
    gc.freeze()  # what tests before this one have left is not looked at
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield found
        gc.collect()
        found.update(type(item).__name__ for item in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


@pytest.fixture(params=["memory", "sqlite", "two sqlite", "memory and yaml"])
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> Holdall:
    app, first = Holdall("library"), f"sqlite:///{tmp_path / 'a.db'}" if "sqlite" in request.param else "memory:"
    app.add_store("first", first)
    match request.param:
        case "two sqlite":
            app.add_store("second", f"sqlite:///{tmp_path / 'b.db'}")
        case "memory and yaml":
            app.add_store("second", f"yaml:///{tmp_path / 'books'}")
    app.add(Author, store="first")
    app.add(Book, store="second" if " " in request.param else "first")
    await app.create()
    return app


async def _read(app: Holdall, number: int) -> None:
    async with app.session() as session:
        await session.get(Author, 0)
        await session.query(Author.where(Author.name == "a").limit(3))
        await session.query(Book.where(Book.author.name == "a"))


async def _add(app: Holdall, number: int) -> None:
    async with app.session() as session:
        author = session.add(Author(id=number, name="a"))
        session.add(Book(id=number, author=author))


async def _change(app: Holdall, number: int) -> None:
    async with app.session() as session:
        for book in await session.query(Book.where(Book.id == 0)):
            book.title = f"title {number}"
        for author in await session.query(Author.where(Author.id == 0)):
            author.name = f"name {number}"


async def _keep_circle(app: Holdall, number: int) -> None:
    """The fault that must be found."""
    session = app.session()
    session.itself = session  # type: ignore[attr-defined]


@pytest.mark.parametrize("act", [_read, _add, _change])
async def test_nothing_is_left_to_the_collector(app: Holdall, act: Callable[[Holdall, int], Awaitable[None]]) -> None:
    await _add(app, 0)
    found = await _left_by(app, act)
    assert found.total() < TIMES, found  # not one for each time: some are of the store's own upkeep
    await app.close()


async def test_a_circle_is_found() -> None:
    app = Holdall("library")
    app.add_store("first", "memory:")
    app.add(Author, store="first")
    found = await _left_by(app, _keep_circle)
    assert found.total() >= TIMES
    await app.close()


async def _left_by(app: Holdall, act: Callable[[Holdall, int], Awaitable[None]]) -> Counter[str]:
    await act(app, 99)  # which makes what later ones share
    with collecting_nothing() as found:
        for number in range(100, 100 + TIMES):
            await act(app, number)
    return found
