"""Holdall's book, and a Holdall that keeps it in a store."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from holdall import Holdall, Model, field


class Book(Model):
    """The ten fields."""

    id: int = field(pk=True)
    title: str
    subtitle: str | None
    author: str
    language: str
    pages: int
    price: float
    rating: float | None
    available: bool
    added: datetime


@cache
def library(url: str) -> Holdall:
    """The one Holdall for this store."""
    app = Holdall("bench")
    app.add_store("main", url)
    app.add(Book, store="main")
    return app
