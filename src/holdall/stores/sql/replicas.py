"""Read replicas of one database: reads take turns among those that are alive; who fails is left out and comes back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from time import monotonic

from holdall.errors import StoreError
from holdall.query import Value
from holdall.store import Rows, may_read_replica
from holdall.stores.sql.database import Database

__all__ = ["Replicas"]

_log = logging.getLogger("holdall.stores.sql")

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0  # seconds for which a replica that failed is left alone


class _Replica:
    """One replica, and when it is to be looked at again, if it is out."""

    def __init__(self, place: int, database: Database) -> None:
        self.place = place
        self.database = database
        self.is_out = False
        self.look_at = 0.0
        self.pause = _FIRST_PAUSE
        self.probe: asyncio.Task[None] | None = None


class Replicas:
    """The replicas of one store, whose ``primary`` answers where none of them can."""

    def __init__(self, store: str, primary: Database, databases: Sequence[Database], nothing: Value) -> None:
        self._store = store
        self._nothing = nothing  # the driver's form of no parameters
        self._primary = primary
        self._replicas = [_Replica(place, database) for place, database in enumerate(databases, 1)]
        self._turn = 0

    @property
    def count(self) -> int:
        """How many there are, alive or not."""
        return len(self._replicas)

    async def rows(self, sql: str, parameters: Value) -> Rows:
        """The rows of a reading statement, from a replica where the reader may ask one."""
        replica = self._chosen()
        if replica is not None:
            try:
                return await replica.database.rows(sql, parameters)
            except StoreError as error:  # reading twice is reading once, and the primary knows what is wrong
                self._leave_out(replica, error)
        return await self._primary.rows(sql, parameters)

    def database(self) -> Database:
        """The database that a stream of rows is to be read from."""
        replica = self._chosen()
        return self._primary if replica is None else replica.database

    async def close(self) -> None:
        """Close the connections to all of them."""
        for replica in self._replicas:
            if replica.probe is not None:
                replica.probe.cancel()
            await replica.database.close()

    def _chosen(self) -> _Replica | None:
        """The next that is alive; None where the reader must see its own writes, or all are out."""
        if not may_read_replica(self._store):
            return None
        replicas = self._replicas
        for _ in replicas:
            self._turn = (self._turn + 1) % len(replicas)
            replica = replicas[self._turn]
            if not replica.is_out:
                return replica
            self._look_again(replica)
        return None

    def _leave_out(self, replica: _Replica, error: StoreError) -> None:
        if not replica.is_out:
            _log.warning("store %r: its replica %d is left out: %s", self._store, replica.place, type(error).__name__)
        replica.is_out, replica.pause = True, _FIRST_PAUSE
        replica.look_at = monotonic() + replica.pause

    def _look_again(self, replica: _Replica) -> None:
        """Look in the background, if it is time to, whether a replica is alive again; nobody waits for it."""
        if monotonic() >= replica.look_at and (replica.probe is None or replica.probe.done()):
            replica.probe = asyncio.get_running_loop().create_task(self._probe(replica))

    async def _probe(self, replica: _Replica) -> None:
        try:
            await replica.database.rows("SELECT 1", self._nothing)
        except StoreError:
            replica.pause = min(replica.pause * 2, _LONGEST_PAUSE)
            replica.look_at = monotonic() + replica.pause
            return
        replica.is_out, replica.pause = False, _FIRST_PAUSE
        _log.info("store %r: its replica %d is back", self._store, replica.place)
