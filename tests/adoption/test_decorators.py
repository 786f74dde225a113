"""Types that convert their values are codecs: what one side writes the other reads, and conditions mean the same."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from holdall import Holdall, Model
from holdall.errors import DeclarationError, ValidationError

pytestmark = pytest.mark.anyio


class Money:
    """An amount, kept in cents."""

    def __init__(self, cents: int) -> None:
        self.cents = cents

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and self.cents == other.cents

    def __hash__(self) -> int:
        return hash(self.cents)


class Cents(sa.TypeDecorator[Money]):
    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value: Money | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else value.cents

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> Money | None:
        return None if value is None else Money(value)


class Words(sa.TypeDecorator[list[str]]):
    """A list, kept as text."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: list[str] | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else json.dumps(value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> list[str] | None:
        return None if value is None else json.loads(value)


class Percent(sa.TypeDecorator[float]):
    """It says its class by itself."""

    impl = sa.Numeric(10, 4)
    cache_ok = True

    @property
    def python_type(self) -> type[Any]:
        return float

    def process_bind_param(self, value: float | None, dialect: sa.Dialect) -> Decimal | None:
        return None if value is None else Decimal(str(value)) / 100

    def process_result_value(self, value: Decimal | None, dialect: sa.Dialect) -> float | None:
        return None if value is None else float(value * 100)


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "item"
    id: Mapped[int] = mapped_column(primary_key=True)
    price: Mapped[Money] = mapped_column(Cents)
    old_price: Mapped[Money | None] = mapped_column(Cents)
    words: Mapped[list[str] | None] = mapped_column(Words(200))
    rate = mapped_column(Percent)


@pytest.fixture
async def sides(tmp_path: Path) -> AsyncIterator[tuple[sa.Engine, Holdall, Any]]:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/shop.db")
    Base.metadata.create_all(engine)
    model: Any = Model.adopt(Item)
    app = Holdall("shop")
    app.add_store("main", "sqlalchemy:", engine=engine)
    app.add(model, store="main")
    await app.start()
    yield engine, app, model
    await app.close()
    engine.dispose()


async def test_both_sides_read_what_the_other_wrote(sides: tuple[sa.Engine, Holdall, Any]) -> None:
    engine, app, model = sides
    with orm.Session(engine) as theirs, theirs.begin():
        theirs.add(Item(id=1, price=Money(150), words=["a", "b"], rate=12.5))
    async with app.session() as session:
        item = await session.require(model, 1)
        assert (item.price, item.old_price, item.words, item.rate) == (Money(150), None, ["a", "b"], 12.5)
        assert await session.count(model.where(model.price == Money(150))) == 1
        assert await session.count(model.where(model.price == Money(151))) == 0
        item.old_price, item.words = Money(150), ["c"]
        session.add(model(id=2, price=Money(7), words=None, rate=None))
    with orm.Session(engine) as theirs:
        first, second = theirs.scalars(sa.select(Item).order_by(Item.id)).all()
        assert (first.old_price, first.words, second.price, second.words) == (Money(150), ["c"], Money(7), None)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT price, words FROM item ORDER BY id")).all() == [
            (150, '["c"]'),
            (7, None),
        ]


async def test_values_of_another_class_are_refused(sides: tuple[sa.Engine, Holdall, Any]) -> None:
    _, _, model = sides
    with pytest.raises(ValidationError):
        model(id=1, price=150)


def test_what_only_sqlalchemy_can_convert_is_refused() -> None:
    class Other(DeclarativeBase):
        pass

    class ByDatabase(Cents):
        cache_ok = True

        def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
            return dialect.type_descriptor(sa.String(10))

    class Unsaid(Other):
        __tablename__ = "unsaid"
        id: Mapped[int] = mapped_column(primary_key=True)
        price = mapped_column(Cents)
        cost: Mapped[Money] = mapped_column(ByDatabase)

    with pytest.raises(DeclarationError) as raised:
        Model.adopt(Unsaid)
    assert "Unsaid.price: Cents does not say the class of its values" in str(raised.value)
    assert "Unsaid.cost: ByDatabase is kept by load_dialect_impl" in str(raised.value)


def test_types_of_postgresql() -> None:
    class Other(DeclarativeBase):
        pass

    class Host(Other):
        __tablename__ = "host"
        id: Mapped[int] = mapped_column(primary_key=True)
        address: Mapped[str] = mapped_column(postgresql.INET)
        network: Mapped[str | None] = mapped_column(postgresql.CIDR)
        hardware: Mapped[str] = mapped_column(postgresql.MACADDR)
        words: Mapped[str] = mapped_column(postgresql.TSVECTOR)

    with pytest.raises(DeclarationError, match="words of a tsvector are made by the database"):
        Model.adopt(Host)
    fields = {each.name: each.kind.value for each in Model.adopt(Host, leave_out=["words"]).__holdall__.fields}
    assert fields == {"id": "int", "address": "str", "network": "str", "hardware": "str"}
