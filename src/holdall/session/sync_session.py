"""A session for code that is not async: each verb waits for its result."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar, cast, overload

from holdall.model import Model, Record
from holdall.policy import Policy
from holdall.query import Query, Statement, Value
from holdall.session.commit.calls.ready_set import Strategy
from holdall.session.commit.outcome.result import CommitResult
from holdall.session.commit.plan.guarantee import Guarantee
from holdall.session.commit.plan.plan import Plan
from holdall.session.damage import Readable
from holdall.session.dao.dao import DAO
from holdall.session.dao.query_call import QueryCall
from holdall.session.named_rows import NamedRow, SqlRows
from holdall.session.session import Session
from holdall.session.sync_named_verbs import SyncNamedVerbs
from holdall.session.sync_query_verbs import SyncQueryVerbs
from holdall.session.sync_store_verbs import SyncStoreVerbs
from holdall.session.waiting import Wait
from holdall.store import LockMode

__all__ = ["SyncSession"]

M = TypeVar("M", bound=Model)
Q = TypeVar("Q")
P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class SyncSession(SyncNamedVerbs, SyncQueryVerbs, SyncStoreVerbs):
    """A session whose verbs wait for their results.

    Parameters and errors are those of the verb of the same name of ``Session``; its examples are written with
    ``await``, which is left out here.

    >>> from holdall import Holdall, Model, Ref, field
    >>> class Country(Model):
    ...     code: str = field(pk=True)
    ...     name: str
    >>> class City(Model):
    ...     id: int = field(pk=True)
    ...     country: Ref[Country]
    >>> app = Holdall("atlas")
    >>> app.add_store("main", "memory:")
    >>> app.add(Country, City, store="main")
    >>> with app.sync.session() as session:
    ...     france = session.add(Country(code="FR", name="France"))
    ...     paris = session.add(City(id=1, country=france))
    >>> with app.sync.session() as session:
    ...     city = session.require(City, 1)
    ...     print(session.wait(city.country).name, type(session.awaited).__name__)
    France Session
    >>> app.sync.close()
    """

    def __init__(self, session: Session, call: Wait) -> None:
        self._session = session
        self._call = call

    @property
    def awaited(self) -> Session:
        """Return the session whose verbs are awaited; for other rooms, not for users. Example: :class:`SyncSession`."""
        return self._session

    def get(
        self, model: type[M], *args: object, lock: LockMode | str | None = None, fresh: bool = False, **key: object
    ) -> M | None:
        """Return the record with a key, or None. Example: :class:`Reading`."""
        return self._call(lambda: self._session.get(model, *args, lock=lock, fresh=fresh, **key))

    def require(
        self, model: type[M], *args: object, lock: LockMode | str | None = None, fresh: bool = False, **key: object
    ) -> M:
        """Return the record with a key; raises NotFound where there is none. Example: :class:`SyncSession`."""
        return self._call(lambda: self._session.require(model, *args, lock=lock, fresh=fresh, **key))

    @overload
    def query(self, query: Query[Q], *, lock: LockMode | str | None = ..., fresh: bool = ...) -> list[Q]: ...
    @overload
    def query(self, query: QueryCall[M], *, force: bool = ...) -> list[M]: ...
    @overload
    def query(self, query: Statement) -> list[Any]: ...
    def query(
        self,
        query: Query[Q] | QueryCall[M] | Statement,
        *,
        force: bool = False,
        lock: LockMode | str | None = None,
        fresh: bool = False,
    ) -> list[Record]:
        """Return the records of a query, or of a call of a query function. Example: :class:`Reading`."""
        asked: Any = query
        if lock is not None or fresh:
            return self._call(lambda: self._session.query(asked, lock=lock, fresh=fresh))
        return self._call(lambda: self._session.query(asked, force=force))

    def readable(self, query: Query[Q]) -> Readable[Q]:
        """Return ``records``, and a CorruptRecord in ``broken`` for each other one. Example: :class:`Reading`."""
        return self._call(lambda: self._session.readable(query))

    def mend(self, model: type[M], *args: object, **key: object) -> M:
        """Return the record with a key, readable or not; raises NotFound. Example: :class:`Reading`."""
        return self._call(lambda: self._session.mend(model, *args, **key))

    def wait(self, awaited: Awaitable[R]) -> R:
        """Return what awaiting this gives: ``session.wait(book.author)``. Example: :class:`SyncSession`."""
        return self._call(lambda: _wait(awaited))

    def load(self, records: M | Sequence[M], *fields: object) -> None:
        """Load what fields lead to, so that it can be read as it is; raises QueryError. Example: :class:`Reading`."""
        self._call(lambda: self._session.load(records, *fields))

    @overload
    def sql(
        self,
        statement: object,
        parameters: Mapping[str, Value] | None = ...,
        *,
        store: str | None = ...,
        limit: int = ...,
    ) -> SqlRows[NamedRow]: ...
    @overload
    def sql(
        self,
        statement: object,
        parameters: Mapping[str, Value] | None = ...,
        *,
        into: type[T],
        store: str | None = ...,
        limit: int = ...,
    ) -> SqlRows[T]: ...
    def sql(
        self,
        statement: object,
        parameters: Mapping[str, Value] | None = None,
        *,
        into: type[Value] | None = None,
        store: str | None = None,
        limit: int = 10_000,
    ) -> SqlRows[Value]:
        """Return the rows of text with ``:name`` parameters, or of SQLAlchemy Core. Example: :class:`SqlQuery`."""

        async def fetch() -> SqlRows[Value]:
            return await self._session.sql(
                statement, parameters, into=cast("type[Value]", into), store=store, limit=limit
            )

        return self._call(fetch)

    def refresh(self, record: Model) -> None:
        """Take over what the store has now; raises StateError, or NotFound. Example: :class:`Reading`."""
        self._call(lambda: self._session.refresh(record))

    def add(self, record: M, *, if_absent: bool = False) -> M:
        """Make a record new in this session; raises StateError, or FrozenError. Example: :class:`Changing`."""
        return self._session.add(record, if_absent=if_absent)

    def add_all(self, records: Iterable[M], *, if_absent: bool = False) -> list[M]:
        """Add records in order; where one is refused, none of the rest is added. Example: :class:`Changing`."""
        return self._session.add_all(records, if_absent=if_absent)

    def attach(self, record: M) -> M:
        """Take in a record whose session is gone, with its changes; raises StateError. Example: :class:`Changing`."""
        return self._session.attach(record)

    def remove(self, record: Model, *, final: bool = False) -> bool:
        """Mark a record for removal; False where it was new. Raises StateError. Example: :class:`Changing`."""
        return self._session.remove(record, final=final)

    def restore(self, record: Model) -> None:
        """Have a deleted record be there again. Raises StateError. Example: :class:`Changing`."""
        self._session.restore(record)

    def expect(self, record: Model, *names: str) -> None:
        """Have commits refuse a record whose stored values have changed since. Example: :class:`Committing`."""
        self._session.expect(record, *names)

    def register(self, record: M) -> M:
        """Take an unbound record as stored; raises StateError without a free key. Example: :class:`Changing`."""
        return self._session.register(record)

    def unregister(self, record: Model) -> None:
        """Let go of a record, changed or not; nothing of it will be written. Example: :class:`Changing`."""
        self._session.unregister(record)

    def register_dao(self, *daos: DAO[Any], policy: Policy | None = None) -> None:
        """Let DAOs serve their models in this session alone; raises DeclarationError. Example: :class:`DaoVerbs`."""
        self._session.register_dao(*daos, policy=policy)

    def get_dao(self, model: type[M]) -> DAO[M]:
        """Return the DAO of a model; raises StateError where it has none. Example: :class:`DaoVerbs`."""
        return self._session.get_dao(model)

    def register_model(self, record: Model, force: bool = False) -> bool:
        """Take an unbound record, and those it refers to, as stored. Example: :class:`DaoVerbs`."""
        return self._session.register_model(record, force)

    def unregister_model(self, record: Model) -> None:
        """Let go of a record; the same as ``unregister``. Example: :class:`DaoVerbs`."""
        self._session.unregister_model(record)

    def register_query(self, query: QueryCall[M], models: Iterable[M], force: bool = False) -> list[M]:
        """Remember a result of a query function; with ``force``, in place of another. Example: :class:`DaoVerbs`."""
        return self._call(lambda: self._session.register_query(query, models, force))

    def update_cache(self) -> None:
        """File new records under their current keys. Example: :class:`DaoVerbs`."""
        self._session.update_cache()

    def rollback(self) -> None:
        """Undo every change since the last commit. Example: :class:`Changing`."""
        self._session.rollback()

    def reset(self) -> None:
        """Discard every record and remembered result; DAOs stay. Example: :class:`Changing`."""
        self._session.reset()

    def plan(self) -> Plan:
        """Return what a commit would write, in which order and under which guarantee. Example: :class:`Committing`."""
        return self._session.plan()

    def expand(self, *, tell: bool = False) -> Plan:
        """Return the plan with all that references bring along. Example: :class:`Committing`."""
        return self._call(lambda: self._session.expand(tell=tell))

    def names_of(self, record: Model) -> tuple[str, ...]:
        """Return the names under which a store keeps a record and its streams. Example: :class:`Reading`."""
        return self._session.names_of(record)

    def commit(
        self,
        *,
        require: Guarantee | str | None = None,
        strategy: Strategy | None = None,
        timeout: float = 20.0,
        raise_for_status: bool = True,
    ) -> CommitResult:
        """Write all changes. Raises ValidationError, Forbidden, StateError or a CommitError; ``timeout`` is in seconds.

        Example: :class:`Committing`.
        """
        result: CommitResult = self._call(
            lambda: self._session.commit(
                require=require, strategy=strategy, timeout=timeout, raise_for_status=raise_for_status
            )
        )
        return result

    @staticmethod
    def raise_for_status(result: CommitResult) -> None:
        """Raise the CommitError that a commit did not raise, if there was one. Example: :class:`Committing`."""
        result.raise_for_status()


async def _wait(awaitable: Awaitable[R]) -> R:
    return await awaitable
