"""Where ``inspect()`` finds nothing, every value comes back equal, is found, sorts as defined, or is refused by name.

``ADOPTION=1`` writes the whole pool; without it, a few values of each kind and all at the edge of a column type.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import apsw
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from holdall.errors import HoldallError
from holdall.query import Query
from holdall.stores.sql import open_sql
from holdall.stores.sql.functions import register
from holdall.stores.sql.store import SqlStore
from tests.support.adoption.matrix import COLUMN_TYPES, FIELDS, FOREIGN, MADE_BEFORE
from tests.support.adoption.probe import Probe, columns_told, schema_of

pytestmark = [pytest.mark.early, pytest.mark.anyio]

IS_LONG = bool(os.environ.get("ADOPTION"))
TABLE_OPTIONS = {"sqlite": "", "postgresql": "", "mysql": " ENGINE = InnoDB DEFAULT CHARSET = utf8mb4"}
QUOTE = {"sqlite": '"', "postgresql": '"', "mysql": "`"}


def statements(family: str) -> list[str]:
    quote = QUOTE[family]
    return [
        *MADE_BEFORE.get(family, ()),
    ] + [
        f"CREATE TABLE t{number} (id bigint PRIMARY KEY, "
        + ", ".join(f"{quote}{field.name}{quote} {column}" for field in FIELDS)
        + f"){TABLE_OPTIONS[family]}"
        for number, column in enumerate(COLUMN_TYPES[family])
    ]


async def tried(store: SqlStore, family: str) -> tuple[list[str], int, int]:
    """What does not hold, how many columns fit, and how many values were written."""
    tables = [f"t{number}" for number in range(len(COLUMN_TYPES[family]))]
    store.bind([schema_of(table, FIELDS) for table in tables])
    told = columns_told(await store.inspect())
    fitting = {table: [field for field in FIELDS if f"{table}.{field.name}" not in told] for table in tables}
    store.bind([schema_of(table, fields) for table, fields in fitting.items()])
    assert await store.inspect() == []
    faults, written = list[str](), 0
    for column, (table, fields) in zip(COLUMN_TYPES[family], fitting.items(), strict=True):
        there = sorted(await store.fetch(Query(table)))
        if family == "sqlite" and column in FOREIGN:
            name, spellings = FOREIGN[column]
            place = [field.name for field in fields].index(name) + 1
            assert [row[place] for row in there] == [meant for _, meant in spellings]
        probe = Probe(store, table, fields, IS_LONG)
        faults += [f"{column}: {fault}" for fault in await probe.faults(there)]
        written += probe.written
    return faults, sum(map(len, fitting.values())), written


def made_in_sqlite(folder: Path) -> Path:
    """A file with the tables, and in some of them what others have written."""
    path = folder / "adopted.db"
    database = apsw.Connection(str(path))
    register(database)
    for statement in statements("sqlite"):
        database.execute(statement)
    for column, (field, spellings) in FOREIGN.items():
        if column in COLUMN_TYPES["sqlite"]:
            table = f"t{COLUMN_TYPES['sqlite'].index(column)}"
            rows = [(number, raw) for number, (raw, _) in enumerate(spellings, 1)]
            database.executemany(f"INSERT INTO {table} (id, {field}) VALUES (?, ?)", rows)
    database.close()
    return path


async def test_sqlite_keeps_what_it_is_given_or_says_why_not(tmp_path: Path) -> None:
    path = made_in_sqlite(tmp_path)
    faults, fitting, written = await _tried(f"sqlite:///{path}", "sqlite", [])
    assert faults == []
    assert fitting > 100
    assert written > 500


@pytest.mark.parametrize("server, family", [("machine_postgres_url", "postgresql"), ("mariadb_url", "mysql")])
async def test_servers_keep_what_they_are_given_or_say_why_not(
    server: str, family: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("fresh_database")(request.getfixturevalue(server))
    faults, fitting, written = await _tried(url, family, statements(family))
    assert faults == []
    assert fitting > 40
    assert written > 200


async def _tried(url: str, family: str, made: Sequence[str]) -> tuple[list[str], int, int]:
    store = open_sql("adopted", url)
    assert isinstance(store, SqlStore)
    try:
        if made:
            await _execute(url, made)
        return await tried(store, family)
    finally:
        await store.close()


async def _execute(url: str, made: Sequence[str]) -> None:
    scheme = url.partition(":")[0]
    driver = "postgresql+asyncpg" if scheme == "postgresql" else "mariadb+asyncmy"
    engine = create_async_engine(url.replace(scheme, driver, 1))
    try:
        async with engine.begin() as connection:
            for statement in made:
                await connection.execute(sa.text(statement.replace(":", "\\:")))
    finally:
        await engine.dispose()


@pytest.mark.parametrize(
    "place, fault, column",
    [
        ("differences.is_code_point_order", lambda *_: True, "text collate nocase"),
        ("differences.is_fitting", lambda *_: True, "uuid"),
        ("comparisons.comparable", lambda column, _, **__: column, "datetime"),
        ("adopted_schema.kept", lambda field, *_: field, "char(32)"),
    ],
)
async def test_a_planted_fault_is_caught(
    place: str, fault: Callable[..., object], column: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"holdall.stores.sql.{place}", fault)
    monkeypatch.setitem(COLUMN_TYPES, "sqlite", (column,))
    path = made_in_sqlite(tmp_path)
    try:
        faults, _, _ = await _tried(f"sqlite:///{path}", "sqlite", [])
    except (AssertionError, HoldallError):
        return
    assert faults != []
