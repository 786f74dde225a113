"""A SQLite file that is damaged, gone or without rights is named by every error."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdall.errors import CorruptRecord, StoreError, StoreUnavailable
from holdall.query import Query
from holdall.stores.sql import SqlStore, open_sql
from tests.support.sql_collections import AUTHOR, BOOK, add_author

pytestmark = pytest.mark.anyio


def opened(path: Path, more: str = "") -> SqlStore:
    store = open_sql("main", f"sqlite:///{path}{more}")
    store.bind([AUTHOR, BOOK])
    return store


async def fill(path: Path) -> None:
    store = opened(path)
    await store.create()
    await store.apply([add_author("x" * 500) for _ in range(200)])
    await store.close()


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    path.write_bytes(b"nothing of the kind " * 100)
    store = opened(path)
    for attempt in (store.fetch(Query("author")), store.apply([add_author("a")]), store.create()):
        with pytest.raises(CorruptRecord) as refused:
            await attempt
        assert str(path) in str(refused.value)
        assert str(path) in refused.value.place
    await store.close()


async def test_a_file_with_damaged_pages_is_named(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    await fill(path)
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    store = opened(path)
    for attempt in (store.fetch(Query("author")), store.apply([add_author("a")])):
        with pytest.raises(CorruptRecord, match=str(path)):
            await attempt
    await store.close()


async def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    store = opened(tmp_path / "absent" / "test.db")
    for attempt in (store.fetch(Query("author")), store.apply([add_author("a")])):
        with pytest.raises(StoreUnavailable, match=str(tmp_path)):
            await attempt
    await store.close()


async def test_a_file_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    await fill(path)
    store = opened(path, "?mode=ro")
    with pytest.raises(StoreError, match=str(path)):
        await store.apply([add_author("a")])
    await store.close()


async def test_a_folder_in_the_place_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    store = opened(tmp_path / "folder")
    with pytest.raises(StoreUnavailable, match="a folder lies there"):
        await store.fetch(Query("author"))
    await store.close()
