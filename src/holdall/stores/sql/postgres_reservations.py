"""Reservations in a PostgreSQL database: a row for each commit over several stores that holds its part there.

Why nobody writes past a row that is there, although READ COMMITTED judges a condition beside a row by an old snapshot:

- Who reserves locks ``holdall_reservation`` in ACCESS EXCLUSIVE mode until its row is committed. Every other writer
  has at least ACCESS SHARE on it, from its first look until its transaction ends. So at any time either one reserver
  is at work or any number of writers are: a reserver sees all that these wrote, and no row comes while one of them is.
- The look is judged by a snapshot that is taken after its lock: in READ COMMITTED each statement takes its own, after
  the locks of the tables it names were given (``PortalStart`` after ``GetCachedPlan`` in PostgreSQL's ``postgres.c``).
  So who waited for a reserver sees its row. That holds for a look inside the statement that writes, too.
- A row may go while others write: who goes by a snapshot that still has it is refused once more than needed.
- A fence around a collection locks nobody out: a transaction that the server keeps prepared has its lock on the table
  until it is decided, and is written in spite of the fence. The row is committed first; then those transactions end
  that had the table's lock by then, and so may have looked before. All that get the lock later see the row.

A database that never held anything has no such table, and its writers demand just that, in the condition of their first
statement: it is judged when that has the lock of the table it writes, which is kept until the transaction ends. A
process that makes the table waits, before anything is reserved, until all transactions have ended that have such a lock
and none on the new table: they may have looked before. Writers that get its lock later find the table: the name is
looked up in the server's cache, at a sixth of what a look into ``pg_class`` costs, and with each new lock of a table
that cache takes in what was committed before (``LockRelationOid`` in PostgreSQL's ``lmgr.c``).
"""

from __future__ import annotations

import asyncpg

from holdall.store import Footprint, Held, Reservation
from holdall.stores.sql.postgres_connection import BEGIN, PostgresConnection
from holdall.stores.sql.postgres_guards import IS_RESERVING
from holdall.stores.sql.reservation_rows import ROW_FORMAT, demand_known, encode_footprint, held_of

__all__ = [
    "FLUSH",
    "OutdatedGuards",
    "PostgresReservations",
    "is_reservation_table",
    "is_table_there",
    "nothing_reserved",
]

_CREATE = """
CREATE TABLE IF NOT EXISTS holdall_reservation (
    commit_id text NOT NULL, store text NOT NULL, format integer NOT NULL, reservation bytea NOT NULL,
    footprint bytea NOT NULL, PRIMARY KEY (commit_id, store)
)
""".strip()
_DROP = "DROP TABLE IF EXISTS holdall_reservation"
_NO_TABLE = "to_regclass('holdall_reservation') IS NULL"
_LOCK = "LOCK TABLE holdall_reservation IN ACCESS EXCLUSIVE MODE"
_ANY = "SELECT FROM holdall_reservation LIMIT 1"
_ALL = "SELECT commit_id, format, reservation, footprint FROM holdall_reservation ORDER BY commit_id, store"
_LISTED = "SELECT DISTINCT ON (commit_id) commit_id, reservation FROM holdall_reservation ORDER BY commit_id, store"
_PUT = """
INSERT INTO holdall_reservation (commit_id, store, format, reservation, footprint) VALUES ({})
ON CONFLICT (commit_id, store) DO UPDATE
SET format = excluded.format, reservation = excluded.reservation, footprint = excluded.footprint
""".strip()
_TAKE = "DELETE FROM holdall_reservation WHERE commit_id = {} AND store = {} AND format = {}"
_FORMAT = "SELECT format FROM holdall_reservation WHERE commit_id = $1 AND store = $2"
_LAZILY = "SET LOCAL synchronous_commit TO off"
_LET_GO = "DELETE FROM holdall_reservation WHERE commit_id = $1 RETURNING format"
_RENEW = "UPDATE holdall_reservation SET reservation = $2 WHERE commit_id = $1 AND format = $3 RETURNING 1"

_WRITING = """
SELECT DISTINCT held.virtualtransaction FROM pg_locks AS held
WHERE held.locktype = 'relation' AND held.mode IN ('RowShareLock', 'RowExclusiveLock') AND held.granted
      AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND held.pid <> pg_backend_pid()
"""
_UNAWARE = f"""{_WRITING}
      AND NOT EXISTS (SELECT FROM pg_locks AS seen WHERE seen.virtualtransaction = held.virtualtransaction
                      AND seen.relation = 'holdall_reservation'::regclass AND seen.granted)
"""

