"""Text of PostgreSQL under the collation of a language: compared and sorted as defined all the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from holdall.query import Compare, FieldSchema, Kind, ManyForm, Op, Query, Schema, Some, SortKey, Table, evaluate
from holdall.store import Change, Verb
from holdall.stores.sql import open_sql
from holdall.stores.sql.store import SqlStore

pytestmark = pytest.mark.anyio

_WORDS = ("a", "A", "b", "B", "Z", "z", "ä", "Ä", "é", "a b", "a-b", "ab", "_", "", " ", "~", "ß", "ss", "日")
_KEY = FieldSchema("name", Kind.STR)
WORD = Schema(
    "word",
    (
        _KEY,
        FieldSchema("note", Kind.STR, nullable=True),
        FieldSchema("near", Kind.MANY, target="word", target_key=(_KEY,), form=ManyForm.SET),
    ),
    ("name",),
    unique=(("note",),),
)


@pytest.fixture
async def store(machine_postgres_url: str) -> AsyncIterator[SqlStore]:
    engine = create_async_engine(sa.make_url(machine_postgres_url).set(drivername="postgresql+asyncpg"))
    async with engine.begin() as connection:
        for statement in (
            "DROP TABLE IF EXISTS word_near, word",
            'CREATE TABLE word (name text COLLATE "en-x-icu" PRIMARY KEY, note text COLLATE "de-x-icu" UNIQUE)',
            (
                'CREATE TABLE word_near (owner_name text COLLATE "en-x-icu" REFERENCES word ON DELETE CASCADE,'
                ' target text COLLATE "en-x-icu" REFERENCES word, PRIMARY KEY (owner_name, target))'
            ),
        ):
            await connection.execute(sa.text(statement))
    store = open_sql("words", machine_postgres_url)
    assert isinstance(store, SqlStore)
    store.bind([WORD])
    yield store
    await store.close()
    async with engine.begin() as connection:
        await connection.execute(sa.text("DROP TABLE word_near, word"))
    await engine.dispose()


async def test_every_query_gives_what_it_means(store: SqlStore) -> None:
    assert await store.inspect() == []
    rows: list[tuple[Any, ...]] = [
        (word, None if number % 5 == 4 else f"é{word}", ()) for number, word in enumerate(_WORDS)
    ]
    rows.append(("all", "all", tuple(sorted(_WORDS))))
    names = ("name", "note", "near")
    await store.apply([Change(Verb.ADD, "word", row[0], names, row) for row in rows])
    tables = {"word": Table(WORD, rows)}
    queries: list[Query[Any]] = [
        Query("word", sort_keys=keys, max_rows=most, position=position)
        for keys in ((SortKey(("name",)),), (SortKey(("note",), True), SortKey(("name",))))
        for most in (None, 7)
        for position in (None, *((word,) * len(keys) for word in ("B", "a b")))
    ]
    queries += [
        Query("word", Compare((name,), op, value), sort_keys=(SortKey(("name",)),))
        for name in ("name", "note")
        for op, value in (
            *((op, word) for op in (Op.EQ, Op.LT, Op.GE, Op.STARTSWITH, Op.ICONTAINS, Op.ENDSWITH) for word in _WORDS),
            (Op.BETWEEN, ("A", "a")),
            (Op.IN, ("A", "z", "ss")),
            (Op.NOT_IN, ("A", "z")),
        )
    ]
    queries.append(Query("word", Some(("near",), Compare(("name",), Op.GT, "a")), sort_keys=(SortKey(("name",)),)))
    for query in queries:
        assert await store.fetch(query) == evaluate(query, tables), query
