"""Holdall's groups with sums and means, of records that a condition means."""

from __future__ import annotations

import time
from functools import partial

from bench.book import named
from bench.ours.book import Book, library
from holdall import expr, rows

_RECORDS = 10_000


async def _groups(prefix: str, database: str, count: int) -> float:
    app = library(prefix + database)
    await app.create()
    async with app.session() as session:
        if await session.count(Book.where()) != _RECORDS:
            await session.delete(Book.where())
            session.add_all([Book(**values) for values in named(_RECORDS)])
    pages = expr(Book.pages)
    columns = (expr(Book.language), rows(), pages.sum(), pages.avg(), expr(Book.price).max())
    async with app.session() as session:
        start = time.perf_counter()
        for number in range(count):
            query = Book.where(Book.pages > 100 + number).group_by(Book.language).only(*columns)
            assert len(await session.query(query)) == 5
        return (time.perf_counter() - start) / count


sqlite, postgres = partial(_groups, "sqlite:///"), partial(_groups, "")
