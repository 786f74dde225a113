"""The note of a migration: kept in the store of its records, so that it says at each commit how far that has come."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any
from uuid import uuid4

import msgspec

from holdall.app.migrating.report import MigrationFailure, Tally
from holdall.errors import StateError
from holdall.model import JSON, Model, field
from holdall.policy import Nobody, Policy
from holdall.query import Key
from holdall.session import Binding, Bindings, Session
from holdall.session.journal.owner import is_known_dead, this_owner
from holdall.store import Provisioned, Store, can_keep_rows, hidden_name

__all__ = ["LONGEST_NAME", "Notes"]

_PREFIX = "holdall_migrations"
_LEASE = dt.timedelta(seconds=60)

LONGEST_NAME = 120
"""The most characters of the name of a migration."""


class Notes:
    """The note of one migration, by its name; ``run`` is the id of this run."""

    def __init__(self, bindings: Bindings, binding: Binding, name: str) -> None:
        self.store = _store_for(bindings, binding)
        self._bindings = bindings
        self._binding = binding
        self._name = name
        self._model = _model(bindings, self.store)
        self.run = uuid4().hex
        self._owner = f"{this_owner()} {self.run}"

    async def create(self) -> None:
        """Make the place of notes, if there is none."""
        if isinstance(self.store, Provisioned):
            await self.store.create()

    async def take(self) -> Any:
        """Take the migration over and return its note. Raises StateError while somebody else works on it."""
        async with Session(self._bindings) as session:
            note = await session.get(self._model, self._name)
            if note is None:
                note = session.add(self._model(id=self._name, collection=self._binding.collection))
            if note.collection != self._binding.collection:
                raise StateError(f"migration {self._name!r} is one of {note.collection}; give this one another name")
            if note.is_done:
                return note
            owner, _, run = note.owner.partition(" ")
            if owner and not is_known_dead(owner, run) and note.until > _now():
                last = f"{note.until - _LEASE:%Y-%m-%d %H:%M:%S} UTC"
                raise StateError(f"migration {self._name!r} is under way elsewhere: its last batch was at {last}")
            self._sign(note)
            await session.commit()
        return note

    async def renew(self, session: Session, position: Key, tally: Tally, *, is_done: bool = False) -> None:
        """Let the next commit of a session note how far it brings the migration.

        Raises StateError where somebody else has taken it over.
        """
        note: Any = await session.require(self._model, self._name)
        if note.owner != self._owner:
            raise StateError(f"migration {self._name!r} was taken over by another program")
        self._sign(note)
        note.position = note.position if position is None else json.dumps([str(each) for each in _parts(position)])
        note.seen, note.changed, note.failed = tally.seen, tally.changed, tally.failed
        note.failures = msgspec.to_builtins(tally.failures)
        note.is_done = is_done

    def tally(self, note: Any) -> Tally:
        """The counts of a note."""
        tally = Tally()
        tally.seen, tally.changed, tally.failed = note.seen, note.changed, note.failed
        tally.failures = msgspec.convert(note.failures, list[MigrationFailure])
        return tally

    def position(self, note: Any) -> Key:
        """The key after which the migration goes on; None at its beginning."""
        return self._binding.key_of_texts(json.loads(note.position)) if note.position else None

    def _sign(self, note: Any) -> None:
        note.owner, note.until = self._owner, _now() + _LEASE


def _parts(key: Key) -> tuple[Any, ...]:
    return key if isinstance(key, tuple) else (key,)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _store_for(bindings: Bindings, binding: Binding) -> Store:
    """The store of the records, or the first one that can keep a note in a commit. Raises StateError without one."""
    for store in [binding.store, *[each.store for each in bindings]]:
        if can_keep_rows(store):
            return store
    raise StateError("a named migration is noted with its commits, which no store here can do: leave its name out")


def _model(bindings: Bindings, store: Store) -> Any:
    name = hidden_name(_PREFIX, store)
    for binding in bindings:
        if binding.collection == name:
            return binding.model

    class MigrationNote(Model, collection=name):
        id: str = field(pk=True, length=(1, LONGEST_NAME))
        collection: str
        owner: str = ""
        until: dt.datetime = field(default_factory=_now)
        position: str = ""
        seen: int = 0
        changed: int = 0
        failed: int = 0
        failures: JSON = field(default_factory=list)
        is_done: bool = False
        version: int = field(version=True)

    bindings.add(Binding(MigrationNote, store, Policy(read=Nobody, write=Nobody), name))
    return MigrationNote
