"""Works that PostgreSQL keeps as prepared transactions until their commit is decided.

The invariant: a part is held exactly as long as ``pg_prepared_xacts`` lists a name with its commit's id. The server
keeps it, with every lock, through the end of any process and of itself (PostgreSQL manual, PREPARE TRANSACTION).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import asyncpg

from holdall.errors import StoreUnavailable, UnknownFormat
from holdall.store import RESERVATION_FORMAT, Hold, Outcome, Reservation, Rows
from holdall.stores.sql.postgres_connection import PostgresConnection
from holdall.stores.sql.postgres_guards import IS_RESERVING
from holdall.stores.sql.prepared_names import PreparedName, from_gid, tag, to_gid
from holdall.stores.sql.steps import Work

__all__ = ["PostgresPrepared"]

_SETTINGS = f"""
SELECT current_setting('max_prepared_transactions')::int, current_database()::text,
       EXISTS ({IS_RESERVING}) OR coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)
"""
_LISTED = (
    r"SELECT gid FROM pg_prepared_xacts WHERE database = current_database() AND gid LIKE 'holdall%' ORDER BY prepared"
)
_FULL = "53200"
_BUSY = "55000"

Read = Callable[[str, tuple[()]], Awaitable[Rows]]
Act = Callable[[PostgresConnection], Awaitable[None]]
Run = Callable[[Act], Awaitable[None]]
Carry = Callable[[Work, str], Awaitable[list[Outcome]]]


class PostgresPrepared:
    """The prepared transactions of one database.

    ``read`` gives rows, ``run`` does something with a connection, ``carry`` carries out a work in a transaction and
    ends it by this statement. All three raise our errors.
    """

    def __init__(self, store: str, read: Read, run: Run, carry: Carry) -> None:
        self._store = store
        self._read = read
        self._run = run
        self._carry = carry
        self._most: int | None = None
        self._database = ""
        self._can_reserve = False

    async def hold(self) -> Hold:
        """PREPARED where the server's ``max_prepared_transactions`` is above zero; asked once.

        Else RESERVED where the table of reservations is there or can be made.
        """
        if self._most is None:
            ((self._most, self._database, self._can_reserve),) = await self._read(_SETTINGS, ())
        if self._most:
            return Hold.PREPARED
        return Hold.RESERVED if self._can_reserve else Hold.NONE

    async def prepare(self, reservation: Reservation, work: Work) -> list[Outcome]:
        """Carry out the work and leave it prepared, in place of what this store has prepared under this commit."""
        await self.hold()
        name = PreparedName(reservation, tag(self._database), tag(self._store))
        gid = to_gid(name, self._store)
        for other, found in await self._listed():
            if found.reservation.commit == reservation.commit and found.store == name.store:
                await self._end("ROLLBACK", other)
        try:
            return await self._carry(work, f"PREPARE TRANSACTION {_quoted(gid)}")
        except StoreUnavailable as error:
            if getattr(error.__cause__, "sqlstate", None) != _FULL:
                raise
            full = f"it keeps no more than {self._most} prepared transactions (max_prepared_transactions); try again"
            raise StoreUnavailable(self._store, full) from error.__cause__

    async def commit(self, commit: str) -> bool:
        """Commit all that is prepared under this commit; False where nothing is. Raises UnknownFormat."""
        return await self._finish("COMMIT", commit)

    async def roll_back(self, commit: str) -> None:
        """Roll back all that is prepared under this commit. Raises UnknownFormat."""
        await self._finish("ROLLBACK", commit)

    async def listed(self) -> list[Reservation]:
        """The reservations of all that is prepared in this database, each commit's once."""
        found = {name.reservation.commit: name.reservation for _, name in await self._listed()}
        return list(found.values())

    async def _finish(self, verb: str, commit: str) -> bool:
        gids = []
        for gid, name in await self._listed():
            if name.reservation.commit == commit:
                if not name.reservation.is_readable:  # the commit's id stands before the part that says which store
                    place = f"the prepared transaction of commit {commit!r}"
                    raise UnknownFormat(self._store, place, name.reservation.format or None, RESERVATION_FORMAT)
                gids.append(gid)
        ended = [await self._end(verb, gid) for gid in gids]
        return any(ended)

    async def _listed(self) -> list[tuple[str, PreparedName]]:
        if await self.hold() is not Hold.PREPARED:
            return []
        gids = [gid for (gid,) in await self._read(_LISTED, ())]
        return [(gid, name) for gid in gids if (name := from_gid(gid)) is not None]

    async def _end(self, verb: str, gid: str) -> bool:
        """Whether it was there to be ended. Raises StoreUnavailable while somebody else is about to end it."""
        is_ended = True

        async def act(connection: PostgresConnection) -> None:
            nonlocal is_ended
            try:
                await connection.raw.execute(f"{verb} PREPARED {_quoted(gid)}")
            except asyncpg.UndefinedObjectError:
                is_ended = False  # between the list and here somebody else ended it
            except asyncpg.ObjectNotInPrerequisiteStateError as error:
                if error.sqlstate != _BUSY:
                    raise
                busy = "somebody else is ending this prepared transaction; try again"
                raise StoreUnavailable(self._store, busy) from error

        await self._run(act)
        return is_ended


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
