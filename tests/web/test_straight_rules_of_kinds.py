"""Rules that compare a field of any kind with values of users, right or wrong, give what a session gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec
import pytest

from holdall import JSON, Model, Nobody, Policy, Ref, User, field, me
from tests.servers.scratch import scratch_database
from tests.support.ruled_pages import Asked, Group, asked, serve, under
from tests.support.served import Served


class Colour(Enum):
    RED = "red"
    GREEN = "green"


class Size(msgspec.Struct):
    width: int


class Line(Model, collection="lines"):
    order: int = field(pk=True)
    code: str = field(pk=True, length=(1, 10))


class Sample(Model, collection="samples"):
    id: int = field(pk=True)
    flag: bool | None = None
    number: int | None = None
    ratio: float | None = None
    price: Decimal | None = field(default=None, digits=12, places=2)
    free: Decimal | None = None
    text: str | None = None
    short: str | None = field(default=None, length=(0, 20))
    blob: bytes | None = None
    moment: datetime | None = None
    day: date | None = None
    clock: time | None = None
    span: timedelta | None = None
    other: UUID | None = None
    colour: Colour | None = None
    tags: list[str] | None = None
    size: Size | None = None
    anything: JSON = None
    group: Ref[Group | None] = field(default=None)
    line: Ref[Line | None] = field(default=None)


SAMPLE: Any = Sample
NOON = datetime(2024, 5, 6, 12, 0, tzinfo=UTC)
ID = UUID(int=7)
VALUES: dict[str, tuple[Any, ...]] = {
    "flag": (True, False),
    "number": (1, 2**63 - 1, 1 - 2**63),
    "ratio": (1.5, 0.1, 3.0),
    "price": (Decimal("12.50"), Decimal("0.01")),
    "free": (Decimal("1.125"), Decimal(10**20)),
    "text": ("a", "A", "Ångström 🚀", ""),
    "short": ("b ", "b", "%_"),
    "blob": (b"\0\1", b""),
    "moment": (NOON, NOON + timedelta(microseconds=1)),
    "day": (date(2024, 5, 6), date(1, 1, 1)),
    "clock": (time(7, 8, 9), time(0)),
    "span": (timedelta(seconds=90), timedelta(0)),
    "other": (ID, UUID(int=0)),
    "colour": (Colour.RED, Colour.GREEN),
    "tags": (["a", "b,c"], []),
    "size": (Size(1), Size(2)),
    "anything": ({"deep": [1, None]}, [1], "x"),
    "group": (1, 2),
    "line": ((1, "a"), (2, "b")),
}
WRONG = (None, "red", 3, 2**70, float("nan"), True, b"a", ["a"], {"a": 1}, (1, "a"), object(), NOON, ID)
ODD: dict[str, tuple[Any, ...]] = {
    "moment": (NOON.astimezone(timezone(timedelta(hours=2))), NOON.replace(tzinfo=None)),
    "price": (Decimal("12.5"), Decimal("12.501"), Decimal("NaN"), 12),
    "text": ("a\0", "\ud800", "\U0010ffff"),
    "ratio": (3, float("inf")),
}
PATHS = ("/samples", "/samples?page_size=2&sort=-id", "/samples?id__gt=1&page_size=1", "/samples/1")


def _equal(compared: Any) -> Any:
    return compared == me.value


def _among(compared: Any) -> Any:
    return compared.in_(me.values)


def _between(compared: Any) -> Any:
    return compared.between(me.value, me.value) | compared.is_null()


@pytest.fixture(scope="module")
def who() -> Asked:
    return Asked()


@pytest.fixture(scope="module", params=["sqlite", "postgres_url", "mariadb_url"])
def served(request: pytest.FixtureRequest, who: Asked, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    async def fill(served: Served) -> None:
        groups, lines = (
            [Group(id=1, lead="a"), Group(id=2, lead="b")],
            [Line(order=1, code="a"), Line(order=2, code="b")],
        )
        async with served.app.session() as session:
            session.add_all([*groups, *lines, Sample(id=100)])
            for number in range(1, 5):
                values = {name: known[number % len(known)] for name, known in VALUES.items()}
                session.add(Sample(id=number, **values | {"group": groups[number % 2], "line": lines[number % 2]}))

    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('kinds')}/k.db"
        else:  # other files have tables of these names
            url = stack.enter_context(scratch_database(request.getfixturevalue(request.param)))
        service = stack.enter_context(serve(url, who, Group, Line, model=Sample))
        service.run(fill(service))
        yield service


def users(name: str) -> list[User]:
    """Those who have right values and wrong ones, by turns."""
    known, wrong = VALUES[name], (*ODD.get(name, ()), *WRONG)
    values = [part for pair in zip(known * len(wrong), wrong, strict=False) for part in pair]
    lists = [known[:1], (), known, [*known, None], "red", 7, [object()], known[:2], [known[0], "red", 3]]
    return [
        User("ann", attributes={"value": value, "values": lists[number % len(lists)]})
        for number, value in enumerate(values)
    ]


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("compared", [_equal, _among, _between])
def test_a_session_gives_the_same_answer(served: Served, who: Asked, name: str, compared: Callable[[Any], Any]) -> None:
    under(served, who, Policy(read=compared(getattr(SAMPLE, name)), write=Nobody), Sample)
    is_straight = False
    for number, user in enumerate(users(name)):
        found, differing = asked(served, who, user, PATHS[number % len(PATHS)])
        assert differing is None
        is_straight = is_straight or found
    assert is_straight
