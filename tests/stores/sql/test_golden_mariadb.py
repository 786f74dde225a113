"""What a version of Holdall wrote to MariaDB: each format is read for ever.

``mariadb_1.sql`` is a whole database: records with a value of every kind, journal and marker, a statement a line.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncmy
import pytest

from holdall.query import Compare, Op, Query
from holdall.session.journal.log_record import LogRecord, Operation, Part
from holdall.session.journal.markers import has_marker
from holdall.session.journal.row import JournalRow, JournalState, add_row, read_row
from holdall.session.journal.schema import JOURNAL, MARKER
from holdall.store import Change, Verb
from holdall.stores.sql import SqlStore, open_sql
from tests.support.golden_world import CHANGES, COMMIT, RESERVATION, ROWS, SAMPLE

pytestmark = pytest.mark.anyio

_DATABASE = (Path(__file__).parent / "golden" / "mariadb_1.sql").read_text()
_TABLES = ("holdall_journal", "holdall_marker", "sample", "sample_friends")
_WHEN = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
_ADDED = Operation(Verb.ADD, "sample", 1, ("id", "name"), (1, "few"))
_PART = Part("main", [_ADDED], is_done=True, identity=RESERVATION.home)
_JOURNAL = [
    JournalRow("#home", JournalState.HOME, RESERVATION.home, _WHEN, LogRecord([], "shop")),
    JournalRow(COMMIT, JournalState.DECIDED, RESERVATION.owner, _WHEN, LogRecord([_PART], "shop", True)),
]


@pytest.fixture
def url(mariadb_url: str, fresh_database: Callable[[str], str]) -> str:
    return fresh_database(mariadb_url)


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[SqlStore]:
    store = open_sql("golden", url)
    store.bind([SAMPLE, JOURNAL, MARKER])
    try:
        yield store
    finally:
        await store.close()


async def _run(url: str, *statements: str) -> list[Sequence[Any]]:
    """Run statements by the driver alone; the rows of the last one."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 3306
    connection = await asyncmy.connect(
        host=host, port=port, user=parts.username or "root", password=parts.password or "", db=parts.path.strip("/")
    )
    try:
        async with connection.cursor() as cursor:
            for statement in statements:
                await cursor.execute(statement)
            rows = list(await cursor.fetchall())
        await connection.commit()
    finally:
        await connection.ensure_closed()
    return rows


async def _dump(url: str) -> list[str]:
    """A statement for each row, its values as the server spells them."""
    found = []
    for table in _TABLES:
        columns = [row[0] for row in await _run(url, f"SHOW COLUMNS FROM `{table}`")]
        spelt = ", ".join(
            f"HEX(`{name}`)" if name in ("body", "data") else f"CAST(`{name}` AS CHAR)" for name in columns
        )
        order = ", ".join(f"`{name}`" for name in columns[:2])
        for row in await _run(url, f"SELECT {spelt} FROM `{table}` ORDER BY {order}"):
            values = [
                "NULL" if value is None else f"X'{value}'" if name in ("body", "data") else _quoted(value)
                for name, value in zip(columns, row, strict=True)
            ]
            found.append(f"INSERT INTO `{table}` VALUES ({', '.join(values)})")
    return found


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


async def _restored(url: str) -> None:
    """The golden database, in an empty one."""
    ((version,),) = await _run(url, "SELECT VERSION()")
    if "MariaDB" not in version:
        pytest.skip(f"not run: {version} has not the collations of MariaDB")
    await _run(url, "SET foreign_key_checks = 0", *[line for line in _DATABASE.splitlines() if line])


async def test_what_is_written_is_the_newest_golden_file(url: str) -> None:
    """Never write it anew: a change of a format gets a new number and a file of its own."""
    async with _opened(url) as store:
        await store.create()
        await store.apply(CHANGES)
        marker = Change(Verb.ADD, MARKER.name, f"{COMMIT}:golden", ("id", "made"), (f"{COMMIT}:golden", _WHEN))
        await store.apply([*map(add_row, _JOURNAL), marker])
    written = [line for line in _DATABASE.splitlines() if line.startswith("INSERT")]
    assert await _dump(url) == written


async def test_records_and_journal_of_an_earlier_holdall_are_read(url: str) -> None:
    await _restored(url)
    async with _opened(url) as store:
        assert await store.inspect() == []
        assert await store.fetch(Query("sample")) == list(ROWS)
        for name, value in zip(SAMPLE.positions, ROWS[1], strict=True):
            if name != "friends":
                found = await store.fetch(Query("sample", Compare((name,), Op.EQ, value)))
                assert ROWS[1] in found, name
        rows = [read_row(values) for values in await store.fetch(Query(JOURNAL.name))]
        assert [row.state for row in rows] == [row.state for row in _JOURNAL]
        assert rows[1] == _JOURNAL[1]
        assert await has_marker(store, COMMIT, "golden")
        assert not await has_marker(store, COMMIT, "other")
