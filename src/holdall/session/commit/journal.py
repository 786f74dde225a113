"""The journal of commits over several stores: ordinary records in the home store, so that its transactions hold them.

A row is fenced by its version: whoever moves it on expects the version he saw, so of a commit and a recovery that
both believe to be in charge only one gets any further. A marker is written with a part in one batch: that it is there
already means that the part was done.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec

from holdall.errors import StaleVersion, StoreTimeout, StoreUnavailable
from holdall.query import And, Compare, FieldSchema, Kind, Op, Query, Schema, SortKey
from holdall.session.commit.entry import Entry, decode_entry, encode_entry
from holdall.store import Change, CommitClass, Provisioned, Store, Verb, open_store

if TYPE_CHECKING:
    from holdall.session.binding import Bindings

__all__ = [
    "JOURNAL",
    "MARKER",
    "Journal",
    "JournalRow",
    "JournalState",
    "added",
    "hidden_schemas",
    "is_marked",
    "marked",
    "moved",
    "removed",
    "sweep_markers",
]

_ID_LENGTH = 120  # a commit's id and a store's name
_TAKEN_ALONG = 50

JOURNAL = Schema(
    "holdall_journal",
    (
        FieldSchema("id", Kind.STR, max_length=_ID_LENGTH),
        FieldSchema("state", Kind.STR, max_length=16),
        FieldSchema("owner", Kind.STR, max_length=64),
        FieldSchema("expires", Kind.DATETIME),
        FieldSchema("body", Kind.BYTES),
        FieldSchema("version", Kind.INT),
    ),
    ("id",),
    version="version",
)
MARKER = Schema(
    "holdall_marker",
    (FieldSchema("id", Kind.STR, max_length=_ID_LENGTH), FieldSchema("made", Kind.DATETIME)),
    ("id",),
)
_FIELDS = tuple(field.name for field in JOURNAL.fields)
_MOVED = ("state", "owner", "expires", "body", "version")


def hidden_schemas(store: Store) -> list[Schema]:
    """What a store keeps for commits that write others, too."""
    match store.capabilities.commit:
        case CommitClass.TX:
            return [JOURNAL, MARKER]
        case CommitClass.BATCH:
            return [MARKER]
    return []


class JournalState(StrEnum):
    """What recovery has to do with a commit it finds."""

    BEGUN = "begun"  # not decided: undo what may have been called
    DECIDED = "decided"  # repeat what is left to do
    UNDOING = "undoing"  # decided against: go on undoing
    LISTED = "listed"  # nobody can go on: somebody must look at it


class JournalRow(msgspec.Struct, frozen=True):
    """One commit as the journal has it."""

    id: str
    state: JournalState
    owner: str
    expires: dt.datetime
    entry: Entry
    version: int = 1


class Journal:
    """The journals of all home stores of a Holdall, and the local one for commits without a transaction.

    ``lease`` is how long, in seconds, others leave alone what one process has in hand.
    """

    def __init__(self, bindings: Bindings, url: str, lease: float = 60.0) -> None:
        self.bindings = bindings
        self._url = url
        self.lease = lease
        self.owner = uuid4().hex
        self.is_recovered = False  # whether this process looked once for what others left behind
        self._local: Store | None = None
        self._over: dict[int, tuple[Store, list[JournalRow]]] = {}  # by home: what the next decision takes along

    # --- where ------------------------------------------------------------------------------------------------------

    def home_of(self, stores: Iterable[Store]) -> Store | None:
        """The first of these stores whose transactions last, or None: then the journal is the local one."""
        for store in stores:
            if store.capabilities.commit is CommitClass.TX and store.capabilities.is_durable:
                return store
        return None

    async def local(self) -> Store:
        """The local journal, made when first needed."""
        if self._local is None:
            path = self._local_path()
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            store = open_store("journal", self._url)
            store.bind([JOURNAL])
            if isinstance(store, Provisioned):
                await store.create()
            self._local = store
        return self._local

    async def homes(self) -> list[Store]:
        """Every store in which there may be unfinished commits; a local journal that was never made is left alone."""
        self.bindings.settle()  # recovery may be the first that anyone asks for
        stores = self.bindings.stores()
        homes = [store for store in stores if self.home_of([store]) is not None] if len(stores) > 1 else []
        path = self._local_path()
        if self._local is not None or path is None or path.exists():
            homes.append(await self.local())
        return homes

    def _local_path(self) -> Path | None:
        scheme, _, rest = self._url.partition(":///")
        return Path(rest) if scheme == "sqlite" and rest else None

    async def close(self) -> None:
        """Remove what is over, and close the local journal."""
        await self.tidy()
        if self._local is not None:
            await self._local.close()
            self._local = None

    # --- rows -------------------------------------------------------------------------------------------------------

    def row(self, commit: str, state: JournalState, entry: Entry) -> JournalRow:
        """A first row, held by this process."""
        return JournalRow(commit, state, self.owner, self._until(), entry)

    def moved(self, row: JournalRow, state: JournalState, *, is_held: bool = True) -> JournalRow:
        """The row in its next state; not held, anyone may go on with it at once."""
        expires = self._until() if is_held else _now()
        return JournalRow(row.id, state, self.owner, expires, row.entry, row.version + 1)

    def _until(self) -> dt.datetime:
        return _now() + dt.timedelta(seconds=self.lease)

    async def add(self, home: Store, row: JournalRow) -> None:
        """Write a first row."""
        await home.apply([added(row)])

    async def move(self, home: Store, row: JournalRow, state: JournalState, *, is_held: bool = True) -> JournalRow:
        """Move a row on. Raises StaleVersion where somebody else has it by now."""
        later = self.moved(row, state, is_held=is_held)
        await home.apply([moved(later)])
        return later

    async def remove(self, home: Store, row: JournalRow) -> None:
        """Forget a commit. Raises StaleVersion where somebody else has it by now."""
        await home.apply([removed(row)])

    def forget(self, home: Store, row: JournalRow) -> None:
        """Remove a row with the next decision in this home, or by ``tidy``: whoever finds it sees that it is over."""
        self._over.setdefault(id(home), (home, []))[1].append(row)

    def take_over(self, home: Store) -> list[JournalRow]:
        """The rows that a decision removes along with it: only those that nobody else can have claimed by now."""
        waiting = self._over.get(id(home), (home, []))[1]
        soon = _now() + dt.timedelta(seconds=self.lease / 2)
        taken = [row for row in waiting if row.expires > soon][:_TAKEN_ALONG]
        waiting[:] = [row for row in waiting if row not in taken]
        return taken

    async def tidy(self) -> None:
        """Remove what is over now."""
        while self._over:
            _, (home, rows) = self._over.popitem()
            for row in rows:
                with suppress(StaleVersion, StoreUnavailable, StoreTimeout):
                    await self.remove(home, row)

    async def read(self, home: Store, commit: str) -> JournalRow | None:
        """The row of a commit, if there is one."""
        found = await home.fetch(Query(JOURNAL.name, Compare(("id",), Op.EQ, commit)))
        return _row(found[0]) if found else None

    async def rows(
        self, home: Store, *, after: str = "", limit: int = 100, is_expired: bool = False
    ) -> list[JournalRow]:
        """Rows in the order of their ids; with ``is_expired`` those that recovery may take."""
        condition = And((Compare(("id",), Op.GT, after),))
        if is_expired:
            left = Compare(("state",), Op.NE, JournalState.LISTED.value)
            condition = And((*condition.items, left, Compare(("expires",), Op.LE, _now())))
        query: Query[Any] = Query(JOURNAL.name, condition, (SortKey(("id",)),), limit)
        return list(map(_row, await home.fetch(query)))


def added(row: JournalRow) -> Change:
    """The change that writes a first row."""
    return Change(Verb.ADD, JOURNAL.name, row.id, _FIELDS, (row.id, *_values(row)))


def moved(row: JournalRow) -> Change:
    """The change that makes this of the row of the version before."""
    return Change(Verb.UPDATE, JOURNAL.name, row.id, _MOVED, _values(row), row.version - 1)


def removed(row: JournalRow) -> Change:
    """The change that forgets the row."""
    return Change(Verb.REMOVE, JOURNAL.name, row.id, version=row.version)


def _values(row: JournalRow) -> tuple[Any, ...]:
    return row.state.value, row.owner, row.expires, encode_entry(row.entry), row.version


def _row(row: Sequence[Any]) -> JournalRow:
    commit, state, owner, expires, body, version = row
    return JournalRow(commit, JournalState(state), owner, expires, decode_entry(body), version)


# --- markers --------------------------------------------------------------------------------------------------------


def marked(commit: str, part: str) -> Change:
    """The change that leaves a marker with a part."""
    return Change(Verb.ADD, MARKER.name, f"{commit}:{part}", ("id", "made"), (f"{commit}:{part}", _now()))


async def is_marked(store: Store, commit: str, part: str) -> bool:
    """Whether a part was done."""
    return bool(await store.fetch(Query(MARKER.name, Compare(("id",), Op.EQ, f"{commit}:{part}"))))


async def sweep_markers(store: Store, older_than: dt.timedelta, limit: int = 500) -> int:
    """Remove markers that no replay can still need; tells how many."""
    query: Query[Any] = Query(MARKER.name, Compare(("made",), Op.LT, _now() - older_than), max_rows=limit)
    ids = [row[0] for row in await store.fetch(query)]
    if ids:
        await store.apply([Change(Verb.REMOVE, MARKER.name, key) for key in ids])
    return len(ids)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
