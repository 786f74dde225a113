"""Long paths through several Manys answer as defined, and are not asked again for each row around them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.dialects.mysql.asyncmy import MySQLDialect_asyncmy

from holdall import Everyone, Holdall, Many, Model, Policy, Ref, back, field
from holdall.query import Compare, Condition, FieldSchema, Kind, ManyForm, Not, Op, Query, Schema, Some
from holdall.stores.sql import Tables
from holdall.stores.sql.compile import Compiler
from holdall.stores.sql.dialect import Dialect
from holdall.testing.client import Client

pytestmark = pytest.mark.anyio


class Person(Model, collection="persons"):
    id: int = field(pk=True)
    name: str
    boss: Ref[Person | None] = field(default=None)
    staff: Many[Person] = back("boss")


async def answers(url: str) -> list[list[int]]:
    app = Holdall("deep")
    app.add_store("m", url)
    app.add(Person, store="m", policy=Policy(read=Everyone))
    await app.create()
    async with app.session() as s:
        s.add(Person(id=1, name="root"))
    async with app.session() as s:
        s.add_all(Person(id=i, name=f"n{i % 7}", boss=(i - 2) // 5 + 1) for i in range(2, 200))
    found = []
    async with Client(app.asgi()) as c:
        for path in ("staff.staff.", "boss.staff.staff.", "boss.staff.boss.staff.boss.staff.boss.staff."):
            for end in ("name=n3", "name=zzz", "id__gt=150", "name__ne=n1"):
                answer = await c.get(f"/persons?{path}{end}&page_size=200&sort=id&fields=id")
                assert answer.status == 200
                found.append([row["id"] for row in answer.json()["data"]])
    return found


async def test_long_paths_answer_as_defined(tmp_path: Path) -> None:
    in_sql = await answers(f"sqlite:///{tmp_path / 'deep.db'}")
    assert in_sql == await answers("memory:")
    assert any(in_sql)


class Page(Model, collection="pages"):
    id: int = field(pk=True)
    name: str
    links: Many[Page] = field(default=())
    linked: Many[Page] = back("links")


_LISTS = ("links.", "links.linked.", "linked.links.links.")


async def _linked_answers(url: str) -> list[list[int]]:
    app = Holdall("linked")
    app.add_store("m", url)
    app.add(Page, store="m", policy=Policy(read=Everyone))
    await app.create()
    async with app.session() as s:
        s.add_all(Page(id=number, name=f"n{number % 7}") for number in range(1, 300))
    async with app.session() as s:
        for page in await s.query(Page.where()):
            page.links = sorted({page.id * 7 % 299 + 1, page.id * 3 % 299 + 1})
    found = []
    mixed = "&".join(f"{_LISTS[number % 3] * (1 + number % 3)}id__gt={number}" for number in range(20))
    async with Client(app.asgi()) as c:
        for query in ("links." * 9 + "name=n3", "links." * 9 + "name=zzz", "links.linked." * 4 + "id=5", mixed):
            answer = await c.get(f"/pages?{query}&page_size=300&sort=id&fields=id")
            assert answer.status == 200, answer.body
            found.append([row["id"] for row in answer.json()["data"]])
    await app.close()
    return found


@pytest.mark.parametrize("server", ["mariadb_url", "postgres_url"])
async def test_paths_through_many_lists_of_keys_are_answered_by_servers(
    server: str, request: pytest.FixtureRequest, fresh_database: Callable[[str], str]
) -> None:
    url = fresh_database(request.getfixturevalue(server))
    async with asyncio.timeout(60):
        in_sql = await _linked_answers(url)
    assert in_sql == await _linked_answers("memory:")
    assert [bool(answer) for answer in in_sql] == [True, False, True, True]


def test_mariadb_is_given_no_chance_to_join_nested_lists() -> None:
    """Their order in one join takes it minutes to find."""
    dialect = Dialect("mysql", "asyncmy", MySQLDialect_asyncmy())
    tables = Tables(dialect)
    key = FieldSchema("id", Kind.INT)
    links = FieldSchema("links", Kind.MANY, target="page", target_key=(key,), form=ManyForm.SET)
    tables.bind([Schema("page", (key, FieldSchema("name", Kind.STR), links), ("id",))])
    condition: Condition = Compare(("name",), Op.EQ, "x")
    for _ in range(3):
        condition = Some(("links",), condition)
    for wanted, count in ((condition, 2), (Not(condition), 1)):
        sql = Compiler(tables).query(Query("page", wanted)).sql
        assert sql.count(" IN (SELECT") == 2
        assert sql.count(" IS true") == count
