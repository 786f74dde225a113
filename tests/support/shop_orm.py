"""A shop as a program of SQLAlchemy has it: every kind of column, reference and rule that an adopted class can have."""

from __future__ import annotations

import enum
import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Status(enum.Enum):
    OPEN = "open"
    SHUT = "shut"
    GONE = "away"


class Level(enum.IntEnum):
    LOW = 30
    HIGH = 4


product_tag = sa.Table(
    "product_tag",
    Base.metadata,
    sa.Column("product_id", ForeignKey("product.id"), primary_key=True),
    sa.Column("tag_name", ForeignKey("tag.name"), primary_key=True),
)


class Maker(Base):
    __tablename__ = "maker"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    products: Mapped[list[Product]] = relationship(back_populates="maker", cascade="all, delete-orphan")
    licence: Mapped[Licence | None] = relationship(back_populates="maker")


class Licence(Base):
    __tablename__ = "licence"
    number: Mapped[str] = mapped_column(String(20), primary_key=True)
    maker_id: Mapped[int] = mapped_column(ForeignKey("maker.id", ondelete="CASCADE"), unique=True)
    maker: Mapped[Maker] = relationship(back_populates="licence")


class Tag(Base):
    __tablename__ = "tag"
    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    products: Mapped[list[Product]] = relationship(secondary=product_tag, back_populates="tags")


class Category(Base):
    __tablename__ = "category"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"))
    parent: Mapped[Category | None] = relationship(back_populates="children", remote_side=[id])
    children: Mapped[list[Category]] = relationship(back_populates="parent")


class Product(Base):
    __tablename__ = "product"
    __table_args__ = (
        sa.UniqueConstraint("maker_id", "Product Title"),
        sa.CheckConstraint("pages >= 0", name="pages_ck"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column("Product Title", String(50))
    maker_id: Mapped[int] = mapped_column(ForeignKey("maker.id"))
    category_id: Mapped[int | None] = mapped_column(ForeignKey("category.id", ondelete="SET NULL"))
    pages: Mapped[int] = mapped_column(default=0, index=True)
    stock: Mapped[int] = mapped_column(sa.SmallInteger, server_default="7")
    is_new: Mapped[bool] = mapped_column(server_default=sa.true())
    status: Mapped[Status] = mapped_column(default=Status.OPEN)
    level: Mapped[Level] = mapped_column(sa.Enum(Level), default=Level.LOW)
    colour: Mapped[str | None] = mapped_column(sa.Enum("red", "blue", name="colour"))
    weight: Mapped[float | None]
    price: Mapped[Decimal | None] = mapped_column(sa.Numeric(10, 2))
    made_on: Mapped[date | None]
    opens: Mapped[time | None]
    seen: Mapped[datetime | None]
    warranty: Mapped[timedelta | None]
    image: Mapped[bytes | None]
    token: Mapped[uuid.UUID] = mapped_column(default=uuid.uuid4)
    data: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    created: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    changed: Mapped[datetime | None] = mapped_column(onupdate=lambda: datetime.now(UTC).replace(tzinfo=None))
    version: Mapped[int] = mapped_column()
    maker: Mapped[Maker] = relationship(back_populates="products")
    category: Mapped[Category | None] = relationship()
    tags: Mapped[list[Tag]] = relationship(secondary=product_tag, back_populates="products")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


CLASSES = (Maker, Licence, Tag, Category, Product)
