"""The models of these tests, over two stores: lists that many write, each with its other end in the other store."""

from __future__ import annotations

from pathlib import Path

from holdall import Fill, Holdall, Many, Model, Ref, back, field

__all__ = ["BOOKS", "Book", "Person", "Site", "Tag", "Ticket", "opened"]

BOOKS = 2


class Book(Model):
    id: int = field(pk=True)
    version: int = field(version=True)
    tags: Many[Tag] = field(default=())


class Tag(Model):
    id: int = field(pk=True)
    version: int = field(version=True)
    books: Many[Book] = back("tags", fill=Fill.STORED)


class Site(Model):
    id: int = field(pk=True)
    version: int = field(version=True)
    users: Many[Person] = back("site", fill=Fill.STORED)
    ticket: Ref[Ticket | None] = back("site")


class Person(Model):
    id: int = field(pk=True)
    site: Ref[Site]


class Ticket(Model):
    """One of many, of which a site has one."""

    id: int = field(pk=True)
    version: int = field(version=True)
    site: Ref[Site | None] = field(default=None)


def opened(folder: Path, left: str, right: str) -> Holdall:
    """The application over the stores at these URLs, with a journal that all processes share."""
    app = Holdall("shelves", journal=f"sqlite:///{folder}/journal.db")
    for name, url, models in (("left", left, (Book, Site)), ("right", right, (Tag, Person, Ticket))):
        if url.startswith("redis"):
            app.add_store(name, url, prefix=f"{folder.name}_{name}", scan_limit=10_000)
        else:
            app.add_store(name, url)
        app.add(*models, store=name)
    return app
