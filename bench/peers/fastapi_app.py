"""FastAPI with SQLAlchemy's asynchronous ORM and pydantic response models, as their documentation has it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bench.peers.sqlalchemy_book import Book
from bench.peers.sqlalchemy_engine import create_tables, open_engine

_engine = open_engine(os.environ["BENCH_DATABASE"])
_sessions = async_sessionmaker(_engine, expire_on_commit=False)


class BookIn(BaseModel):
    """What a client posts."""

    title: str
    subtitle: str | None
    author: str
    language: str
    pages: int
    price: float
    rating: float | None
    available: bool
    added: datetime


class BookOut(BookIn):
    """What is answered."""

    model_config = ConfigDict(from_attributes=True)

    id: int


class Page(BaseModel):
    """The envelope of a list."""

    data: list[BookOut]
    total_count: int
    page: int
    page_size: int
    total_pages: int


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Make the table."""
    await create_tables(_engine)
    yield
    await _engine.dispose()


async def open_session() -> AsyncIterator[AsyncSession]:
    """A session for one request."""
    async with _sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(open_session)]
app = FastAPI(lifespan=lifespan)


@app.get("/books", response_model=Page)
async def list_books(
    session: Session,
    page: Annotated[int, Query(ge=1)] = 1,
    page_size: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Any:
    """A page, with the count of all."""
    total = await session.scalar(select(func.count()).select_from(Book)) or 0
    books = await session.scalars(select(Book).order_by(Book.id).limit(page_size).offset((page - 1) * page_size))
    return {
        "data": books.all(),
        "total_count": total,
        "page": page,
        "page_size": page_size,
        "total_pages": -(-total // page_size),
    }


@app.get("/books/{key}", response_model=BookOut)
async def get_book(session: Session, key: int) -> Any:
    """The one with this key."""
    book = await session.get(Book, key)
    if book is None:
        raise HTTPException(404)
    return book


@app.post("/books", response_model=BookOut, status_code=201)
async def create_book(session: Session, new: BookIn) -> Any:
    """Check, store, answer."""
    book = Book(**new.model_dump())
    session.add(book)
    await session.commit()
    return book
