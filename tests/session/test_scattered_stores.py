"""The same records in one store and scattered over several: a session gives the same answers, or says it cannot."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdall import Holdall, Many, Model, Ref, Session, back, desc, field
from holdall.errors import LimitExceeded, Unsupported
from holdall.query import Compare, Condition, Every, Kind, Not, Op, Path, Query, Schema, Some, Table, resolve
from holdall.testing.strategies import conditions, paths, queries
from tests.support.draws import draws


class Land(Model):
    code: str = field(pk=True)
    size: int | None = None
    towns: Many[Town] = back("land")


class Town(Model):
    id: int = field(pk=True)
    name: str
    land: Ref[Land | None] = field(default=None)
    twin: Ref[Town | None] = field(default=None)
    streets: Many[Street] = back("town")


class Street(Model):
    town: Ref[Town] = field(pk=True)
    number: int = field(pk=True)
    label: str | None = None
    houses: Many[House] = back("street")


class House(Model):
    id: int = field(pk=True)
    street: Ref[Street | None] = field(default=None)
    floors: int = 1
    owners: Many[Owner]


class Owner(Model):
    id: int = field(pk=True)
    name: str
    home: Ref[Land | None] = field(default=None)
    houses: Many[House] = back("owners")


MODELS: list[Any] = [Land, Town, Street, Owner, House]
LAYOUTS = {
    "scattered": {Land: "files", Town: "table", Street: "memory", Owner: "memory", House: "table"},
    "turned": {Land: "memory", Town: "files", Street: "table", Owner: "table", House: "table"},
}
LANDS = [("A", 1), ("B", None), ("C", 3)]
TOWNS = [(1, "a", "A", 2), (2, "b", "A", 1), (3, "", None, 3), (4, "a", "C", None), (5, "Ab", "B", 1)]
STREETS = [((1, 1), "x"), ((1, 2), None), ((2, 1), "a"), ((5, 7), "X")]
OWNERS = [(1, "a", "A"), (2, "b", None), (3, "", "C")]
HOUSES = [(1, (1, 1), 1, (1, 2)), (2, None, 2, ()), (3, (5, 7), 0, (3,)), (4, (1, 1), 3, (2,)), (5, (2, 1), 1, (1, 3))]


def records() -> list[Any]:
    return [
        *[Land(code=code, size=size) for code, size in LANDS],
        *[Town(id=key, name=name, land=land, twin=twin) for key, name, land, twin in TOWNS],
        *[Street(town=town, number=number, label=label) for (town, number), label in STREETS],
        *[Owner(id=key, name=name, home=home) for key, name, home in OWNERS],
        *[House(id=key, street=street, floors=floors, owners=owners) for key, street, floors, owners in HOUSES],
    ]


class Twins:
    """One library in one store, the same in others, and one loop for all."""

    def __init__(self, folder: Any) -> None:
        self.runner = asyncio.Runner()
        self.apps: dict[str, Holdall] = {}
        self.asked: Counter[str] = Counter()
        urls = {"memory": "memory:", "table": "sqlite:///", "files": "yaml:"}
        for layout, places in {"together": dict.fromkeys(MODELS, "memory"), **LAYOUTS}.items():
            app = self.apps[layout] = Holdall(layout)
            for name, url in urls.items():
                place = {"memory": "", "table": f"{folder}/{layout}.db", "files": f"{folder}/{layout}"}[name]
                app.add_store(name, url + place)
            for model in MODELS:
                app.add(model, store=places[model])
            self.runner.run(self.fill(app))
        bindings = self.apps["together"].bindings
        self.tables = {
            binding.collection: Table(binding.schema, self.runner.run(binding.store.fetch(Query(binding.collection))))
            for binding in bindings
        }

    async def fill(self, app: Holdall) -> None:
        await app.create()
        async with app.session() as session:
            session.add_all(records())

    def answer(self, layout: str, query: Query[Any], counts: bool = False) -> Any:
        session = Session(self.apps[layout].bindings)
        model = next(model for model in MODELS if model.__holdall__.collection == query.collection)
        if counts:
            return self.runner.run(session.count(query))
        found = self.runner.run(session.query(query))
        return found if query.projection else list(map(model.__holdall__.codec.reader(tuple(names(model))), found))

    def close(self) -> None:
        for app in self.apps.values():
            self.runner.run(app.close())
        self.runner.close()


def names(model: Any) -> tuple[str, ...]:
    return tuple(field.name for field in model.__holdall__.stored)


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    made = Twins(tmp_path_factory.mktemp("twins"))
    yield made
    made.close()


CHOSEN = settings(max_examples=draws(25, 100), deadline=None, suppress_health_check=list(HealthCheck))


def same(twins: Twins, query: Query[Any], counts: bool = False) -> None:
    expected = twins.answer("together", query, counts)
    is_ordered = query.sort_keys or query.max_rows is not None or query.skip
    for layout in LAYOUTS:
        try:
            found = twins.answer(layout, query, counts)
        except (Unsupported, LimitExceeded):
            twins.asked["refused"] += 1
            continue
        twins.asked["answered"] += 1
        if counts or is_ordered:
            assert found == expected, layout
        else:
            assert sorted(map(repr, found)) == sorted(map(repr, expected)), layout


@CHOSEN
@given(data=st.data())
def test_queries_mean_the_same_wherever_the_records_are(twins: Twins, data: st.DataObject) -> None:
    same(twins, data.draw(queries(twins.tables)))


@CHOSEN
@given(data=st.data(), collection=st.sampled_from([model.__holdall__.collection for model in MODELS]))
def test_conditions_through_references_mean_the_same(twins: Twins, data: st.DataObject, collection: str) -> None:
    query: Query[Any] = Query(collection, data.draw(conditions(twins.tables, collection, depth=2)))
    same(twins, query)
    same(twins, query, counts=True)


def comparisons(twins: Twins, schemas: dict[str, Schema], start: str, path: Path) -> Iterator[Condition]:
    """Every kind of comparison with values that are there."""
    owner, compared = resolve(schemas, schemas[start], path)[-1]
    place = owner.positions[compared.name]
    known = [row[place] for row in twins.tables[owner.name].rows if row[place] is not None]
    for value in (True, False):
        yield Compare(path, Op.IS_NULL, value)
    for op in (Op.EQ, Op.NE):
        yield Compare(path, op, known[0])
    for op in (Op.IN, Op.NOT_IN):
        yield Compare(path, op, tuple(known[:2]))
        yield Compare(path, op, ())


@pytest.mark.parametrize("start", [model.__holdall__.collection for model in MODELS])
def test_every_path_means_the_same(twins: Twins, start: str) -> None:
    schemas = {name: table.schema for name, table in twins.tables.items()}
    scalars = frozenset(Kind) - {Kind.MANY}
    found: list[Condition] = []
    for path in paths(schemas, schemas[start], scalars, 2):
        if len(path) > 1:
            found += comparisons(twins, schemas, start, path)
    for path in paths(schemas, schemas[start], {Kind.MANY}, 2):
        target = str(resolve(schemas, schemas[start], path)[-1][1].target)
        for inner in paths(schemas, schemas[target], scalars, 1)[:8]:
            for condition in comparisons(twins, schemas, target, inner):
                found += [Some(path, condition), Every(path, condition)]
    for number, condition in enumerate(found):
        same(twins, Query(start, Not(condition) if number % 3 == 0 else condition))


def test_most_of_what_was_asked_was_answered(twins: Twins) -> None:
    land, town, street, house, owner = (cast(Any, model) for model in (Land, Town, Street, House, Owner))
    many: list[Query[Any]] = [
        town.where(town.land.size > 2),
        town.where(town.twin.land.code == "A"),
        town.where(town.land.size.is_null()),
        land.where(land.towns.any(town.name == "a")),
        land.where(land.towns.all(town.name == "a")),
        land.where(land.towns.any(town.streets.any(street.label == "x"))),
        town.where(town.streets.all(street.houses.any(house.floors > 1))),
        street.where(street.houses.any(house.floors >= 1)),
        house.where(house.owners.any(owner.name == "a")),
        owner.where(owner.houses.any(house.floors > 1)),
        land.where(land.towns.any(town.streets.any(street.houses.any(house.owners.any(owner.name == "b"))))),
        house.where(house.owners.all(owner.home.size > 0)),
        town.where().sort(desc(town.land.size), town.twin.name).limit(3),
        house.where().sort(house.street.town.land.code).only(house.id, house.street.town.land.size),
        street.where(street.town.land.towns.any(town.id == 2)),
        house.where(house.street.town.land.code == "A"),
        house.where(house.street.houses.any(house.id == 4)),
    ]
    before = twins.asked["refused"]
    for query in many:
        assert twins.answer("together", query)
        same(twins, query)
    assert twins.asked["refused"] == before
