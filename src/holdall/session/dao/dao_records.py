"""Records that hand-written code makes: got one by one, and taken into the session as what a store has."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, TypeVar, get_args

import msgspec

from holdall.errors import CorruptRecord, DeclarationError, StateError, StoreUnavailable, Unsupported
from holdall.model import Field, Model, Record, Reference, State, record_in, replace_items, state_of
from holdall.policy import Policy
from holdall.query import Key, Value
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.dao.activity import SessionActivity, SessionState
from holdall.session.dao.showing import modified, without
from holdall.session.dao.single_flight import SingleFlight
from holdall.session.identity import IdentityMap
from holdall.session.journal.log_record import Operation
from holdall.session.made_once import MadeOnce
from holdall.store import Outcome, RecordAccess, Store, Verb, acting_for, open_store

__all__ = ["DaoRecords", "bind_dao"]

T = TypeVar("T")
_AT_ONCE = 100  # records got at the same time for one who asks for many


def bind_dao(
    bindings: Bindings,
    store: Store,
    dao: object,
    policy: Policy | None,
    compensation: Callable[[Operation], Awaitable[None]] | None = None,
) -> type[Model]:
    """Let a DAO serve its model from this store, and return the model.

    Raises DeclarationError where the store takes no DAOs, the model is bound already, or the DAO does not name it.

    Example: :class:`holdall.dao.DAO`.
    """
    if not isinstance(store, RecordAccess):
        raise DeclarationError(f"store {store.name!r} takes no DAOs; give them one of their own, opened by 'dao:'")
    name, model = type(dao).__name__, getattr(dao, "model", None)
    if model is None:
        model = next(iter(get_args(getattr(dao, "__orig_class__", None))), None)
    if not isinstance(model, type) or not issubclass(model, Model):
        raise DeclarationError(f"{name} does not say which model it is for: class {name}(DAO[Employee]), or set model")
    binding = Binding(model, store, policy or Policy(), model.__holdall__.collection, compensation=compensation)
    bindings.add(binding)
    store.admit(binding.collection, dao)
    return model


def _nobody() -> None:
    """Stand for a session that is not there."""


class DaoRecords(msgspec.Struct, eq=False, dict=True):
    """The records of a session that DAOs and query functions give."""

    _bindings: Bindings
    _records: IdentityMap
    session: Callable[[], object] = _nobody  # the session itself, once it is there

    activity = MadeOnce[SessionActivity](lambda dao_records: SessionActivity(dao_records._records))
    """The activity of the session."""
    store = MadeOnce[Store](lambda _: open_store("dao", "dao:"))
    """That of the DAOs registered in this session alone."""
    results = MadeOnce[dict[Hashable, list[Any]]](lambda _: {})
    """The results of query functions, by call."""
    _flights = MadeOnce[SingleFlight](lambda _: SingleFlight())

    async def act(self, what: Hashable, name: str, work: Callable[[], Awaitable[T]]) -> T:
        """The result of hand-written reading code, run once for all who ask at the same time."""

        async def acted() -> T:
            with self.activity.entered(SessionState.GET), acting_for(self.session()):
                return await work()

        return await self._flights.run(what, name, acted)

    async def get(self, binding: Binding, key: Key) -> Record:
        """The record with this key, which is not here yet, or None."""

        async def work() -> Record:
            found = await self.fresh(binding, key)
            return None if found is None else self.take(found)

        return await self.act((binding, key), f"{binding.collection} {key!r}", work)

    async def get_all(self, get: Callable[[Any], Awaitable[Any]], keys: Sequence[Key]) -> dict[Key, Any]:
        """Get the records with these keys, by key, several at a time; those that do not exist are left out."""
        found: dict[Key, Any] = {}
        for start in range(0, len(keys), _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            for key, record in zip(part, await asyncio.gather(*map(get, part), return_exceptions=True), strict=True):
                if isinstance(record, BaseException):
                    raise record
                if record is not None:
                    found[key] = record
        return found

    async def found(self, binding: Binding, keys: Sequence[Key]) -> dict[Key, Any]:
        """The records with these keys, those that are here and those that their DAO gets."""
        known = self._records.of(binding.model)
        here = {key: known[key] for key in keys if key in known}
        return here | await self.get_all(lambda key: self.get(binding, key), [key for key in keys if key not in here])

    async def existing(self, binding: Binding, keys: Sequence[Key]) -> set[Key]:
        """Which of these keys there are; all, where the DAO cannot be asked."""
        assert binding.record_access is not None
        try:
            binding.record_access.demand("get", binding.collection)
        except Unsupported:
            return set(keys)
        return set(await self.found(binding, keys))

    def referring(self, binding: Binding, field: Field, keys: set[Key], names: tuple[str, ...]) -> list[Any]:
        """These fields of the stored records here whose reference leads to one of these keys."""
        rows, read = [], binding.codec.reader(names)
        for record in self._records.of(binding.model).values():
            value = field.encode(field.get(record))
            if state_of(record) is not State.NEW and not keys.isdisjoint((value,) if field.form is None else value):
                rows.append(read(record))
        return rows

    async def fresh(self, binding: Binding, key: Key) -> Record:
        """Get the record with this key from the DAO, as the DAO gives it; raises CorruptRecord where it has another
        key.
        """
        store = binding.record_access
        assert store is not None
        fields = binding.declaration.key
        parts = key if len(fields) > 1 else (key,)
        given = {field.name: _decoded(field, part) for field, part in zip(fields, parts, strict=True)}
        with self.activity.entered(SessionState.GET):
            found = await store.fetch_record(binding.collection, given, self.session())
        place = f"{binding.collection} {key!r}"
        if found is not None and type(found) is not binding.model:
            raise CorruptRecord(binding.store.name, place, f"its DAO gave a {type(found).__name__}")
        if found is not None and found.__key__() != key:
            raise CorruptRecord(binding.store.name, place, f"its DAO gave the record with key {found.__key__()!r}")
        if found is not None and state_of(found) is State.UNBOUND:
            self.take_referred(found)
        return found

    async def write(self, binding: Binding, verb: Verb, record: Record, fields: Sequence[str] = ()) -> Outcome:
        """Let the DAO do this to the record; the outcome of an addition has the key. Raises as ``apply`` does.

        ``fields`` are those to write; of those of a change the record says that they are modified, and references that
        an addition leaves for a later change are empty meanwhile.
        """
        store = binding.record_access
        assert store is not None
        self._records.assigned_by_dao.pop(id(record), None)
        with self.activity.entered(SessionState.COMMIT, record):
            if verb is Verb.UPDATE and state_of(record) is State.NEW:
                with modified(self._records.states, record, fields):
                    return await store.apply_record(verb, binding.collection, record, self.session())
            later = _left_out(binding, fields) if verb is Verb.ADD else ()
            with without(record, later) if later else nullcontext():
                outcome = await store.apply_record(verb, binding.collection, record, self.session())
        if verb is not Verb.ADD:
            return outcome
        key = record.__key__()
        other = self._records.find(binding.model, key)
        if other is not None and other is not record and state_of(other) is not State.DELETED:
            sentence = f"its DAO gave a {binding.collection} the key of another record of this session"
            raise StoreUnavailable(binding.store.name, sentence, is_outcome_unknown=True)  # the call was made
        return msgspec.structs.replace(outcome, key=key)

    # --- taken into the session -------------------------------------------------------------------------------------

    def take(self, record: Record, *, renew: bool = False) -> Record:
        """The record of this session for one just made from what a store has, and so for all it refers to.

        Where the key is known already, the known record stands for it; with ``renew`` that takes over the values,
        unless it was changed. Raises StateError for a record of another session, or without a key.
        """
        return self._taken([record], renew)[id(record)]

    def take_referred(self, record: Record) -> None:
        """Take the unbound records that a record refers to, and let it refer to those that stand for them."""
        self._refer(record, self._taken(_unbound_of(record), renew=False))

    def _taken(self, records: list[Record], renew: bool) -> dict[int, Record]:
        """Take these records in, and those they refer to; return the session's record for each, by ``id()``."""
        standing: dict[int, Any] = {}
        made: list[Any] = []
        pending = list(records)
        try:
            while pending:
                record = pending.pop()
                if id(record) in standing:
                    continue
                standing[id(record)] = record
                if not self._records.holds(record):
                    standing[id(record)] = self._filed(record)
                    made.append(record)
                    pending.extend(_unbound_of(record))
            for record in reversed(made):  # what is referred to first
                self._refer(record, standing)
                self._take_values(record, standing[id(record)], renew)
        except BaseException:
            for record in made:
                filed, key = self._records.of(type(record)), record.__key__()
                if not self._records.holds(record) and filed.get(key) is record:
                    del filed[key]
            raise
        return standing

    def _filed(self, record: Record) -> Record:
        """The record of this session with the key of one just made: that one itself, where there is no other."""
        key = record.__key__()
        if state_of(record) is not State.UNBOUND or key is None:
            what = "has no key" if key is None else f"is {state_of(record).value} and of another session"
            raise StateError(f"this {type(record).__name__} {what}; make the record from what the store has")
        self._bindings.of_model(type(record))
        return self._records.of(type(record)).setdefault(key, record)

    def _take_values(self, record: Record, known: Any, renew: bool) -> None:
        if known is record:
            self._records.mark_clean(record, record.__key__())
        elif renew and state_of(known) is State.CLEAN:
            self.overwrite(known, record)

    def _refer(self, record: Record, standing: dict[int, Any]) -> None:
        """Let a record refer to what stands for the records just made."""
        for field in record.__holdall__.outgoing:
            value = field.get(record)
            items = value if field.form is not None else (value,)
            if not any(id(other) in standing for other in _records_at(items)):
                continue
            if field.root is not field:
                with self.activity.entered(SessionState.GET):
                    replace_items(field, record, partial(_standing, standing))
                continue
            taken = [
                item if item.__class__ is not Reference else standing.get(id(record_in(item)), item) for item in items
            ]
            with self.activity.entered(SessionState.GET):
                setattr(record, field.name, taken if field.form is not None else taken[0])

    def overwrite(self, record: Record, fresh: Record) -> None:
        """Let a record have the values of another with the same key, as what its store has."""
        for field in record.__holdall__.stored:
            field.put(record, field.get(fresh))
        self._records.mark_clean(record, record.__key__())
        self._records.renew([record])

    def take_all(self, records: Iterable[Record], name: str, *, renew: bool = False) -> list[Record]:
        """As ``take`` for what a query function gave; raises StateError for what is no record."""
        if renew:
            self._records.collect()  # what was changed in place is changed, too
        taken = []
        for record in records:
            if not isinstance(record, Model):
                raise StateError(f"{name} gave a {type(record).__name__} where a record is expected")
            taken.append(self.take(record, renew=renew))
        return taken


def _decoded(field: Field, part: object) -> Value:
    decode = field.type.decode if field.type is not None else None
    return part if decode is None else decode(part)


def _left_out(binding: Binding, fields: Sequence[str]) -> list[Field]:
    """The references among the fields that are not written."""
    if len(fields) == len(binding.all_fields):
        return []
    return [field for field in binding.declaration.references if field.name not in fields]


def _records_at(items: Iterable[Value]) -> list[Record]:
    """The records that these values of a reference hold."""
    return [record_in(item) for item in items if item.__class__ is Reference and record_in(item) is not None]


def _standing(standing: dict[int, Any], item: Value) -> Value:
    return standing.get(id(record_in(item)), item) if item.__class__ is Reference else item


def _unbound_of(record: Record) -> list[Record]:
    """The records of no session that a record refers to."""
    found: list[Any] = []
    for field in record.__holdall__.outgoing:
        value = field.get(record)
        items = value if field.form is not None else (value,)
        found.extend(other for other in _records_at(items) if state_of(other) is State.UNBOUND)
    return found
