"""What type checkers must say of actions and selections; run by mypy and pyright, not by pytest."""

from __future__ import annotations

from typing import Annotated, Any, assert_type

from holdall import (
    Action,
    ActionPolicy,
    All,
    Context,
    Each,
    Everyone,
    Ge,
    Holdall,
    Model,
    Nothing,
    One,
    Selection,
    SyncContext,
    field,
    param,
)
from holdall.actions import Content
from holdall.actions.house import Duplicate, Export


class Book(Model, collection="books"):
    id: int = field(pk=True)
    title: str = ""
    pages: int = 0


class Vote(Action[Book], on=Each):
    score: Annotated[float, Ge(0)]

    async def run(self, context: Context, book: Book) -> float:
        assert_type(self.score, float)
        assert_type(await context.act(Publish(), book), Book)
        return self.score


class Publish(Action[Book], on=One):
    def run(self, context: SyncContext, book: Book) -> Book:
        assert_type(context.act(Count()), int)
        return book


class Report(Action[Book], on=All):
    async def run(self, context: Context, books: list[Book]) -> dict[str, int]:
        return {book.title: book.pages for book in books}


class Count(Action[Book], on=Nothing):
    more: int = 0

    async def run(self, context: Context) -> int:
        return self.more


app = Holdall("library")
app.add_store("main", "memory:")
app.add(Book, store="main")
app.add_action(Vote, policy=ActionPolicy(see=Everyone, execute=Everyone))
LONG = app.add_selection("long", Book.where(Book.pages > param("pages", int, 0)).only(Book.title))
assert_type(LONG, Selection[tuple[str]])


async def uses() -> None:
    async with app.session() as session:
        book = await session.require(Book, 1)
        assert_type(await session.act(Vote(score=8), book), float)
        assert_type(await session.act(Vote(score=8), [book]), list[float])
        assert_type(await session.act(Vote(score=8), Book.where(Book.pages > 3), max_affected=7), list[float])
        assert_type(await session.act(Vote(score=8), session.select(LONG, pages=7)), list[float])
        assert_type(await session.act(Publish(), book), Book)
        assert_type(await session.act(Report(), [book]), dict[str, int])
        assert_type(await session.act(Report(), Book.where()), dict[str, int])
        assert_type(await session.act(Count(more=1)), int)
        assert_type(await session.act(Duplicate[Book](changes={"title": "x"}), book), Book)
        assert_type(await session.act(Export[Book](), [book]), Content)
        rows = await session.query(session.select(LONG, Book.title, pages=7))
        assert_type(rows, list[tuple[str]])
        assert_type(await session.query(session.select("books/long")), list[Any])
    async with app.context() as context:
        assert_type(await context.act(Count()), int)


def uses_sync() -> None:
    with app.sync.session() as session:
        book = session.require(Book, 1)
        assert_type(session.act(Vote(score=8), book), float)
        assert_type(session.act(Vote(score=8), [book]), list[float])
        assert_type(session.act(Publish(), book), Book)
        assert_type(session.act(Report(), Book.where()), dict[str, int])
        assert_type(session.act(Count()), int)
        assert_type(session.query(session.select(LONG)), list[tuple[str]])
    with app.sync.context() as context:
        assert_type(context.act(Count()), int)
