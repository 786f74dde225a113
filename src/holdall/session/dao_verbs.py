"""The verbs of a session for hand-written code: DAOs of its own, records and results given by hand."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any, cast, overload

from holdall.errors import QueryError, StateError
from holdall.model import Model, State, state_of
from holdall.policy import Policy, Right
from holdall.query import Query
from holdall.session.changing import ChangingSession
from holdall.session.core import M, Q
from holdall.session.dao.activity import SessionState
from holdall.session.dao.dao import DAO
from holdall.session.dao.dao_records import bind_dao
from holdall.session.dao.query_call import QueryCall
from holdall.session.reading import ReadingSession
from holdall.store import Verb

__all__ = ["DaoSession"]


class DaoSession(ReadingSession, ChangingSession):
    """What hand-written code can do with a session, and a session with it."""

    @property
    def state(self) -> SessionState:
        """What the session is doing for the caller: code that it calls sees more than STANDBY."""
        return self._parts.activity.state

    # --- DAOs -------------------------------------------------------------------------------------------------------

    def register_dao(self, *daos: DAO[Any], policy: Policy | None = None) -> None:
        """Let these DAOs serve their models in this session alone; ``app.add_dao`` does it for all.

        Raises DeclarationError where a model has its store already or a DAO does not say which model it is for.
        """
        for dao in daos:
            bind_dao(self._bindings, self._parts.dao_records.store, dao, policy)

    def get_dao(self, model: type[M]) -> DAO[M]:
        """The DAO that serves a model; raises StateError where its records are kept otherwise."""
        binding = self._bindings.of_model(model)
        if binding.record_access is None:
            raise StateError(f"{model.__name__} is kept by store {binding.store.name!r}, not by a DAO")
        return cast("DAO[M]", binding.record_access.access_of(binding.collection))

    # --- records given by hand --------------------------------------------------------------------------------------

    def register_model(self, record: Model, force: bool = False) -> bool:
        """Take an unbound record, and those it refers to, as what the stores have; False where it is here already.

        With ``force`` it takes the place of another record with its key, which then is of no session, like its changes.
        """
        if self._records.holds(record):
            return False
        known = self._records.find(type(record), record.__key__())
        if known is not None:
            if not force:
                return False
            self.unregister(known)
        self._parts.dao_records.take(record)
        return True

    def unregister_model(self, record: Model) -> None:
        """Let go of the record, changed or not; the same as ``unregister``."""
        self.unregister(record)

    def update_cache(self) -> None:
        """File new records under the keys they have by now, so that ``get`` finds them."""
        for model in set(map(type, self._records.new.values())):
            self._records.index_new(model)

    # --- queries written by hand ------------------------------------------------------------------------------------

    @overload
    async def query(self, query: Query[Q]) -> list[Q]: ...
    @overload
    async def query(self, query: QueryCall[M], *, force: bool = ...) -> list[M]: ...
    async def query(self, query: Query[Q] | QueryCall[M], *, force: bool = False) -> list[Q] | list[M]:
        """The records a query means; a query with ``only(...)`` gives tuples of those fields.

        A call of a query function runs once; its result is remembered, an empty one, too. ``force`` runs it again and
        takes over what its records have now, except for those that were changed here.
        """
        if inspect.isfunction(query):
            raise QueryError(f"{query.__name__} is a query function: call it, and give what it returns")
        if not isinstance(query, QueryCall):
            return await self._reader.query(query)
        known = self._parts.dao_records.results.get(query)
        if known is None or force:
            known = await self._run(query, force)
        return cast("list[M]", [record for record in known if _is_present(record)])

    async def register_query(self, query: QueryCall[M], models: Iterable[M], force: bool = False) -> list[M]:
        """Remember these records as the result of a query function; one that is remembered stays, unless ``force``."""
        results = self._parts.dao_records.results
        if query not in results or force:
            results[query] = self._taken(query, list(models), force)
        return cast("list[M]", [record for record in results[query] if _is_present(record)])

    async def _run(self, query: QueryCall[M], force: bool) -> list[M]:
        dao_records = self._parts.dao_records

        async def work() -> list[M]:
            return self._taken(query, await query.run(self), force)

        records = await dao_records.act((query, force), repr(query), work)
        dao_records.results[query] = records
        return records

    def _taken(self, query: QueryCall[M], records: list[M], force: bool) -> list[M]:
        for model in set(map(type, records)):
            if issubclass(model, Model):
                binding = self._bindings.of_model(model)
                binding.policy.demand(Right.READ, self.user, binding.collection)
        return self._parts.dao_records.take_all(records, query.name, renew=force)

    # --- what DAOs must be able to do -------------------------------------------------------------------------------

    def remove(self, record: Model) -> bool:
        """As for any record; raises Unsupported where its DAO cannot remove."""
        if state_of(record) is not State.NEW and self._records.holds(record):
            binding = self._bindings.of_model(type(record))
            if binding.record_access is not None:
                binding.record_access.demand(Verb.REMOVE, binding.collection)
        return super().remove(record)

    def rollback(self) -> None:
        """Undo every change since the last commit: new records are discarded, others clean with their old values.

        Where it is unknown whether a commit was written, all changed records are discarded: load them again.
        """
        with self._parts.activity.entered(SessionState.ROLLBACK):
            super().rollback()

    def reset(self) -> None:
        """Discard every record and every remembered result; the session is as new, its DAOs stay."""
        super().reset()
        self._parts.dao_records.results.clear()


def _is_present(record: Model) -> bool:
    return state_of(record) not in (State.DELETED, State.DISCARDED)
