"""Reserved words, quotes, percent signs and other odd names, and keys of every kind, on each database."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from holdall.query import (
    Compare,
    FieldSchema,
    Generated,
    Kind,
    ManyForm,
    Op,
    Query,
    Schema,
    Some,
    SortKey,
    Table,
    evaluate,
)
from holdall.store import Change, Verb
from holdall.stores.sql import open_sql

pytestmark = pytest.mark.anyio

PART = Schema(
    "from",
    (
        FieldSchema("in", Kind.BYTES, max_length=20),
        FieldSchema("when", Kind.DATETIME),
        FieldSchema("%s", Kind.DECIMAL),
        FieldSchema("u", Kind.UUID),
        FieldSchema("interval", Kind.TIMEDELTA),
        FieldSchema("ok", Kind.BOOL),
        FieldSchema("date", Kind.DATE),
        FieldSchema("time", Kind.TIME),
    ),
    ("in", "when", "%s", "u", "interval", "ok", "date", "time"),
)
TABLE = Schema(
    "o\"d`d %s table: 'x' é",
    (FieldSchema("a", Kind.INT), FieldSchema("select", Kind.REF, target="from", target_key=PART.fields)),
    ("a", "select"),
)
ORDER = Schema(
    "select",
    (
        FieldSchema("order", Kind.INT, generated=Generated.STORE),
        FieldSchema('we"ird%s:x?`', Kind.STR, nullable=True),
        FieldSchema("Group", Kind.INT, nullable=True),
        FieldSchema("group", Kind.INT, nullable=True),
        FieldSchema("x" * 70 + "1", Kind.INT, nullable=True),
        FieldSchema("x" * 70 + "2", Kind.INT, nullable=True),
        FieldSchema("ref", Kind.REF, nullable=True, target=TABLE.name, target_key=TABLE.fields),
        FieldSchema("many", Kind.MANY, target=TABLE.name, target_key=TABLE.fields, form=ManyForm.LIST),
    ),
    ("order",),
    unique=(("Group", "group"), ('we"ird%s:x?`',)),
    indexes=(("Group",), ("ref",)),
)
FIRST = (
    b"\x00a\xff",
    datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    Decimal("1.5"),
    UUID(int=7),
    timedelta(-1, 3, 9),
    True,
    date(2020, 1, 1),
    time(1, 2, 3, 4),
)
SECOND = (b"b", FIRST[1], Decimal(10), *FIRST[3:])
KEYS = ((5, FIRST), (6, SECOND))
TABLES = {
    "from": Table(PART, [FIRST, SECOND]),
    TABLE.name: Table(TABLE, list(KEYS)),
    "select": Table(
        ORDER,
        [(1, "%s", 1, 2, 3, 4, KEYS[0], (KEYS[1], KEYS[0])), (2, None, None, None, None, None, None, ())],
    ),
}
WEIRD = ('we"ird%s:x?`',)
QUERIES: list[Query[Any]] = [
    Query("select"),
    Query("select", Compare(("ref", "select", "when"), Op.EQ, FIRST[1])),
    Query("select", Compare(WEIRD, Op.CONTAINS, "%"), (SortKey(WEIRD),)),
    Query("select", Compare(WEIRD, Op.ENDSWITH, "s")),
    Query("select", Compare(("ref",), Op.IN, KEYS)),
    Query("select", Compare(("ref",), Op.IN, KEYS[:1])),
    Query("select", Compare(("ref",), Op.NOT_IN, (KEYS[1], KEYS[1]))),
    Query("select", Compare(("ref",), Op.EQ, KEYS[0])),
    Query("select", Compare(("ref",), Op.NE, KEYS[0])),
    Query("select", Some(("many",), Compare(("select",), Op.EQ, SECOND))),
    Query("from", sort_keys=(SortKey(("%s",)),)),
    Query("from", Compare(("%s",), Op.IN, (Decimal("1.50"), 3))),
    Query("from", Compare(("in",), Op.IN, (b"b", b"\x00a\xff"))),
    *(Query("from", Compare((name,), Op.EQ, value)) for name, value in zip(PART.key, FIRST, strict=True)),
    Query("select", sort_keys=(SortKey(("ref", "a"), True, "first"),)),
    Query("select", projection=(("x" * 70 + "1",), ("Group",), ("group",), ("ref",), ("ref", "select"))),
]


@pytest.mark.parametrize("server", [None, "postgres_url", "mariadb_url"])
async def test_any_name_and_any_key(server: str | None, request: pytest.FixtureRequest) -> None:
    url = "sqlite://"
    if server is not None:
        url = request.getfixturevalue("fresh_database")(request.getfixturevalue(server))
    await _run(url)


async def _run(url: str) -> None:
    store = open_sql("odd", url)
    try:
        store.bind([ORDER])
        store.bind([TABLE, PART])  # a target may come after what refers to it
        await store.create()
        assert await store.inspect() == []
        await store.apply(
            [
                Change(Verb.ADD, name, None, tuple(field.name for field in table.schema.stored), row)
                for name, table in TABLES.items()
                for row in table.rows
            ]
        )
        for query in QUERIES:
            found, wanted = await store.fetch(query), evaluate(query, TABLES)
            assert sorted(found, key=str) == sorted(wanted, key=str) or found == wanted, query
        await store.drop()
        assert len(await store.inspect()) == 4
    finally:
        await store.close()
