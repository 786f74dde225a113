"""A session for code that is not async: each verb waits for its result."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Iterator, Sequence
from typing import Any, ParamSpec, TypeVar, overload

from holdall.app.waiting import Wait
from holdall.model import Model
from holdall.policy import Policy
from holdall.query import Query
from holdall.session import DAO, CommitResult, Explanation, Guarantee, Plan, QueryCall, Readable, Session, Strategy
from holdall.store import Row

__all__ = ["SyncSession"]

M = TypeVar("M", bound=Model)
Q = TypeVar("Q")
P = ParamSpec("P")
R = TypeVar("R")


class SyncSession:
    """A session whose verbs wait for their results; see ``Session`` for each. Example: :class:`SyncHoldall`."""

    def __init__(self, session: Session, call: Wait) -> None:
        self._session = session
        self._call = call

    def get(self, model: type[M], *args: Any, **key: Any) -> M | None:
        """The record with this key, or None."""
        return self._call(lambda: self._session.get(model, *args, **key))

    def require(self, model: type[M], *args: Any, **key: Any) -> M:
        """The record with this key; raises NotFound where there is none."""
        return self._call(lambda: self._session.require(model, *args, **key))

    @overload
    def query(self, query: Query[Q]) -> list[Q]: ...
    @overload
    def query(self, query: QueryCall[M], *, force: bool = ...) -> list[M]: ...
    def query(self, query: Query[Q] | QueryCall[M], *, force: bool = False) -> list[Q] | list[M]:
        """The records a query means, or a call of a query function gives."""
        asked: Any = query
        return self._call(lambda: self._session.query(asked, force=force))

    def readable(self, query: Query[Q]) -> Readable[Q]:
        """As ``query``, with the records that cannot be read apart."""
        return self._call(lambda: self._session.readable(query))

    def mend(self, model: type[M], *args: Any, **key: Any) -> M:
        """The record with this key, readable or not, to be given new values or removed."""
        return self._call(lambda: self._session.mend(model, *args, **key))

    def first(self, query: Query[Q]) -> Q | None:
        """The first record a query means, or None."""
        return self._call(lambda: self._session.first(query))

    def one(self, query: Query[Q]) -> Q:
        """The only record a query means."""
        return self._call(lambda: self._session.one(query))

    def count(self, query: Query[Any]) -> int:
        """How many records meet the query's condition."""
        return self._call(lambda: self._session.count(query))

    def exists(self, query: Query[Any]) -> bool:
        """Whether any record meets the query."""
        return self._call(lambda: self._session.exists(query))

    def stream(self, query: Query[Q], *, batch: int = 500) -> Iterator[Q]:
        """The records of a query of any size, batch by batch."""
        records: Any = self._session.stream(query, batch=batch)
        try:
            while True:
                chunk: list[Q] = self._call(lambda: _take(records, batch))
                yield from chunk
                if len(chunk) < batch:
                    return
        finally:
            self._call(records.aclose)

    def wait(self, awaited: Awaitable[R]) -> R:
        """What awaiting this gives: ``session.wait(book.author)``, ``session.wait(job.log.read())``."""
        return self._call(lambda: _wait(awaited))

    def load(self, records: M | Sequence[M], *fields: Any) -> None:
        """Load what these fields of the records lead to, so that they can be read as they are."""
        self._call(lambda: self._session.load(records, *fields))

    def rows(self, query: Query[Any]) -> list[Row]:
        """The rows of a query with ``only(...)`` as they cross the border of a store."""
        return self._call(lambda: self._session.rows(query))

    def explain(self, query: Query[Any]) -> Explanation:
        """How the query is answered."""
        return self._call(lambda: self._session.explain(query))

    def refresh(self, record: Model) -> None:
        """Take over what the store has now."""
        self._call(lambda: self._session.refresh(record))

    def add(self, record: M) -> M:
        """Make the record new in this session."""
        return self._session.add(record)

    def add_all(self, records: Iterable[M]) -> list[M]:
        """Add several records."""
        return self._session.add_all(records)

    def attach(self, record: M) -> M:
        """Take in a record whose session is gone, with its changes."""
        return self._session.attach(record)

    def remove(self, record: Model) -> bool:
        """Mark the record for removal."""
        return self._session.remove(record)

    def expect(self, record: Model, *names: str) -> None:
        """Have commits refuse to change or remove a record that its store no longer has as it was read here."""
        self._session.expect(record, *names)

    def register(self, record: M) -> M:
        """Take an unbound record as one the store already has."""
        return self._session.register(record)

    def unregister(self, record: Model) -> None:
        """Let go of the record."""
        self._session.unregister(record)

    def register_dao(self, *daos: DAO[Any], policy: Policy | None = None) -> None:
        """Let these DAOs serve their models in this session alone."""
        self._session.register_dao(*daos, policy=policy)

    def get_dao(self, model: type[M]) -> DAO[M]:
        """The DAO that serves a model."""
        return self._session.get_dao(model)

    def register_model(self, record: Model, force: bool = False) -> bool:
        """Take an unbound record, and those it refers to, as what the stores have."""
        return self._session.register_model(record, force)

    def unregister_model(self, record: Model) -> None:
        """Let go of the record."""
        self._session.unregister_model(record)

    def register_query(self, query: QueryCall[M], models: Iterable[M], force: bool = False) -> list[M]:
        """Remember these records as the result of a query function."""
        return self._call(lambda: self._session.register_query(query, models, force))

    def update_cache(self) -> None:
        """File new records under the keys they have by now."""
        self._session.update_cache()

    def rollback(self) -> None:
        """Undo every change since the last commit."""
        self._session.rollback()

    def reset(self) -> None:
        """Discard every record."""
        self._session.reset()

    def plan(self) -> Plan:
        """What a commit would write."""
        return self._session.plan()

    def expand(self) -> Plan:
        """The plan of a commit with all that references bring along."""
        return self._call(self._session.expand)

    def names_of(self, record: Model) -> tuple[str, ...]:
        """Under which names the record's store keeps it."""
        return self._session.names_of(record)

    def commit(
        self,
        *,
        require: Guarantee | str | None = None,
        strategy: Strategy | None = None,
        timeout: float = 20.0,
        raise_for_status: bool = True,
    ) -> CommitResult:
        """Write all changes."""
        result: CommitResult = self._call(
            lambda: self._session.commit(
                require=require, strategy=strategy, timeout=timeout, raise_for_status=raise_for_status
            )
        )
        return result

    @staticmethod
    def raise_for_status(result: CommitResult) -> None:
        """Raise the CommitError that ``commit(raise_for_status=False)`` did not raise."""
        result.raise_for_status()


async def _wait(awaitable: Awaitable[R]) -> R:
    return await awaitable


async def _take(records: Any, number: int) -> list[Any]:
    chunk: list[Any] = []
    async for record in records:
        chunk.append(record)
        if len(chunk) == number:
            break
    return chunk