_LOOKED = """
SELECT DISTINCT held.virtualtransaction FROM pg_locks AS held
WHERE held.locktype = 'relation' AND held.relation = 'holdall_reservation'::regclass AND held.granted
      AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND held.pid <> pg_backend_pid()
"""
_ONE = "SELECT reservation, footprint FROM holdall_reservation WHERE commit_id = $1 AND store = $2"

FLUSH = f"{BEGIN}; SELECT txid_current(); COMMIT"
"""Waits for the disk, for whatever was committed without: a commit that waits takes all earlier ones along."""


class OutdatedGuards(Exception):
    """The table of reservations came or went since the connection looked: do it again, nothing was written."""


def nothing_reserved(is_reserving: bool) -> str:
    """The condition under which a single statement need not look at reservations."""
    return "NOT EXISTS (SELECT FROM holdall_reservation)" if is_reserving else _NO_TABLE


def is_reservation_table(error: BaseException) -> bool:
    """Whether the server misses the table of reservations."""
    return isinstance(error, asyncpg.UndefinedTableError) and "holdall_reservation" in str(error)


async def is_table_there(connection: PostgresConnection) -> bool:
    """Whether the database has a table of reservations, past the snapshot of the transaction.

    Asked once the transaction has a lock that the makers of the table wait for.
    """
    return bool(await connection.raw.fetchval("SELECT to_regclass('holdall_reservation') IS NOT NULL"))


