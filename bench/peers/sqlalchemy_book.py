"""SQLAlchemy's book: the declarative class and, through ``Book.__table__``, the Core table."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import DateTime
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The registry."""


class Book(Base):
    """The ten fields."""

    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    subtitle: Mapped[str | None]
    author: Mapped[str]
    language: Mapped[str]
    pages: Mapped[int]
    price: Mapped[float]
    rating: Mapped[float | None]
    available: Mapped[bool]
    added: Mapped[datetime] = mapped_column(DateTime(timezone=True))
