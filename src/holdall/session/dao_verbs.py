"""The verbs of a session for hand-written code: DAOs of its own, records and results given by hand."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Iterable
from typing import Any, cast

import msgspec

from holdall.errors import QueryError, StateError
from holdall.model import Model, Record, State, state_of
from holdall.policy import Policy, Right
from holdall.query import AnyQuery, Statement
from holdall.session.changing import Changing
from holdall.session.context import M, SessionContext, demand_record
from holdall.session.dao.dao import DAO
from holdall.session.dao.dao_records import bind_dao
from holdall.session.dao.query_call import QueryCall

__all__ = ["DaoVerbs"]


class DaoVerbs(msgspec.Struct, eq=False):
    """Takes in DAOs, records and results of one session that hand-written code gives.

    >>> from holdall import Holdall, Model, field
    >>> from holdall.dao import DAO, query
    >>> class Employee(Model):
    ...     id: int = field(pk=True)
    ...     name: str
    >>> class EmployeeDAO(DAO[Employee]):
    ...     async def get(self, *, id: int) -> Employee:
    ...         return Employee(id=id, name=f"employee {id}")
    >>> @query
    ... async def first_two(session: Session) -> list[Employee]:
    ...     return [await session.get_dao(Employee).get(id=number) for number in (1, 2)]
    >>> async def example() -> None:
    ...     async with Holdall("staff").session() as session:
    ...         session.register_dao(EmployeeDAO())
    ...         print(await session.query(first_two()))
    ...         print(session.register_model(Employee(id=3, name="Ada")), (await session.require(Employee, 3)).name)
    ...         session.unregister_model(await session.require(Employee, 3))
    ...         print(await session.register_query(first_two(), [], force=True), await session.query(first_two()))
    ...         session.update_cache()
    ...         print(session.state)
    >>> import asyncio
    >>> asyncio.run(example())
    [Employee(id=1, name='employee 1'), Employee(id=2, name='employee 2')]
    True Ada
    [] []
    SessionState.STANDBY
    """

    context: SessionContext
    changing: Changing

    # --- DAOs -------------------------------------------------------------------------------------------------------

    def register_dao(self, daos: Iterable[DAO[Any]], policy: Policy | None) -> None:
        """Let these DAOs serve their models in this session alone."""
        for dao in daos:
            bind_dao(self.context.bindings, self.context.dao_records.store, dao, policy)

    def get_dao(self, model: type[M]) -> DAO[M]:
        """Return the DAO that serves a model. Raises StateError for a model that has none."""
        binding = self.context.bindings.of_model(model)
        if binding.record_access is None:
            raise StateError(f"{model.__name__} is kept by store {binding.store.name!r}, not by a DAO")
        return cast("DAO[M]", binding.record_access.access_of(binding.collection))

    # --- records given by hand --------------------------------------------------------------------------------------

    def register_model(self, record: Model, force: bool) -> bool:
        """Take an unbound record, and those it refers to, as what the stores have; False where it is here already."""
        records = self.context.records
        demand_record("register_model", record)
        if records.holds(record):
            return False
        known = records.find(type(record), record.__key__())
        if known is not None:
            if not force:
                return False
            self.changing.unregister(known)
        self.context.dao_records.take(record)
        return True

    def update_cache(self) -> None:
        """File new records under their current keys."""
        records = self.context.records
        for model in set(map(type, records.new.values())):
            records.index_new(model)

    # --- queries written by hand ------------------------------------------------------------------------------------

    def query(self, query: AnyQuery | QueryCall[Any] | Statement, force: bool) -> Awaitable[list[Any]]:
        """Return what gives the records, when it is awaited: of a query, or of a call of a query function.

        Raises QueryError for a query function that was not called.
        """
        if inspect.isfunction(query):
            raise QueryError(f"{query.__name__} is a query function: call it, and give what it returns")
        if isinstance(query, QueryCall):
            return self._remembered(query, force)
        return self.context.reader.query(self.context.bindings.asked(query))

    async def _remembered(self, query: QueryCall[M], force: bool) -> list[M]:
        known = self.context.dao_records.results.get(query)
        if known is None or force:
            known = await self._run(query, force)
        return _present(known)

    async def register_query(self, query: QueryCall[M], models: Iterable[M], force: bool) -> list[M]:
        """Remember these records as the result of a query function; one that is remembered stays, unless ``force``."""
        results = self.context.dao_records.results
        if query not in results or force:
            results[query] = self._taken(query, list(models), force)
        return _present(results[query])

    async def _run(self, query: QueryCall[M], force: bool) -> list[M]:
        dao_records = self.context.dao_records

        async def work() -> list[M]:
            return self._taken(query, await query.run(dao_records.session()), force)

        records = await dao_records.act((query, force), repr(query), work)
        dao_records.results[query] = records
        return records

    def _taken(self, query: QueryCall[M], records: list[M], force: bool) -> list[M]:
        for model in set(map(type, records)):
            if issubclass(model, Model):
                binding = self.context.bindings.of_model(model)
                binding.policy.demand(Right.READ, self.context.user, binding.collection)
        return self.context.dao_records.take_all(records, query.name, renew=force)


def _present(records: Iterable[Record]) -> list[Any]:
    return [record for record in records if state_of(record) not in (State.DELETED, State.DISCARDED)]
