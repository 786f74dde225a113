"""The session: a unit of work over all stores, with one record per key and one commit for everything changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Any, Self, TypeVar

from holdall.errors import CommitAborted, FrozenError, NotFound, QueryError, StateError
from holdall.model import Model, State, Track, set_track, state_of, track_of
from holdall.policy import SYSTEM, User
from holdall.query import Query
from holdall.session.binding import Bindings
from holdall.session.commit import Committer
from holdall.session.freeze import make_plan
from holdall.session.keeper import SessionKeeper
from holdall.session.plan import Plan
from holdall.session.result import CommitResult, Guarantee

__all__ = ["Session"]

M = TypeVar("M", bound=Model)


class Session:
    """A unit of work.

    Within it there is one record per key. Nothing is written before ``commit``, which leaving an ``async with`` block
    does; an exception rolls back instead. Queries see what the stores hold, not what is yet to be committed. With
    ``allow_partial``, a commit may write several stores one after another. A session belongs to one task at a time.

    >>> from holdall import Holdall, Model, field
    >>> class Country(Model):
    ...     code: str = field(pk=True)
    ...     name: str
    >>> async def example() -> str:
    ...     app = Holdall("atlas")
    ...     app.add_store("main", "memory:")
    ...     app.add(Country, store="main")
    ...     async with app.session() as session:
    ...         session.add(Country(code="FR", name="France"))
    ...     async with app.session() as session:
    ...         return (await session.require(Country, "FR")).name
    >>> import asyncio
    >>> asyncio.run(example())
    'France'
    """

    def __init__(self, bindings: Bindings, user: User = SYSTEM, *, allow_partial: bool = False) -> None:
        bindings.settle()
        self.user = user
        self._bindings = bindings
        self._allow_partial = allow_partial
        self._keeper = SessionKeeper(bindings, user)
        self._records = self._keeper.records
        self._reader = self._keeper.reader
        self._committer = Committer(self._records, self._keeper.tracker)

    # --- reading ----------------------------------------------------------------------------------------------------

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

    async def query(self, query: Query[M]) -> list[M]:
        """The records a query means; a query with ``only(...)`` gives tuples of those fields."""
        return await self._reader.query(query)

    async def first(self, query: Query[M]) -> M | None:
        """The first record a query means, or None."""
        found = await self._reader.some(query, 1)
        return found[0] if found else None

    async def one(self, query: Query[M]) -> M:
        """The only record a query means; raises NotFound where there is none, QueryError where there are more."""
        found = await self._reader.some(query, 2)
        if not found:
            raise NotFound(self._bindings.of_query(query).collection)
        if len(found) > 1:
            raise QueryError("more than one record meets the query; narrow it, or use first()")
        return found[0]  # type: ignore[no-any-return]

    async def count(self, query: Query[M]) -> int:
        """How many records meet a query's condition; its limit and offset play no part."""
        return await self._reader.count(query)

    async def exists(self, query: Query[M]) -> bool:
        """Whether the stores hold any record the query means."""
        names = self._bindings.of_query(query).schema.key
        return bool(await self._reader.some(query.only(*((name,) for name in names)), 1))

    def stream(self, query: Query[M], *, batch: int = 500) -> AsyncIterator[M]:
        """The records of a query of any size, ``batch`` rows in memory at a time; unchanged ones are not kept."""
        return self._reader.stream(query, batch)

    async def refresh(self, record: Model) -> None:
        """Take over what the store has now and drop changes; a removed record is back.

        Raises StateError for a new record. One that is gone from its store is discarded, with NotFound.
        """
        self._committer.demand_idle()
        self._demand_held(record)
        if id(record) in self._records.new:
            raise StateError(f"this {type(record).__name__} is new: its store has nothing to take over")
        await self._reader.refresh(self._bindings.of_model(type(record)), record)

    # --- changing ---------------------------------------------------------------------------------------------------

    def add(self, record: M) -> M:
        """Make the record new in this session, to be stored at the next commit.

        Raises StateError where it or its key is already here, FrozenError where a field frozen at creation has another
        value than its default.
        """
        binding = self._bindings.of_model(record.__class__)
        track = track_of(record)
        if track is not None and track.state is not State.UNBOUND:
            raise StateError(f"only an unbound record can be added; this {binding.collection} is {track.state.value}")
        for field, default in binding.frozen_at_creation:
            if field.get(record) != default:
                raise FrozenError(type(record).__name__, field.name, State.NEW.value)
        key = record.__key__()
        if key is not None:
            known = self._records.of(binding.model)
            if known.setdefault(key, record) is not record and not self._records.claim(binding.model, key, record):
                raise StateError(f"this session already holds a {binding.collection} with this key")
        set_track(record, self._records.new_track)
        self._records.new[id(record)] = record
        return record

    def add_all(self, records: Iterable[M]) -> list[M]:
        """Add several records; where one is refused, none of the rest is added."""
        return list(map(self.add, records))

    def remove(self, record: Model) -> bool:
        """Mark the record for removal at the next commit; False where it was new and is now simply discarded."""
        self._demand_held(record)
        track = track_of(record)
        if track is None or track.state is State.DELETED:
            return True
        if track.state is State.NEW and not self._committer.is_running:
            self._records.discard(record)
            return False
        tracker = self._keeper.tracker
        if track.state is State.CLEAN:
            self._records.rejoin(record)
        set_track(record, Track(tracker, State.DELETED, track.old))
        if tracker.edited is not None:
            tracker.edited[id(record)] = record
        if id(record) not in self._records.new:
            self._records.dirty.pop(id(record), None)
            self._records.deleted[id(record)] = record
        return True

    def register(self, record: M) -> M:
        """Take an unbound record as one the store already has."""
        binding = self._bindings.of_model(type(record))
        if state_of(record) is not State.UNBOUND or record.__key__() is None:
            raise StateError(f"only an unbound {type(record).__name__} with a key can be registered")
        if not self._records.claim(binding.model, record.__key__(), record):
            raise StateError(f"this session already holds a {binding.collection} with this key")
        self._records.mark_clean(record, record.__key__())
        return record

    def attach(self, record: M) -> M:
        """Take in a record whose session is gone, with its changes; one that is here already stays as it is.

        Values that can be changed in place count as changed, as nobody watched them. Raises StateError for a record of
        another session, or one that is in none.
        """
        track = track_of(record)
        if self._records.holds(record):
            return record
        if track is None or track.tracker is None or track.state is State.NEW or track.keeper is not None:
            raise StateError(f"this {type(record).__name__} is {state_of(record).value} and of no session that is gone")
        binding, old = self._bindings.of_model(type(record)), dict(track.old or {})
        key = self._records.stored_key(record)
        if not self._records.claim(binding.model, key, record):
            raise StateError(f"this session already holds a {binding.collection} with this key")
        for field in binding.declaration.mutable:
            old.setdefault(field.name, field.get(record))
        self._records.mark_clean(record, key)
        if old:
            set_track(record, Track(self._keeper.tracker, State.DIRTY, old))
            self._records.dirty[id(record)] = record
        if track.state is State.DELETED:
            self.remove(record)
        return record

    def unregister(self, record: Model) -> None:
        """Let go of the record, changed or not; nothing of it will be written."""
        self._committer.demand_idle()
        if self._records.holds(record):
            self._records.forget(record)
            set_track(record, Track(None, State.UNBOUND))

    def rollback(self) -> None:
        """Undo every change since the last commit: new records are discarded, others clean with their old values.

        Where it is unknown whether a commit was written, all changed records are discarded: load them again.
        """
        self._committer.demand_idle()
        self._records.collect()
        for record in list(self._records.new.values()):
            self._records.discard(record)
        for record in [*self._records.dirty.values(), *self._records.deleted.values()]:
            if self._committer.is_in_doubt:
                self._records.discard(record)
            else:
                self._keeper.undo(record)
        self._committer.is_in_doubt = False
        self._records.renew()

    def reset(self) -> None:
        """Discard every record; the session is as new."""
        self._committer.demand_idle()
        self._committer.is_in_doubt = False
        self._records.clear()

    # --- committing -------------------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        """What a commit would write, in which order, and what it could promise; raises what commit would before I/O."""
        self._records.collect()
        return make_plan(self._records, self._bindings, self.user)

    async def commit(self, *, allow_partial: bool | None = None) -> CommitResult:
        """Write all changes.

        One store is written atomically if it can. Several stores are refused with CommitAborted unless
        ``allow_partial``; then they are written one after another, and CommitPartial tells what was applied. Raises
        ValidationError, Forbidden or StateError before anything is sent, CommitAborted where a store refused and
        nothing was written. Records edited while it runs stay changed.
        """
        self._committer.demand_idle()
        plan = self.plan()
        if not plan.steps:
            return CommitResult(Guarantee.NOTHING_TO_DO, 0.0, tuple)
        if len(plan.stores) > 1 and not (self._allow_partial if allow_partial is None else allow_partial):
            names = ", ".join(store.name for store in plan.stores)
            raise CommitAborted(
                f"this commit writes several stores ({names}), which cannot be done atomically; commit for each store,"
                " or pass allow_partial=True",
                CommitResult(plan.guarantee, 0.0, tuple),
            )
        try:
            return await self._committer.run(plan)
        finally:
            self._records.renew(record for step in plan.steps for batch in step.batches for record in batch.records)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._committer.settled()
            if kind is None:
                await self.commit()
        except BaseException:
            if not self._committer.is_running:
                self.rollback()
            raise
        if kind is not None:
            self.rollback()

    # --- within -----------------------------------------------------------------------------------------------------

    def _demand_held(self, record: Model) -> None:
        if not self._records.holds(record):
            raise StateError(f"this {type(record).__name__} is {state_of(record).value} and not in this session")
