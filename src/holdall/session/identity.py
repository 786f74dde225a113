"""The identity map: one record per key and model, and the sets of records a commit will write."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from weakref import ref

import msgspec

from holdall.errors import StateError
from holdall.model import (
    Field,
    Model,
    Record,
    SessionLink,
    State,
    changed_of,
    state_of,
    track_of,
)
from holdall.query import Key, Value
from holdall.session.inverse_sides import InverseSides
from holdall.session.pending_bulk import PendingBulk
from holdall.session.record_states import RecordStates
from holdall.session.watch import Watcher
from holdall.store import Expected

__all__ = ["IdentityMap"]


def _reattach(records: Callable[[], IdentityMap | None], record: Record) -> None:
    kept = records()
    if kept is not None:
        kept.reattach(record)


class IdentityMap(msgspec.Struct, eq=False, weakref=True):
    """The records of one session.

    ``new``, ``dirty`` and ``deleted`` hold records by ``id()`` in the order they came; ``dirty`` is complete after
    ``collect``. A struct makes its many empty collections at once, where every session needs them.
    """

    link: SessionLink
    touched: list[Record] = []  # those that were clean and were written to, since ``collect``
    _by_model: dict[Key, dict[Key, Record]] = {}
    states: RecordStates = None  # type: ignore[assignment]  # this and the next three are made of the link
    new: dict[int, Record] = None  # type: ignore[assignment]
    dirty: dict[int, Record] = None  # type: ignore[assignment]
    deleted: dict[int, Record] = None  # type: ignore[assignment]
    watcher: Watcher = msgspec.field(default_factory=Watcher)
    assigned_by_dao: dict[int, dict[str, Value]] = {}  # by id() of a record: what its DAO wrote, encoded
    backs: InverseSides = None  # type: ignore[assignment]  # made of the link
    succeeded: list[tuple[Record, Record, Any]] = []  # a new record, the one whose place it takes, the track of that
    untold: dict[int, Record] = {}  # by id(): records with values of their store that no outcome had
    stamped: list[tuple[Record, Field, Value]] = []  # what this commit gave its moment, and that
    guards: dict[int, tuple[Record, Expected]] = {}  # by id(): a record, and what its store must have of it
    assumptions: dict[int, tuple[Record, Expected]] = {}  # as guards: what the commit itself goes by
    mended: set[int] = set()  # by id(): records that could not be read whole, to be given values or removed
    idle_guards: set[int] = set()  # by id(): those of the guards that a commit may leave uncompared
    rekeyed: dict[int, Record] = {}  # by id(): records that are to get other keys
    # by id(): records that a commit moves, and what stands in for what is stored of them; with the values before
    moving: dict[int, dict[str, Value]] = {}
    origins: dict[int, Key] = {}  # the keys under which stores have records that are written anew
    if_absent: dict[int, Record] = {}  # by id(): new records to be added where none like them is stored
    told: dict[Any, Any] = {}  # by function and record: the events of the next commit that were told
    bulk: list[PendingBulk] = []  # what is to be changed without being here, in order
    is_bulk_read: bool = False  # the commit under way changes each record that these mean by itself
    consequences: set[int] = set()  # ids of records that only go, or give way, with what is removed
    system_changes: set[int] = set()  # ids of records changed on behalf of others, by no right of the user

    def __post_init__(self) -> None:
        link = self.link
        link.touch = self.touched.append
        self.states = states = RecordStates(link)
        self.new, self.dirty, self.deleted = states.new, states.dirty, states.deleted
        self.backs = InverseSides(link.ends)

    @property
    def bulk_to_make(self) -> tuple[PendingBulk, ...]:
        """The bulk changes that stores are to make by themselves."""
        return () if self.is_bulk_read else tuple(self.bulk)

    def has_changes(self) -> bool:
        """Whether there is anything that a commit would write; changes are collected for that."""
        self.collect()
        return bool(self.new or self.dirty or self.deleted or self.bulk)

    def is_untouched(self) -> bool:
        """Whether a commit has nothing to write, compare or forget; of use once changes are collected."""
        kept = self.backs.is_used or self.succeeded or self.untold or self.stamped or self.guards or self.assumptions
        return not (kept or self.new or self.dirty or self.deleted or self.bulk)

    def of(self, model: type[Model]) -> dict[Key, Record]:
        """The records of a model by key."""
        known = self._by_model.get(model)
        if known is None:
            known = self._by_model[model] = {}
        return known

    def find(self, model: type[Model], key: Key) -> Record:
        """The record with this key, or None."""
        known = self._by_model.get(model)
        return None if known is None else known.get(key)

    def holds(self, record: Record) -> bool:
        """Whether the record belongs here."""
        track = track_of(record)
        return track is not None and track.link is self.link

    def adopt(self, model: type[Model], keys: list[Key], records: list[Record]) -> list[Record]:
        """Take records just read; where a key is known already, the known record stands for the new one."""
        known = self.of(model)
        if len(keys) == 1 and keys[0] not in known:
            known[keys[0]] = records[0]
            self.states.take(records)
            result, fresh = records, records
        elif not known or known.keys().isdisjoint(keys):
            known.update(zip(keys, records, strict=True))
            self.states.take(records)
            result, fresh = records, records
        else:
            result, fresh = [], []
            for key, record in zip(keys, records, strict=True):
                present = known.get(key)
                if present is None:
                    known[key] = present = record
                    fresh.append(record)
                result.append(present)
            self.states.take(fresh)
        if self.link.ends and self.link.edited is None:
            self.backs.catch_up(model, fresh)
        return result

    def claim(self, model: type[Model], key: Key, record: Record) -> bool:
        """Let the record have the key; False where another record has it."""
        known = self.of(model)
        if known.setdefault(key, record) is record:
            return True
        self.index_new(model)
        return known.setdefault(key, record) is record

    def index_new(self, model: type[Model]) -> None:
        """File the model's new records under their current keys; the first to claim a key has it."""
        known = self.of(model)
        mine = {number: record for number, record in self.new.items() if type(record) is model}
        for key in [key for key, record in known.items() if id(record) in mine]:
            del known[key]
        for record in mine.values():
            key = record.__key__()
            if key is not None:
                known.setdefault(key, record)

    def rekey(self, record: Record, old_key: object) -> None:
        """Its store gave the record another key than this."""
        known = self.of(type(record))
        if old_key is not None and known.get(old_key) is record:
            del known[old_key]
        if record.__key__() is not None:
            self.claim(type(record), record.__key__(), record)

    def stored_key(self, record: Record) -> Key:
        """The key under which the store knows the record, even if its fields say otherwise now."""
        track = track_of(record)
        old = track.old if track is not None else None
        fields = type(record).__holdall__.key
        if not old or not any(field.name in old for field in fields):
            return record.__key__()
        parts = tuple([field.encode(old.get(field.name, field.get(record))) for field in fields])
        return parts if len(parts) > 1 else parts[0]

    def mark_clean(self, record: Record, key: Key) -> None:
        """The record is as its store has it, under this key."""
        self.of(type(record))[key] = record
        self.states.move(record, State.CLEAN)

    def mark_all_clean(
        self, model: type[Model], records: list[Record], keys: list[Key], *, is_filed: bool = False
    ) -> None:
        """As ``mark_clean`` for records of one model, given with their keys; ``is_filed`` if under these already."""
        if not is_filed:
            self.of(model).update(zip(keys, records, strict=True))
        self.states.clean_all(records)

    def unfile_changed_key(self, record: Record) -> None:
        """Have the record found by the key that its store knows, and no more by one that it was to get."""
        self.rekeyed.pop(id(record), None)
        known, key = self.of(type(record)), record.__key__()
        if known.get(key) is record and key != self.stored_key(record):
            del known[key]

    def discard(self, record: Record) -> None:
        """The record is of no further use."""
        self.forget(record)
        self.states.move(record, State.DISCARDED)

    def forget(self, record: Record) -> None:
        """Take the record out of every set."""
        if id(record) in self.rekeyed:
            self.unfile_changed_key(record)
        self.states.forget(record)
        known = self.of(type(record))
        key = self.stored_key(record)
        if known.get(key) is record:
            del known[key]
        elif key is not None:  # its key was changed while it was new
            for old_key in [old_key for old_key, item in known.items() if item is record]:
                del known[old_key]

    def reattach(self, record: Record) -> None:
        """Take back a clean record that is about to be changed. Raises StateError where its key is another's now."""
        if self.of(type(record)).setdefault(record.__key__(), record) is not record:
            raise StateError(f"another {type(record).__name__} with this key was loaded meanwhile; change that one")
        self.touched.append(record)

    def collect(self) -> None:
        """Find the changed records, those with values changed in place too, and those that stand for removed ones."""
        if self.watcher.is_watching:
            for record, old in self.watcher.collect():
                if state_of(record) is State.DELETED:
                    self.states.move(record, State.DELETED, old)
                    continue
                if id(record) not in self.dirty:
                    self.reattach(record)
                self.states.move(record, State.DIRTY, old)
        if self.touched:
            changed = changed_of(self.touched)
            self.dirty.update(zip(map(id, changed), changed, strict=True))
            self.touched.clear()
        for record, _, _ in self.succeeded:
            self._write_whole(record)

    def _write_whole(self, record: Record) -> None:
        """Have a record that stands for a removed one written with every field, those too that are as they were.

        So the commit leaves the added record as it is here, or refuses it where the removed one is gone or has another
        version by then.
        """
        track = track_of(record)
        if track is None or track.link is not self.link or track.state not in (State.CLEAN, State.DIRTY):
            return
        declaration, old = type(record).__holdall__, dict(track.old or {})
        for field in declaration.stored:
            is_own = field not in declaration.key and field is not declaration.version
            if is_own and not field.options.server_computed:
                old.setdefault(field.name, field.get(record))
        self.states.move(record, State.DIRTY, old)

    def forget_guards(self) -> None:
        """Expect nothing of any record any more."""
        self.guards.clear()
        self.idle_guards.clear()

    def unstamp(self) -> None:
        """Take back the moments of a commit that did not come about, or is planned anew, but for those set since."""
        for record, field, value in self.stamped:
            if state_of(record) is State.NEW and field.get(record) == value:
                field.put(record, None)
        self.stamped.clear()

    def renew(self, records: Iterable[Record] | None = None) -> None:
        """Take the present values of these records, or of all, as the base of later changes in place."""
        self.watcher.renew(records)

    def release(self, records: list[Record]) -> None:
        """Let go of records nobody changed; one that is changed later comes back by itself."""
        self.collect()
        self.watcher.release(records)
        self.backs.release(records)
        self.link.touch = partial(_reattach, ref(self))
        for record in records:
            if state_of(record) is State.CLEAN:
                self.of(type(record)).pop(record.__key__(), None)

    def all(self) -> list[Record]:
        """Every record, those without a key too."""
        found = {id(record): record for known in self._by_model.values() for record in known.values()}
        return list((found | self.new | self.dirty | self.deleted).values())

    def clear(self) -> None:
        """Discard every record that is still of this session."""
        for record in filter(self.holds, self.all()):
            self.states.move(record, State.DISCARDED)
        self._by_model.clear()
        self.watcher = Watcher()
        self.assigned_by_dao.clear()
        self.backs.clear()
        self.succeeded.clear()
        self.bulk.clear()
        self.rekeyed.clear()
        self.if_absent.clear()
        self.untold.clear()
        self.told.clear()
        self.forget_guards()
        self.mended.clear()
        self.states.clear()
