"""The session: a unit of work over all stores, with one record per key and one commit for everything changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Any, Self, TypeVar

from holdall.errors import CommitAborted, FrozenError, NotFound, QueryError, StateError
from holdall.model import Model, State, Track, Tracker, set_track, state_of, track_of
from holdall.policy import SYSTEM, User
from holdall.query import Compare, Op, Query
from holdall.session.binding import Binding, Bindings
from holdall.session.commit import run_plan
from holdall.session.freeze import make_plan
from holdall.session.identity import IdentityMap
from holdall.session.plan import Plan
from holdall.session.reader import Reader
from holdall.session.result import CommitResult, Guarantee
from holdall.session.watch import Watcher

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
        self._tracker = Tracker(self)
        self._records = IdentityMap(self._tracker)
        self._reader = Reader(bindings, self._records, user)
        self._watcher: Watcher | None = None
        self._is_committing = False

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
        found = await self._reader.query(query.limit(1))
        return found[0] if found else None

    async def one(self, query: Query[M]) -> M:
        """The only record a query means; raises NotFound where there is none, QueryError where there are more."""
        found = await self._reader.query(query.limit(2))
        if not found:
            raise NotFound(self._bindings.of_query(query).collection)
        if len(found) > 1:
            raise QueryError("more than one record meets the query; narrow it, or use first()")
        return found[0]  # type: ignore[no-any-return]

    async def count(self, query: Query[M]) -> int:
        """How many records meet a query's condition; its limit and offset play no part."""
        return await self._reader.count(query)

    async def exists(self, query: Query[M]) -> bool:
        """Whether any record meets the query."""
        names = self._bindings.of_query(query).schema.key
        return bool(await self._reader.query(query.limit(1).only(*((name,) for name in names))))

    async def stream(self, query: Query[M], *, batch: int = 500) -> AsyncIterator[M]:
        """The records of a query of any size, ``batch`` rows in memory at a time; unchanged ones are not kept."""
        async for record in self._reader.stream(query, batch):
            yield record

    async def refresh(self, record: Model) -> None:
        """Take over what the store has now and drop changes; a record that is gone is discarded, with NotFound."""
        self._demand_held(record)
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
            if known.setdefault(key, record) is not record:
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
        if track.state is State.NEW and not self._is_committing:
            self._records.discard(record)
            return False
        set_track(record, Track(self._tracker, State.DELETED, track.old))
        if self._tracker.edited is not None:
            self._tracker.edited[id(record)] = record
        if id(record) not in self._records.new:
            self._records.dirty.pop(id(record), None)
            self._records.deleted[id(record)] = record
        return True

    def register(self, record: M) -> M:
        """Take an unbound record as one the store already has."""
        binding = self._bindings.of_model(type(record))
        if state_of(record) is not State.UNBOUND or record.__key__() is None:
            raise StateError(f"only an unbound {type(record).__name__} with a key can be registered")
        self._demand_free(binding, record)
        self._records.mark_clean(record)
        return record

    def unregister(self, record: Model) -> None:
        """Let go of the record, changed or not; nothing of it will be written."""
        if self._records.holds(record):
            self._records.forget(record)
            set_track(record, Track(None, State.UNBOUND))

    def rollback(self) -> None:
        """Undo every change since the last commit: new records are discarded, others clean with their old values."""
        self._collect_changed()
        for record in list(self._records.new.values()):
            self._records.discard(record)
        for record in [*self._records.dirty.values(), *self._records.deleted.values()]:
            track = track_of(record)
            for name, value in ((track.old if track is not None else None) or {}).items():
                type(record).__holdall__.by_name[name].put(record, value)
            self._records.mark_clean(record)
        if self._watcher is not None:
            self._watcher.renew()

    def reset(self) -> None:
        """Discard every record; the session is as new."""
        self._records.clear()
        self._watcher = None

    # --- committing -------------------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        """What a commit would write, in which order, and what it could promise; raises what commit would before I/O."""
        self._collect_changed()
        return make_plan(self._records, self._bindings, self.user)

    async def commit(self, *, allow_partial: bool | None = None) -> CommitResult:
        """Write all changes.

        One store is written atomically if it can. Several stores are refused with CommitAborted unless
        ``allow_partial``; then they are written one after another, and CommitPartial tells what was applied. Raises
        ValidationError, Forbidden or StateError before anything is sent, CommitAborted where a store refused and
        nothing was written. Records edited while it runs stay changed.
        """
        if self._is_committing:
            raise StateError("a commit of this session is already running; await it first")
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
        self._is_committing = True
        try:
            result = await run_plan(plan, self._records, self._tracker)
        finally:
            self._is_committing = False
        if self._watcher is not None:
            self._watcher.renew()
        return result

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            await self.commit()
        else:
            self.rollback()

    # --- what records ask of it (model.Keeper) ----------------------------------------------------------------------

    def touched(self, record: Any) -> None:
        """A clean record was changed."""
        self._records.dirty[id(record)] = record
        self._records.of(type(record)).setdefault(record.__key__(), record)

    def settled(self, record: Any) -> None:
        """A changed record has all its old values again."""
        self._records.dirty.pop(id(record), None)

    def watch(self, record: Any) -> None:
        """A value that can be changed in place was handed out."""
        if self._watcher is None:
            self._watcher = Watcher()
        self._watcher.watch(record)

    def peek(self, model: type[Any], key: Any) -> Any:
        """The record with this key if it is here."""
        return self._records.find(model, key)

    async def load(self, model: type[Any], key: Any) -> Any:
        """The record with this key, or None."""
        return await self._reader.get(self._bindings.of_model(model), key)

    async def load_back(self, record: Any, name: str) -> list[Any]:
        """The records of a Many that are kept by their own references."""
        field = type(record).__holdall__.by_name[name]
        target = self._bindings.of_model(field.target())
        key = record.__key__()
        if key is None:
            return []
        condition = Compare((field.options.back,), Op.EQ, key)
        return await self._reader.query(Query(target.collection, condition, model=target.model))

    # --- within -----------------------------------------------------------------------------------------------------

    def _collect_changed(self) -> None:
        if self._watcher is not None:
            for record in self._watcher.collect():
                if state_of(record) is State.DIRTY:
                    self.touched(record)

    def _demand_held(self, record: Model) -> None:
        if not self._records.holds(record):
            raise StateError(f"this {type(record).__name__} is {state_of(record).value} and not in this session")

    def _demand_free(self, binding: Binding, record: Model) -> None:
        key = record.__key__()
        if key is not None and self._records.find(binding.model, key) is not None:
            raise StateError(f"this session already holds a {binding.collection} with this key")
