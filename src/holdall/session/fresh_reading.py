"""Reads that take over what the store has now, and may lock it until the transaction ends."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from holdall.errors import NotFound, QueryError, StateError, Unsupported
from holdall.model import Record, State, state_of
from holdall.query import AnyQuery, Query, Value
from holdall.session.binding import Binding
from holdall.session.context import M, SessionContext
from holdall.session.damage import records_of
from holdall.session.references.key_conditions import having_keys
from holdall.session.withholding import withhold
from holdall.store import Locking, LockMode, Rows, demand_lock

__all__ = ["FreshReading"]


class FreshReading(msgspec.Struct, eq=False):
    """Answers the reads of one session that are to be fresh.

    >>> from holdall import Holdall, Model, field
    >>> class Account(Model):
    ...     id: int = field(pk=True)
    ...     balance: int = 0
    >>> async def example() -> None:
    ...     app = Holdall("bank")
    ...     app.add_store("main", "memory:")
    ...     app.add(Account, store="main")
    ...     async with app.session() as session:
    ...         session.add(Account(id=1))
    ...     async with app.session() as session:
    ...         account = await session.require(Account, 1)
    ...         async with app.session() as other:
    ...             (await other.require(Account, 1)).balance = 5
    ...         await session.query(Account.where(), fresh=True)
    ...         print(account.balance)
    ...         async with session.transaction():
    ...             (await session.require(Account, 1, lock="update")).balance += 1
    ...         print(account.balance)
    >>> import asyncio
    >>> asyncio.run(example())
    5
    6
    """

    context: SessionContext

    async def query(self, asked: object, lock: LockMode | str | None) -> list[Record]:
        """The records that a query means, with what their store has now but where they were changed here.

        Raises QueryError for groups and projections, Unsupported for the records of a DAO.
        """
        context = self.context
        query: AnyQuery = context.bindings.asked(asked)
        binding = context.bindings.of_query(query)
        if query.grouping is not None or query.projection:
            raise QueryError("fresh values and locks are of whole records: leave out only() and groups")
        if binding.record_access is not None:
            raise Unsupported(binding.store.name, "fresh queries", "refresh() takes a record")
        rows = await (context.reader.rows(query) if lock is None else self._locked(binding, query, _mode(lock)))
        fresh = records_of(binding, rows)
        withhold(binding, context.user, fresh)
        held = context.records.adopt(binding.model, list(map(binding.row_key, rows)), fresh)
        context.records.collect()
        for record, now in zip(held, fresh, strict=True):
            if record is not now and state_of(record) is State.CLEAN:
                for field in binding.declaration.stored:
                    field.put(record, field.get(now))
        context.records.renew([record for record in held if state_of(record) is State.CLEAN])
        return [record for record in held if state_of(record) is not State.DELETED]

    async def get(
        self, model: type[M], args: tuple[Value, ...], key: Mapping[str, Value], lock: LockMode | str | None
    ) -> M | None:
        """The record with this key, or None."""
        binding = self.context.bindings.of_model(model)
        wanted = having_keys(binding, [binding.declaration.key_from(args, key)])
        found: list[M] = await self.query(Query(binding.collection, wanted, model=model), lock)
        return found[0] if found else None

    async def require(
        self, model: type[M], args: tuple[Value, ...], key: Mapping[str, Value], lock: LockMode | str | None
    ) -> M:
        """The record with this key. Raises NotFound."""
        found = await self.get(model, args, key, lock)
        if found is None:
            raise NotFound(self.context.bindings.of_model(model).collection, args[0] if len(args) == 1 else args or key)
        return found

    async def _locked(self, binding: Binding, query: AnyQuery, mode: LockMode) -> Rows:
        context, inside = self.context, self.context.bindings.inside
        store = binding.store
        demand_lock(store.name, store.capabilities, mode)
        if inside is None or inside.store is not store:
            raise StateError(
                f"a lock lasts until a transaction ends: async with session.transaction({store.name!r}): ..."
            )
        if context.reader.flush is not None:
            await context.reader.flush()
        if not isinstance(inside.transaction, Locking):
            raise Unsupported(store.name, f"the lock {mode.value!r}")
        local = await context.reader.visible(await context.reader.rewritten(query, binding), binding)
        return await inside.transaction.fetch_locked(local, mode)


def _mode(given: LockMode | str) -> LockMode:
    try:
        return LockMode(given)
    except ValueError:
        names = ", ".join(repr(mode.value) for mode in LockMode)
        raise StateError(f"there is no lock {given!r}; there are {names}") from None
