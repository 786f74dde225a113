"""Holdall's service: the collection declared and served, nothing else."""

from __future__ import annotations

import os
from datetime import datetime

from holdall import Everyone, Holdall, Model, Policy, field


class Book(Model, collection="books"):
    """The ten fields."""

    id: int = field(pk=True, generated=True)
    title: str
    subtitle: str | None
    author: str
    language: str
    pages: int
    price: float
    rating: float | None
    available: bool
    added: datetime


_database = os.environ["BENCH_DATABASE"]
library = Holdall("bench")
library.add_store("main", _database if _database.startswith("postgresql:") else f"sqlite:///{_database}")
library.add(Book, store="main", policy=Policy(read=Everyone, write=Everyone))

app = library.asgi(create=True)
