"""The server sessions that run transactions, noted in the database with the process they belong to.

MongoDB keeps the transaction of a program that died, and whatever it had written, until it is as old as
``transactionLifetimeLimitSeconds`` (60). A program that waits for such a transaction looks here whose process is gone,
or was not seen for the time of a lease, and ends it (``killSessions``, which every user may do with its own sessions).
To end the wrong one does no harm: a transaction that was ended has changed nothing, and its program tries again.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import Context
from functools import partial
from time import monotonic
from uuid import UUID
from weakref import WeakKeyDictionary

import pymongo
from bson.binary import Binary, UuidRepresentation
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure, PyMongoError

from holdall.errors import HoldallError
from holdall.store.processes import is_known_gone, this_process
from holdall.stores.mongo.connection import Connection
from holdall.stores.mongo.layout import SESSIONS
from holdall.stores.mongo.source import Document

__all__ = ["NOTE_FORMAT", "ServerSessions"]

NOTE_FORMAT = 1
"""The version of a note, ``{_id: the session, owner, seen, format}``; one of another version is left alone.

The server ends the session of such a note by itself. A note without a format is of version 1.
"""

_log = logging.getLogger("holdall.mongo")  # told as text: whoever keeps an error keeps the driver's connection

_FIRST_LOOK, _NEXT_LOOK = 0.2, 1.0  # seconds that something takes before others' sessions are looked at
_LOOK_SECONDS = 1.0
_LEASE = 15.0  # seconds after which a process that was not seen is taken for dead, by the server's clock
_RENEWAL = 5.0  # seconds between its signs of life, while it has transactions
_GOODBYE_SECONDS = 0.5


class ServerSessions:
    """The sessions of this process in one store's database, and those that the dead have left there."""

    def __init__(self, store: str, connection: Connection) -> None:
        self._store = store
        self._connection = connection
        self._noted: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[bytes, float]] = WeakKeyDictionary()
        self._running: WeakKeyDictionary[asyncio.AbstractEventLoop, set[asyncio.Task[None]]] = WeakKeyDictionary()
        self._last_look = 0.0
        self._looked_in = ""  # the process that has looked

    @asynccontextmanager
    async def noted(self, database: AsyncDatabase[Document], session: AsyncClientSession) -> AsyncIterator[None]:
        """Within the block, others can see whose this session is, and that its process lives.

        The first of a process ends those that the dead have left. Raises the driver's errors.
        """
        noted = self._noted.setdefault(asyncio.get_running_loop(), {})
        await self._note(database, session, noted)
        if self._looked_in != this_process():
            self._looked_in = this_process()
            await self.end_those_of_the_dead()
        renewal = _Repeating(_RENEWAL, _RENEWAL, partial(self._renew, database, session, noted), self._tasks())
        try:
            yield
        finally:
            renewal.stop()

    async def _note(
        self, database: AsyncDatabase[Document], session: AsyncClientSession, noted: dict[bytes, float]
    ) -> None:
        number = session.session_id["id"]
        now = monotonic()
        if now - noted.get(number, -_RENEWAL) < _RENEWAL:
            return
        try:
            note = {"$set": {"owner": this_process(), "format": NOTE_FORMAT}, "$currentDate": {"seen": True}}
            await database[SESSIONS].update_one({"_id": number}, note, upsert=True)
        except OperationFailure as error:
            _log.warning(
                "store %r: nobody can end its transactions should this program die: %s", self._store, str(error)
            )
        noted[number] = now

    async def _renew(
        self, database: AsyncDatabase[Document], session: AsyncClientSession, noted: dict[bytes, float]
    ) -> None:
        try:
            noted.pop(session.session_id["id"], None)
            with pymongo.timeout(_LOOK_SECONDS):
                await self._note(database, session, noted)
        except PyMongoError as error:
            _log.info("store %r: the note of a session was not renewed: %s", self._store, str(error))

    async def end_those_of_the_dead(self) -> int:
        """End the sessions of processes that are gone, or were not seen for the time of a lease; how many there were.

        Refused or unanswered requests are logged.
        """
        self._last_look = monotonic()
        database = self._connection.open_database()
        if database is None:
            return 0  # the store was closed meanwhile
        try:
            with pymongo.timeout(_LOOK_SECONDS):
                return await self._end(database)
        except (PyMongoError, HoldallError) as error:
            _log.warning("store %r: what dead programs have left open was not ended: %s", self._store, str(error))
            return 0

    async def look(self) -> None:
        """The same where something is in the way, unless it was done a moment ago."""
        if monotonic() - self._last_look >= _FIRST_LOOK:
            await self.end_those_of_the_dead()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Within the block, end the sessions of the dead where it takes so long that they may be in the way."""
        watch = _Repeating(_FIRST_LOOK, _NEXT_LOOK, self.look, self._tasks())
        try:
            yield
        finally:
            watch.stop()

    async def forget(self) -> None:
        """Await looks that are under way, and remove what this event loop has written down, if that is soon done."""
        if tasks := self._tasks():
            await asyncio.wait(tasks, timeout=_LOOK_SECONDS)
        noted = self._noted.pop(asyncio.get_running_loop(), None)
        database = self._connection.open_database()
        if not noted or database is None:
            return
        try:
            with pymongo.timeout(_GOODBYE_SECONDS):
                await database[SESSIONS].delete_many({"_id": {"$in": list(noted)}, "owner": this_process()})
        except (PyMongoError, HoldallError) as error:
            _log.info(
                "store %r: the notes of its sessions stay until somebody removes them: %s", self._store, str(error)
            )

    def _tasks(self) -> set[asyncio.Task[None]]:
        return self._running.setdefault(asyncio.get_running_loop(), set())

    async def _end(self, database: AsyncDatabase[Document]) -> int:
        notes = await database[SESSIONS].find({"format": {"$in": [None, NOTE_FORMAT]}}).to_list()
        server_time = (await database.client.admin.command("hello"))["localTime"].replace(tzinfo=dt.UTC)
        before = server_time - dt.timedelta(seconds=_LEASE)
        gone = {owner for owner in {note["owner"] for note in notes} if is_known_gone(owner)}
        over = [note for note in notes if note["owner"] in gone or note["seen"] < before]
        ended = [_binary(note["_id"]) for note in over if note["owner"] != this_process()]
        if ended:
            await database.client.admin.command({"killSessions": [{"id": number} for number in ended]})
        if over:  # those of this process that are not used any more as well
            await database[SESSIONS].delete_many({"_id": {"$in": [_binary(note["_id"]) for note in over]}})
        return len(ended)


class _Repeating:
    """Calls a function after ``first`` seconds, and then at a fixed interval in seconds, until it is stopped; costs one
    timer before that.
    """

    def __init__(
        self,
        first: float,
        every: float,
        act: Callable[[], Coroutine[None, None, None]],
        running: set[asyncio.Task[None]],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._running = running
        self._every = every
        self._act = act
        self._task: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(first, self._begin, context=Context())  # no timeout of ours holds there

    def stop(self) -> None:
        """Begin nothing more. A call under way goes on: cancelled amid a command, the driver loses a connection."""
        self._timer.cancel()

    def _begin(self) -> None:
        self._timer = self._loop.call_later(self._every, self._begin)
        if self._task is None or self._task.done():
            self._task = self._loop.create_task(self._act())
            self._running.add(self._task)
            self._task.add_done_callback(self._running.discard)


def _binary(number: UUID) -> Binary:
    return Binary.from_uuid(number, UuidRepresentation.STANDARD)
