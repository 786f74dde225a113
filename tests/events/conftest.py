"""A library in each kind of store, whose books have events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall
from tests.support.event_library import Author, Book

STORES = ["memory", "sqlite", "postgres", "mariadb", "mongo", "redis", "yaml"]


@pytest.fixture(params=STORES)
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holdall]:
    """A library in one store, without tables."""
    async for app in _made(request, tmp_path, request.param):
        yield app


@pytest.fixture
async def local(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holdall]:
    """The same in memory."""
    async for app in _made(request, tmp_path, "memory"):
        yield app


async def _made(request: pytest.FixtureRequest, folder: Path, kind: str) -> AsyncIterator[Holdall]:
    own = {"sqlite": f"sqlite:///{folder}/library.db", "yaml": f"yaml:{folder}/library", "memory": "memory:"}
    url: str = own.get(kind) or request.getfixturevalue(f"{kind}_url")
    app = Holdall("library")
    app.add_store("main", url, **({"prefix": folder.name} if kind == "redis" else {}))
    app.add(Author, Book, store="main")
    yield app
    for store in app.stores.values():
        drop: Any = getattr(store, "drop", None)
        if drop is not None:
            await drop()
    await app.close()
