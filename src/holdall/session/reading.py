"""The reading verbs of a session."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from holdall.errors import NotFound, QueryError, StateError
from holdall.model import Model
from holdall.query import Query
from holdall.session.core import M, Q, SessionCore
from holdall.session.damage import Readable
from holdall.session.loading import Loading
from holdall.session.references.explanation import Explanation
from holdall.store import Naming, Row

__all__ = ["ReadingSession"]


class ReadingSession(SessionCore):
    """What a session can be asked."""

    async def get(self, model: type[M], *args: Any, **key: Any) -> M | None:
        """The record with this key, or None: ``get(Book, 1)``, ``get(Book, id=1)``, ``get(Line, order=7, number=2)``.

        Raises ValidationError for what cannot be a key. Gets of one key make one fetch, gets of one tick are batched.
        """
        binding = self._bindings.of_model(model)
        record: M | None = await self._reader.get(binding, binding.declaration.key_from(args, key))
        return record

    async def require(self, model: type[M], *args: Any, **key: Any) -> M:
        """The record with this key; raises NotFound where there is none."""
        record = await self.get(model, *args, **key)
        if record is None:
            raise NotFound(self._bindings.of_model(model).collection, args[0] if len(args) == 1 else args or key)
        return record

    async def query(self, query: Query[Q]) -> list[Q]:
        """The records a query means; a query with ``only(...)`` gives tuples of those fields."""
        return await self._reader.query(query)

    async def readable(self, query: Query[Q]) -> Readable[Q]:
        """As ``query``, with the records that cannot be read apart: ``found.records``, and ``found.broken``.

        Each of ``broken`` is a CorruptRecord that names the record's key and fields; ``mend`` gives the record itself.
        """
        return await self._reader.readable(query)

    async def mend(self, model: type[M], *args: Any, **key: Any) -> M:
        """The record with this key, readable or not, to be given new values or removed.

        ``damaged_fields(record)`` are those that could not be read: each holds ``Damaged`` until it is given a value.
        Raises NotFound where there is none.
        """
        binding = self._bindings.of_model(model)
        record: M | None = await self._reader.mend(binding, binding.declaration.key_from(args, key))
        if record is None:
            raise NotFound(binding.collection, args[0] if len(args) == 1 else args or key)
        return record

    async def first(self, query: Query[Q]) -> Q | None:
        """The first record a query means, or None."""
        found = await self._reader.some(query, 1)
        return found[0] if found else None

    async def one(self, query: Query[Q]) -> Q:
        """The only record a query means; raises NotFound where there is none, QueryError where there are more."""
        found = await self._reader.some(query, 2)
        if not found:
            raise NotFound(f"{self._bindings.of_query(query).collection} that meets the query")
        if len(found) > 1:
            raise QueryError("more than one record meets the query; narrow it, or use first()")
        return found[0]  # type: ignore[no-any-return]

    async def count(self, query: Query[Any]) -> int:
        """How many records meet a query's condition; its limit and offset play no part."""
        return await self._reader.count(query)

    async def exists(self, query: Query[Any]) -> bool:
        """Whether the stores hold any record the query means."""
        names = self._bindings.of_query(query).schema.key
        return bool(await self._reader.some(query.only(*((name,) for name in names)), 1))

    def stream(self, query: Query[Q], *, batch: int = 500) -> AsyncIterator[Q]:
        """The records of a query of any size, ``batch`` rows in memory at a time; unchanged ones are not kept."""
        return self._reader.stream(query, batch)

    def stream_place(self, record: Model, *, is_append: bool) -> tuple[Any, str, Any]:
        """The store, collection and key by which a record's streams are reached, also of one whose session is gone."""
        return self._parts.stream_place(record, is_append=is_append)

    async def load_back(self, record: Model, name: str) -> list[Any]:
        """The records that refer to a record, which may be of a session that is gone."""
        return await self._parts.load_back(record, name)

    def names_of(self, record: Model) -> tuple[str, ...]:
        """Under which names its store keeps the record, its streams included; empty where the store tells none."""
        binding, key = self._bindings.of_model(type(record)), record.__key__()
        if key is None or not isinstance(binding.store, Naming):
            return ()
        return tuple(binding.store.names_of(binding.collection, key))

    async def load(self, records: M | Sequence[M], *fields: Any) -> None:
        """Load what these fields of the records lead to: ``await session.load(books, Book.author.country, Book.tags)``.

        Each level is one list of keys for each collection, wherever it is kept. Afterwards references, lists of them
        and their other ends are read without ``await``. Raises QueryError for a field that is no reference.
        """
        group = [records] if isinstance(records, Model) else list(records)
        await Loading(self._bindings, self._records, self._reader, self.user).load(group, fields)

    async def rows(self, query: Query[Any]) -> list[Row]:
        """The rows of a query with ``only(...)`` as they cross the border of a store, for positions and the like."""
        return await self._reader.rows(query)

    async def explain(self, query: Query[Any]) -> Explanation:
        """How the query is answered: which stores are asked what, how many rows come over, what is done here.

        What has to be asked of other stores first is asked; the query itself is not sent.
        """
        return await self._reader.explain(query)

    async def refresh(self, record: Model) -> None:
        """Take over what the store has now and drop changes; a removed record is back.

        Raises StateError for a new record. One that is gone from its store is discarded, with NotFound.
        """
        self._committer.demand_idle()
        self._demand_held(record)
        if id(record) in self._records.new:
            raise StateError(f"this {type(record).__name__} is new: its store has nothing to take over")
        await self._reader.refresh(self._bindings.of_model(type(record)), record)
