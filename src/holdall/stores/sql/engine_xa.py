"""Works that MariaDB and MySQL keep as prepared XA transactions until their commit is decided.

The invariant: a part is held exactly as long as ``XA RECOVER`` lists a name with its commit's id. InnoDB keeps it
through the end of the connection (MariaDB from 10.5) and of the server. The locks that it keeps are those on records
it changed; that suffices, as the others only guarded what these guard too.

As long as the connection that prepared is open, MariaDB lets only that one end the transaction, so it stays with the
commit and goes back to the pool when the commit is over. A process that ends the commit of another one ends the other's
connection.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgspec
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncConnection

from holdall.errors import StoreUnavailable, UnknownFormat, Unsupported
from holdall.store import RESERVATION_FORMAT, Hold, Outcome, Reservation, keep_for_ever
from holdall.stores.sql.engine import EngineDatabase
from holdall.stores.sql.engine_connecting import EngineOptions
from holdall.stores.sql.engine_transaction import carry_out
from holdall.stores.sql.errors import deciding
from holdall.stores.sql.prepared_names import PreparedName, tag, to_xid
from holdall.stores.sql.steps import Work
from holdall.stores.sql.tables import Tables
from holdall.stores.sql.xa_server import UNKNOWN_NAME, holder_of, is_holding, listed, number_of, run, why_not

__all__ = ["XaDatabase"]

_log = logging.getLogger("holdall.stores.sql")
_TRIES = 20
_PAUSE = 0.05  # seconds


class _Attached(msgspec.Struct):
    """A transaction that is prepared on a connection which is kept for it."""

    connection: AsyncConnection
    loop: asyncio.AbstractEventLoop
    xid: str


class XaDatabase(EngineDatabase):
    """A MariaDB or MySQL database that holds works."""

    def __init__(self, store: str, url: sa.URL, tables: Tables, options: EngineOptions) -> None:
        super().__init__(store, url, tables, options)
        self._attached: dict[str, _Attached] = {}
        self._asked: int | None = None  # the generation of the tables that the server was asked about
        self._why_not: str | None = None
        self._name = url.database or ""

    async def hold(self) -> Hold:
        """PREPARED, or NONE where the server, its user or a table stands in the way; asked once for these tables."""
        if self._asked != self._tables.generation:
            async with self.connected() as connection:
                self._name, self._why_not = await why_not(connection, list(self._tables.metadata.tables))
            self._asked = self._tables.generation
            if self._why_not is not None:
                _log.warning("store %r holds no part of a commit over several stores: %s", self.store, self._why_not)
        return Hold.PREPARED if self._why_not is None else Hold.NONE

    def cost_of(self, hold: Hold) -> int:
        """To prepare is an act of the server more."""
        return 1 if hold is Hold.PREPARED else 0

    @property
    def lock_patience(self) -> float:
        """The lock timeout, of which the server is asked for a part at a time."""
        return self._options.lock_timeout

    async def prepare(self, reservation: Reservation, work: Work) -> list[Outcome]:
        """Carry out the work and leave it prepared, in place of what this store has prepared under this commit."""
        if await self.hold() is Hold.NONE:
            raise Unsupported(self.store, "prepared transactions", self._why_not or "")
        own = tag(self.store)
        async with self.connected() as reader:
            names = [name for _, name in await self._listed(reader)]
        if any(name.reservation.commit == reservation.commit and name.store == own for name in names):
            await self._finish("ROLLBACK", reservation.commit, own)
        with self.translating():
            connection = await self.taken()
            try:
                holder = await holder_of(connection)
                xid = to_xid(PreparedName(reservation, tag(self._name), own, holder), self.store)
                outcomes = await self._prepare(connection, xid, work)
            except BaseException:
                await connection.close()
                raise
        self._attached[reservation.commit] = _Attached(connection, asyncio.get_running_loop(), xid)
        return outcomes

    async def commit_prepared(self, commit: str, work: Work) -> bool:
        """Commit what is prepared; the server has kept the work."""
        return await self._finish("COMMIT", commit)

    async def roll_back_prepared(self, commit: str) -> None:
        """Roll back what is prepared."""
        await self._finish("ROLLBACK", commit)

    async def renew_prepared(self, reservation: Reservation) -> None:
        """Do nothing: the server keeps only the name, which cannot be changed."""

    async def prepared(self) -> list[Reservation]:
        """All that is prepared in this database, each commit once."""
        if await self.hold() is Hold.NONE:
            return []
        async with self.connected() as connection:
            found = await self._listed(connection)
        return list({name.reservation.commit: name.reservation for _, name in found}.values())

    async def create_own(self) -> None:
        """Do nothing: the server keeps what is prepared without a table."""

    async def drop_own(self) -> None:
        """Do nothing, as there is nothing to drop."""

    async def close(self) -> None:
        """Close this loop's connections; what is prepared on them stays prepared."""
        loop = asyncio.get_running_loop()
        for commit, attached in list(self._attached.items()):
            if attached.loop is loop:
                del self._attached[commit]
                await _let_go(attached.connection)
        await super().close()

    def after_fork_in_child(self) -> None:
        """Make engines of its own; what is prepared on the parent's connections is the parent's to end."""
        super().after_fork_in_child()
        keep_for_ever(self._attached)
        self._attached = {}

    async def _prepare(self, connection: AsyncConnection, xid: str, work: Work) -> list[Outcome]:
        is_ours = False
        try:
            await run(connection, f"XA START {xid}")
            is_ours = True
            outcomes = await carry_out(connection, work)
            await run(connection, f"XA END {xid}")
            await run(connection, f"XA PREPARE {xid}")
        except Exception:
            if is_ours:
                await _undo(connection, xid)
            raise
        except BaseException:  # cancelled with an answer under way
            await connection.invalidate()
            raise
        return outcomes

    async def _finish(self, verb: str, commit: str, store: int | None = None) -> bool:
        """End what is prepared under this commit, by this store alone if one is given; whether anything was."""
        if await self.hold() is Hold.NONE:
            return False
        if await self._settle_attached(verb, commit):
            return True
        is_ended = False
        async with self._detached() as connection:
            for xid, name in await self._listed(connection):
                if name.reservation.commit == commit and store in (None, name.store):
                    self._require_known(name)
                    is_ended = await self._end(connection, verb, xid, name) or is_ended
        return is_ended

    async def _settle_attached(self, verb: str, commit: str) -> bool:
        attached = self._attached.get(commit)
        if attached is None or attached.loop is not asyncio.get_running_loop():
            return False
        del self._attached[commit]
        connection = attached.connection
        try:
            await run(connection, f"XA {verb} {attached.xid}")
        except BaseException as error:
            await _let_go(connection)  # if it is prepared still, the list says so
            if not isinstance(error, exc.DBAPIError):
                raise
            return False
        await connection.close()
        return True

    async def _end(self, connection: AsyncConnection, verb: str, xid: str, name: PreparedName) -> bool:
        """Whether it was there to be ended. Raises StoreUnavailable where its connection cannot be ended first."""
        for _ in range(_TRIES):
            if await is_holding(connection, name.holder):
                with suppress(exc.DBAPIError):
                    await run(connection, f"KILL {name.holder.connection}")
                await asyncio.sleep(_PAUSE)
                continue
            # The server takes a connection off its list a moment before InnoDB lets go of the transaction, and what
            # is ended in that moment is ended in name only.
            await asyncio.sleep(_PAUSE)
            try:
                await run(connection, f"XA {verb} {xid}")
            except exc.DBAPIError as error:
                if number_of(error) != UNKNOWN_NAME:
                    raise
                if not any(xid == other for other, _ in await self._listed(connection)):
                    return False
            else:
                return True
        raise StoreUnavailable(
            self.store, f"connection {name.holder.connection} of the server still holds this commit's part; try again"
        )

    def _require_known(self, name: PreparedName) -> None:
        """Raise UnknownFormat for what another version of Holdall prepared: it knows what it promised."""
        held = name.reservation
        if not held.is_readable:
            place = f"the prepared transaction of commit {held.commit!r}"
            raise UnknownFormat(self.store, place, held.format or None, RESERVATION_FORMAT)

    async def _listed(self, connection: AsyncConnection) -> list[tuple[str, PreparedName]]:
        return [(xid, name) for xid, name in await listed(connection) if name.database in (0, tag(self._name))]

    @asynccontextmanager
    async def _detached(self) -> AsyncIterator[AsyncConnection]:
        """A connection without a transaction, as ending that of another connection demands."""
        with deciding(), self.translating():
            async with self.lent() as connection:
                yield await connection.execution_options(isolation_level="AUTOCOMMIT")


async def _undo(connection: AsyncConnection, xid: str) -> None:
    """Give up a transaction that is not prepared; a connection that may still be in it goes back to no pool."""
    with suppress(exc.DBAPIError):  # that it cannot be anything but rolled back, for instance
        await run(connection, f"XA END {xid}")
    try:
        await run(connection, f"XA ROLLBACK {xid}")
    except BaseException:
        await connection.invalidate()


async def _let_go(connection: AsyncConnection) -> None:
    with suppress(Exception):
        await connection.invalidate()
    await connection.close()
