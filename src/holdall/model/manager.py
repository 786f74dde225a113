"""The active-record look: ``Book.objects``, over the session that is active or one of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Generator
from typing import Any, Generic, NoReturn, TypeVar

from holdall.model.gateway import gateway_of
from holdall.query import AnyExpression, Condition, Query, SortKey, Value, asc, desc

__all__ = ["Manager", "ResultSet"]

M = TypeVar("M")


class _NotLoaded(ABC):
    """A result that has records only once it is awaited; using the object as a list raises an error that says so."""

    __slots__ = ()

    @abstractmethod
    def _hint(self) -> str:
        """Return the expression to write for a list of the records."""

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError(f"records are not loaded before they are awaited: write records = {self._hint()}")

    __bool__ = __len__ = __iter__ = __contains__ = __getitem__ = _refuse


class ResultSet(_NotLoaded, Generic[M]):
    """A query in the making; ``await`` it for the records. Example: :class:`Manager`."""

    __slots__ = ("query",)

    def __init__(self, query: Query[M]) -> None:
        self.query = query

    def _hint(self) -> str:
        return f"await {self.query.model.__name__}.objects.filter(...)"

    def filter(self, *conditions: Condition | bool, **values: object) -> ResultSet[M]:
        """Return the query with these conditions and values added; all must hold. Raises QueryError for a name that is
        no field.
        """
        return ResultSet(self.query.where(*conditions, *_equalities(self.query.model, values)))

    def order_by(self, *keys: object) -> ResultSet[M]:
        """Return the query sorted by these fields or sort keys, given as ``Book.title``, ``desc(Book.title)`` or by
        name.

        A ``-`` before a name sorts largest first, dots lead through references: ``"-author.name"``. Raises QueryError
        for a name that is no field.
        """
        return ResultSet(self.query.sort(*[self._named(key) if isinstance(key, str) else key for key in keys]))

    def _named(self, name: str) -> SortKey:
        first, *steps = name.removeprefix("-").split(".")
        expression = self.query.model.__holdall__.expression(first)
        for step in steps:
            expression = expression[step]
        return desc(expression) if name.startswith("-") else asc(expression)

    def limit(self, rows: int) -> ResultSet[M]:
        """Return the query for at most ``rows`` records."""
        return ResultSet(self.query.limit(rows))

    def __await__(self) -> Generator[Any, Any, list[M]]:
        return self._fetch().__await__()

    async def __aiter__(self) -> AsyncIterator[M]:
        for record in await self:
            yield record

    async def _fetch(self) -> list[M]:
        async with gateway_of(self.query.model) as act:
            found: list[M] = await act.session.query(self.query)
            return found

    async def first(self) -> M | None:
        """Fetch the first record, or None where there is none."""
        found = await self.limit(1)
        return found[0] if found else None

    async def count(self) -> int:
        """Count the records. Raises Unsupported where the store cannot count."""
        async with gateway_of(self.query.model) as act:
            return await act.session.count(self.query)


class Manager(_NotLoaded, Generic[M]):
    """Creates and finds records of one model, each call in the active session or in one of its own.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     title: str
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main")
    >>> async def example() -> tuple[str, list[str], int]:
    ...     await Book.objects.create(id=1, title="Emma")
    ...     await Book.objects.create(id=2, title="Ulysses")
    ...     emma = await Book.objects.get(1)
    ...     found = await Book.objects.order_by("-title").limit(2)
    ...     assert await Book.objects.all().first() is not None
    ...     assert await Book.objects.names_of(emma) == ()
    ...     return emma.title, [book.title for book in found], await Book.objects.filter(title="Emma").count()
    >>> import asyncio
    >>> asyncio.run(example())
    ('Emma', ['Ulysses', 'Emma'], 1)
    """

    __slots__ = ("_model",)

    def __init__(self, model: type[M]) -> None:
        self._model = model

    def _hint(self) -> str:
        return f"await {self._model.__name__}.objects.all()"

    async def create(self, **values: object) -> M:
        """Create a record and store it; within a session's block the record is stored when the block commits.

        Raises ValidationError for wrong values, CommitAborted where the store refuses the record.
        """
        async with gateway_of(self._model) as act:
            record = self._model(**values)
            act.session.add(record)
            await act.commit()
            return record

    async def get(self, *args: object, **key: object) -> M | None:
        """Get the record with this key, or None: ``get(7)``, ``get(code="FR")``."""
        async with gateway_of(self._model) as act:
            return await act.session.get(self._model, *args, **key)

    async def names_of(self, record: M) -> tuple[str, ...]:
        """Return the names under which the store keeps the record, its streams included; empty where the store gives
        none.
        """
        async with gateway_of(self._model) as act:
            return act.session.names_of(record)

    def all(self) -> ResultSet[M]:
        """Return the query for all records."""
        model: Any = self._model
        return ResultSet(model.where())

    def filter(self, *conditions: Condition | bool, **values: object) -> ResultSet[M]:
        """Return the query for the records that meet these conditions and have these values. Raises QueryError for a
        name that is no field.
        """
        return self.all().filter(*conditions, **values)

    def order_by(self, *keys: object) -> ResultSet[M]:
        """Return the query for all records, sorted; see ``ResultSet.order_by``."""
        return self.all().order_by(*keys)


def _equalities(model: Any, values: dict[str, Value]) -> list[Condition]:
    conditions: list[Condition] = []
    for name, value in values.items():
        expression: AnyExpression = model.__holdall__.expression(name)
        conditions.append(expression == value)
    return conditions
