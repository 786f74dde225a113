"""Holdall's service with a field for files, in a folder."""

from __future__ import annotations

import os

from holdall import Everyone, File, Holdall, Model, Policy, field, file


class Book(Model, collection="books"):
    """A book with its scan."""

    id: int = field(pk=True)
    scan: File | None = file("scans")


_database = os.environ["BENCH_DATABASE"]
library = Holdall("bench")
library.add_store("main", f"sqlite:///{_database}")
library.add(Book, store="main", policy=Policy(read=Everyone, write=Everyone))
library.add_files("scans", f"file:{_database}.files")

app = library.asgi(create=True)
