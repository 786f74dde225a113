# mypy: disable-error-code="import-not-found, misc"
"""fastapi-restly: its asynchronous view on the same SQLAlchemy model and engine."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import fastapi_restly as fr
from fastapi import FastAPI

from bench.peers.sqlalchemy_book import Book
from bench.peers.sqlalchemy_engine import create_tables, open_engine

_engine = open_engine(os.environ["BENCH_DATABASE"])


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Make the table."""
    await create_tables(_engine)
    yield
    await _engine.dispose()


class BookView(fr.AsyncRestView):
    """The collection, its schemas derived from the model."""

    prefix = "/books"
    model = Book


app = FastAPI(lifespan=lifespan)
fr.configure(app, async_engine=_engine)
fr.include_view(app, BookView)
