"""The reads of a session by models and keys: what is more than a call of its reader."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from holdall.errors import NotFound, QueryError, StateError
from holdall.model import Model
from holdall.query import AnyQuery, Statement, Value
from holdall.session.context import M, SessionContext, demand_record
from holdall.session.fresh_reading import FreshReading
from holdall.session.loading import Loading
from holdall.session.withholding import withheld_rows
from holdall.store import LockMode, Naming, Rows

__all__ = ["Reading"]


class Reading(msgspec.Struct, eq=False):
    """Answers the reading verbs of one session.

    >>> from holdall import Holdall, Model, Ref, field
    >>> class Country(Model):
    ...     code: str = field(pk=True)
    ...     name: str
    >>> class City(Model):
    ...     id: int = field(pk=True)
    ...     name: str
    ...     country: Ref[Country]
    >>> async def example() -> None:
    ...     app = Holdall("atlas")
    ...     app.add_store("main", "memory:")
    ...     app.add(Country, City, store="main")
    ...     async with app.session() as session:
    ...         france = session.add(Country(code="FR", name="France"))
    ...         session.add_all([City(id=1, name="Paris", country=france), City(id=2, name="Lyon", country=france)])
    ...     async with app.session() as session:
    ...         french, lyon = City.where(City.country.code == "FR"), City.where(City.name == "Lyon")
    ...         print(await session.get(City, 3), await session.get(City, id=2) is await session.one(lyon))
    ...         print(await session.count(french), await session.exists(lyon), await session.first(french.limit(0)))
    ...         print(await session.query(french.sort(City.name).only(City.name, City.country.name)))
    ...         print(await session.rows(lyon.only(City.id)), [city.id async for city in session.stream(french)])
    ...         print((await session.explain(lyon)).store, (await session.readable(lyon)).broken)
    ...         city = await session.mend(City, 1)
    ...         await session.load(city, City.country)
    ...         print(city.country.name, session.names_of(city))
    ...         city.name = "Lutetia"
    ...         await session.refresh(city)
    ...         print(city.name)
    >>> import asyncio
    >>> asyncio.run(example())
    None True
    2 True None
    [('Lyon', 'France'), ('Paris', 'France')]
    [(2,)] [1, 2]
    main []
    France ()
    Paris
    """

    context: SessionContext

    def get(self, model: type[M], args: tuple[Value, ...], key: Mapping[str, Value]) -> Awaitable[M | None]:
        """Return what gives the record with this key, or None, when it is awaited.

        Raises QueryError for a model without a key.
        """
        binding = self.context.bindings.of_model(model)
        if binding.is_keyless:
            raise QueryError(f"{model.__name__} has no key: ask for its records with {model.__name__}.where(...)")
        return self.context.reader.get(binding, binding.declaration.key_from(args, key))

    async def require(self, model: type[M], args: tuple[Value, ...], key: Mapping[str, Value]) -> M:
        """Return the record with this key; raises NotFound where there is none."""
        record = await self.get(model, args, key)
        if record is None:
            raise self._not_found(model, args, key)
        return record

    async def mend(self, model: type[M], args: tuple[Value, ...], key: Mapping[str, Value]) -> M:
        """Return the record with this key, readable or not; raises NotFound where there is none."""
        binding = self.context.bindings.of_model(model)
        binding.demand_writable()
        record: M | None = await self.context.reader.mend(binding, binding.declaration.key_from(args, key))
        if record is None:
            raise self._not_found(model, args, key)
        return record

    def _not_found(self, model: type[Model], args: tuple[Value, ...], key: Mapping[str, Value]) -> NotFound:
        shown = args[0] if len(args) == 1 else args or key
        return NotFound(self.context.bindings.of_model(model).collection, shown)

    async def first(self, query: AnyQuery | Statement, lock: LockMode | str | None, fresh: bool) -> Value:
        """Return the first record that the query means, or None."""
        found = await self._some(self.context.bindings.asked(query), 1, lock, fresh)
        return found[0] if found else None

    async def _some(self, query: AnyQuery, number: int, lock: LockMode | str | None, fresh: bool) -> list[Value]:
        if lock is None and not fresh:
            return await self.context.reader.some(query, number)
        reading = FreshReading(self.context)
        return await self.context.reader.some(query, number, lambda part: reading.query(part, lock))

    async def one(self, query: AnyQuery | Statement, lock: LockMode | str | None, fresh: bool) -> Value:
        """Return the only record that the query means. Raises NotFound for none, QueryError for several."""
        query = self.context.bindings.asked(query)
        found = await self._some(query, 2, lock, fresh)
        if not found:
            raise NotFound(f"{self.context.bindings.of_query(query).collection} that meets the query")
        if len(found) > 1:
            raise QueryError("more than one record meets the query; narrow it, or use first()")
        return found[0]

    async def rows(self, query: AnyQuery | Statement) -> Rows:
        """Return rows of the query as they cross the border of a store, without what the user may not read."""
        asked, bindings = self.context.bindings.asked(query), self.context.bindings
        rows = await self.context.reader.rows(asked)
        if asked.projection or asked.grouping is not None:
            return rows
        return withheld_rows(bindings.of_query(asked), self.context.user, rows)

    async def exists(self, query: AnyQuery | Statement) -> bool:
        """Return whether the stores hold a record that the query means; no field but the key is read."""
        query = self.context.bindings.asked(query)
        names = self.context.bindings.of_query(query).schema.key
        if query.grouping is not None:
            return bool(await self.context.reader.some(query, 1))
        asked = query.only(*((name,) for name in names)) if names else query
        return bool(await self.context.reader.some(asked, 1))

    async def load(self, records: Model | Sequence[Model], fields: Sequence[Any]) -> None:
        """Load what these fields of the records lead to."""
        context = self.context
        group = [records] if isinstance(records, Model) or not isinstance(records, Iterable) else list(records)
        for record in group:
            demand_record("load", record)
        await Loading(context.bindings, context.records, context.reader, context.user).load(group, fields)

    async def refresh(self, record: Model) -> None:
        """Take over what the store has now and drop changes. Raises StateError for a new record."""
        context = self.context
        context.committer.demand_idle()
        demand_record("refresh", record)
        context.demand_held(record)
        if id(record) in context.records.new:
            raise StateError(f"this {type(record).__name__} is new: its store has nothing to take over")
        await context.renewal.refresh(context.bindings.of_model(type(record)), record)

    def names_of(self, record: Model) -> tuple[str, ...]:
        """Return the names under which its store keeps the record, empty where the store has none."""
        demand_record("names_of", record)
        binding, key = self.context.bindings.of_model(type(record)), record.__key__()
        if key is None or not isinstance(binding.store, Naming):
            return ()
        return tuple(binding.store.names_of(binding.collection, key))
