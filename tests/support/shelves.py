"""A small library for writes over HTTP, over any kind of store."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from holdall import JSON, Everyone, Frozen, Holdall, Model, Policy, Ref, computed, field

STORES = ["memory", "sqlite", "yaml", "postgres_url", "mongo_url", "redis_url"]
OPEN = Policy(read=Everyone, write=Everyone)


class Shelf(Model, collection="shelves"):
    code: str = field(pk=True, length=(1, 20))
    room: str = ""


class Book(Model, collection="books"):
    id: int = field(pk=True)
    title: str = field(length=(1, 80))
    pages: int = field(default=0, ge=0)
    isbn: str | None = field(default=None, unique=True)
    origin: str = field(default="here", frozen=Frozen.UPDATE)
    tags: list[str] = field(default_factory=list)
    size: dict[str, int] = field(default_factory=dict)
    extra: JSON = None
    shelf: Ref[Shelf | None] = field(default=None)
    version: int = field(version=True)

    @computed
    def label(self) -> str:
        return f"{self.title} ({self.pages})"


class Note(Model, collection="notes"):
    id: int = field(pk=True, generated=True)
    text: str = field(default="", length=(0, 80))


class Line(Model, collection="lines"):
    order: int = field(pk=True)
    code: str = field(pk=True, length=(1, 20))
    text: str = ""


def library(url: str, policy: Policy = OPEN, **store: Any) -> Holdall:
    """The application, over one store."""
    app = Holdall("shelves")
    app.add_store("main", url, **store)
    app.add(Shelf, Book, Note, Line, store="main", policy=policy)
    return app


def url_of(request: pytest.FixtureRequest, tmp_path: Any) -> tuple[str, dict[str, Any]]:
    """The URL of the kind of store that a test is given as its parameter, and the store's options."""
    kind = request.param
    if kind in ("memory", "sqlite", "yaml"):
        urls = {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}/s.db", "yaml": f"yaml:{tmp_path}/books"}
        return urls[kind], {}
    given = request.getfixturevalue(kind)
    if kind == "redis_url":
        return given, {"prefix": f"s{secrets.token_hex(6)}", "scan_limit": 1000}
    return request.getfixturevalue("fresh_database")(given), {}
