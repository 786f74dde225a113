"""The journals of an application: one in each store that can decide, and a local one for commits without such a store.

Invariant: a journal answers for ever in one way whether a commit was decided. Insert-if-absent on the commit's id is
what decides: at most one of a decided row and a tombstone ever exists.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
from collections.abc import Callable
from pathlib import Path

from holdall.errors import CorruptRecord, StoreUnavailable, UniqueViolation
from holdall.query import And, AnyQuery, Compare, Condition, Op, Query, SortKey
from holdall.session.journal.finished import FinishedCommits
from holdall.session.journal.log_record import LogRecord
from holdall.session.journal.owner import this_owner
from holdall.session.journal.row import JournalRow, JournalState, add_row, now, read_row, remove_row, update_row
from holdall.session.journal.schema import JOURNAL
from holdall.store import Change, CommitClass, Identified, Provisioned, Store, Verb, new_identity, open_store

__all__ = ["LEASE", "Journal"]

LEASE = 15.0
"""Seconds for which others leave a commit alone whose owner they cannot see; it is renewed while the commit lives."""

_ROWS_AT_ONCE, _TOMBSTONES_AT_ONCE = 100, 500
_IDENTITY = "#home"  # the id of the row that holds a journal's identity
_BURIED = 1 << 30  # the version of a tombstone: no row that was moved on step by step comes so far
_IDENTITY_TRIES, _IDENTITY_PAUSE = 200, 0.01  # the latter in seconds
_TOMBSTONES_LAST = dt.timedelta(hours=1)  # longer than a commit that is taken for dead may still try to decide


class Journal:
    """Where commits are decided, and the rows there.

    ``stores`` gives the application's stores, ``url`` is that of the local journal, ``lease`` is how long, in seconds,
    others leave a commit alone whose owner they cannot see; a commit under way renews it.
    """

    def __init__(self, application: str, stores: Callable[[], list[Store]], url: str, lease: float) -> None:
        self.application = application
        self.lease = lease
        self.finished = FinishedCommits()
        self.next_look = 0.0  # when to look for what others left behind, in seconds of the monotonic clock
        self.named: set[str] = set()  # the commits that this process has told it must leave alone
        self.waits: dict[tuple[str, str], str] = {}  # by commit and store: why this process could not write that part
        self._stores = stores
        self._url = url
        self._local: Store | None = None
        self._identities: dict[int, str] = {}

    # --- where ------------------------------------------------------------------------------------------------------

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
        stores = self._stores()
        homes = [store for store in stores if _can_decide(store)] if len(stores) > 1 else []
        path = self._local_path()
        if self._local is not None or path is None or path.exists():
            homes.append(await self.local())
        return homes

    def is_local(self, home: Store) -> bool:
        """Whether this is the local journal."""
        return home is self._local

    def place_of(self, home: Store) -> str:
        """A home in words, for people who look for it."""
        if home is not self._local:
            return f"store {home.name!r}"
        path = self._local_path()
        return f"the local journal {socket.gethostname()}:{path.absolute() if path is not None else self._url}"

    async def identity(self, home: Store) -> str:
        """The identity of a home's journal: 32 hexadecimal digits, made once and kept in a row of its own."""
        known = self._identities.get(id(home))
        if known is None:
            known = self._identities[id(home)] = await self._stored_identity(home)
        return known

    async def identity_of(self, store: Store, *, makes: bool = True) -> str:
        """The identity of a store that takes part in commits: that of its journal, or one of its own; empty if none.

        Without ``makes`` it is only read. Raises as reading the store does.
        """
        known = self._identities.get(id(store))
        if known is not None:
            return known
        if _can_decide(store) and makes:
            return await self.identity(store)
        if _can_decide(store):
            row = await self.read(store, _IDENTITY)
            found = "" if row is None else row.owner
        elif store.capabilities.is_durable and isinstance(store, Identified):
            found = await store.identity(makes=makes)
        else:
            makes, found = True, ""  # it never has one
        if found or makes:
            self._identities[id(store)] = found
        return found

    async def _stored_identity(self, home: Store) -> str:
        """The one identity that is stored, however many want to be the first to store one."""
        for _ in range(_IDENTITY_TRIES):
            row = await self.read(home, _IDENTITY)
            if row is not None:
                return row.owner
            row = JournalRow(_IDENTITY, JournalState.HOME, new_identity(), now(), LogRecord([], self.application))
            try:
                await self.add(home, row)
            except UniqueViolation:
                await asyncio.sleep(_IDENTITY_PAUSE)  # that of somebody else may not be readable yet
            else:
                return row.owner
        raise StoreUnavailable(home.name, "the identity of its journal is there and cannot be read; try again")

    async def home_with(self, identity: str) -> Store | None:
        """The home with this identity, or None if this application does not know it.

        Raises StoreUnavailable or StoreTimeout where one that may be it does not answer.
        """
        for home in await self.homes():
            if await self.identity(home) == identity:
                return home
        return None

    def _local_path(self) -> Path | None:
        scheme, _, rest = self._url.partition(":///")
        return Path(rest) if scheme == "sqlite" and rest else None

    async def close(self) -> None:
        """Remove what is over, and close the local journal."""
        await self.finished.close()
        self._identities.clear()
        if self._local is not None:
            await self._local.close()
            self._local = None

    async def tidy(self) -> None:
        """Remove now the rows of this process's commits that are over."""
        await self.finished.remove()

    # --- rows -------------------------------------------------------------------------------------------------------

    def until(self) -> dt.datetime:
        """When a lease taken now ends."""
        return now() + dt.timedelta(seconds=self.lease)

    def first(self, commit: str, state: JournalState, parts: LogRecord) -> JournalRow:
        """A first row, held by this process."""
        return JournalRow(commit, state, this_owner(), self.until(), parts)

    def next(self, row: JournalRow, state: JournalState, record: LogRecord, *, is_held: bool = True) -> JournalRow:
        """The row in its next state, held by this process; not held, anyone may go on with it at once."""
        return row.moved(state, this_owner() if is_held else "", self.until() if is_held else now(), record)

    def tombstone(self, row: JournalRow) -> JournalRow:
        """The tombstone that takes the place of a row: this commit can never be decided, or was taken back."""
        return row.moved(JournalState.ABORTED, this_owner(), now() + _TOMBSTONES_LAST, LogRecord([], self.application))

    async def add(self, home: Store, row: JournalRow) -> None:
        """Write a first row. Raises UniqueViolation where the commit has one."""
        await home.apply([add_row(row)])

    async def update(self, home: Store, row: JournalRow) -> None:
        """Put a row in the place of the version before it. Raises StaleVersion where somebody else moved it."""
        await home.apply([update_row(row)])

    async def remove(self, home: Store, row: JournalRow) -> None:
        """Forget a commit; a row that cannot be read has no version, and is removed as it is.

        Raises StaleVersion where somebody else has moved or removed the row.
        """
        await home.apply([remove_row(row) if row.version else Change(Verb.REMOVE, JOURNAL.name, row.id)])

    async def bury(self, home: Store, commit: str) -> JournalRow | None:
        """Leave a tombstone, so that the commit can never be decided; None then, or the row that is there already.

        A caller that has seen a row which is gone does not take the tombstone in its place for it: its version is
        another.
        """
        record = LogRecord([], self.application)
        row = JournalRow(commit, JournalState.ABORTED, this_owner(), now() + _TOMBSTONES_LAST, record, _BURIED)
        try:
            await self.add(home, row)
        except UniqueViolation:
            found = await self.read(home, commit)
            return found or await self.bury(home, commit)  # or the row has gone meanwhile
        return None

    async def read(self, home: Store, commit: str) -> JournalRow | None:
        """The row of a commit, if there is one."""
        found = await _rows(home, Query(JOURNAL.name, Compare(("id",), Op.EQ, commit)))
        return found[0] if found else None

    async def rows(self, home: Store, *states: JournalState, after: str = "") -> list[JournalRow]:
        """The next rows of commits, at most 100, in the order of their ids, without those in these states and without
        the identity.
        """
        left_out = (JournalState.HOME, *states)
        conditions: list[Condition] = [Compare(("state",), Op.NE, state.value) for state in left_out]
        condition = And((Compare(("id",), Op.GT, after), *conditions))
        query: AnyQuery = Query(JOURNAL.name, condition, (SortKey(("id",)),), _ROWS_AT_ONCE)
        return await _rows(home, query)

    async def tombstones(self, home: Store) -> list[JournalRow]:
        """Tombstones that have stood long enough, at most 500."""
        condition = And((Compare(("state",), Op.EQ, JournalState.ABORTED.value), Compare(("expires",), Op.LE, now())))
        query: AnyQuery = Query(JOURNAL.name, condition, (SortKey(("id",)),), _TOMBSTONES_AT_ONCE)
        return [row for row in await _rows(home, query) if not row.problem]


async def _rows(home: Store, query: AnyQuery) -> list[JournalRow]:
    """The rows that a query means, those too that cannot be read whole."""
    try:
        return list(map(read_row, await home.fetch(query)))
    except CorruptRecord as error:
        if not error.rows:
            raise
        return list(map(read_row, error.rows))


def _can_decide(store: Store) -> bool:
    return store.capabilities.commit is CommitClass.TX and store.capabilities.is_durable
