"""One SQLite file and two programs in turns: each reads what the other one writes, and finds it."""

from __future__ import annotations

import enum
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from holdall import JSON, Holdall, LinkTable, Model, Ref, field
from tests.support.adoption.django_auth import DJANGO, DJANGO_ROWS

pytestmark = pytest.mark.anyio


class Colour(enum.Enum):
    RED = "RED"
    BLUE = "BLUE"


METADATA = sa.MetaData()
SAMPLE = sa.Table(
    "sample",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("whole", sa.BigInteger, nullable=False),
    sa.Column("name", sa.String(50), nullable=False),
    sa.Column("words", sa.Text),
    sa.Column("is_new", sa.Boolean, nullable=False),
    sa.Column("size", sa.Float, nullable=False),
    sa.Column("price", sa.Numeric(10, 2), nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("clock", sa.Time, nullable=False),
    sa.Column("moment", sa.DateTime, nullable=False),
    sa.Column("took", sa.Interval, nullable=False),
    sa.Column("raw", sa.LargeBinary, nullable=False),
    sa.Column("tree", sa.JSON, nullable=False),
    sa.Column("colour", sa.Enum(Colour), nullable=False),
)


class Sample(Model):
    id: UUID = field(pk=True)
    whole: int
    name: str = field(length=(0, 50))
    words: str | None = field(default=None)
    is_new: bool
    size: float
    price: Decimal = field(digits=10, places=2)
    day: date
    clock: time
    moment: datetime
    took: timedelta
    raw: bytes
    tree: JSON
    colour: Colour


def _values(number: int) -> dict[str, Any]:
    return {
        "id": UUID(int=number + 10**30),
        "whole": number * 2**33,
        "name": f"n{number}",
        "words": None if number % 2 else "wörds",
        "is_new": bool(number % 2),
        "size": number / 4,
        "price": Decimal(number) + Decimal("0.25"),
        "day": date(2024, 1, number),
        "clock": time(1, 2, number, number),
        "moment": datetime(2024, 1, number, 3, 4, 5, number * 1000, tzinfo=UTC).replace(tzinfo=None),
        "took": timedelta(days=number, microseconds=number),
        "raw": bytes([number]),
        "tree": {"n": [number, None, "x"]},
        "colour": Colour.RED if number % 2 else Colour.BLUE,
    }


def _here(values: dict[str, Any]) -> dict[str, Any]:
    return values | {"moment": values["moment"].replace(tzinfo=UTC)}


@contextmanager
def _other(path: Path) -> Iterator[sa.Connection]:
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


async def test_sqlalchemy_and_holdall_in_turns(tmp_path: Path) -> None:
    path = tmp_path / "sample.db"
    with _other(path) as connection:
        METADATA.create_all(connection)
        connection.execute(SAMPLE.insert(), [_values(1), _values(2)])
    app = Holdall("samples")
    app.add_store("main", f"sqlite:///{path}")
    app.add(Sample, store="main")
    assert await app.inspect() == {}
    async with app.session() as s:
        found = {sample.id: sample.fields for sample in await s.query(Sample.where())}
        assert found == {values["id"]: _here(values) for values in (_values(1), _values(2))}
        for name, value in _here(_values(2)).items():
            if name not in ("words", "tree"):
                assert (await s.one(Sample.where(getattr(Sample, name) == value))).whole == 2**34, name
        assert await s.count(Sample.where(Sample.took > timedelta(days=1, hours=1))) == 1
        assert [each.whole for each in await s.query(Sample.where().sort(Sample.moment))] == [2**33, 2**34]
        s.add(Sample(**_here(_values(3))))
        changed = await s.require(Sample, _values(1)["id"])
        for name, value in _here(_values(5)).items():
            if name != "id":
                setattr(changed, name, value)
    await app.close()
    with _other(path) as connection:
        rows = {row["id"]: dict(row) for row in connection.execute(sa.select(SAMPLE)).mappings()}
        assert rows == {
            _values(1)["id"]: _values(5) | {"id": _values(1)["id"]},
            _values(2)["id"]: _values(2),
            _values(3)["id"]: _values(3),
        }
        for name, value in _values(3).items():
            if name not in ("words", "tree"):
                equal = connection.scalars(sa.select(SAMPLE.c.id).where(SAMPLE.c[name] == value))
                assert _values(3)["id"] in equal.all(), name


class Group(Model, table="auth_group"):
    id: int = field(pk=True, generated=True)
    name: str = field(unique=True, length=(0, 150))


class User(Model, table="auth_user"):
    id: int = field(pk=True, generated=True)
    password: str = field(length=(0, 128))
    last_login: datetime | None = field(default=None)
    is_superuser: bool = field(default=False)
    username: str = field(unique=True, length=(0, 150))
    last_name: str = field(default="", length=(0, 150))
    email: str = field(default="", length=(0, 254))
    is_staff: bool = field(default=False)
    is_active: bool = field(default=True)
    date_joined: datetime
    first_name: str = field(default="", length=(0, 150))
    groups: frozenset[Ref[Group]] = field(
        default=frozenset(), link=LinkTable("auth_user_groups", ("user_id",), ("group_id",))
    )


class Order(Model, table="shop_order"):
    id: UUID = field(pk=True)
    placed: datetime
    day: date
    at: time
    total: Decimal = field(digits=12, places=2)
    took: timedelta
    weight: float
    parcels: int
    paid: bool
    details: JSON
    label: bytes
    address: str | None = field(default=None, length=(0, 39))
    user: Ref[User] = field(column="user_id")


async def test_django_and_holdall_in_turns(tmp_path: Path) -> None:
    path = tmp_path / "django.db"
    with sqlite3.connect(path) as connection:
        for statement in DJANGO:
            connection.execute(statement)
        for statement, row in DJANGO_ROWS:
            connection.execute(statement, row)
    connection.close()
    app = Holdall("django")
    app.add_store("main", f"sqlite:///{path}")
    app.add(Group, User, store="main")
    app.add(Order, store="main")
    told = await app.inspect()
    assert told == {}
    moment, day = datetime(2024, 5, 6, 7, 8, 9, 250_000, tzinfo=UTC), date(2024, 5, 6)
    async with app.session() as s:
        ann = await s.one(User.where(User.username == "ann", User.date_joined == moment.replace(microsecond=0)))
        assert (ann.is_staff, ann.is_superuser, ann.last_login) == (True, False, None)
        assert [(await group).name for group in ann.groups] == ["staff"]
        order = await s.one(Order.where(Order.placed == moment, Order.at == time(7, 8, 9), Order.day == day))
        assert order.fields | {"user": None} == {
            "id": UUID("00010203-0405-0607-0809-0a0b0c0d0e0f"), "placed": moment, "day": day, "at": time(7, 8, 9),
            "total": Decimal("12.5"), "took": timedelta(hours=1, microseconds=1), "weight": 0.5, "parcels": 2,
            "paid": True, "details": {"gift": True}, "label": b"\x00\xff", "address": "10.0.0.1", "user": None,
        }  # fmt: skip
        bob = s.add(User(username="bob", password="x", date_joined=moment, groups=ann.groups))
        s.add(Order(**(order.fields | {"id": UUID(int=7), "user": bob, "total": Decimal("0.1")})))
        ann.last_login = moment
    await app.close()
    with sqlite3.connect(path) as connection:
        users = connection.execute("SELECT username, last_login, is_active, date_joined FROM auth_user ORDER BY id")
        assert users.fetchall() == [
            ("ann", "2024-05-06 07:08:09.250000", 1, "2024-05-06 07:08:09"),
            ("bob", None, 1, "2024-05-06 07:08:09.250000"),
        ]
        assert connection.execute("SELECT user_id, group_id FROM auth_user_groups").fetchall() == [(1, 1), (2, 1)]
        columns = "placed, day, total, took, weight, parcels, paid, details, label, address"
        first, second = connection.execute(f"SELECT id, {columns}, at FROM shop_order ORDER BY rowid").fetchall()
        assert second[0] == UUID(int=7).hex
        assert second[3] == 0.1
        assert [value for place, value in enumerate(second) if place not in (0, 3, 8, 11)] == [
            value for place, value in enumerate(first) if place not in (0, 3, 8, 11)
        ]
        assert time.fromisoformat(second[11]) == time.fromisoformat(first[11])
    connection.close()
