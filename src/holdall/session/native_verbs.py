"""Ways past the contract: statements of SQL, and what a driver itself has, for those who may."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar, cast, overload

from holdall.errors import Forbidden, QueryError, StateError, Unsupported
from holdall.query import Value
from holdall.session.context import SessionContext
from holdall.session.named_rows import NamedRow
from holdall.session.sql_query import SqlQuery
from holdall.store import Answer, Native, SpeaksSql, Store

__all__ = ["NativeVerbs"]

T = TypeVar("T")

_LIMIT = 10_000


class NativeVerbs:
    """The verbs of a session that no policy holds for: only SYSTEM has them, and whom a store names with ``native=``.

    Example: :class:`SqlQuery`.
    """

    context: SessionContext

    @overload
    def sql(
        self,
        statement: object,
        parameters: Mapping[str, Value] | None = ...,
        *,
        store: str | None = ...,
        limit: int = ...,
    ) -> SqlQuery[NamedRow]: ...
    @overload
    def sql(
        self,
        statement: object,
        parameters: Mapping[str, Value] | None = ...,
        *,
        into: type[T],
        store: str | None = ...,
        limit: int = ...,
    ) -> SqlQuery[T]: ...
    def sql(
        self,
        statement: object,
        parameters: Mapping[str, Value] | None = None,
        *,
        into: type[Value] | None = None,
        store: str | None = None,
        limit: int = _LIMIT,
    ) -> SqlQuery[Value]:
        """Run text with ``:name`` parameters, or a statement of SQLAlchemy Core: ``await`` it, or ``async for`` it.

        Rows are named tuples, or values of ``into``, a msgspec Struct or a dataclass. A tuple stands for several
        values, as in ``IN :ids``; other values are sent as a field of their type keeps them. A statement that writes is
        committed at once, or with the transaction that is open; rules of models and reservations of commits over
        several stores do not hold for it. ``store`` may be left out where only one speaks SQL.

        Raises Forbidden without the right, Unsupported for a store without SQL, LimitExceeded for more than ``limit``
        rows, QueryError for what does not fit, begins or ends a transaction, or sets what stays on a connection.
        Example: :class:`SqlQuery`.
        """
        _demand_fitting(limit, parameters)
        found, given = self._speaking(store), {} if parameters is None else dict(parameters)
        context = self.context

        async def fetch() -> Answer:
            context.written.add(found.name)
            await self._written_so_far(found)
            return await self._at(found).sql(statement, given, limit=limit)

        def stream(batch: int) -> AsyncGenerator[Answer]:
            return self._at(found).sql_stream(statement, given, batch=batch)

        return SqlQuery(into, fetch, stream)

    @overload
    def native(self, store: str) -> AbstractAsyncContextManager[Value]: ...
    @overload
    def native(self, store: str, kind: type[T]) -> AbstractAsyncContextManager[T]: ...
    def native(self, store: str, kind: type[Value] | None = None) -> AbstractAsyncContextManager[Value]:
        """Lend the driver's own connection, database or client for a block; ``kind`` says to type checkers which.

        An asyncpg or apsw connection, SQLAlchemy's AsyncConnection, pymongo's database, a client of redis-py, an
        aiohttp session. A transaction that is left open on it is rolled back. Raises Forbidden without the right,
        Unsupported where a store has nothing to lend. Example: :class:`SqlQuery`.
        """
        found = self._named(store)
        self._demand_right(found, "the driver")
        inside = self.context.bindings.inside
        if inside is not None and inside.store is found:
            raise StateError(
                "native() has no part in the transaction that is open: use it outside of the block, or sql()"
            )
        if not isinstance(found, Native):
            raise Unsupported(found.name, "native()", "its records are reached by queries and commits alone")
        return self._lent(found, kind)

    @asynccontextmanager
    async def _lent(self, store: Native, kind: type[Value] | None) -> AsyncIterator[Value]:
        async with store.native() as lent:
            if kind is not None and not isinstance(lent, kind):
                raise QueryError(f"this store lends a {type(lent).__name__}, not a {kind.__name__}")
            yield lent

    def _at(self, store: Store) -> SpeaksSql:
        """The store, or the transaction that is open there."""
        inside = self.context.bindings.inside
        return cast(SpeaksSql, store if inside is None or inside.store is not store else inside.transaction)

    async def _written_so_far(self, store: Store) -> None:
        """Write what was changed, where a transaction is open there; nobody knows which records a statement changes."""
        inside = self.context.bindings.inside
        if inside is None or inside.store is not store:
            return
        if self.context.reader.flush is not None:
            await self.context.reader.flush()
        inside.touched.update((binding, None) for binding in self.context.bindings if binding.store is store)

    def _speaking(self, name: str | None) -> Store:
        """The store that is meant. Raises QueryError where several may be, Unsupported where none can."""
        if name is not None:
            found = self._named(name)
        else:
            # looking at the whole protocol takes as long as a statement does
            speaking = [store for store in self.context.bindings.known_stores.values() if hasattr(store, "sql")]
            if len(speaking) != 1:
                names = ", ".join(store.name for store in speaking) or "none"
                raise QueryError(f"name the store: sql(..., store=...); those that speak SQL: {names}")
            (found,) = speaking
        self._demand_right(found, "SQL")
        if not hasattr(found, "sql"):
            raise Unsupported(found.name, "SQL", "ask a query, or use native()")
        return found

    def _named(self, name: str) -> Store:
        stores = self.context.bindings.known_stores
        if name not in stores:
            raise QueryError(f"there is no store {name!r}; there are {', '.join(stores) or 'none'}")
        return stores[name]

    def _demand_right(self, store: Store, what: str) -> None:
        """Raise Forbidden for a user to whom the store does not give this: no policy would hold there."""
        user, grant = self.context.user, self.context.bindings.native_grants.get(store.name)
        if user.unrestricted:
            return
        try:
            is_allowed = grant is not None and grant.allows(user) is True
        except Exception:
            is_allowed = False
        if not is_allowed:
            raise Forbidden(f"use {what} of", store.name)


def _demand_fitting(limit: object, parameters: object) -> None:
    """Raise QueryError for a limit that is none, or parameters without names."""
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise QueryError("the limit of sql() is a number of rows above zero")
    if parameters is not None and not isinstance(parameters, Mapping):
        kind = type(parameters).__name__
        raise QueryError(f"parameters of sql() are given by name, as a dictionary, not as {kind}")
