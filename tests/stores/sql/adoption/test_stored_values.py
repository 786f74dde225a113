"""Values that others have written so that they would not be found are told by ``inspect()``."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import apsw
import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from holdall.errors import CorruptRecord, DeclarationError, HoldallError
from holdall.query import Compare, FieldSchema, Kind, Op, Query, Schema, SortKey
from holdall.store import Change, Sampling, Verb
from holdall.stores.sql import open_sql
from holdall.stores.sql.store import SqlStore

pytestmark = pytest.mark.anyio

MISSPELT = [
    (FieldSchema("v", Kind.STR, choices=("red", "blue")), "varchar(4)", "RED"),  # SQLAlchemy keeps an Enum by its names
    (FieldSchema("v", Kind.BOOL), "boolean", "true"),
    (FieldSchema("v", Kind.BOOL), "boolean", 2),
    (FieldSchema("v", Kind.INT), "integer", "abc"),
    (FieldSchema("v", Kind.STR), "text", b"abc"),
    (FieldSchema("v", Kind.FLOAT), "real", "abc"),
    (FieldSchema("v", Kind.UUID), "char(32)", "ABCDEFABCDEFABCDEFABCDEFABCDEFAB"),
    (FieldSchema("v", Kind.UUID), "char(36)", "00000000000000000000000000000001"),
    (FieldSchema("v", Kind.DATETIME), "text", "2020-01-02 03:04:05"),
    (FieldSchema("v", Kind.DATETIME), "datetime", 1577934245),
    (FieldSchema("v", Kind.DATE), "date", "2020-01-02 00:00:00"),
    (FieldSchema("v", Kind.TIME), "text", "03:04"),
    (FieldSchema("v", Kind.DECIMAL), "text collate holdall_decimal", "1,5"),
    (FieldSchema("v", Kind.DECIMAL, digits=9, places=2), "decimal(9,2)", "much"),
    (FieldSchema("v", Kind.JSON), "text", "{"),
    (FieldSchema("v", Kind.JSON), "json", "{"),
]


@pytest.mark.parametrize("field, column, value", MISSPELT)
async def test_what_would_not_be_found_is_told(field: FieldSchema, column: str, value: Any, tmp_path: Path) -> None:
    path = tmp_path / "values.db"
    database = apsw.Connection(str(path))
    database.create_collation("holdall_decimal", lambda one, other: (one > other) - (one < other))
    database.execute(f"CREATE TABLE thing (id integer PRIMARY KEY, v {column} NOT NULL)")
    database.execute("INSERT INTO thing VALUES (1, ?), (2, ?)", (value, value))
    database.close()
    told = await _told(f"sqlite:///{path}", field)
    assert len(told) == 1
    assert told[0].startswith("thing.v holds ")
    assert str(value) not in told[0]


JSONS: list[Any] = [{"a": [1, None]}, [], "5", "x", 5, -7, 1.5, 1e300, 2.0, True, 2**62]


async def test_json_as_sqlalchemy_keeps_it_goes_both_ways(tmp_path: Path) -> None:
    """Its columns are of type JSON, whose affinity makes a number of a text that is one."""
    path = tmp_path / "values.db"
    thing = sa.Table("thing", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("v", sa.JSON))
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        thing.create(connection)
        connection.execute(thing.insert(), [{"id": number, "v": value} for number, value in enumerate(JSONS)])
    engine.dispose()

    store = open_sql("main", f"sqlite:///{path}?driver=stdlib")
    key, v = FieldSchema("id", Kind.INT), FieldSchema("v", Kind.JSON, nullable=True)
    store.bind([Schema("thing", (key, v), ("id",))])
    assert await store.inspect() == []
    assert [row[1] for row in await store.fetch(Query("thing").sort(SortKey(("id",))))] == JSONS
    for number, value in enumerate(JSONS):
        found = await store.fetch(Query("thing", Compare(("v",), Op.EQ, value)))
        assert [row[0] for row in found] == [number]
    changes = [
        Change(Verb.ADD, "thing", 100 + number, ("id", "v"), (100 + number, value))
        for number, value in enumerate(JSONS)
    ]
    await store.apply(changes)
    with pytest.raises(HoldallError, match="64 bits"):
        await store.apply([Change(Verb.ADD, "thing", 99, ("id", "v"), (99, 2**63))])
    await store.close()
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        rows = connection.execute(sa.select(thing.c.v).where(thing.c.id >= 100).order_by(thing.c.id))
        assert [row[0] for row in rows] == JSONS
    engine.dispose()


async def test_a_single_value_that_cannot_be_read_keeps_nobody_from_the_others(tmp_path: Path) -> None:
    path = tmp_path / "values.db"
    database = apsw.Connection(str(path))
    database.execute("CREATE TABLE thing (id integer PRIMARY KEY, v date NOT NULL)")
    database.execute("INSERT INTO thing VALUES (1, '2020-01-02'), (2, 'yesterday')")
    database.close()
    assert await _told(f"sqlite:///{path}", FieldSchema("v", Kind.DATE)) == []


@pytest.mark.parametrize(
    "field, column, value",
    [
        (FieldSchema("v", Kind.STR, choices=("red", "it's \\")), "varchar(9) COLLATE utf8mb4_nopad_bin", "'RED'"),
        (FieldSchema("v", Kind.BOOL), "tinyint(1)", "2"),
        (
            FieldSchema("v", Kind.UUID),
            "char(36) CHARACTER SET ascii COLLATE ascii_bin",
            "'ABCDEFAB-CDEF-ABCD-EFAB-CDEFABCDEFAB'",
        ),
        (
            FieldSchema("v", Kind.UUID),
            "varchar(40) CHARACTER SET latin1 COLLATE latin1_general_cs",
            "'ABCDEFAB-CDEF-ABCD-EFAB-CDEFABCDEFAB'",
        ),
        (FieldSchema("v", Kind.UUID), "varchar(40)", "'12345678123456781234567812345678'"),
        (FieldSchema("v", Kind.JSON), "longtext", "'{'"),
    ],
)
async def test_the_same_in_mariadb(
    field: FieldSchema, column: str, value: str, mariadb_url: str, fresh_database: Any
) -> None:
    made = f"CREATE TABLE thing (id bigint PRIMARY KEY, v {column} NOT NULL) DEFAULT CHARSET utf8mb4"
    told = await _told_after(
        fresh_database(mariadb_url), [made, f"INSERT INTO thing VALUES (1, {value}), (2, {value})"], field
    )
    assert len(told) == 1
    assert told[0].startswith("thing.v holds ")


WIDER = [
    (FieldSchema("v", Kind.DATE), "text", "20240102", date(2024, 1, 2)),
    (FieldSchema("v", Kind.DATE), "date", "2024-W01-2", date(2024, 1, 2)),
    (FieldSchema("v", Kind.DATE), "date", "2024W012", date(2024, 1, 2)),
    (FieldSchema("v", Kind.DECIMAL, digits=10, places=2), "decimal(10,2)", 0.1 + 0.2, Decimal("0.30000000000000004")),
    (FieldSchema("v", Kind.STR), "text", "a\0b", "a\0b"),
]


@pytest.mark.parametrize("field, column, value, meant", WIDER)
async def test_a_single_value_that_is_read_and_not_found_is_told(
    field: FieldSchema, column: str, value: Any, meant: Any, tmp_path: Path
) -> None:
    path = tmp_path / "values.db"
    good = {Kind.DATE: "2024-05-01", Kind.DECIMAL: 5, Kind.STR: "ab"}[field.kind]
    database = apsw.Connection(str(path))
    database.execute(f"CREATE TABLE thing (id integer PRIMARY KEY, v {column} NOT NULL)")
    database.execute("INSERT INTO thing VALUES (1, ?), (2, ?)", (good, value))
    told = await _told(f"sqlite:///{path}", field)
    assert len(told) == 1
    assert told[0].startswith("thing.v holds ")
    assert await _read(f"sqlite:///{path}", field, 2) == meant
    database.execute("DELETE FROM thing WHERE id = 2")
    database.close()
    assert await _told(f"sqlite:///{path}", field) == []


async def test_of_many_rows_the_first_are_looked_at_and_it_says_so(tmp_path: Path) -> None:
    path = tmp_path / "values.db"
    database = apsw.Connection(str(path))
    database.execute("CREATE TABLE thing (id integer PRIMARY KEY, v date NOT NULL)")
    database.execute(
        "INSERT INTO thing VALUES (1, '2024-05-01'), (2, '2024-05-02'), (3, '2024-W18-5'), (4, '2024-W18-6')"
    )
    database.close()
    field = FieldSchema("v", Kind.DATE)
    for most, is_told, is_cut in ((2, False, True), (3, True, True), (4, True, False), (None, True, False)):
        store = open_sql("values", f"sqlite:///{path}", inspected_rows=most)
        assert isinstance(store, Sampling)
        store.bind([Schema("thing", (FieldSchema("id", Kind.INT), field), ("id",))])
        assert store.passed_over == []
        told = await store.inspect()
        assert bool(told) is is_told
        assert all(sentence.endswith(f"in the first {most} rows") is is_cut for sentence in told)
        assert [f"first {most} rows" in sentence for sentence in store.passed_over] == [True] * is_cut
        await store.close()


@pytest.mark.parametrize("url", ["sqlite://", "postgresql://h/d", "mariadb://h/d"])
def test_at_least_one_row_is_looked_at(url: str) -> None:
    with pytest.raises(DeclarationError, match="inspected_rows"):
        open_sql("values", url, inspected_rows=0)


@pytest.mark.parametrize("value", ["1_000", "\u0663", "1\u00a0", b"1"])
async def test_text_among_numbers_of_sqlite_is_not_read(value: Any, tmp_path: Path) -> None:
    path = tmp_path / "values.db"
    database = apsw.Connection(str(path))
    database.execute("CREATE TABLE thing (id integer PRIMARY KEY, v decimal(10,2) NOT NULL)")
    database.execute("INSERT INTO thing VALUES (1, 5), (2, ?)", (value,))
    database.close()
    field = FieldSchema("v", Kind.DECIMAL, digits=10, places=2)
    assert await _read(f"sqlite:///{path}", field, 1) == 5
    with pytest.raises(CorruptRecord) as told:
        await _read(f"sqlite:///{path}", field, 2)
    assert (told.value.key, told.value.fields) == (2, ("v",))


async def test_large_numbers_in_jsonb_are_floats_if_they_can_be(postgres_url: str, fresh_database: Any) -> None:
    url = fresh_database(postgres_url)
    connection = await asyncpg.connect(url)
    await connection.execute(
        "CREATE TABLE thing (id bigint PRIMARY KEY, v jsonb NOT NULL);"
        "INSERT INTO thing VALUES (1, '{\"a\": [1e22, 1]}'), (2, '-1e19'), (3, '9223372036854775807'), (4, '1e22')"
    )
    store = open_sql("values", url)
    store.bind([Schema("thing", (FieldSchema("id", Kind.INT), FieldSchema("v", Kind.JSON)), ("id",))])
    try:
        assert await store.inspect() == []
        rows = await store.fetch(Query("thing").sort(SortKey(("id",))))
        assert [row[1] for row in rows] == [{"a": [1e22, 1]}, -1e19, 2**63 - 1, 1e22]
        assert await store.fetch(Query("thing", Compare(("v",), Op.EQ, 1e22))) == [(4, 1e22)]
        await connection.execute("UPDATE thing SET v = '10000000000000000000001' WHERE id = 1")
        with pytest.raises(CorruptRecord) as told:
            await store.fetch(Query("thing"))
        assert (told.value.key, told.value.fields) == (1, ("v",))
    finally:
        await connection.close()
        await store.close()


async def _told_after(url: str, statements: list[str], field: FieldSchema) -> list[str]:
    engine = create_async_engine(url.replace("mariadb", "mariadb+asyncmy", 1))
    try:
        async with engine.begin() as connection:
            for statement in statements:
                await connection.execute(sa.text(statement))
    finally:
        await engine.dispose()
    return await _told(url, field)


async def _told(url: str, field: FieldSchema) -> list[str]:
    store = open_sql("values", url)
    assert isinstance(store, SqlStore)
    store.bind([Schema("thing", (FieldSchema("id", Kind.INT), field), ("id",))])
    try:
        return list(await store.inspect())
    finally:
        await store.close()


async def _read(url: str, field: FieldSchema, key: int) -> Any:
    store = open_sql("values", url)
    store.bind([Schema("thing", (FieldSchema("id", Kind.INT), field), ("id",))])
    try:
        return (await store.fetch(Query("thing", Compare(("id",), Op.EQ, key))))[0][1]
    finally:
        await store.close()
