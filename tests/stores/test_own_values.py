"""Values of own types come back equal from every store, are found and sorted by what is kept of them, and watched."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from holdall import Holdall, Model, Ref, desc, expr, field
from holdall.errors import QueryError
from holdall.model import schema_of
from holdall.query import SortKey
from holdall.stores.rest import Filters, Offset, RestCollection, Sorting, open_rest
from tests.support.own_values import MONEY, RIGHT, Bag, Everything, Money, Size, Span, plain
from tests.support.rest_api import Api, Shape, spelled

pytestmark = pytest.mark.anyio

_URLS: dict[str, str | None] = {
    "memory": "memory:",
    "sqlite": "sqlite:///{}/a.db",
    "postgres": None,
    "mariadb": None,
    "mongo": None,
    "redis": None,
    "yaml": "yaml:{}/notes",
    "yaml-collection": "yaml:{}/notes",
    "rest": None,
}
_OPTIONS: dict[str, dict[str, Any]] = {"redis": {"scan_limit": 10_000}, "yaml-collection": {"layout": "collection"}}
_FIXTURES = {"postgres": "postgres_url", "mariadb": "mariadb_url", "mongo": "mongo_url", "redis": "redis_url"}


@dataclass(frozen=True)
class Moved:
    to: Path
    at: datetime
    cost: Annotated[Money, MONEY]


_MOVED = Moved(Path("a/b"), datetime(2024, 5, 6, 7, 8, 9, 10, tzinfo=UTC), Money(70))


class Host(Model):
    address: IPv4Address = field(pk=True)
    price: Money = field(codec=MONEY)
    size: Size
    bag: Bag
    numbers: set[int] = field(default_factory=set)
    spans: list[Span] = field(default_factory=list)
    moved: Moved | None = None
    next: Ref[Host | None] = field(default=None)


def _name_of(model: Any) -> str:
    name: str = model.__holdall__.collection
    return name


def _spelled_key(key: SortKey) -> str:
    return f"{'-' if key.descending else ''}{key.path[0]}:{'first' if key.nulls_first else 'last'}"


def _rest(stack: ExitStack) -> Any:
    schemas = [schema_of(model, _name_of(model), _name_of) for model in (Everything, Host)]
    api = stack.enter_context(Api(schemas, {schema.name: Shape("offset") for schema in schemas}))

    def declared(name: str) -> RestCollection:
        return RestCollection(
            path=f"/{name}/~{{key}}",
            list_path=f"/{name}",
            list_at="data",
            total_at="meta.total",
            paging=Offset(most=50),
            keys="client",
            has_references=True,
            filters=Filters(spell=spelled),
            sort=Sorting(
                spell=lambda keys: {
                    "sort": ",".join(
                        f"{'-' if key.descending else ''}{key.path[0]}:{'first' if key.nulls_first else 'last'}"
                        for key in keys
                    )
                }
            ),
        )

    return open_rest("main", api.url, collections={schema.name: declared(schema.name) for schema in schemas})


@pytest.fixture(params=list(_URLS))
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holdall]:
    with ExitStack() as stack:
        url = _URLS[request.param]
        place: Any = url.format(tmp_path) if url is not None else None
        if request.param in _FIXTURES:
            place = request.getfixturevalue(_FIXTURES[request.param])
        elif request.param == "rest":
            place = _rest(stack)
        app = Holdall("values")
        app.add_store("main", place, **_OPTIONS.get(request.param, {}))
        app.add(Everything, Host, store="main")
        await app.create()
        yield app
        for store in app.stores.values():
            if hasattr(store, "drop"):
                await store.drop()
        await app.close()


def _drawn(count: int) -> list[dict[str, Any]]:
    """The same records for every store."""
    found: list[dict[str, Any]] = []

    @settings(max_examples=count * 3, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(st.fixed_dictionaries(RIGHT))
    def draw(values: dict[str, Any]) -> None:
        found.append(values)

    draw()
    by_key = {values["id"]: values | {"other": None} for values in found[::-1]}
    return list(by_key.values())[:count]


async def test_every_kind_comes_back_equal(app: Holdall) -> None:
    drawn = _drawn(8)
    async with app.session() as session:
        previous = None
        for values in drawn:
            previous = session.add(Everything(**values | {"other": previous}))
    async with app.session() as session:
        for values in drawn:
            record = await session.require(Everything, values["id"])
            for name, value in values.items():
                if name != "other":
                    found = getattr(record, name)
                    assert (plain(found), type(found)) == (plain(value), type(value)), name
        assert {record.other.key for record in await session.query(Everything.where())} == {
            None,
            *(str(values["id"]) for values in drawn[:-1]),
        }
        some = drawn[3]
        for name in ("money", "phone", "path", "zone", "isbn"):
            same = await session.query(Everything.where(getattr(Everything, name) == some[name]))
            assert some["id"] in [record.id for record in same]
            assert {plain(getattr(record, name)) for record in same} == {some[name]}


def _host(number: int, cents: int, **more: Any) -> Host:
    return Host(address=IPv4Address(number), price=Money(cents), size=Size(number, "m"), bag=Bag("a"), **more)


async def test_conditions_and_sorts_go_by_what_is_kept(app: Holdall) -> None:
    cents = [5, -3, 200, 40, 40, 0]
    random.Random(1).shuffle(cents)
    async with app.session() as session:
        session.add_all(_host(number, each, numbers={3, number, 100}) for number, each in enumerate(cents))
    async with app.session() as session:
        streamed = [int(host.address) async for host in session.stream(Host.where())]
        assert sorted(streamed) == list(range(6))
        query = Host.where().sort(desc(Host.price), Host.price)
        assert [host.price.cents for host in await session.query(query)] == sorted(cents, reverse=True)
        found = await session.query(Host.where(Host.price >= Money(5), Host.price < Money(100)))
        assert sorted(host.price.cents for host in found) == [5, 40, 40]
        found = await session.query(Host.where(Host.price.in_([Money(0), Money(-3)])))  # type: ignore[attr-defined]
        assert sorted(host.price.cents for host in found) == [-3, 0]
        for condition, address in ((Host.size == Size(2, "m"), 2), (Host.numbers == {100, 3, 1}, 1)):
            assert [host.address for host in await session.query(Host.where(condition))] == [IPv4Address(address)]
        rows = await session.query(
            Host.where(Host.address == IPv4Address(4)).only(Host.address, Host.price, Host.numbers)
        )
        assert rows == [(IPv4Address(4), Money(cents[4]), {3, 4, 100})]
        smallest = await session.one(Host.where().only(expr(Host.price).min()))
        assert smallest == (Money(-3),)


async def test_conditions_lead_inside(app: Holdall) -> None:
    host: Any = Host
    async with app.session() as session:
        session.add_all(_host(number, number, spans=[Span(number, 9)], moved=_MOVED) for number in range(5))
    cases = [
        (host.size.width > 2, [3, 4]),
        (host.size.unit.startswith("m") & (host.size.width == 1), [1]),
        (host.spans[0].start.in_([0, 4]), [0, 4]),
        (host.spans[1].start.is_null() & (host.size.width < 1), [0]),
        ((host.moved.to == Path("a/b")) & (host.moved.at == _MOVED.at) & (host.size.width == 2), [2]),
        (host.moved.cost >= Money(70), [0, 1, 2, 3, 4]),
        (host.moved.cost < Money(70), []),
    ]
    for condition, expected in cases:
        query = Host.where(condition)
        async with app.session() as session:
            assert sorted(int(found.address) for found in await session.query(query)) == expected, condition
            rows = await session.query(
                Host.where(host.size.width > 2).only(host.size.width).sort(desc(host.size.width))
            )
            assert rows == [(4,), (3,)]


async def test_changes_in_place_are_written_and_undone(app: Holdall) -> None:
    async with app.session() as session:
        first = session.add(_host(1, 1))
        session.add(_host(2, 2, next=first, spans=[Span(1, 2)]))
    async with app.session() as session:
        host = await session.require(Host, IPv4Address(2))
        host.bag.things.append("b")
        host.numbers.add(7)
        host.spans.append(Span(3))
        host.price = Money(2)  # no change
        assert not host.is_field_modified("price")
        assert (await host.next) is await session.get(Host, "0.0.0.1")
    async with app.session() as session:
        host = await session.require(Host, IPv4Address(2))
        assert (host.bag.things, host.numbers, host.spans) == (["a", "b"], {7}, [Span(1, 2), Span(3)])
        host.numbers.add(3)
        host.bag.things.clear()
        host.price = Money(99)
        session.rollback()
        assert (host.bag.things, host.numbers, host.price) == (["a", "b"], {7}, Money(2))


async def test_what_may_not_be_asked_is_refused_by_name(app: Holdall) -> None:
    every: Any = Everything
    cases: list[tuple[Callable[[], Any], str]] = [
        (lambda: every.hidden == Money(1), "hidden is a secret"),
        (lambda: every.secret.startswith("a"), "secret is a secret"),
        (lambda: every.where().sort(every.hidden), "hidden is a secret"),
        (lambda: every.hidden.max(), "hidden is a secret"),
        (lambda: every.id < IPv4Address(1), "id has no order as it is kept"),
        (lambda: every.where().sort(every.id), "id has no order as it is kept"),
        (lambda: every.money == 3, "must be a Money"),
        (lambda: every.id == "10.0.0.1", "must be a IPv4Address"),
    ]
    for wrong, message in cases:
        with pytest.raises(QueryError, match=message):
            wrong()
    async with app.session() as session:
        assert await session.query(every.where(every.hidden.is_null())) == []
