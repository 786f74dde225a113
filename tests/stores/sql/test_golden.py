"""What a version of Holdall wrote to SQL databases: each format is read for ever.

``sqlite_1.sql`` is a whole database while a commit holds something there: records, journal, marker and reservation; in
``sqlite_2.sql`` the journal tells one store from another. ``prepared_names_1.json`` are the names of a prepared
transaction. Unknown formats of rows are refused in ``test_sqlite_holding`` and ``tests/promises``, those of names in
``test_prepared``. MariaDB is in ``test_golden_mariadb``.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import apsw
import msgspec
import pytest

from holdall.errors import Reserved
from holdall.query import Compare, Op, Query
from holdall.session.journal.log_record import LogRecord, Operation, Part
from holdall.session.journal.markers import has_marker
from holdall.session.journal.row import JournalRow, JournalState, add_row, read_row
from holdall.session.journal.schema import JOURNAL, MARKER
from holdall.store import Change, Verb
from holdall.stores.sql import open_sql
from holdall.stores.sql.functions import register
from holdall.stores.sql.holding import HoldingSqlStore
from holdall.stores.sql.prepared_names import Holder, PreparedName, from_gid, from_xid, to_gid, to_xid
from tests.support.golden_world import CHANGES, COMMIT, HELD, RESERVATION, ROWS, SAMPLE

pytestmark = pytest.mark.anyio

_GOLDEN = Path(__file__).parent / "golden"
_DATABASES = sorted(_GOLDEN.glob("sqlite_*.sql"))
_WHEN = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
_ADDED = Operation(Verb.ADD, "sample", 1, ("id", "name"), (1, "few"))


def _journal(identity: str) -> list[JournalRow]:
    part = Part("main", [_ADDED], is_done=True, identity=identity)
    return [
        JournalRow("#home", JournalState.HOME, RESERVATION.home, _WHEN, LogRecord([], "")),
        JournalRow(COMMIT, JournalState.DECIDED, RESERVATION.owner, _WHEN, LogRecord([part], "shop", True)),
    ]


@asynccontextmanager
async def _opened(path: Path) -> AsyncIterator[HoldingSqlStore]:
    store = open_sql("golden", f"sqlite:///{path}")
    assert isinstance(store, HoldingSqlStore)
    store.bind([SAMPLE, JOURNAL, MARKER])
    try:
        yield store
    finally:
        await store.close()


def _restored(path: Path, golden: Path) -> Path:
    """A golden database as a file."""
    connection = apsw.Connection(str(path))
    register(connection)
    connection.execute(golden.read_text())
    connection.close()
    return path


def _rows(dump: str) -> list[str]:
    """What a dump inserts."""
    return re.findall(r"^INSERT INTO .*?\);$", dump, re.MULTILINE | re.DOTALL)


async def test_what_is_written_is_the_newest_golden_file(tmp_path: Path) -> None:
    """Never write it anew: a change of a format gets a new number and a file of its own."""
    path = tmp_path / "test.db"
    async with _opened(path) as store:
        await store.create()
        await store.apply(CHANGES)
        rows = [
            msgspec.structs.replace(row, record=LogRecord(row.record.parts, "shop", row.record.is_decided))
            for row in _journal(RESERVATION.home)
        ]
        marker = Change(Verb.ADD, MARKER.name, f"{COMMIT}:golden", ("id", "made"), (f"{COMMIT}:golden", _WHEN))
        await store.apply([*map(add_row, rows), marker])
        await store.prepare(RESERVATION, list(HELD))
    with closing(sqlite3.connect(path)) as connection:
        written = "\n".join(connection.iterdump())
    assert _rows(written) == _rows(_DATABASES[-1].read_text())


@pytest.mark.parametrize("golden", _DATABASES, ids=lambda path: path.stem)
async def test_records_and_journal_of_an_earlier_holdall_are_read(tmp_path: Path, golden: Path) -> None:
    async with _opened(_restored(tmp_path / "test.db", golden)) as store:
        assert await store.inspect() == []
        assert await store.fetch(Query("sample")) == list(ROWS)
        for name, value in zip(SAMPLE.positions, ROWS[1], strict=True):
            if name != "friends":
                found = await store.fetch(Query("sample", Compare((name,), Op.EQ, value)))
                assert ROWS[1] in found, name
        assert [read_row(values) for values in await store.fetch(Query(JOURNAL.name))] == _journal(
            "" if golden.stem == "sqlite_1" else RESERVATION.home
        )
        assert await has_marker(store, COMMIT, "golden")
        assert not await has_marker(store, COMMIT, "other")


@pytest.mark.parametrize("golden", _DATABASES, ids=lambda path: path.stem)
async def test_what_an_earlier_holdall_holds_is_held_and_written(tmp_path: Path, golden: Path) -> None:
    async with _opened(_restored(tmp_path / "test.db", golden)) as store:
        assert await store.prepared() == [RESERVATION]
        new = Change(Verb.ADD, "sample", 9, ("name", "code", "version"), ("n", "new", 1))
        for change in (*HELD, new):
            with pytest.raises(Reserved):
                await store.apply([change])
        assert await store.commit_prepared(COMMIT, list(HELD))
        assert [(row[0], row[2]) for row in await store.fetch(Query("sample"))] == [(1, "new")]
        assert await store.prepared() == []


def test_names_of_prepared_transactions_are_read() -> None:
    """They are all that a server keeps of whose a prepared transaction is."""
    golden = json.loads((_GOLDEN / "prepared_names_1.json").read_text())
    name = PreparedName(RESERVATION, 7, 2**32 - 1, Holder(2**40, 1_795_838_258))
    assert to_gid(name, "main") == golden["gid"]
    assert to_xid(name, "main") == golden["xid"]
    assert from_gid(golden["gid"]) == name
    first, second, number = golden["xid"].split(",")
    assert from_xid(int(number), bytes.fromhex(first[2:-1] + second[2:-1])) == name
