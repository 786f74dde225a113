"""What type checkers must say of adopted models and of Selects; run by mypy and pyright, not by pytest."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, assert_type

from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from holdall import Model, field
from holdall.query import Query
from holdall.session import Session, SyncSession


class Base(DeclarativeBase):
    pass


class Row(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    pages: Mapped[int | None]


class Book(Model, adopt=Row, leave_out=["pages"], collection="books"):
    id: int = field(pk=True, generated=True)
    title: str


Plain = Model.adopt(Row, name="Plain", leave_out=("pages",))

assert_type(Book(title="Emma").title, str)
assert_type(Book.title, str)  # as a record has it; compared, it is a condition
assert_type(Plain.title, Any)
assert_type(Book.where(select(Row).where(Row.pages > 9), Book.title == "Emma"), Query[Book])


async def reads(session: Session) -> None:
    assert_type(await session.query(Book.where(select(Row))), list[Book])
    assert_type(await session.query(select(Row).where(Row.pages > 9)), list[Any])
    assert_type(await session.count(select(Row)), int)
    assert_type(await session.exists(select(Row)), bool)
    assert_type(await session.first(select(Row)), Any | None)
    assert_type(await session.one(select(Row)), Any)
    assert_type(session.stream(select(Row), batch=10), AsyncIterator[Any])
    assert_type(await session.first(Book.where(select(Row)), fresh=True), Book | None)
    assert_type(await session.one(Book.where()), Book)
    assert_type(session.stream(Book.where()), AsyncIterator[Book])
    await session.first(3)  # type: ignore[call-overload]
    Book(title=3)  # type: ignore[arg-type]
    Book.where(3)  # type: ignore[arg-type]
    await session.query(3)  # type: ignore[call-overload]


def reads_without_await(session: SyncSession) -> None:
    assert_type(session.first(select(Row)), Any | None)
    assert_type(session.one(select(Row)), Any)
    assert_type(session.stream(select(Row)), Iterator[Any])
    assert_type(session.first(Book.where()), Book | None)
    assert_type(session.one(Book.where(), lock="update"), Book)
    assert_type(session.stream(Book.where(), batch=3), Iterator[Book])
