"""A4 and C1: whatever a store would refuse for certain, it refuses before the decision, and nothing is written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall, Model, Ref, field
from holdall.errors import CommitAborted, HoldallError, LimitExceeded, StoreUnavailable
from tests.servers.valkey import Valkey

pytestmark = pytest.mark.anyio


class Artist(Model):
    id: int = field(pk=True)


class Album(Model):
    id: int = field(pk=True)
    artist: Ref[Artist | None] = field(default=None)
    title: str = ""


class Stock(Model):
    id: int = field(pk=True)


@asynccontextmanager
async def _shop(folder: Path, url: str, **options: Any) -> AsyncIterator[Holdall]:
    """Artists and albums in a store of this URL, what is in stock in SQLite."""
    app = Holdall("shop", journal=f"sqlite:///{folder}/journal.db")
    app.add_store("main", f"sqlite:///{folder}/main.db")
    app.add_store("albums", url, **options)
    app.add(Stock, store="main")
    app.add(Artist, Album, store="albums")
    await app.create()
    try:
        yield app
    finally:
        await app.close()


async def _require_refused(app: Holdall, album: Album) -> HoldallError:
    """Have a commit of this album and some stock refused, with nothing left of it; what refused it."""
    async with app.session() as session:
        stock = await session.count(Stock.where())
        session.add_all([Stock(id=1_000), album])
        with pytest.raises(CommitAborted) as caught:
            await session.commit(timeout=2)
        session.rollback()
        assert await session.count(Stock.where()) == stock
    assert await app.stores["albums"].prepared() == []  # type: ignore[attr-defined]
    assert await app.recovery.unfinished() == []
    assert isinstance(caught.value.__cause__, HoldallError)
    return caught.value.__cause__


@pytest.mark.parametrize("layout", ["record", "collection"])
async def test_a_reference_that_leads_nowhere_is_refused_before_anything_is_written(
    tmp_path: Path, layout: str
) -> None:
    async with _shop(tmp_path, f"yaml:{tmp_path}/files", layout=layout) as app:
        error = await _require_refused(app, Album(id=1, artist=99))
        assert "artist" in str(error)
        async with app.session() as session:
            session.add_all([Stock(id=1), Artist(id=99), Album(id=1, artist=99)])


@pytest.mark.parametrize("layout", ["record", "collection"])
async def test_a_record_that_is_too_big_is_refused_before_anything_is_written(tmp_path: Path, layout: str) -> None:
    async with _shop(tmp_path, f"yaml:{tmp_path}/files", layout=layout, max_file_bytes=10_000) as app:
        assert isinstance(await _require_refused(app, Album(id=1, title="x" * 20_000)), LimitExceeded)
        async with app.session() as session:
            session.add_all([Stock(id=1), Album(id=1)])


@pytest.mark.parametrize("layout", ["record", "collection"])
async def test_one_record_too_many_is_refused_before_anything_is_written(tmp_path: Path, layout: str) -> None:
    async with _shop(tmp_path, f"yaml:{tmp_path}/files", layout=layout, max_records=3) as app:
        for key in range(3):
            async with app.session() as session:
                session.add_all([Stock(id=key), Album(id=key)])
        assert isinstance(await _require_refused(app, Album(id=3)), LimitExceeded)


async def test_a_file_that_cannot_be_read_refuses_before_anything_is_written(tmp_path: Path) -> None:
    async with _shop(tmp_path, f"yaml:{tmp_path}/files", layout="collection") as app:
        async with app.session() as session:
            session.add_all([Stock(id=1), Album(id=1)])
        file = tmp_path / "files" / "album.yaml"
        whole = file.read_text()
        file.write_text("<<<<<<< HEAD\n- id: [\n")
        error = await _require_refused(app, Album(id=2))
        assert "album" in str(error)
        file.write_text(whole)
        async with app.session() as session:
            session.add_all([Stock(id=2), Album(id=2)])


async def test_a_folder_that_cannot_be_written_refuses_before_anything_is_written(tmp_path: Path) -> None:
    async with _shop(tmp_path, f"yaml:{tmp_path}/files") as app:
        (tmp_path / "files" / "album").rmdir()
        (tmp_path / "files" / "album").write_text("in the way")  # root is let into any folder, but not into a file
        await _require_refused(app, Album(id=1))


async def test_a_server_without_memory_refuses_before_anything_is_written(tmp_path: Path) -> None:
    with Valkey() as server:
        async with _shop(tmp_path, server.url) as app:
            async with app.session() as session:
                session.add_all([Stock(id=1), Album(id=1)])
            server.ask("CONFIG", "SET", "maxmemory", "1")
            assert isinstance(await _require_refused(app, Album(id=2)), StoreUnavailable)
            server.ask("CONFIG", "SET", "maxmemory", "0")
            async with app.session() as session:
                session.add_all([Stock(id=2), Album(id=2)])
