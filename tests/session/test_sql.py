"""The escape hatch: statements with named parameters, their rows in whatever form, their bounds, and who may."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import apsw
import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from holdall import Holdall, Model, Role, User, field
from holdall.errors import DeclarationError, Forbidden, HoldallError, LimitExceeded, QueryError, StateError, Unsupported

pytestmark = pytest.mark.anyio

WHEN = dt.datetime(2024, 5, 6, 7, 8, 9, tzinfo=dt.UTC)


class Book(Model):
    id: int = field(pk=True, generated=True)
    title: str
    pages: int = 0
    price: Decimal | None = field(default=None, digits=12, places=2)
    seen: dt.datetime | None = None
    code: UUID | None = None


class Title(msgspec.Struct):
    title: str
    pages: int = 0


@dataclass
class Seen:
    id: int
    seen: dt.datetime
    price: Decimal
    code: UUID


async def filled(app: Holdall) -> Holdall:
    app.add_store("other", "memory:")
    app.add(Book, store="main")
    await app.create()
    async with app.session() as session:
        session.add(Book(title="Emma", pages=474, price=Decimal("9.50"), seen=WHEN, code=UUID(int=7)))
        session.add_all([Book(title=f"b{number}", pages=number) for number in range(1, 6)])
    return app


@pytest.fixture(params=["sqlite", "memory", "postgres", "mariadb"])
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holdall]:
    urls: dict[str, Callable[[], str]] = {
        "sqlite": lambda: f"sqlite:///{tmp_path}/books.db",
        "memory": lambda: "sqlite://",
        "postgres": lambda: request.getfixturevalue("fresh_database")(request.getfixturevalue("postgres_url")),
        "mariadb": lambda: request.getfixturevalue("fresh_database")(request.getfixturevalue("mariadb_url")),
    }
    app = Holdall("books")
    app.add_store("main", urls[request.param](), native=Role("analyst"))
    yield await filled(app)
    await app.close()


async def test_rows_are_tuples_with_names(app: Holdall) -> None:
    async with app.session() as session:
        rows = await session.sql("SELECT title, pages AS length FROM book WHERE pages > :least", {"least": 100})
        ((title, length),) = rows
        assert (title, length, rows[0].title, rows[0].length) == ("Emma", 474, "Emma", 474)
        assert rows[0].to_dict() == {"title": "Emma", "length": 474}
        with pytest.raises(AttributeError, match="did you mean length"):
            print(rows[0].lenght)
        assert await session.sql("SELECT title FROM book WHERE pages > :least", {"least": 1000}) == []
        many = await session.sql("SELECT id FROM book WHERE pages IN :pages ORDER BY id", {"pages": (1, 2)})
        assert len(many) == 2


async def test_rows_become_values_of_a_type(app: Holdall) -> None:
    async with app.session() as session:
        found = await session.sql("SELECT title, pages FROM book WHERE pages = :n", {"n": 474}, into=Title)
        assert found == [Title("Emma", 474)]
        (seen,) = await session.sql("SELECT id, seen, price, code FROM book WHERE seen = :at", {"at": WHEN}, into=Seen)
        assert (seen.seen.replace(tzinfo=dt.UTC), seen.price, seen.code) == (WHEN, Decimal("9.50"), UUID(int=7))
        with pytest.raises(QueryError, match="no field for the column 'id'"):
            await session.sql("SELECT id, title FROM book", into=Title)
        with pytest.raises(QueryError, match="needs a column 'title'"):
            await session.sql("SELECT pages FROM book", into=Title)
        with pytest.raises(QueryError, match="column 'pages' of row 0 does not fit Title") as caught:
            await session.sql("SELECT title, title AS pages FROM book WHERE pages = 474", into=Title)
        assert "Emma" not in str(caught.value)


async def test_statements_that_write_are_committed(app: Holdall) -> None:
    async with app.session() as session:
        changed = await session.sql("UPDATE book SET pages = pages + :more WHERE pages < 10", {"more": 100})
        assert not changed
        assert changed.affected == 5
        assert (await session.sql("DELETE FROM book WHERE title = :title", {"title": "b1"})).affected == 1
    async with app.session() as session:
        assert sorted(book.pages for book in await session.query(Book.where())) == [102, 103, 104, 105, 474]


async def test_statements_of_sqlalchemy_core(app: Holdall) -> None:
    book = sa.table("book", sa.column("title", sa.String), sa.column("pages", sa.Integer))
    async with app.session() as session:
        asked = sa.select(book.c.title).where(book.c.pages > 4, book.c.title.in_(["Emma", "b5"])).order_by(book.c.title)
        assert [row.title for row in await session.sql(asked)] == ["Emma", "b5"]
        bound = sa.select(book.c.title).where(book.c.pages == sa.bindparam("pages"))
        assert await session.sql(bound, {"pages": 474}) == [("Emma",)]
        await session.sql(sa.update(book).where(book.c.title == "b1").values(pages=7))
        assert await session.count(Book.where(Book.pages == 7)) == 1
        with pytest.raises(QueryError, match="takes no parameter 'page'"):
            await session.sql(bound, {"page": 474})


async def test_statements_are_part_of_an_open_transaction(app: Holdall) -> None:
    async def refused() -> None:
        async with app.session() as session, session.transaction("main"):
            session.add(Book(title="unwritten", pages=7))
            rows = await session.sql("SELECT title FROM book WHERE pages = 7")
            assert [row.title for row in rows] == ["unwritten"]
            await session.sql("DELETE FROM book WHERE pages < 6")
            assert [row.title async for row in session.sql("SELECT title FROM book ORDER BY pages")] == [
                "unwritten",
                "Emma",
            ]
            with pytest.raises(StateError, match="native"):
                session.native("main")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await refused()
    async with app.session() as session:
        assert await session.count(Book.where()) == 6
        async with session.transaction("main"):
            await session.sql("DELETE FROM book WHERE pages < 6")
        assert await session.count(Book.where()) == 1


async def test_rows_are_bounded_or_streamed(app: Holdall) -> None:
    async with app.session() as session:
        with pytest.raises(LimitExceeded, match="more than 5 rows of one statement"):
            await session.sql("SELECT id FROM book", limit=5)
        assert len(await session.sql("SELECT id FROM book", limit=6)) == 6
        titles = [row.title async for row in session.sql("SELECT title FROM book ORDER BY pages", into=Title)]
        assert titles == ["b1", "b2", "b3", "b4", "b5", "Emma"]


@pytest.mark.parametrize(
    "statement,parameters,told",
    [
        ("SELECT :one", {}, "takes a parameter 'one' that was not given"),
        ("SELECT 1", {"one": 1}, "takes no parameter 'one'"),
        ("  -- nothing", {}, "empty"),
        (7, {}, "not int"),
    ],
)
async def test_what_does_not_fit_is_told(
    app: Holdall, statement: object, parameters: dict[str, object], told: str
) -> None:
    async with app.session() as session:
        with pytest.raises(QueryError, match=told):
            await session.sql(statement, parameters)


@pytest.mark.parametrize("sql", ["BEGIN", "COMMIT", "DELETE FROM book; ROLLBACK", "SET x = 1"])
async def test_a_statement_stays_within_itself(app: Holdall, sql: str) -> None:
    """It ends no transaction of others, leaves none open, and sets nothing on a connection."""
    async with app.session() as session:
        with pytest.raises(QueryError, match=r"sql\(\) takes no"):
            await session.sql(sql, store="main")
        async with session.transaction("main"):
            with pytest.raises(QueryError, match=r"sql\(\) takes no"):
                await session.sql(sql, store="main")
    async with app.session() as session:
        assert await session.count(Book.where()) == 6


async def test_errors_of_the_database_are_ours(app: Holdall) -> None:
    async with app.session() as session:
        with pytest.raises(HoldallError):
            await session.sql("SELECT nothing FROM nowhere")
        with pytest.raises(HoldallError):
            await session.sql("INSERT INTO book (id, title, pages) SELECT id, title, pages FROM book")
        assert await session.count(Book.where()) == 6


async def test_only_those_who_may(app: Holdall) -> None:
    async with app.session(User("ann")) as session:
        with pytest.raises(Forbidden, match="no right to use SQL of main"):
            session.sql("SELECT 1", store="main")
        with pytest.raises(Forbidden, match="no right to use the driver of main"):
            session.native("main")
    async with app.session(User("bob", roles=frozenset({"analyst"}))) as session:
        assert await session.sql("SELECT 1") == [(1,)]
        with pytest.raises(Forbidden):
            session.sql("SELECT 1", store="other")
    async with app.session() as session:
        with pytest.raises(Unsupported, match="does not support SQL"):
            session.sql("SELECT 1", store="other")
        with pytest.raises(Unsupported, match=r"does not support native\(\)"):
            session.native("other")
        with pytest.raises(QueryError, match="there is no store 'mian'"):
            session.sql("SELECT 1", store="mian")


async def test_what_a_driver_lends_comes_back_clean(app: Holdall) -> None:
    async with app.session() as session:
        async with session.native("main") as lent:
            if isinstance(lent, AsyncConnection):
                await lent.exec_driver_sql("SET SESSION sql_mode = '', @mine = 7")
                await lent.exec_driver_sql("DELETE FROM book")
            elif isinstance(lent, apsw.Connection):
                lent.execute("BEGIN")
                lent.execute("DELETE FROM book")
            else:
                await lent.execute("BEGIN")
                await lent.execute("SET search_path TO nowhere")
            setting = {AsyncConnection: "concat(@@sql_mode <> '', @mine IS NULL)"}.get(type(lent))
        assert await session.count(Book.where()) == 6
        if setting is not None:
            settings = await asyncio.gather(*[_alone(app, f"SELECT {setting}") for _ in range(5)])
            assert settings == ["11"] * 5
        with pytest.raises(QueryError, match="not a str"):
            async with session.native("main", str):
                raise AssertionError
        with pytest.raises(ZeroDivisionError):
            async with session.native("main"):
                raise ZeroDivisionError
        assert await session.count(Book.where()) == 6


async def _alone(app: Holdall, sql: str) -> object:
    async with app.session() as session:
        ((found,),) = await session.sql(sql, store="main")
        return found


def test_scripts_have_it_too(tmp_path: Path) -> None:
    app = Holdall("books")
    app.add_store("main", f"sqlite:///{tmp_path}/books.db")
    app.add(Book, store="main")
    app.sync.create()
    with app.sync.session() as session:
        session.sql("INSERT INTO book (title, pages) VALUES (:title, 1)", {"title": "Emma"})
        assert session.sql("SELECT title, pages FROM book", into=Title) == [Title("Emma", 1)]
    app.sync.close()


async def test_a_statement_that_nobody_awaits_is_told(tmp_path: Path) -> None:
    app = Holdall("books")
    app.add_store("main", "sqlite://")
    with pytest.raises(DeclarationError, match="native= takes a grant"):
        app.add_store("second", "sqlite://", native="analyst")
    async with app.session() as session:
        with pytest.warns(RuntimeWarning, match="neither awaited"):
            session.sql("DELETE FROM book")
        app.add_store("second", "sqlite://")
        with pytest.raises(QueryError, match="name the store"):
            session.sql("SELECT 1")
    await app.close()
