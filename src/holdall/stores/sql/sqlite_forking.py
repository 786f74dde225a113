"""Forks of a process that uses a SQLite database: it comes to rest before, and the child opens its own connections."""

from __future__ import annotations

from collections.abc import Callable

from holdall.errors import StateError
from holdall.store import PoolFigures, keep_for_ever
from holdall.stores.sql.sqlite_connection import SqlitePlace
from holdall.stores.sql.sqlite_fork import FORK_PATIENCE, abandon, close_inherited, demand_reachable
from holdall.stores.sql.sqlite_readers import SqliteReaders
from holdall.stores.sql.sqlite_reservations import SqliteReservations
from holdall.stores.sql.sqlite_writer import SqliteWriter

__all__ = ["SqliteForking"]


class SqliteForking:
    """The connections of a database, and what forks do to them; ``_begin`` makes its readers and its writer anew."""

    _store: str
    _place: SqlitePlace
    _readers: SqliteReaders
    _reservations: SqliteReservations
    _writer: SqliteWriter
    _in_memory: bool
    _is_lost: bool

    _begin: Callable[[], None]

    @property
    def path(self) -> str | None:
        """The file; None in memory."""
        return self._place.path

    @property
    def writer(self) -> SqliteWriter:
        """The one connection that writes, with its lock."""
        return self._writer

    def pool(self) -> PoolFigures:
        """The connections that read, as many as reads ever ran at once."""
        return self._readers.figures

    def before_fork(self) -> None:
        """Come to rest."""
        self._writer.rest(FORK_PATIENCE)
        self._readers.rest(FORK_PATIENCE)

    def _demand_reachable(self) -> None:
        """Raise StateError where a fork has left no way to the database."""
        if self._place.path is not None:
            demand_reachable(self._place.path)
        elif self._is_lost:
            raise StateError(
                f"store {self._store!r} is in memory and was in use when this process was forked, so it has no copy: "
                "fork when no transaction or other thread is at work"
            )

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._writer.resume()

    def after_fork_in_child(self) -> None:
        """Let go of the parent's connections; but a database in memory was copied with its connection, which stays."""
        writing, is_writer_idle = self._writer.inherited()
        reading, are_readers_idle = self._readers.inherited()
        self._begin()
        self._reservations.forget()
        if self._in_memory and writing is not None:
            if is_writer_idle:
                self._writer.adopt(writing)
            else:
                self._is_lost = True
                keep_for_ever(writing)
            return
        connections = [*reading, *([] if writing is None else [writing])]
        if is_writer_idle and are_readers_idle:
            close_inherited(connections)
        elif self._place.path is not None:
            abandon(connections, self._place.path)
