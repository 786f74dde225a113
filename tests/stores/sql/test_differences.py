"""Found tables that do not fit, on servers; SQLite's are in ``test_provision``."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from holdall.stores.sql import open_sql
from holdall.testing.conformance.world import SCHEMAS

pytestmark = pytest.mark.anyio

ALTERED = {
    "postgresql": [
        "ALTER TABLE book DROP CONSTRAINT fk_book_author",
        "ALTER TABLE book DROP CONSTRAINT uq_book_isbn",
        "ALTER TABLE book ALTER COLUMN title TYPE name",
        "ALTER TABLE book ALTER COLUMN price TYPE numeric(6,2)",
        "ALTER TABLE sample ALTER COLUMN some_datetime TYPE text",
        "ALTER TABLE author ADD COLUMN extra text NOT NULL",
        "ALTER TABLE author DROP COLUMN born",
        "DROP TABLE book_sold_in",
    ],
    "mariadb": [
        "ALTER TABLE book DROP FOREIGN KEY fk_book_author",
        "ALTER TABLE book DROP CONSTRAINT uq_book_isbn",
        "ALTER TABLE book MODIFY title varchar(20) CHARACTER SET latin1 NOT NULL",
        "ALTER TABLE book MODIFY price decimal(6,2)",
        "ALTER TABLE sample MODIFY some_datetime date NOT NULL",
        "ALTER TABLE author ADD COLUMN extra text NOT NULL",
        "ALTER TABLE author DROP COLUMN born",
        "DROP TABLE book_sold_in",
    ],
}


@pytest.mark.parametrize("server", ["postgres_url", "mariadb_url"])
async def test_every_difference_is_told(server: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("fresh_database")(request.getfixturevalue(server))
    await _tell(url)


async def _tell(url: str) -> None:
    store = open_sql("altered", url)
    family = url.partition(":")[0]
    driver = "postgresql+asyncpg" if family == "postgresql" else "mariadb+asyncmy"
    engine = create_async_engine(url.replace(family, driver, 1))
    try:
        store.bind(list(SCHEMAS.values()))
        await store.create()
        async with engine.begin() as connection:
            for statement in ALTERED[family]:
                await connection.execute(sa.text(statement))
        found = "\n".join(await store.inspect())
    finally:
        await store.close()
        await engine.dispose()
    told = [
        "author has no column born",
        "author.extra is unknown to the model",
        "book does not keep isbn unique",
        "book has no foreign key from author to author",
        "book.title is",
        "book.price holds 6 digits, 2 after the point; the model allows 18, 4",
        "sample.some_datetime is",
        "table book_sold_in for book is missing",
    ]
    assert [part for part in told if part not in found] == []
    assert len(found.splitlines()) == len(told)
