"""What is done to the shop: acts drawn at random, each a value that can be carried out on any twin."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

from holdall import Holdall, Session
from holdall.query import And, Compare, Condition, Kind, Not, Op, Or, Path, Query, Schema, SortKey, resolve
from holdall.testing.strategies import paths
from tests.twin.models import MODELS, Customer, Line, Order, Product, Tag, Visit

__all__ = ["Act", "Acts"]

Act: TypeAlias = Callable[[Holdall], Awaitable[Any]]
"""Carries itself out and gives the answer."""

_TEXTS = ("", "a", "A", "ab", "b", "é", "zz", "a%b", "_")
_SCALARS = frozenset({Kind.INT, Kind.STR, Kind.REF})
_COMPARISONS = (Op.EQ, Op.NE, Op.LT, Op.LE, Op.GT, Op.GE)


class Acts:
    """Draws acts, the same for the same seed."""

    def __init__(self, seed: int, app: Holdall) -> None:
        self._random = random.Random(seed)
        app.bindings.configure()
        self._schemas: dict[str, Schema] = {binding.collection: binding.schema for binding in app.collections()}
        self._collection = {binding.model: binding.collection for binding in app.collections()}
        self._paths = {
            name: [path for path in paths(self._schemas, schema, _SCALARS, 2) if "version" not in path]
            for name, schema in self._schemas.items()
        }

    def draw(self) -> tuple[str, Act]:
        """The next act and what to call it."""
        kinds: tuple[tuple[int, Callable[[], Act]], ...] = (
            (6, self._adding),
            (5, self._editing),
            (2, self._meeting),
            (3, self._listing),
            (3, self._removing),
            (4, self._getting),
            (8, self._asking),
            (2, self._counting),
            (2, self._ordering),
            (1, self._giving_up),
        )
        (make,) = self._random.choices([make for _, make in kinds], [weight for weight, _ in kinds])
        return make.__name__.strip("_"), make()

    # --- drawing ----------------------------------------------------------------------------------------------------

    def _model(self) -> Any:
        return self._random.choice(MODELS)

    def _key(self, model: Any) -> Any:
        """A key of a record that may be there, or not."""
        schema = self._schemas[self._collection[model]]
        parts = tuple(self._value(schema, name) for name in schema.key)
        return parts[0] if len(parts) == 1 else parts

    def _value(self, schema: Schema, name: str) -> Any:
        declared = next(item for item in schema.fields if item.name == name)
        if declared.nullable and self._random.random() < 0.2:
            return None
        if declared.kind is Kind.REF:
            assert declared.target is not None
            target = self._schemas[declared.target]
            return self._value(target, target.key[0])
        if declared.kind is Kind.STR:
            return self._random.choice(_TEXTS[1:] if name in schema.key else _TEXTS)
        return self._random.randint(1, 20) if name in schema.key else self._random.randint(-1, 5)

    def _values(self, model: Any) -> dict[str, Any]:
        """Values for a new record."""
        schema = self._schemas[self._collection[model]]
        return {
            item.name: self._value(schema, item.name)
            for item in schema.fields
            if item.kind is not Kind.MANY and item.name != schema.version
        }

    def _condition(self, collection: str, depth: int = 2) -> Condition:
        drawn = self._random.random()
        if depth and drawn < 0.3:
            items = tuple(self._condition(collection, depth - 1) for _ in range(2))
            return And(items) if drawn < 0.2 else Or(items)
        if depth and drawn < 0.35:
            return Not(self._condition(collection, depth - 1))
        path = self._random.choice(self._paths[collection])
        schema, declared = resolve(self._schemas, self._schemas[collection], path)[-1]
        if declared.kind is Kind.REF:
            return Compare(path, Op.IS_NULL, self._random.random() < 0.5)
        if drawn < 0.5:
            return Compare(path, self._random.choice((Op.IN, Op.NOT_IN)), self._some(schema, declared.name))
        value = self._some(schema, declared.name)[0]
        if declared.kind is Kind.STR and drawn < 0.65:
            return Compare(path, self._random.choice((Op.CONTAINS, Op.STARTSWITH)), value)
        return Compare(path, self._random.choice(_COMPARISONS), value)

    def _some(self, schema: Schema, name: str) -> tuple[Any, ...]:
        drawn = [self._value(schema, name) for _ in range(4)]
        return tuple({value for value in drawn if value is not None} or {"a" if name == "code" else 1})

    def _sorts(self, collection: str) -> tuple[SortKey, ...]:
        """Keys that leave no two rows alike."""
        schema = self._schemas[collection]
        drawn = self._random.sample(self._paths[collection], self._random.randint(0, 2))
        sortable: list[Path] = []
        for path in drawn:
            declared = resolve(self._schemas, schema, path)[-1][1]
            if declared.kind is not Kind.REF:
                sortable.append(path)
        last: list[Path] = []
        for name in schema.key:
            declared = next(item for item in schema.fields if item.name == name)
            last.append((name, self._schemas[str(declared.target)].key[0]) if declared.kind is Kind.REF else (name,))
        every = dict.fromkeys([*sortable, *last])
        return tuple(SortKey(path, descending=self._random.random() < 0.4) for path in every)

    # --- acts -------------------------------------------------------------------------------------------------------

    def _adding(self) -> Act:
        models = self._random.sample(MODELS, self._random.randint(1, 2))  # calls to one API are each for itself
        return partial(_add, [(model, self._values(model)) for model in models])

    def _editing(self) -> Act:
        model = self._model()
        changes = self._values(model)
        schema = self._schemas[self._collection[model]]
        free = [name for name in changes if name not in schema.key]
        chosen = self._random.sample(free, self._random.randint(1, len(free)))
        return partial(_edit, model, self._key(model), {name: changes[name] for name in chosen})

    def _meeting(self) -> Act:
        model, name = self._random.choice(((Customer, "name"), (Product, "stock"), (Order, "total")))
        return partial(_meet, model, self._key(model), name)

    def _listing(self) -> Act:
        """Others in a list of references: one inside a store, or one that leads into another."""
        model, name, target = self._random.choice(((Product, "labels", Tag), (Customer, "favourites", Product)))
        keys = dict.fromkeys(self._key(target) for _ in range(self._random.randint(0, 3)))
        return partial(_edit, model, self._key(model), {name: tuple(keys)})

    def _removing(self) -> Act:
        model = self._model()
        return partial(_remove, model, self._key(model))

    def _getting(self) -> Act:
        model = self._model()
        return partial(_get, model, self._key(model))

    def _asking(self) -> Act:
        collection = self._random.choice(list(self._schemas))
        query: Query[Any] = Query(collection, self._condition(collection))
        if self._random.random() < 0.7:
            rows, skip = self._random.choice((None, 1, 3, 10)), self._random.choice((0, 0, 1, 4))
            query = Query(collection, query.condition, self._sorts(collection), rows, skip if rows else 0)
        return partial(_ask, query)

    def _counting(self) -> Act:
        collection = self._random.choice(list(self._schemas))
        return partial(_count, Query(collection, self._condition(collection)))

    def _ordering(self) -> Act:
        lines = [
            (number, self._key(Product), self._random.randint(1, 3)) for number in range(self._random.randint(1, 3))
        ]
        return partial(_order, self._key(Order), self._key(Customer), lines, self._random.randint(1, 20))

    def _giving_up(self) -> Act:
        model = self._model()
        return partial(_give_up, model, self._values(model))


def values_of(record: Any) -> tuple[Any, ...]:
    """What a record holds, its references as keys."""
    declaration = type(record).__holdall__
    values: tuple[Any, ...] = declaration.codec.reader(tuple(item.name for item in declaration.stored))(record)
    return values


async def _add(drawn: Sequence[tuple[Any, dict[str, Any]]], app: Holdall) -> Any:
    async with app.session() as session:
        for model, values in drawn:
            session.add(model(**values))


async def _edit(model: Any, key: Any, values: dict[str, Any], app: Holdall) -> Any:
    async with app.session() as session:
        record = await session.get(model, key)
        if record is not None:
            for name, value in values.items():
                setattr(record, name, value)
        return record is not None


async def _meet(model: Any, key: Any, name: str, app: Holdall) -> Any:
    """Two sessions edit the same record; the second must not overwrite the first."""
    first, second = Session(app.bindings), Session(app.bindings)
    one, other = await first.get(model, key), await second.get(model, key)
    if one is None or other is None:
        return None
    was = getattr(one, name)
    for record in (one, other):
        setattr(record, name, f"{was}"[:8] + "!" if isinstance(was, str) else (was or 0) + 1)
    await first.commit()
    await second.commit()
    return "overwritten"


async def _remove(model: Any, key: Any, app: Holdall) -> Any:
    async with app.session() as session:
        session.remove(await session.require(model, key))


async def _get(model: Any, key: Any, app: Holdall) -> Any:
    async with app.session() as session:
        record = await session.get(model, key)
        return None if record is None else values_of(record)


async def _ask(query: Query[Any], app: Holdall) -> Any:
    async with app.session() as session:
        found = list(map(values_of, await session.query(query)))
        return found if query.sort_keys else sorted(found, key=repr)


async def _count(query: Query[Any], app: Holdall) -> Any:
    async with app.session() as session:
        return await session.count(query)


async def _order(key: int, customer: int, lines: Sequence[tuple[int, int, int]], visit: int, app: Holdall) -> Any:
    """One order with its lines: takes from the stock, or is refused as a whole."""
    async with app.session() as session:
        buyer = await session.get(Customer, customer)
        if buyer is None:
            return None
        order = session.add(Order(id=key, customer=buyer, total=sum(quantity for _, _, quantity in lines)))
        for number, product, quantity in lines:
            found = await session.get(Product, product)
            if found is not None:
                found.stock = (found.stock or 0) - quantity
                session.add(Line(order=order, number=number, product=found, quantity=quantity))
        session.add(Visit(id=visit, customer=buyer, seconds=len(lines)))
        return "ordered"


async def _give_up(model: Any, values: dict[str, Any], app: Holdall) -> Any:
    """Changes that are rolled back leave nothing."""
    session = Session(app.bindings)
    session.add(model(**values))
    session.rollback()
    return len(await session.query(Query(model.__holdall__.collection)))
