"""A SQLite database's part of a commit over several stores: tried, taken back and held; then written, or let go of.

All of it runs in the writer's thread, inside a transaction that may be shared with other works.
"""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from holdall.errors import HoldallError
from holdall.store import Outcome, Reservation, Verb
from holdall.stores.sql.sqlite_reservations import SqliteReservations, has_table
from holdall.stores.sql.sqlite_work import SqliteWorks
from holdall.stores.sql.steps import Work
from holdall.stores.sql.tables import Tables

__all__ = ["SqliteHolding"]


class SqliteHolding:
    """Holds works of one store."""

    def __init__(self, works: SqliteWorks, reservations: SqliteReservations, tables: Tables) -> None:
        self._works = works
        self._reservations = reservations
        self._tables = tables

    def prepare(
        self, connection: apsw.Connection, reservation: Reservation, work: Work
    ) -> list[Outcome] | HoldallError:
        """Try the work, take it back, and hold what it touches.

        An error is given, not raised, where the transaction has something to commit nonetheless: that what this commit
        held before is let go of.
        """
        was_held = self._reservations.remove(connection, reservation.commit)
        connection.execute("SAVEPOINT tried")
        try:
            outcomes = self._works.whole(connection, work)
            counters = self._counters(connection, work)
        except HoldallError as error:
            if not was_held or not connection.in_transaction:
                raise
            _take_back(connection)
            return error
        _take_back(connection)
        for table, last in counters:
            _count_from(connection, table, last)
        self._reservations.put(connection, reservation, work.footprint(outcomes))
        return outcomes

    def commit(self, connection: apsw.Connection, commit: str, work: Work) -> bool:
        """Write what is held and let go of it; False where nothing is held."""
        if not self._reservations.remove(connection, commit):
            return False
        self._works.whole(connection, work, was_held=True)
        return True

    def _counters(self, connection: apsw.Connection, work: Work) -> Sequence[tuple[str, int]]:
        """The last keys that SQLite has counted for the tables to which the work adds."""
        collections = sorted({change.collection for change in work.changes if change.verb is Verb.ADD})
        layouts = [self._tables.layout(collection) for collection in collections]
        names = [layout.table.name for layout in layouts if layout.generated is not None]
        if not names or not has_table(connection, "sqlite_sequence"):
            return []
        marks = ", ".join("?" * len(names))
        found = f"SELECT name, seq FROM sqlite_sequence WHERE name COLLATE NOCASE IN ({marks})"  # noqa: S608
        return [(str(name), int(last)) for name, last in connection.execute(found, names).fetchall()]  # type: ignore[arg-type]


def _take_back(connection: apsw.Connection) -> None:
    connection.execute("ROLLBACK TO tried")
    connection.execute("RELEASE tried")


def _count_from(connection: apsw.Connection, table: str, last: int) -> None:
    """Let keys be counted from behind the last, so that nobody is given one that is held."""
    connection.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (last, table))
    if connection.changes() == 0:
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, last))
