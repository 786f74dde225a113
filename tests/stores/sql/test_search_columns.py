"""The column of words that PostgreSQL keeps for full-text search: made, found missing, used, and kept by writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from holdall import Holdall, Model, field
from holdall.store import Look

pytestmark = pytest.mark.anyio


class Essay(Model, search=("title", "body"), table="Essays"):
    id: int = field(pk=True)
    title: str = field(column="The title")
    body: str | None = None


async def opened(url: str, model: type[Model] = Essay) -> Holdall:
    app = Holdall("essays")
    app.add_store("main", url)
    app.add(model, store="main")
    await app.create()
    return app


async def told(app: Holdall) -> list[str]:
    return [each for each in (await app.inspect()).get("main", []) if "holdall_search_" in each]


async def run(url: str, statement: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def columns(url: str) -> list[str]:
    names = "array_agg(attname::text) FROM pg_attribute WHERE attrelid = '\"Essays\"'::regclass AND NOT attisdropped"
    return [name for name in await run(url, f"SELECT {names}") if name.startswith("holdall_search_")]


async def test_a_search_goes_by_the_index(postgres_url: str, fresh_database: Callable[[str], str]) -> None:
    url = fresh_database(postgres_url)
    app = await opened(url)
    async with app.session() as session:
        session.add_all([Essay(id=number, title=f"word{number} left", body="hand") for number in range(3000)])
    await run(url, 'VACUUM ANALYZE "Essays"')
    async with app.session() as session:
        for words in ("word7", 'word7 "left"', "word7 -nothing", '"word7 left"'):
            plan = str(await session.explain(Essay.where(Essay.search(words))))
            assert "Bitmap Index Scan on ix_Essays_search" in plan.replace('"', ""), words
            assert [essay.id for essay in await session.query(Essay.where(Essay.search(words)))] == [7]
    await app.close()


async def test_a_table_without_the_column_is_told_and_searched_all_the_same(
    postgres_url: str, fresh_database: Callable[[str], str]
) -> None:
    url = fresh_database(postgres_url)
    await run(url, 'CREATE TABLE "Essays" (id bigint PRIMARY KEY, "The title" text COLLATE "C" NOT NULL, body varchar)')
    await run(url, """INSERT INTO "Essays" VALUES (1, 'The Left Hand', NULL), (2, 'a', 'left')""")
    app = Holdall("essays")
    app.add_store("main", url)
    app.add(Essay, store="main")
    async with app.session() as session:
        assert [essay.id for essay in await session.query(Essay.where(Essay.search("left -hand")))] == [2]
    assert len(await told(app)) == 1
    await app.create()
    assert len(await columns(url)) == 1
    assert await told(app) == []
    await run(url, """INSERT INTO "Essays" VALUES (3, 'by hand', 'LEFT')""")
    async with app.session() as session:
        assert [essay.id for essay in await session.query(Essay.where(Essay.search("hand left")).sort(Essay.id))] == [
            1,
            3,
        ]
    await app.close()


async def test_other_texts_are_kept_in_another_column(postgres_url: str, fresh_database: Callable[[str], str]) -> None:
    class Shorter(Model, search=("title",), table="Essays", collection="essay"):
        id: int = field(pk=True)
        title: str = field(column="The title")
        body: str | None = None

    url = fresh_database(postgres_url)
    await (await opened(url)).close()
    app = Holdall("essays")
    app.add_store("main", url)
    app.add(Shorter, store="main")
    assert len(await told(app)) == 1
    await app.create()
    assert len(await columns(url)) == 2
    assert await told(app) == []
    async with app.session() as session:
        session.add(Shorter(id=1, title="a", body="b"))
    async with app.session() as session:
        assert await session.query(Shorter.where(Shorter.search("b"))) == []
        assert len(await session.query(Shorter.where(Shorter.search("a")))) == 1
    await app.close()


async def test_the_column_is_explained_to_those_who_look_at_the_table(
    postgres_url: str, fresh_database: Callable[[str], str]
) -> None:
    app = await opened(fresh_database(postgres_url))
    store: Any = app.stores["main"]
    (described,) = (await store.describe(Look())).collections
    assert [field.name for field in described.schema.fields] == ["id", "The title", "body"]
    assert [note for note in described.notes if "search=(...)" in note]
    await app.close()


async def test_long_words_and_texts_are_written(postgres_url: str, fresh_database: Callable[[str], str]) -> None:
    app = await opened(fresh_database(postgres_url))
    async with app.session() as session:
        session.add(Essay(id=1, title="x" * 5000 + " end", body=" ".join(map(str, range(300_000)))))
        session.add(Essay(id=2, title="日" * 199 + " " + "語" * 200, body="ΐ" * 150_000))
    async with app.session() as session:
        assert [essay.id for essay in await session.query(Essay.where(Essay.search("end 17")))] == [1]
        assert [essay.id for essay in await session.query(Essay.where(Essay.search("語" * 200)))] == [2]
    await app.close()
