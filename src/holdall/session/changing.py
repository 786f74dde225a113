"""The changes that are asked of the records of a session: nothing here reaches a store."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from holdall.errors import FrozenError, StateError
from holdall.model import (
    BackEdit,
    InstanceState,
    Model,
    Record,
    SessionLink,
    State,
    edits_of,
    old_of,
    state_of,
    track_of,
)
from holdall.session.adding_together import add_together
from holdall.session.commit.run.committer import Committer
from holdall.session.context import M, SessionContext, demand_record
from holdall.session.dao.activity import SessionState
from holdall.session.identity import IdentityMap
from holdall.session.removing import remove, restore_deleted
from holdall.session.succession import restore, succeed
from holdall.store import Verb

__all__ = ["Changing"]


class Changing(msgspec.Struct, eq=False):
    """Adds, removes, takes in and lets go of the records of one session.

    >>> from holdall import Holdall, Model, SoftDeleted, field, state_of
    >>> class Note(SoftDeleted):
    ...     id: int = field(pk=True)
    >>> class Country(Model):
    ...     code: str = field(pk=True)
    ...     name: str
    >>> async def example() -> None:
    ...     app = Holdall("atlas")
    ...     app.add_store("main", "memory:")
    ...     app.add(Country, Note, store="main")
    ...     async with app.session() as session:
    ...         france, kosovo = session.add_all([Country(code="FR", name="France"), Country(code="XK", name="Kosovo")])
    ...         draft = session.add(Country(code="YU", name="Yugoslavia"))
    ...         print(session.remove(draft))
    ...     async with app.session() as session:
    ...         session.attach(france).name = "République"
    ...         print(session.remove(session.register(Country(code="XK", name="Kosovo"))))
    ...         session.rollback()
    ...         print(france.name, state_of(france).value)
    ...         session.unregister(france)
    ...         session.reset()
    ...         await session.leave()
    ...     print(state_of(france).value)
    ...     async with app.session() as session:
    ...         session.add(Note(id=1))
    ...     async with app.session() as session:
    ...         session.remove(await session.require(Note, 1))
    ...     async with app.session() as session:
    ...         session.restore(await session.one(Note.only_deleted()))
    >>> import asyncio
    >>> asyncio.run(example())
    False
    True
    France clean
    unbound
    """

    context: SessionContext

    def add(self, record: M) -> M:
        """Make the record new; where the record of its key is to be removed, make it the successor of that one.

        Raises StateError for a record that is stored, or whose key another one here has, and FrozenError for a value
        that new records do not take.
        """
        context = self.context
        records = context.records
        if context.link.is_over or not isinstance(record, Model):
            context.demand_open()
            demand_record("add", record)
        binding, track = context.bindings.of_model(record.__class__), track_of(record)
        if binding.is_read_only:
            binding.demand_writable()
        if track is not None and track.state is not State.UNBOUND:
            if track.state is State.NEW and records.holds(record):
                return record
            raise StateError(self._not_addable(record, track.state))
        if binding.record_access is not None:
            with context.activity.entered(SessionState.ADD):
                binding.record_access.demand(Verb.ADD, binding.collection)
        for field, default in binding.frozen_at_creation:
            if field.get(record) != default:
                raise FrozenError(type(record).__name__, field.name, State.NEW.value)
        key, is_new = record.__key__(), True
        if key is not None:
            known = records.of(binding.model)
            if known.setdefault(key, record) is not record and not records.claim(binding.model, key, record):
                is_new = False
                if not succeed(records, context.link, binding, key, record):
                    raise StateError(f"this session already holds a {binding.collection} with this key")
        if is_new:
            records.states.add(record)
        if track is not None:
            self._take_ends(track.ends)
        return record

    def add_all(self, given: Iterable[M]) -> list[M]:
        """Make the records new, in order, up to one that is refused."""
        _demand_several(given)
        if isinstance(given, list | tuple) and add_together(self.context, given):
            return list(given)
        return list(map(self.add, given))

    def _take_ends(self, ends: dict[tuple[int, str], BackEdit] | None) -> None:
        """Take over what was asked at other ends, and the records without a session that were written for it."""
        context, records = self.context, self.context.records
        for edit in (ends or {}).values():
            target = edit.owner.__holdall__.by_name[edit.name].target()
            records.backs.take(edit, context.link, context.at_hand(target))
            for record in edit.written:
                track = track_of(record)
                if track is None or track.link is None or not _is_free(track):
                    continue
                key = records.stored_key(record)
                if records.find(type(record), key) is None:
                    self.attach(record)
                else:  # another instance of it is here, and stands for it
                    edit.leave(record, key)

    def _not_addable(self, record: Model, state: State) -> str:
        name = type(record).__name__
        if state is State.DISCARDED:
            return f"this {name} was discarded; make it anew"
        if self.context.records.holds(record):
            return f"this {name} is {state.value} in this session already; only new records are added"
        return f"this {name} is {state.value} in another session; require() it here, or attach() it when that has ended"

    def remove(self, record: Model, *, final: bool = False) -> bool:
        """Mark the record for removal, or as deleted where it stays; False where it was new and is discarded."""
        return remove(self.context, record, is_final=final)

    def restore(self, record: Model) -> None:
        """Have a deleted record be there again."""
        restore_deleted(self.context, record)

    def register(self, record: M) -> M:
        """Take an unbound record as one that its store already has.

        Raises StateError for a record that has a session or no key, or whose key another one here has.
        """
        context = self.context
        context.demand_open()
        demand_record("register", record)
        binding = context.bindings.of_model(type(record))
        if state_of(record) is not State.UNBOUND or record.__key__() is None:
            raise StateError(f"only an unbound {type(record).__name__} with a key can be registered")
        if not context.records.claim(binding.model, record.__key__(), record):
            raise StateError(f"this session already holds a {binding.collection} with this key")
        context.records.mark_clean(record, record.__key__())
        return record

    def attach(self, record: M) -> M:
        """Take in a record whose session is gone, with its changes; one that is here already stays as it is.

        Values that can be changed in place count as changed, as nobody watched them.

        Raises StateError for a record that is new or discarded, is still in its session, or whose key another one here
        has.
        """
        context = self.context
        records = context.records
        context.demand_open()
        demand_record("attach", record)
        track = track_of(record)
        if records.holds(record):
            return record
        if track is not None and track.state is State.DISCARDED:
            raise StateError(self._not_addable(record, track.state))
        if track is None or track.link is None or track.state is State.NEW:
            raise StateError(
                f"this {type(record).__name__} is {state_of(record).value}: no stored record is behind it; "
                "save() it first, or get() the stored one"
            )
        if not _is_free(track):
            name = type(record).__name__
            raise StateError(
                f"this {name} is of another session, whose block has not ended; if it is being saved, await that first"
            )
        binding, old = context.bindings.of_model(type(record)), dict(track.old or {})
        key = records.stored_key(record)
        if not records.claim(binding.model, key, record):
            raise StateError(f"this session already holds a {binding.collection} with this key")
        for field in binding.declaration.mutable:
            old.setdefault(field.name, field.get(record))
        records.mark_clean(record, key)
        if old:
            records.states.move(record, State.DIRTY, old)
        if track.state is State.DELETED:
            self.remove(record)
        records.backs.note_origin(record, track.link)
        records.backs.catch_up(binding.model, [record], track.link)
        self._take_ends(edits_of(record, track.link.ends))
        return record

    def unregister(self, record: Model) -> None:
        """Let go of the record, changed or not."""
        context = self.context
        records = context.records
        context.committer.demand_idle()
        demand_record("unregister", record)
        if records.holds(record):
            records.forget(record)
            edits_of(record, records.backs.edits)
            records.states.move(record, State.UNBOUND)

    def rollback(self) -> None:
        """Undo everything; where a commit is in doubt, discard the changed records, too."""
        self.context.demand_outside("rollback()")
        self.undo()

    def undo(self) -> None:
        """Discard new records and give others their old values back."""
        with self.context.activity.entered(SessionState.ROLLBACK):
            self._roll_back(self.context.records, self.context.committer)

    def _roll_back(self, records: IdentityMap, committer: Committer) -> None:
        committer.demand_idle()
        records.collect()
        for record in list(records.new.values()):
            records.discard(record)
        if not committer.is_in_doubt:
            restore(records)
        for record in filter(records.holds, [*records.dirty.values(), *records.deleted.values()]):
            records.discard(record) if committer.is_in_doubt else _undo(records, record)
        records.dirty.clear()
        records.deleted.clear()
        committer.is_in_doubt = False
        records.backs.clear()
        records.succeeded.clear()
        records.bulk.clear()
        records.if_absent.clear()
        records.told.clear()
        records.forget_guards()
        records.renew()

    async def leave(self) -> None:
        """End the session without a commit, and let go of its records as they are."""
        context = self.context
        context.demand_outside("leave()")
        records = context.records
        await context.committer.wait_idle()
        records.collect()
        if context.committer.is_in_doubt:
            self.rollback()
        for record in list(records.new.values()):
            records.forget(record)
            records.states.move(record, State.UNBOUND, ends=edits_of(record, records.backs.edits))
        for record in list(records.deleted.values()):
            track = track_of(record)
            old = track.old if track is not None else None
            records.states.move(record, State.DIRTY if old else State.CLEAN, old)
        context.end()

    def reset(self) -> None:
        """Discard every record and every remembered result."""
        context = self.context
        context.demand_outside("reset()")
        context.committer.demand_idle()
        context.committer.is_in_doubt = False
        context.records.clear()
        context.dao_records.results.clear()


def _undo(records: IdentityMap, record: Record) -> None:
    """Give a changed or deleted record its old values back."""
    records.unfile_changed_key(record)
    for name, value in old_of(record).items():
        type(record).__holdall__.by_name[name].put(record, value)
    records.mark_clean(record, record.__key__())


def _is_free(track: SessionLink | InstanceState) -> bool:
    """Whether no session that is open keeps the record."""
    return track.link is None or track.session is None or track.link.is_over


def _demand_several(given: object) -> None:
    """Raise StateError for what is no list of records, or the like."""
    if isinstance(given, Model):
        raise StateError(f"add_all takes several records, not one {type(given).__name__}: add() takes it")
    if isinstance(given, type) or not isinstance(given, Iterable):
        name = given.__name__ if isinstance(given, type) else type(given).__name__
        raise StateError(f"add_all takes several records, as in a list, not {name}")
