"""Selects of adopted classes as queries: which records they mean, what they are refused for, and how they go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import aliased, selectinload, with_loader_criteria

from holdall import Holdall, Model, desc
from holdall.errors import QueryError, Unsupported
from holdall.query import format_query
from tests.support import shop_orm as orm

Maker, Licence, Tag, Category, Product = map(Model.adopt, orm.CLASSES)
pytestmark = pytest.mark.anyio


async def _shop(path: Path) -> Holdall:
    app = Holdall("shop")
    app.add_store("main", f"sqlite:///{path}?driver=stdlib")
    app.add(Maker, Licence, Tag, Category, Product, store="main")
    engine = sa.create_engine(f"sqlite:///{path}")
    orm.Base.metadata.create_all(engine)
    engine.dispose()
    async with app.session() as session:
        acme, bond = session.add(Maker(name="Acme")), session.add(Maker(name="Bond"))
        wood, ink = session.add(Tag(name="wood")), session.add(Tag(name="ink"))
        session.add(Product(title="Pen", maker=acme, pages=1, tags=[wood, ink]))
        session.add(Product(title="Book", maker=bond, pages=300, tags=[ink], status=orm.Status.SHUT))
        session.add(Product(title="Ruler", maker=acme, pages=20, tags=[wood]))
    return app


def _titles(found: Any) -> list[str]:
    return [each.title for each in found]


async def test_conditions_joins_and_groups_say_which_records(tmp_path: Path) -> None:
    app = await _shop(tmp_path / "shop.db")
    product, maker, tag = orm.Product, orm.Maker, orm.Tag
    many = select(product).join(product.tags).group_by(product.id).having(sa.func.count() > 1)
    async with app.session() as session:
        for statement, expected in (
            (select(product).where(product.pages > 10), {"Book", "Ruler"}),
            (select(product).where(product.title.in_(["Pen", "Book"])), {"Pen", "Book"}),
            (select(product).where(product.title.in_(["Ruler"])), {"Ruler"}),
            (select(product).where(product.status == orm.Status.SHUT), {"Book"}),
            (select(product).join(product.maker).where(maker.name == "Acme"), {"Pen", "Ruler"}),
            (select(product).where(product.tags.any(tag.name == "ink")), {"Pen", "Book"}),
            (select(product).where(sa.func.length(product.title) == 3), {"Pen"}),
            (select(aliased(product, name="p")), {"Pen", "Book", "Ruler"}),
            (select(product).join(product.tags), {"Pen", "Book", "Ruler"}),  # each once
            (many, {"Pen"}),
            (select(product).distinct().options(selectinload(product.tags)), {"Pen", "Book", "Ruler"}),
        ):
            found = await session.query(statement)
            assert set(_titles(found)) == expected
            assert len(found) == len(expected)
            assert all(type(each) is Product for each in found)
    await app.close()


async def test_the_same_text_serves_other_values(tmp_path: Path) -> None:
    app = await _shop(tmp_path / "shop.db")
    async with app.session() as session:
        for pages, expected in ((1, ["Pen"]), (300, ["Book"]), (20, ["Ruler"]), (2, [])):
            assert _titles(await session.query(select(orm.Product).where(orm.Product.pages == pages))) == expected
        before = len(app.stores["main"]._compiler._plans._young)  # type: ignore[attr-defined]
        await session.query(select(orm.Product).where(orm.Product.pages == 7))
        assert len(app.stores["main"]._compiler._plans._young) == before  # type: ignore[attr-defined]
    await app.close()


async def test_the_identity_map_and_every_verb(tmp_path: Path) -> None:
    app = await _shop(tmp_path / "shop.db")
    acme: Any = select(orm.Product).join(orm.Product.maker).where(orm.Maker.name == "Acme")
    async with app.session() as session:
        pen = await session.one(Product.where(Product.title == "Pen"))
        assert pen in await session.query(acme)
        assert await session.count(acme) == 2
        assert await session.exists(acme)
        assert (await session.first(acme.order_by(orm.Product.title))) is pen
        assert await session.one(acme.where(orm.Product.pages == 1)) is pen
        assert {each.title async for each in session.stream(acme)} == {"Pen", "Ruler"}
        assert (await session.readable(acme)).broken == []
        assert (await session.explain(acme)).store == "main"
        assert len(await session.rows(acme)) == 2
    await app.close()


async def test_order_limit_and_offset_are_those_of_the_query(tmp_path: Path) -> None:
    app = await _shop(tmp_path / "shop.db")
    product = orm.Product
    async with app.session() as session:
        statement = select(product).order_by(product.pages.desc().nulls_last(), product.title).limit(2).offset(1)
        assert _titles(await session.query(statement)) == ["Ruler", "Pen"]
        by_maker = select(product).order_by(product.maker_id.desc(), product.id)
        assert _titles(await session.query(by_maker)) == ["Book", "Pen", "Ruler"]
    await app.close()


async def test_a_select_goes_on_as_a_query(tmp_path: Path) -> None:
    app = await _shop(tmp_path / "shop.db")
    inky = select(orm.Product).where(orm.Product.tags.any(orm.Tag.name == "ink"))
    query = Product.where(inky, Product.pages > 10)
    assert "a statement of the database's own" in format_query(query)
    async with app.session() as session:
        assert _titles(await session.query(query)) == ["Book"]
        wanted = Product.where(inky).sort(desc(Product.pages)).limit(1)
        assert _titles(await session.query(wanted)) == ["Book"]
        assert await session.query(Product.where(inky).sort(Product.title).only(Product.title)) == [("Book",), ("Pen",)]
        assert _titles(await session.query(Product.where(~Product.where(inky).condition))) == ["Ruler"]
        assert await session.count(Maker.where(Maker.products.any(Product.where(inky).condition))) == 2
    await app.close()


async def test_what_is_no_query_of_one_adopted_class_is_refused(tmp_path: Path) -> None:
    app = await _shop(tmp_path / "shop.db")
    product = orm.Product
    criteria = with_loader_criteria(product, product.pages > 1)
    refused: tuple[tuple[Any, str], ...] = (
        (select(product.title), "this one is of title: ask for the class"),
        (select(product, orm.Maker), "this one is of 2 things"),
        (select(sa.func.count()), "a Select of an adopted class can be asked"),
        (select(product).union(select(product)), "not a CompoundSelect"),
        (sa.update(product).values(pages=1), "not a Update"),
        (sa.text("SELECT 1"), "not a TextClause"),
        (select(product).with_for_update(), r"with_for_update\(\) of a Select"),
        (select(product).options(criteria), r"with_loader_criteria\(\) of a Select"),
        (select(product).order_by(sa.func.lower(product.title)), "is sorted by columns of Product"),
        (select(product).join(product.maker).order_by(orm.Maker.name), "is sorted by columns of Product"),
        (select(product).where(product.title == sa.bindparam("x")), "the parameter 'x' of a Select has no value"),
    )
    async with app.session() as session:
        for statement, told in refused:
            with pytest.raises(QueryError, match=told):
                await session.query(statement)
        with pytest.raises(QueryError, match="a query is asked"):
            await session.query(3)  # type: ignore[call-overload]
    await app.close()


async def test_a_class_that_nobody_adopts_and_a_store_without_statements() -> None:
    app = Holdall("shop")
    app.add_store("main", "memory:")
    app.add(Tag, Maker, Licence, Category, Product, store="main")
    async with app.session() as session:
        with pytest.raises(Unsupported, match="statements of its own"):
            await session.query(select(orm.Tag))

    class Base(sa.orm.DeclarativeBase):
        pass

    class Stranger(Base):
        __tablename__ = "stranger"
        id: sa.orm.Mapped[int] = sa.orm.mapped_column(primary_key=True)

    async with app.session() as session:
        with pytest.raises(QueryError, match="no model here adopts Stranger; adopted are: Category, Licence"):
            await session.query(select(Stranger))
    await app.close()
