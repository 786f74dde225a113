"""Reservations in a SQLite database: a row for each commit over several stores that holds its part there.

Only one transaction writes a SQLite file at a time, so each writer looks at these rows in its own transaction and
nobody can come in between. All of it runs on the writer's connection, inside a transaction, and raises apsw's errors.
"""

from __future__ import annotations

import apsw

from holdall.store import Footprint, Held, Reservation
from holdall.stores.sql.reservation_rows import ROW_FORMAT, demand_known, encode_footprint, held_of

__all__ = ["CREATE_RESERVATIONS", "DROP_RESERVATIONS", "SELECT_RESERVATIONS", "SqliteReservations", "has_table"]

CREATE_RESERVATIONS = """
CREATE TABLE IF NOT EXISTS holdall_reservation (
    commit_id TEXT NOT NULL PRIMARY KEY, format INTEGER NOT NULL, reservation BLOB NOT NULL, footprint BLOB NOT NULL
) WITHOUT ROWID
""".strip()
DROP_RESERVATIONS = "DROP TABLE IF EXISTS holdall_reservation"
SELECT_RESERVATIONS = "SELECT commit_id, reservation FROM holdall_reservation ORDER BY commit_id"

_ANY = "SELECT 1 FROM holdall_reservation LIMIT 1"
_ALL = "SELECT commit_id, format, reservation, footprint FROM holdall_reservation ORDER BY commit_id"
_PUT = "INSERT INTO holdall_reservation (commit_id, format, reservation, footprint) VALUES (?, ?, ?, ?)"
_REMOVE = "DELETE FROM holdall_reservation WHERE commit_id = ? RETURNING format"
_RENEW = "UPDATE holdall_reservation SET reservation = ? WHERE commit_id = ? AND format = ?"


class SqliteReservations:
    """The table of reservations as one writer sees it; it remembers at which version of the schema there was none."""

    def __init__(self, store: str) -> None:
        self._store = store
        self._lacking: tuple[apsw.Connection, int] | None = None

    def forget(self) -> None:
        """Look anew whether the table is there: a change of the schema was rolled back."""
        self._lacking = None

    def held(self, connection: apsw.Connection) -> list[Held]:
        """All that is held. Where nothing is, this takes half a microsecond."""
        if not self._has_rows(connection):
            return []
        return [
            held_of(commit, number, reservation, footprint)
            for commit, number, reservation, footprint in connection.execute(_ALL)
        ]

    def is_any(self, connection: apsw.Connection) -> bool:
        """Whether anything is held."""
        return bool(self._has_rows(connection))

    def put(self, connection: apsw.Connection, reservation: Reservation, footprint: Footprint) -> None:
        """Hold this for a commit that holds nothing."""
        if self._has_rows(connection) is None:
            connection.execute(CREATE_RESERVATIONS)
        data = encode_footprint(footprint)
        connection.execute(_PUT, (reservation.commit, ROW_FORMAT, reservation.encode(), data))

    def remove(self, connection: apsw.Connection, commit: str) -> bool:
        """Let go of what a commit holds; whether there was anything. Raises UnknownFormat."""
        if not self._has_rows(connection):
            return False
        removed = connection.execute(_REMOVE, (commit,)).fetchall()
        for (number,) in removed:
            demand_known(self._store, commit, int(number))  # type: ignore[arg-type]
        return bool(removed)

    def renew(self, connection: apsw.Connection, reservation: Reservation) -> None:
        """Put this in the place of the reservation its commit has, if it has one."""
        if self._has_rows(connection):
            connection.execute(_RENEW, (reservation.encode(), reservation.commit, ROW_FORMAT))

    def _has_rows(self, connection: apsw.Connection) -> bool | None:
        """Whether anything is held; None without the table."""
        lacking = self._lacking
        if lacking is not None and lacking[0] is connection and lacking[1] == _schema_version(connection):
            return None
        try:
            return connection.execute(_ANY).get is not None
        except apsw.SQLError:
            if has_table(connection, "holdall_reservation"):
                raise
            self._lacking = connection, _schema_version(connection)
            return None


def has_table(connection: apsw.Connection, name: str) -> bool:
    """Whether the database has a table of this name."""
    return connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (name,)).get is not None


def _schema_version(connection: apsw.Connection) -> int:
    version: int = connection.execute("PRAGMA schema_version").get
    return version
