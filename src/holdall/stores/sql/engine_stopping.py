"""Reads that nobody waits for any more: MariaDB and MySQL run them to their end unless they are told to stop.

Only the connection that was broken off is ended, and only while it reads: what writes is left to the server, which
takes it back or commits it as it was asked to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from holdall.stores.sql.prepared_names import Holder
from holdall.stores.sql.xa_server import HOLDER, STARTED, holder_from, run

__all__ = ["Stopping"]

_PATIENCE = 5.0  # seconds, for one more connection to the server and two statements on it
_READS = "(SELECT count(*) FROM information_schema.processlist WHERE id = {0} AND info REGEXP '^[( ]*(SELECT|WITH)')"


class Stopping:
    """Stops the reads of broken-off connections to one database; ``arguments`` are the driver's for a connection."""

    def __init__(self, url: sa.URL, arguments: Mapping[str, object]) -> None:
        self._url = url
        self._arguments = arguments
        self._under_way: set[asyncio.Task[None]] = set()

    def look_after(self, engine: sa.Engine) -> None:
        """Learn the number of each connection when it is made, and stop what it reads when it is broken off."""

        def learn(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
            cursor = connection.cursor()
            cursor.execute(f"SELECT CONNECTION_ID(), {STARTED}")
            record.info[HOLDER] = holder_from(cursor.fetchone() or (0, 0))
            cursor.close()

        def broken_off(_: object, record: ConnectionPoolEntry, error: BaseException | None) -> None:
            if isinstance(error, asyncio.CancelledError) and HOLDER in record.info:
                task = asyncio.get_running_loop().create_task(self._stop(record.info[HOLDER]))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)

        event.listen(engine, "connect", learn)
        event.listen(engine, "invalidate", broken_off)

    async def ended(self) -> None:
        """Wait until everything that was to be stopped from this loop is."""
        loop = asyncio.get_running_loop()
        await asyncio.gather(*[task for task in self._under_way if task.get_loop() is loop], return_exceptions=True)

    async def _stop(self, holder: Holder) -> None:
        engine = create_async_engine(self._url, connect_args=dict(self._arguments), poolclass=NullPool)
        try:
            async with asyncio.timeout(_PATIENCE), engine.connect() as connection:
                ((started, is_reading),) = await run(
                    connection, f"SELECT {STARTED}, {_READS.format(holder.connection)}"
                )
                if int(started) == holder.server and is_reading:
                    await run(connection, f"KILL {holder.connection}")
        except (exc.SQLAlchemyError, OSError):
            pass  # with the server, or its read, gone there is nothing to stop; TimeoutError is an OSError
        finally:
            await engine.dispose()