class PostgresReservations:
    """The rows of one store in one database. Every method raises asyncpg's errors."""

    def __init__(self, store: str) -> None:
        self._store = store

    async def begin(self, connection: PostgresConnection, start: str | None = None) -> list[Held]:
        """Begin a transaction, or by ``start`` a part of one; all that is held from then on until its end.

        Where the connection knows of no table, the first statement that follows must demand that there is none.
        """
        start = start or connection.begin
        if not connection.is_reserving:
            await connection.raw.execute(start)
            return []
        connection.is_holding = await connection.raw.execute(f"{start}; {_ANY}") != "SELECT 0"
        return await self._all(connection) if connection.is_holding else []

    async def begin_at(self, connection: PostgresConnection, level: str) -> None:
        """Begin a transaction of this level of isolation, whose snapshot is younger than its lock on the table."""
        await connection.learned()
        begin = connection.begin.replace("READ COMMITTED", level)
        lock = "; LOCK TABLE holdall_reservation IN ACCESS SHARE MODE" if connection.is_reserving else ""
        await connection.raw.execute(begin + lock)

    async def lock(self, connection: PostgresConnection) -> None:
        """Keep reservers away from now on until the end of the transaction."""
        await connection.raw.execute(_ANY)

    async def begin_reserving(self, connection: PostgresConnection, commit: str) -> list[Held]:
        """Begin a transaction beside which nobody else writes, once those under way have ended, and a try within it.

        All that other commits hold. The transaction does not wait for the disk when it is committed. Raises
        UnknownFormat.
        """
        status = await connection.raw.execute(f"{connection.begin}; {_LAZILY}; {_LOCK}; SAVEPOINT tried; {_ANY}")
        connection.is_reserving = True
        if status == "SELECT 0":
            return []
        await self._demand_known(connection, commit)
        return [item for item in await self._all(connection) if item.reservation.commit != commit]

    async def begin_settling(self, connection: PostgresConnection) -> bool:
        """Begin a transaction about what is held; whether there is a table."""
        status = await connection.raw.execute(f"{connection.begin}; {IS_RESERVING}")
        connection.is_reserving = status != "SELECT 0"
        return connection.is_reserving

    async def begin_writing(self, connection: PostgresConnection, commit: str) -> bool:
        """Begin a transaction that lets go of what this store holds for a commit; False if it holds nothing for it.

        The transaction does not wait for the disk when it is committed. Raises UnknownFormat.
        """
        take = _TAKE.format(_text(commit), _text(self._store), ROW_FORMAT)
        try:
            status = await connection.raw.execute(f"{connection.begin}; {_LAZILY}; {take}")
        except asyncpg.UndefinedTableError:
            connection.is_reserving = False
            return False
        connection.is_reserving = True
        if status == "DELETE 0":
            await self._demand_known(connection, commit)
            return False
        return True

    async def put(self, connection: PostgresConnection, reservation: Reservation, footprint: Footprint) -> None:
        """Take back the try and hold this for a commit, in place of what this store held for it.

        That is committed, which lets others go on, and then waits for the disk: all of it in one message.
        """
        row = (_text(reservation.commit), _text(self._store), str(ROW_FORMAT))
        data = (_bytes(reservation.encode()), _bytes(encode_footprint(footprint)))
        put = _PUT.format(", ".join(row + data))
        # sequences go on: nobody else is given the keys they made
        await connection.raw.execute(f"SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK TO tried; {put}; COMMIT; {FLUSH}")

    async def put_fence(
        self, connection: PostgresConnection, reservation: Reservation, footprint: Footprint
    ) -> tuple[bytes, bytes] | None:
        """Commit a row beside those who write; what stood in its place, for ``put_back``. Raises UnknownFormat."""
        await self._demand_known(connection, reservation.commit)
        earlier = await connection.fetch(_ONE, (reservation.commit, self._store))
        await self._put(connection, reservation.commit, reservation.encode(), encode_footprint(footprint))
        return (earlier[0][0], earlier[0][1]) if earlier else None

    async def put_back(self, connection: PostgresConnection, commit: str, earlier: tuple[bytes, bytes] | None) -> None:
        """Undo ``put_fence``."""
        if earlier is None:
            await self.take(connection, commit)
        else:
            await self._put(connection, commit, *earlier)

    async def _put(self, connection: PostgresConnection, commit: str, reservation: bytes, footprint: bytes) -> None:
        row = (_text(commit), _text(self._store), str(ROW_FORMAT), _bytes(reservation), _bytes(footprint))
        await connection.raw.execute(f"{connection.begin}; {_PUT.format(', '.join(row))}; COMMIT")

    async def take(self, connection: PostgresConnection, commit: str) -> None:
        """Let go of what this store holds for a commit."""
        await connection.raw.execute(_TAKE.format(_text(commit), _text(self._store), ROW_FORMAT))

    async def let_go(self, connection: PostgresConnection, commit: str) -> None:
        """Let go of all that is held for a commit, by whatever store of this database. Raises UnknownFormat."""
        for (number,) in await connection.fetch(_LET_GO, (commit,)):
            demand_known(self._store, commit, number)

    async def renew(self, connection: PostgresConnection, reservation: Reservation) -> None:
        """Put this in the place of the reservations its commit has."""
        await connection.fetch(_RENEW, (reservation.commit, reservation.encode(), ROW_FORMAT))

    async def listed(self, connection: PostgresConnection) -> list[Reservation]:
        """The reservations of all that is held, each commit's once."""
        return [Reservation.decode(commit, data) for commit, data in await connection.fetch(_LISTED, ())]

    async def create(self, connection: PostgresConnection) -> None:
        """Make the table, if it is missing."""
        if await connection.raw.execute(IS_RESERVING) == "SELECT 0":
            try:
                await connection.raw.execute(_CREATE)
            except (asyncpg.UniqueViolationError, asyncpg.DuplicateObjectError, asyncpg.DuplicateTableError):
                return  # somebody else was making it at the same moment: PostgreSQL tells the second one so

    async def drop(self, connection: PostgresConnection) -> None:
        """Drop the table."""
        await connection.raw.execute(_DROP)

    async def unaware(self, connection: PostgresConnection) -> frozenset[str]:
        """The server's names of transactions that may have looked for the table before it was there, and write."""
        return frozenset([name for (name,) in await connection.raw.fetch(_UNAWARE)])

    async def writing(self, connection: PostgresConnection) -> frozenset[str]:
        """The server's names of all transactions that write."""
        return frozenset([name for (name,) in await connection.raw.fetch(_WRITING)])

    async def looked(self, connection: PostgresConnection) -> frozenset[str]:
        """The server's names of all transactions that may have looked for rows; of prepared ones none."""
        return frozenset([name for (name,) in await connection.raw.fetch(_LOOKED)])

    async def _demand_known(self, connection: PostgresConnection, commit: str) -> None:
        for (number,) in await connection.fetch(_FORMAT, (commit, self._store)):
            demand_known(self._store, commit, number)

    async def _all(self, connection: PostgresConnection) -> list[Held]:
        rows = await connection.fetch(_ALL, ())
        return [held_of(commit, number, reservation, footprint) for commit, number, reservation, footprint in rows]


def _text(value: str) -> str:
    """A text in SQL, whatever is in it and however the server reads literals."""
    return f"convert_from({_bytes(value.encode())}, 'UTF8')"


def _bytes(value: bytes) -> str:
    return f"decode('{value.hex()}', 'hex')"
