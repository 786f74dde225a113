"""A store under test: opened once per test class, driven without ``await``, compared with what it must hold."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Mapping, Sequence
from contextvars import copy_context
from typing import Any, TypeVar

from holdall.query import (
    AnyQuery,
    Condition,
    FieldSchema,
    Key,
    Kind,
    Op,
    Query,
    Schema,
    Table,
    Value,
    count,
    evaluate,
    resolve,
)
from holdall.query.ordering import is_ordered
from holdall.store import Aggregating, Change, Feature, Outcome, Provisioned, Row, Rows, Store, Verb
from holdall.testing.conformance.exact import same_rows
from holdall.testing.conformance.fitting import fitting_schemas, fitting_tables
from holdall.testing.conformance.report import Report
from holdall.testing.conformance.world import tables as world_tables

__all__ = ["Case"]

T = TypeVar("T")
_DRAWN_BY = frozenset({Feature.FOREIGN_KEYS, Feature.MANY_CONDITIONS, Feature.RELATIONS})


class Case:
    """The store, the collections it is bound to (``schemas``), and the rows it must hold (``tables``).

    Example: :class:`StoreConformance`.
    """

    def __init__(
        self, store: Store, timeout: float = 60.0, named: Callable[[Schema], Schema] = lambda schema: schema
    ) -> None:
        self.store = store
        self.timeout = timeout
        self.report = Report(self.store)
        fitting = fitting_schemas(self.store.capabilities)
        self.schemas: dict[str, Schema] = {name: named(schema) for name, schema in fitting.items()}
        declared = self.store.capabilities
        self.likeness: Hashable = (tuple(fitting.values()), declared.operators, declared.features & _DRAWN_BY)
        """Equal for stores for which the same queries on the same records are drawn."""
        self.tables: dict[str, Table] = {}
        self._runner = asyncio.Runner()
        self._context = copy_context()
        self._is_loaded = False
        self.impatient: Store | None = None
        """The same place, opened so that writes give up soon where others hold what they need."""

    def open(self) -> None:
        """Bind the store and, where Holdall may, create its collections anew."""
        self.store.bind(list(self.schemas.values()))
        if isinstance(self.store, Provisioned):
            self.run(self.store.drop())
            self.run(self.store.create())

    def close(self) -> None:
        """Drop the collections where Holdall may, and close the store."""
        try:
            if isinstance(self.store, Provisioned):
                self.run(self.store.drop())
            self.run(self.store.close())
        finally:
            self._runner.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of this coroutine; an error if it takes longer than ``timeout`` seconds."""
        # Not Runner.run: it sets a handler of signals each time, which costs more than many a query.
        loop = self._runner.get_loop()
        return loop.run_until_complete(loop.create_task(_within(self.timeout, work), context=self._context))

    def declares(self, need: Feature | Op | Kind | type) -> bool:
        """Whether the store says it can do this; a type stands for one of the optional protocols."""
        declared = self.store.capabilities
        if isinstance(need, Feature):
            return need in declared.features
        if isinstance(need, Op):
            return need in declared.operators
        return need in declared.kinds if isinstance(need, Kind) else isinstance(self.store, need)

    def keeps(self, *paths: str) -> bool:
        """Whether the store keeps these fields, each written ``collection.field``."""
        places = [path.partition(".") for path in paths]
        return all(name in self.schemas and field in self.schemas[name].by_name for name, _, field in places)

    # --- reading --------------------------------------------------------------------------------------------------

    def fetch(self, query: AnyQuery) -> Rows:
        """Return the store's answer to a query."""
        return self.run(self.store.fetch(query))

    def expect(self, query: AnyQuery) -> Rows:
        """Return the store's answer, once it is seen to equal that of ``evaluate``."""
        found = self.fetch(query)
        self._compare(query, found)
        return found

    def expect_keys(self, collection: str, *conditions: Condition) -> None:
        """As ``expect`` for conditions, looking at the keys alone where the store projects: the quicker look."""
        queries = [self.keys_of(Query(collection, condition)) for condition in conditions]

        async def ask() -> list[Rows]:
            return [await self.store.fetch(query) for query in queries]

        for query, found in zip(queries, self.run(ask()), strict=True):
            self._compare(query, found)

    def keys_of(self, query: AnyQuery) -> AnyQuery:
        """The query for keys alone where the store projects: they tell which records are found, and in what order."""
        key = [(name,) for name in self.schemas[query.collection].key]
        return query.only(*key) if self.declares(Feature.PROJECTION) else query

    def _compare(self, query: AnyQuery, found: Rows) -> None:
        same_rows(self.fields_of(query), found, evaluate(query, self.tables), is_ordered(query), query)

    def expect_count(self, query: AnyQuery) -> None:
        """See that the store counts what ``count`` says."""
        assert isinstance(self.store, Aggregating)
        found = self.run(self.store.count(query))
        assert found == count(query, self.tables), f"{query}\n  found {found}, expected {count(query, self.tables)}"

    def fields_of(self, query: AnyQuery) -> list[FieldSchema]:
        """The fields of the query's rows."""
        schema = self.schemas[query.collection]
        if not query.projection:
            return list(schema.stored)
        return [resolve(self.schemas, schema, path)[-1][1] for path in query.projection]

    # --- writing --------------------------------------------------------------------------------------------------

    def apply(self, *changes: Change) -> Sequence[Outcome]:
        """Apply these changes and return the outcomes; the store's content is then no longer the fixed one."""
        self._is_loaded = False
        return self.run(self.store.apply(list(changes)))

    def add(self, collection: str, **values: object) -> Change:
        """A change that adds a record; fields left out are null, or empty for a Many."""
        schema = self.schemas[collection]
        unknown = values.keys() - schema.positions.keys()
        assert not unknown, f"{collection} has no {unknown}"
        known = {field.name for field in schema.stored if field.name not in schema.key or field.name in values}
        fields = tuple(field.name for field in schema.stored if field.name in known)
        empty = {field.name: () for field in schema.stored if field.kind is Kind.MANY}
        key = self.key(collection, values) if all(name in values for name in schema.key) else None
        return Change(Verb.ADD, collection, key, fields, tuple(values.get(name, empty.get(name)) for name in fields))

    def apply_or_raise(self, *changes: Change) -> Sequence[Outcome]:
        """As ``apply``; raises the first refusal that a store without atomic groups has put into an outcome."""
        outcomes = self.apply(*changes)
        for outcome in outcomes:
            if outcome.error is not None:
                raise outcome.error
        return outcomes

    def update(self, collection: str, key: Key, **values: object) -> Change:
        """A change that updates these fields of a record, whatever its version."""
        return self.change(collection, key, None, **values)

    def change(self, collection: str, key: Key, expected: int | None, **values: object) -> Change:
        """A change that updates these fields of a record if it has the expected version."""
        return Change(Verb.UPDATE, collection, key, tuple(values), tuple(values.values()), expected)

    def remove(self, collection: str, key: Key, version: int | None = None) -> Change:
        """A change that removes a record."""
        return Change(Verb.REMOVE, collection, key, version=version)

    def key(self, collection: str, values: Mapping[str, Value]) -> Key:
        """The key among these values."""
        names = self.schemas[collection].key
        return values[names[0]] if len(names) == 1 else tuple(values[name] for name in names)

    # --- the whole content ----------------------------------------------------------------------------------------

    def load(self, tables: Mapping[str, Table] | None = None) -> None:
        """Let the store hold exactly these rows; without an argument the fixed ones, loaded only if need be."""
        if tables is None and self._is_loaded:
            return
        self.clear()
        self.tables = dict(tables) if tables is not None else self.fixed_tables()
        changes = [change for table in self.tables.values() for change in self._adds(table)]
        if changes:
            self.run(self.store.apply(changes))
        circles = self._self_references()
        if circles:
            self.run(self.store.apply(circles))
        self._is_loaded = tables is None

    def fixed_tables(self) -> dict[str, Table]:
        """Return the fixed rows of each collection, which need not be in the store."""
        return fitting_tables(self.schemas, world_tables())

    def clear(self) -> None:
        """Let the store hold nothing."""
        self._is_loaded = False
        held = self._everything()
        cut = [
            self.update(name, schema.key_of(row), **{field.name: None})
            for name, schema in self.schemas.items()
            for field in schema.stored
            if field.kind is Kind.REF and field.target == name
            for row in held[name]
            if row[schema.positions[field.name]] is not None
        ]
        gone = [
            self.remove(name, self.schemas[name].key_of(row)) for name in reversed(self.schemas) for row in held[name]
        ]
        if gone:
            self.run(self.store.apply([*cut, *gone]))
        self.forget()

    def forget(self) -> None:
        """Take the store to hold nothing, as after ``drop``."""
        self._is_loaded = False
        self.tables = {name: Table(schema, []) for name, schema in self.schemas.items()}

    def remember_nothing(self) -> None:
        """Take it that what the store holds is the fixed records no more."""
        self._is_loaded = False

    def remember(self) -> None:
        """Take what the store holds as what it must hold."""
        self._is_loaded = False
        self.tables = {name: Table(self.schemas[name], list(rows.values())) for name, rows in self.content().items()}

    def content(self) -> dict[str, dict[Any, Row]]:
        """Every row the store holds, by collection and key."""
        return {name: self._by_key(name, rows) for name, rows in self._everything().items()}

    def rows(self, collection: str) -> dict[Key, Row]:
        """Every row of one collection, by key."""
        return self._by_key(collection, self.fetch(Query(collection)))

    def column(self, collection: str, field: str) -> dict[Any, Value]:
        """The field of every record the collection holds, by key."""
        place = self.schemas[collection].positions[field]
        return {key: row[place] for key, row in self.rows(collection).items()}

    def holds(self, expected: Mapping[str, Mapping[Any, Row]]) -> None:
        """See that each collection holds exactly these rows, by key; collections not named hold none."""
        for name, found in self._everything().items():
            rows = expected.get(name, {}).values()
            same_rows(self.schemas[name].stored, found, rows, False, f"content of {name}")

    def _everything(self) -> dict[str, Rows]:
        async def ask() -> dict[str, Rows]:
            return {name: await self.store.fetch(Query(name)) for name in self.schemas}

        return self.run(ask())

    def _by_key(self, collection: str, rows: Rows) -> dict[Key, Row]:
        schema = self.schemas[collection]
        return {schema.key_of(row): row for row in rows}

    def _adds(self, table: Table) -> list[Change]:
        schema = table.schema
        fields = tuple(field.name for field in schema.stored)
        own = {
            schema.positions[field.name]
            for field in schema.stored
            if field.kind is Kind.REF and field.target == schema.name
        }
        return [
            Change(
                Verb.ADD,
                schema.name,
                schema.key_of(row),
                fields,
                tuple(None if place in own else value for place, value in enumerate(row)),
            )
            for row in table.rows
        ]

    def _self_references(self) -> list[Change]:
        return [
            self.update(name, table.schema.key_of(row), **{field.name: row[table.schema.positions[field.name]]})
            for name, table in self.tables.items()
            for field in table.schema.stored
            if field.kind is Kind.REF and field.target == name
            for row in table.rows
            if row[table.schema.positions[field.name]] is not None
        ]


async def _within(seconds: float, work: Awaitable[T]) -> T:
    """The result, without a further task as ``wait_for`` has it."""
    async with asyncio.timeout(seconds):
        return await work
