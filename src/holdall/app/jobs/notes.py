"""The notes of jobs: two collections that nobody else reads, in a store that takes each note into a commit."""

from __future__ import annotations

import datetime as dt

import msgspec

from holdall.errors import StateError
from holdall.model import JSON, Model, field
from holdall.policy import Nobody, Policy
from holdall.query import Value
from holdall.session import Binding, Bindings
from holdall.session.journal.owner import is_known_dead, this_owner
from holdall.store import Provisioned, Store, can_keep_rows

__all__ = ["LEASE", "Notes", "can_keep_notes", "is_free", "make_room", "now", "sign"]

LEASE = dt.timedelta(seconds=60)
_JOBS, _PARTS = "holdall_jobs", "holdall_job_parts"


def now() -> dt.datetime:
    """The moment."""
    return dt.datetime.now(dt.UTC)


class Notes(msgspec.Struct, frozen=True):
    """The models of jobs and of their parts, and the store that has them."""

    store: Store
    job: Value
    part: Value

    @classmethod
    def of(cls, bindings: Bindings, store: Store | None) -> Notes:
        """Those of an application. Raises StateError where no store can take a note into a commit."""
        known = {binding.collection: binding for binding in bindings}
        if _JOBS in known:
            return cls(known[_JOBS].store, known[_JOBS].model, known[_PARTS].model)
        found = store or next(filter(can_keep_rows, bindings.stores()), None)
        if found is None or not can_keep_rows(found):
            raise StateError("jobs are noted with their commits: keep_jobs(store=...) names a store that can do that")
        job, part = _models()
        for model, name in ((job, _JOBS), (part, _PARTS)):
            bindings.add(Binding(model, found, Policy(read=Nobody, write=Nobody), name))
        return cls(found, job, part)

    async def create(self, bindings: Bindings) -> None:
        """Make the place of the notes, if there is none."""
        bindings.configure()
        await make_room(bindings, self.store)


def can_keep_notes(bindings: Bindings, store: Store | None) -> bool:
    """Whether there is a store that can take notes into its commits: this one, or any."""
    return any(map(can_keep_rows, bindings.stores() if store is None else [store]))


async def make_room(bindings: Bindings, store: Store) -> None:
    """Make the place of notes in a store, and that of the journal where commits with notes write two stores."""
    for each in {id(found): found for found in (store, *await bindings.journal.homes())}.values():
        if isinstance(each, Provisioned):
            await each.create()


def _models() -> tuple[Value, Value]:
    class JobNote(Model, collection=_JOBS):
        id: str = field(pk=True, length=(1, 32))
        name: str = field(length=(1, 120))
        inputs: JSON = field(default_factory=dict)
        state: str = "planning"
        planned: str = ""  # the key up to which parts are made
        parts: int = 0
        owner: str = ""  # who makes the parts
        until: dt.datetime = field(default_factory=now)
        created_at: dt.datetime = field(default_factory=now, index=True)
        version: int = field(version=True)

    class PartNote(Model, collection=_PARTS):
        id: str = field(pk=True, length=(1, 64))
        job: str = field(length=(1, 32), index=True)
        after: str = ""
        last: str = ""
        position: str = ""
        is_done: bool = False
        owner: str = ""
        until: dt.datetime = field(default_factory=now)
        seen: int = 0
        failed: int = 0
        counts: JSON = field(default_factory=dict)
        failures: JSON = field(default_factory=list)
        version: int = field(version=True)

    return JobNote, PartNote


def is_free(note: Value) -> bool:
    """Whether nobody works on what a note is of: nobody did, he is dead, or his lease is over."""
    owner, _, run = note.owner.partition(" ")
    return not owner or is_known_dead(owner, run) or note.until < now()


def sign(note: Value, run: str) -> None:
    """Take it, or keep it, for a run of this process."""
    note.owner, note.until = f"{this_owner()} {run}", now() + LEASE
