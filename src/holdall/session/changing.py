"""The changing verbs of a session: nothing here reaches a store."""

from __future__ import annotations

from collections.abc import Iterable

from holdall.errors import FrozenError, StateError
from holdall.model import (
    BackEdit,
    InstanceState,
    Model,
    Reference,
    SessionLink,
    State,
    edits_of,
    state_of,
    track_of,
)
from holdall.session.core import M, SessionCore
from holdall.session.dao.activity import SessionState
from holdall.session.succession import restore, succeed
from holdall.store import Verb

__all__ = ["ChangingSession"]


class ChangingSession(SessionCore):
    """What can be done to the records of a session."""

    def add(self, record: M) -> M:
        """Make the record new in this session, to be stored at the next commit.

        Raises StateError where it or its key is already here, FrozenError where a field frozen at creation has another
        value than its default. Under the key of a record that is to be removed, what is stored becomes this record.
        """
        if self._is_over or not isinstance(record, Model):
            self._demand_open()
            raise StateError(_no_record("add", record))
        binding = self._bindings.of_model(record.__class__)
        track = track_of(record)
        if track is not None and track.state is not State.UNBOUND:
            if track.state is State.NEW and self._records.holds(record):
                return record
            raise StateError(self._not_addable(record, track.state))
        if binding.record_access is not None:
            with self._parts.activity.entered(SessionState.ADD):
                binding.record_access.demand(Verb.ADD, binding.collection)
        for field, default in binding.frozen_at_creation:
            if field.get(record) != default:
                raise FrozenError(type(record).__name__, field.name, State.NEW.value)
        key, is_new = record.__key__(), True
        if key is not None:
            known = self._records.of(binding.model)
            if known.setdefault(key, record) is not record and not self._records.claim(binding.model, key, record):
                is_new = False
                if not succeed(self._records, self._parts.link, binding, key, record):
                    raise StateError(f"this session already holds a {binding.collection} with this key")
        if is_new:
            self._records.states.add(record)
        if track is not None:
            self._take_ends(track.ends)
        return record

    def _take_ends(self, ends: dict[tuple[int, str], BackEdit] | None) -> None:
        """Take over what was asked at other ends, and the records without a session that were written for it."""
        for edit in (ends or {}).values():
            target = edit.owner.__holdall__.by_name[edit.name].target()
            self._records.backs.take(edit, self._parts.link, self._parts.at_hand(target))
            for record in edit.written:
                track = track_of(record)
                if track is None or track.link is None or not _is_free(track):
                    continue
                key = self._records.stored_key(record)
                if self._records.find(type(record), key) is None:
                    self.attach(record)
                else:  # another instance of it is here, and stands for it
                    edit.leave(record, key)

    def _not_addable(self, record: Model, state: State) -> str:
        name = type(record).__name__
        if state is State.DISCARDED:
            return f"this {name} was discarded; make it anew"
        if self._records.holds(record):
            return f"this {name} is {state.value} in this session already; only new records are added"
        return f"this {name} is {state.value} in another session; require() it here, or attach() it when that has ended"

    def add_all(self, records: Iterable[M]) -> list[M]:
        """Add several records; where one is refused, none of the rest is added."""
        return list(map(self.add, records))

    def remove(self, record: Model) -> bool:
        """Mark the record for removal at the next commit; False where it was new and is now simply discarded."""
        self._demand_open()
        if not isinstance(record, Model):
            raise StateError(_no_record("remove", record))
        self._demand_held(record)
        track = track_of(record)
        if track is None or track.state is State.DELETED:
            return True
        if track.state is State.NEW and not self._committer.is_running:
            self._records.discard(record)
            return False
        if track.old and record.__key__() != self._records.stored_key(record):
            raise StateError(f"the key of this {type(record).__name__} was changed; give it back its key to remove it")
        link = self._parts.link
        if track.state is State.CLEAN:
            self._records.reattach(record)
        self._records.states.move(record, State.DELETED, track.old)
        if link.edited is not None:
            link.edited[id(record)] = record
        return True

    def register(self, record: M) -> M:
        """Take an unbound record as one the store already has."""
        self._demand_open()
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
        self._demand_open()
        track = track_of(record)
        if self._records.holds(record):
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
        binding, old = self._bindings.of_model(type(record)), dict(track.old or {})
        key = self._records.stored_key(record)
        if not self._records.claim(binding.model, key, record):
            raise StateError(f"this session already holds a {binding.collection} with this key")
        for field in binding.declaration.mutable:
            old.setdefault(field.name, field.get(record))
        self._records.mark_clean(record, key)
        if old:
            self._records.states.move(record, State.DIRTY, old)
        if track.state is State.DELETED:
            self.remove(record)
        self._records.backs.note_origin(record, track.link)
        self._records.backs.catch_up(binding.model, [record], track.link)
        self._take_ends(edits_of(record, track.link.ends))
        return record

    def unregister(self, record: Model) -> None:
        """Let go of the record, changed or not; nothing of it will be written."""
        self._committer.demand_idle()
        if self._records.holds(record):
            self._records.forget(record)
            edits_of(record, self._records.backs.edits)
            self._records.states.move(record, State.UNBOUND)

    def rollback(self) -> None:
        """Undo every change since the last commit: new records are discarded, others clean with their old values.

        Where it is unknown whether a commit was written, all changed records are discarded: load them again.
        """
        self._committer.demand_idle()
        records, is_in_doubt = self._records, self._committer.is_in_doubt
        records.collect()
        for record in list(records.new.values()):
            records.discard(record)
        if not is_in_doubt:
            restore(records)
        for record in filter(records.holds, [*records.dirty.values(), *records.deleted.values()]):
            if is_in_doubt:
                records.discard(record)
            else:
                self._parts.undo(record)
        records.dirty.clear()
        records.deleted.clear()
        self._committer.is_in_doubt = False
        records.backs.clear()
        records.succeeded.clear()
        records.renew()

    async def leave(self) -> None:
        """End the session without a commit, and let go of its records as they are.

        New ones can be added elsewhere, changed ones keep their changes and can be attached elsewhere; where nobody
        knows whether they were written, they are discarded.
        """
        await self._committer.wait_idle()
        self._records.collect()
        if self._committer.is_in_doubt:
            self.rollback()
        for record in list(self._records.new.values()):
            self._records.forget(record)
            self._records.states.move(record, State.UNBOUND, ends=edits_of(record, self._records.backs.edits))
        for record in list(self._records.deleted.values()):
            track = track_of(record)
            old = track.old if track is not None else None
            self._records.states.move(record, State.DIRTY if old else State.CLEAN, old)
        self._end()

    def reset(self) -> None:
        """Discard every record; the session is as new."""
        self._committer.demand_idle()
        self._committer.is_in_doubt = False
        self._records.clear()


def _is_free(track: SessionLink | InstanceState) -> bool:
    """Whether no session that is open keeps the record."""
    return track.link is None or track.session is None or track.link.is_over


def _no_record(verb: str, given: object) -> str:
    if isinstance(given, Reference):
        return f"{verb} takes a record, not a reference to one: await it first"
    if isinstance(given, type):
        return f"{verb} takes a record, not a class: {verb}({given.__name__}(...))"
    return f"{verb} takes a record, not {type(given).__name__}"
