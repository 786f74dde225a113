"""Records that hand-written code makes: got one by one, and taken into the session as what a store has."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from functools import cached_property
from typing import Any, TypeVar, get_args

import msgspec

from holdall.errors import CorruptRecord, DeclarationError, StateError, Unsupported
from holdall.model import Field, Model, Reference, State, state_of
from holdall.policy import Policy
from holdall.session.binding import Binding, Bindings
from holdall.session.commit.entry import Operation
from holdall.session.handwriting.phase import Phases, SessionState
from holdall.session.handwriting.single_flight import SingleFlight
from holdall.session.identity import IdentityMap
from holdall.store import Outcome, Recordwise, Store, Verb, acting_for, open_store

__all__ = ["Handwritten", "bind_dao"]

T = TypeVar("T")
_AT_ONCE = 100  # records got at the same time for one who asks for many


def bind_dao(
    bindings: Bindings,
    store: Store,
    dao: object,
    policy: Policy | None,
    compensation: Callable[[Operation], Awaitable[None]] | None = None,
) -> type[Model]:
    """Let a DAO serve its model from this store, and tell the model.

    Raises DeclarationError where the store takes no DAOs, the model is bound already, or it is not told which it is.
    """
    if not isinstance(store, Recordwise):
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


class Handwritten:
    """The records of a session that DAOs and query functions give."""

    def __init__(self, bindings: Bindings, records: IdentityMap, phases: Phases) -> None:
        self._bindings = bindings
        self._records = records
        self._phases = phases
        self.session: Callable[[], object]  # the session itself, once it is there

    @cached_property
    def store(self) -> Store:
        """That of the DAOs registered in this session alone."""
        return open_store("dao", "dao:")

    @cached_property
    def results(self) -> dict[Hashable, list[Any]]:
        """What query functions gave."""
        return {}

    @cached_property
    def _flights(self) -> SingleFlight:
        return SingleFlight()

    async def act(self, what: Hashable, name: str, work: Callable[[], Awaitable[T]]) -> T:
        """The result of hand-written reading code, run once for all who ask at the same time."""

        async def acted() -> T:
            with self._phases.entered(SessionState.GET), acting_for(self.session()):
                return await work()

        return await self._flights.run(what, name, acted)

    async def get(self, binding: Binding, key: Any) -> Any:
        """The record with this key, which is not here yet, or None."""

        async def work() -> Any:
            found = await self.fresh(binding, key)
            return None if found is None else self.take(found)

        return await self.act((binding, key), f"{binding.collection} {key!r}", work)

    async def get_all(self, get: Callable[[Any], Awaitable[Any]], keys: Sequence[Any]) -> dict[Any, Any]:
        """The records with these keys, by key, so many at once; those that do not exist are left out."""
        found: dict[Any, Any] = {}
        for start in range(0, len(keys), _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            for key, record in zip(part, await asyncio.gather(*map(get, part), return_exceptions=True), strict=True):
                if isinstance(record, BaseException):
                    raise record
                if record is not None:
                    found[key] = record
        return found

    async def found(self, binding: Binding, keys: Sequence[Any]) -> dict[Any, Any]:
        """The records with these keys, those that are here and those that their DAO gets."""
        known = self._records.of(binding.model)
        here = {key: known[key] for key in keys if key in known}
        return here | await self.get_all(lambda key: self.get(binding, key), [key for key in keys if key not in here])

    async def existing(self, binding: Binding, keys: Sequence[Any]) -> set[Any]:
        """Which of these keys there are; all, where the DAO cannot be asked."""
        assert binding.recordwise is not None
        try:
            binding.recordwise.demand("get", binding.collection)
        except Unsupported:
            return set(keys)
        return set(await self.found(binding, keys))

    def referring(self, binding: Binding, field: Field, keys: set[Any], names: tuple[str, ...]) -> list[Any]:
        """These fields of the stored records here whose reference leads to one of these keys."""
        rows, read = [], binding.codec.reader(names)
        for record in self._records.of(binding.model).values():
            value = field.encode(field.get(record))
            if state_of(record) is not State.NEW and not keys.isdisjoint((value,) if field.form is None else value):
                rows.append(read(record))
        return rows

    async def fresh(self, binding: Binding, key: Any) -> Any:
        """What the DAO has now for this key, as it gives it; raises CorruptRecord where it is not that record."""
        store = binding.recordwise
        assert store is not None
        fields = binding.declaration.key
        parts = key if len(fields) > 1 else (key,)
        given = {field.name: _decoded(field, part) for field, part in zip(fields, parts, strict=True)}
        with self._phases.entered(SessionState.GET):
            found = await store.fetch_record(binding.collection, given, self.session())
        place = f"{binding.collection} {key!r}"
        if found is not None and type(found) is not binding.model:
            raise CorruptRecord(binding.store.name, place, f"its DAO gave a {type(found).__name__}")
        if found is not None and found.__key__() != key:
            raise CorruptRecord(binding.store.name, place, f"its DAO gave the record with key {found.__key__()!r}")
        if found is not None and state_of(found) is State.UNBOUND:
            self.take_referred(found)
        return found

    async def write(self, binding: Binding, verb: Verb, record: Any) -> Outcome:
        """Let the DAO do this to the record; the outcome of an addition has the key. Raises as ``apply`` does."""
        store = binding.recordwise
        assert store is not None
        self._records.given.pop(id(record), None)
        with self._phases.entered(SessionState.COMMIT, record):
            outcome = await store.apply_record(verb, binding.collection, record, self.session())
        return msgspec.structs.replace(outcome, key=record.__key__()) if verb is Verb.ADD else outcome

    def take(self, record: Any, *, renew: bool = False) -> Any:
        """The record of this session for one just made from what a store has, and so for all it refers to.

        Where the key is known already, the known record stands for it; with ``renew`` that takes over the values,
        unless it was changed. Raises StateError for a record of another session, or without a key.
        """
        if self._records.holds(record):
            return record
        key = record.__key__()
        if state_of(record) is not State.UNBOUND or key is None:
            what = "has no key" if key is None else f"is {state_of(record).value} and of another session"
            raise StateError(f"this {type(record).__name__} {what}; make the record from what the store has")
        self._bindings.of_model(type(record))
        filed = self._records.of(type(record))
        known = filed.setdefault(key, record)
        try:
            self.take_referred(record, renew=renew)
        except BaseException:
            if known is record:
                del filed[key]
            raise
        if known is record:
            self._records.mark_clean(record, key)
        elif renew and state_of(known) is State.CLEAN:
            self.overwrite(known, record)
        return known

    def take_referred(self, record: Any, *, renew: bool = False) -> None:
        """Take the unbound records that a record refers to, and let it refer to those that stand for them."""
        for field in record.__holdall__.references:
            value = field.get(record)
            items = value if field.form is not None else (value,)
            made = [item._record if item.__class__ is Reference else None for item in items]
            if not any(other is not None and state_of(other) is State.UNBOUND for other in made):
                continue
            taken = [
                item if other is None or state_of(other) is not State.UNBOUND else self._stand_in(other, renew)
                for item, other in zip(items, made, strict=True)
            ]
            with self._phases.entered(SessionState.GET):
                setattr(record, field.name, taken if field.form is not None else taken[0])

    def _stand_in(self, record: Any, renew: bool) -> Any:
        """As ``take``, also for one that is being taken, further out."""
        known = self._records.find(type(record), record.__key__())
        return record if known is record else self.take(record, renew=renew)

    def overwrite(self, record: Any, fresh: Any) -> None:
        """Let a record have the values of another with the same key, as what its store has."""
        for field in record.__holdall__.stored:
            field.put(record, field.get(fresh))
        self._records.mark_clean(record, record.__key__())
        self._records.renew([record])

    def take_all(self, records: Iterable[Any], name: str, *, renew: bool = False) -> list[Any]:
        """As ``take`` for what a query function gave; raises StateError for what is no record."""
        taken = []
        for record in records:
            if not isinstance(record, Model):
                raise StateError(f"{name} gave a {type(record).__name__} where a record is expected")
            taken.append(self.take(record, renew=renew))
        return taken


def _decoded(field: Any, part: Any) -> Any:
    decode = field.type.decode if field.type is not None else None
    return part if decode is None else decode(part)
