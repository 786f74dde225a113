"""Holdall's export of a collection into a file, and its import of one."""

from __future__ import annotations

import time
from functools import partial

from bench.ours.book import Book, library
from bench.ours.sql import fill
from bench.raw.transfer import demand_books, write_books


async def _export(prefix: str, database: str, path: str, form: str, count: int) -> float:
    """Rows a second of all records, in the order of their keys."""
    url = prefix + database
    await fill(url, count)
    start = time.perf_counter()
    assert await library(url).export_records(Book.where().sort(Book.id), path, form=form) == count
    seconds = time.perf_counter() - start
    demand_books(path, form, count)
    return count / seconds


async def _import(prefix: str, database: str, path: str, form: str, count: int) -> float:
    """Lines a second of new records."""
    url = prefix + database
    await fill(url, 0)
    write_books(path, form, count)
    start = time.perf_counter()
    report = await library(url).import_records(Book, path, form=form)
    seconds = time.perf_counter() - start
    assert (report.created, report.failed) == (count, 0)
    async with library(url).session() as session:
        assert await session.count(Book.where()) == count
    return count / seconds


sqlite_export, postgres_export = partial(_export, "sqlite:///"), partial(_export, "")
sqlite_import, postgres_import = partial(_import, "sqlite:///"), partial(_import, "")
