"""What type checkers must say of aggregates and of rows; run by mypy and pyright, not by pytest."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, assert_type

from holdall import JSON, Model, Ref, Session, asc, desc, expr, field, rows
from holdall.functions import as_int, coalesce, exists, length, lower
from holdall.query import Aggregated, Condition, Expression, Query


class Author(Model):
    id: int = field(pk=True)
    name: str


class Book(Model, search=("title",)):
    id: int = field(pk=True)
    title: str
    author: Ref[Author]
    pages: int
    score: float | None = None
    price: Decimal | None = None
    published: date | None = None
    lent: timedelta = timedelta()
    info: JSON = field(default_factory=dict)


assert_type(expr(Book.pages).sum(), Aggregated[int | None])
assert_type(expr(Book.pages).avg(), Aggregated[float | None])
assert_type(expr(Book.price).avg(), Aggregated[Decimal | None])
assert_type(expr(Book.lent).avg(), Aggregated[timedelta | None])
assert_type(expr(Book.published).min(), Aggregated[date | None])
assert_type(expr(Book.title).count(distinct=True), Aggregated[int])
assert_type(expr(Book.author.name).count(), Aggregated[int])
assert_type(rows(), Aggregated[int])


async def rows_of_groups(session: Session) -> None:
    pages = expr(Book.pages).sum()
    query = (
        Book.where().group_by(Book.title).only(expr(Book.title), pages, rows()).having(pages > 100).sort(desc(pages))
    )
    assert_type(query, Query[tuple[str, int | None, int]])
    assert_type(await session.query(query), list[tuple[str, int | None, int]])
    assert_type(await session.one(Book.where().only(expr(Book.published).max())), tuple[date | None])
    assert_type(Book.where().group_by(Book.author), Query[tuple[object, ...]])


async def plain_rows(session: Session) -> None:
    shown = Book.where().only(expr(Book.title), expr(Book.pages))
    assert_type(await session.query(shown.distinct()), list[tuple[str, int]])
    assert_type(Book.where().only(expr(Book.title)).distinct().sort(asc(Book.title)), Query[tuple[str]])
    assert_type(expr(Book.author), Expression[Any])
    assert_type(Book.where().only(Book.title, rows()), Query[tuple[str, int]])
    assert_type(Book.where().only(Book.title, Book.published), Query[tuple[str, date | None]])
    assert_type(Book.where().only(*[Book.title]), Query[tuple[object, ...]])


async def formulas(session: Session) -> None:
    half = expr(Book.pages) * 2
    assert_type(half, Expression[int])
    shown = Book.where(half > 3, Book.pages * 2 > Book.id).only(
        Book.title.lower(), half, length(Book.title), coalesce(Book.score, 0.0), Book.pages % 7, half.sum()
    )
    assert_type(await session.query(shown), list[tuple[str, int, int, float, int, int | None]])
    assert_type(coalesce(Book.published, date(1900, 1, 1)), Expression[date])
    assert_type(lower(expr(Book.title)), Expression[str])
    assert_type(as_int(Book.info), Expression[int])
    united = Book.where(Book.pages > 3).union(Book.where(Book.id == 1)).except_(Book.where(Book.id == 2))
    assert_type(united, Query[Book])
    among = Book.where(expr(Book.author).in_(Author.where().only(Author.id)), exists(Author.where()))
    assert_type(await session.query(among), list[Book])


async def what_is_found(session: Session) -> None:
    found = Book.where(Book.search("left -hand") & expr(Book.pages).between(1, 9) | ~Book.search('"a b"'))
    assert_type(Book.search("left"), Condition)
    assert_type(found, Query[Book])
    assert_type(await session.query(found), list[Book])
    assert_type(await session.first(found.sort(Book.id)), Book | None)
    assert_type(found.union(Book.where(), Book.where()).except_(found), Query[Book])
    titles = Book.where().only(expr(Book.title))
    assert_type(titles.union(titles), Query[tuple[str]])
