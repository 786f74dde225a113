"""SQLAlchemy and Holdall write the same tables in turn, by the same engine; each reads what the other wrote."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import orm as sa_orm
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from holdall import Holdall, Model
from tests.support import shop_orm as orm
from tests.support.draws import draws

Maker, Licence, Tag, Category, Product = map(Model.adopt, orm.CLASSES)

_CENTS = st.decimals(min_value=-9_999_999, max_value=9_999_999, places=2, allow_nan=False)
_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=50)
_MOMENTS = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30))  # noqa: DTZ001
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=5,
)


def values() -> st.SearchStrategy[dict[str, Any]]:
    """Values of every column of a product, as SQLAlchemy has them."""
    return st.fixed_dictionaries(
        {
            "title": _TEXT,
            "pages": st.integers(0, 2**31 - 1),
            "stock": st.integers(-(2**15), 2**15 - 1),
            "is_new": st.booleans(),
            "status": st.sampled_from(orm.Status),
            "level": st.sampled_from(orm.Level),
            "colour": st.none() | st.sampled_from(["red", "blue"]),
            "weight": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "price": st.none() | _CENTS,
            "made_on": st.none() | st.dates(),
            "opens": st.none() | st.times(),
            "seen": st.none() | _MOMENTS,
            "warranty": st.none() | st.timedeltas(timedelta(days=-700_000), timedelta(days=2_900_000)),
            "image": st.none() | st.binary(max_size=20),
            "token": st.uuids(),
            "data": st.none() | st.dictionaries(_TEXT, _JSON, max_size=3),
        }
    )


def _ours(given: dict[str, Any]) -> dict[str, Any]:
    """The same values as a record has them: moments in UTC, said."""
    return {name: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value for name, value in given.items()}


def _shown(of: Any, names: dict[str, Any]) -> dict[str, Any]:
    return {name: getattr(of, name) for name in names}


class Sides:
    """A shop that both sides keep: theirs by a sync engine, ours by the same or an async one of the same database."""

    def __init__(self, engine: sa.Engine, ours: AsyncEngine | None = None) -> None:
        self.engine = engine
        self._ours = ours
        self.app = Holdall("shop")
        self.app.add_store("main", "sqlalchemy:", engine=ours or engine, metadata=orm.Base.metadata)
        self.app.add(Maker, Licence, Tag, Category, Product, store="main")
        self._runner = asyncio.Runner()

    def run(self, work: Any) -> Any:
        return self._runner.run(work)

    @contextmanager
    def theirs(self) -> Iterator[sa_orm.Session]:
        with sa_orm.Session(self.engine) as session, session.begin():
            yield session

    def close(self) -> None:
        if self._ours is not None:
            self.run(self._ours.dispose())
        self.run(self.app.close())
        self._runner.close()
        self.engine.dispose()


@pytest.fixture(scope="module", params=["pysqlite", "aiosqlite", "psycopg", "asyncpg"])
def sides(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    driver: str = request.param
    if driver in ("pysqlite", "aiosqlite"):
        path = tmp_path_factory.mktemp("shop") / "shop.db"
        theirs, ours = f"sqlite:///{path}", f"sqlite+aiosqlite:///{path}"
    else:
        place = request.getfixturevalue("postgres_url").partition("://")[2]
        theirs, ours = f"postgresql+psycopg://{place}", f"postgresql+asyncpg://{place}"
    is_async = driver in ("aiosqlite", "asyncpg")
    made = Sides(sa.create_engine(theirs), create_async_engine(ours) if is_async else None)
    orm.Base.metadata.drop_all(made.engine)
    made.run(made.app.create())
    with made.theirs() as session:
        session.add(orm.Maker(id=1, name="Acme"))
    yield made
    orm.Base.metadata.drop_all(made.engine)
    made.close()


def test_the_tables_are_those_of_the_metadata_and_fit(sides: Sides) -> None:
    assert set(sa.inspect(sides.engine).get_table_names()) >= set(orm.Base.metadata.tables)
    checks = sa.inspect(sides.engine).get_check_constraints("product")
    assert "pages_ck" in {each["name"] for each in checks}  # which only the MetaData knows
    assert sides.run(sides.app.stores["main"].inspect()) == []  # type: ignore[attr-defined]


@settings(max_examples=draws(12, 25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=values(), second=values())
def test_each_reads_what_the_other_wrote(sides: Sides, first: dict[str, Any], second: dict[str, Any]) -> None:
    first["title"], second["title"] = "a" + first["title"][:49], "b" + second["title"][:49]
    sides.run(_turns(sides, first, second))


async def _turns(sides: Sides, first: dict[str, Any], second: dict[str, Any]) -> None:
    with sides.theirs() as session:
        session.execute(sa.delete(orm.product_tag))
        session.execute(sa.delete(orm.Product))
        theirs = orm.Product(maker_id=1, **first)
        session.add(theirs)
        session.flush()
        key = theirs.id
    async with sides.app.session() as ours:
        record = await ours.require(Product, key)
        assert _shown(record, first) == _ours(first)
        assert record.version == 1
        for name in ("title", "status", "level", "token", "seen", "price", "warranty", "made_on", "opens"):
            if getattr(record, name) is not None:  # found by equality, too
                found = await ours.query(Product.where(getattr(Product, name) == getattr(record, name)))
                assert found == [record], name
        for name, value in _ours(second).items():
            setattr(record, name, value)
    with sides.theirs() as session:
        theirs = session.get_one(orm.Product, key)
        assert _shown(theirs, second) == second
        assert theirs.version == 2
        for name, value in first.items():
            setattr(theirs, name, value)
    async with sides.app.session() as ours:
        assert _shown(await ours.require(Product, key), first) == _ours(first)
        added = ours.add(Product(maker=1, **_ours(second)))
    with sides.theirs() as session:
        assert _shown(session.get_one(orm.Product, added.id), second) == second


def test_references_and_lists_of_both_sides(sides: Sides) -> None:
    with sides.theirs() as session:
        session.execute(sa.delete(orm.product_tag))
        session.execute(sa.delete(orm.Product))
        wood, ink = orm.Tag(name="wood"), orm.Tag(name="ink")
        session.add(orm.Product(id=50, title="Pen", maker_id=1, tags=[wood, ink]))

    async def work() -> None:
        async with sides.app.session() as ours:
            pen = await ours.require(Product, 50)
            assert set(pen.tags.keys) == {"wood", "ink"}
            assert (await pen.maker).name == "Acme"
            assert [each.title for each in await (await ours.require(Tag, "ink")).products] == ["Pen"]
            pen.tags.remove("ink")
            pen.category = ours.add(Category(name="Desk"))
            ours.add(Licence(number="L1", maker=1))

    sides.run(work())
    with sides.theirs() as session:
        pen = session.get_one(orm.Product, 50)
        assert [each.name for each in pen.tags] == ["wood"]
        assert pen.category is not None
        assert pen.category.name == "Desk"
        assert pen.maker.licence is not None


def test_a_version_that_the_other_side_counted_up_is_met(sides: Sides) -> None:
    from holdall.errors import CommitAborted

    with sides.theirs() as session:
        session.execute(sa.delete(orm.product_tag))
        session.execute(sa.delete(orm.Product))
        session.add(orm.Product(id=60, title="Pen", maker_id=1))

    async def work() -> None:
        async with sides.app.session() as ours:
            pen = await ours.require(Product, 60)
            with sides.theirs() as session:
                session.get_one(orm.Product, 60).title = "Pencil"
            pen.pages = 3

    with pytest.raises(CommitAborted):
        sides.run(work())

    async def other() -> None:
        with sides.theirs() as session:
            theirs = session.get_one(orm.Product, 60)
            async with sides.app.session() as ours:
                (await ours.require(Product, 60)).pages = 4
            theirs.title = "Brush"

    with pytest.raises(sa_orm.exc.StaleDataError):
        sides.run(other())


def test_a_check_of_the_metadata_refuses_what_breaks_it(sides: Sides) -> None:
    from holdall.errors import CommitAborted

    async def work() -> None:
        async with sides.app.session() as ours:
            ours.add(Product(title="Broken", maker=1, pages=-1))

    with pytest.raises(CommitAborted, match="pages_ck"):
        sides.run(work())
