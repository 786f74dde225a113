"""The server sessions that run transactions, noted in the database with the process they belong to.

MongoDB keeps the transaction of a program that died, and whatever it had written, until it is as old as
``transactionLifetimeLimitSeconds`` (60). Whoever waits for such a one looks here whose process is gone, and ends it
(``killSessions``, which every user may do with its own sessions). To end the wrong one does no harm: a transaction that
was ended has changed nothing, and its program tries again.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from uuid import UUID
from weakref import WeakKeyDictionary

import pymongo
from bson.binary import Binary, UuidRepresentation
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure, PyMongoError

from holdall.errors import HoldallError
from holdall.store.processes import is_known_gone, this_process
from holdall.stores.mongo.connection import Connection
from holdall.stores.mongo.layout import SESSIONS
from holdall.stores.mongo.source import Document

__all__ = ["ServerSessions"]

_log = logging.getLogger("holdall.mongo")

_FIRST_LOOK, _NEXT_LOOK = 0.2, 1.0  # seconds that something takes before the dead are looked for
_LOOK_SECONDS = 5.0
_NOTE_LASTS = 12 * 3600.0  # seconds, and then a session that is still used is noted again
_NOTES_LAST = dt.timedelta(hours=24)
_GOODBYE_SECONDS = 1.0


class ServerSessions:
    """The sessions of this process in one store's database, and those that the dead have left there."""

    def __init__(self, store: str, connection: Connection) -> None:
        self._store = store
        self._connection = connection
        self._noted: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[bytes, float]] = WeakKeyDictionary()
        self._last_look = 0.0

    async def note(self, database: AsyncDatabase[Document], session: AsyncClientSession) -> None:
        """Write down whose session this is, before it begins a transaction. Raises the driver's errors.

        The first of an event loop ends those that the dead have left.
        """
        loop = asyncio.get_running_loop()
        noted = self._noted.setdefault(loop, {})
        number = session.session_id["id"]
        now = monotonic()
        if now - noted.get(number, -_NOTE_LASTS) < _NOTE_LASTS:
            return
        is_first = not noted
        noted[number] = now
        note = {"$set": {"owner": this_process(), "since": dt.datetime.now(dt.UTC)}}
        try:
            await self._book(database).update_one({"_id": number}, note, upsert=True)
        except OperationFailure as error:
            _log.warning("store %r: nobody can end its transactions should this program die: %s", self._store, error)
        except PyMongoError:
            noted.pop(number, None)
            raise
        if is_first:
            await self.end_those_of_the_dead()

    async def end_those_of_the_dead(self) -> int:
        """End the sessions of processes that are known to be gone; how many there were.

        What the server does not answer or allow is logged.
        """
        self._last_look = monotonic()
        try:
            with pymongo.timeout(_LOOK_SECONDS):
                return await self._end(await self._connection.database())
        except (PyMongoError, HoldallError) as error:
            _log.warning("store %r: what dead programs have left open was not ended: %s", self._store, error)
            return 0

    async def look(self) -> None:
        """The same where something is in the way, unless it was done a moment ago."""
        if monotonic() - self._last_look >= _FIRST_LOOK:
            await self.end_those_of_the_dead()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Within the block, end the sessions of the dead where it takes so long that they may be in the way."""
        watch = _Watch(self)
        try:
            yield
        finally:
            watch.stop()

    async def forget(self) -> None:
        """Remove what this event loop has written down, if the server answers soon."""
        noted = self._noted.pop(asyncio.get_running_loop(), None)
        if not noted:
            return
        try:
            with pymongo.timeout(_GOODBYE_SECONDS):
                book = self._book(await self._connection.database())
                await book.delete_many({"_id": {"$in": list(noted)}, "owner": this_process()})
        except (PyMongoError, HoldallError) as error:
            _log.info("store %r: the notes of its sessions stay until somebody removes them: %s", self._store, error)

    async def _end(self, database: AsyncDatabase[Document]) -> int:
        book = self._book(database)
        notes = await book.find({"owner": {"$ne": this_process()}}).to_list()
        gone = {owner for owner in {note["owner"] for note in notes} if is_known_gone(owner)}
        ended = [_binary(note["_id"]) for note in notes if note["owner"] in gone]
        if ended:
            await database.client.admin.command({"killSessions": [{"id": number} for number in ended]})
        before = dt.datetime.now(dt.UTC) - _NOTES_LAST
        old = [_binary(note["_id"]) for note in notes if note["since"] < before]
        if ended or old:
            await book.delete_many({"_id": {"$in": ended + old}})
        return len(ended)

    def _book(self, database: AsyncDatabase[Document]) -> AsyncCollection[Document]:
        return database[SESSIONS]


class _Watch:
    """Looks for the dead after a while, and again and again until it is stopped; costs one timer before that."""

    def __init__(self, sessions: ServerSessions) -> None:
        self._loop = asyncio.get_running_loop()
        self._sessions = sessions
        self._task: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(_FIRST_LOOK, self._begin)

    def stop(self) -> None:
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _begin(self) -> None:
        self._timer = self._loop.call_later(_NEXT_LOOK, self._begin)
        if self._task is None or self._task.done():
            self._task = self._loop.create_task(self._sessions.look())


def _binary(number: UUID) -> Binary:
    return Binary.from_uuid(number, UuidRepresentation.STANDARD)
