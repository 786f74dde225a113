"""Transactions of several documents: begun, tried again where the server says so, committed until it is sure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import TypeVar

import pymongo
from pymongo import ReadPreference
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from holdall.errors import StoreTimeout, StoreUnavailable
from holdall.store import pause_before
from holdall.stores.mongo.errors import DRIVER_ERRORS, code_of, error_of, has_label, is_unsure
from holdall.stores.mongo.sessions import ServerSessions
from holdall.stores.mongo.source import Document

__all__ = ["Transactions"]

T = TypeVar("T")

_AGAIN = "TransientTransactionError"
_UNSURE = "UnknownTransactionCommitResult"
_WRITE_CONFLICT = 112
_FIRST_PAUSE, _LONGEST_PAUSE = 0.002, 0.25  # seconds


class Transactions:
    """The transactions of one store; ``timeout`` (seconds) bounds each with all its attempts."""

    def __init__(self, store: str, timeout: float, sessions: ServerSessions) -> None:
        self._store = store
        self._timeout = timeout
        self._sessions = sessions

    async def run(self, database: AsyncDatabase[Document], work: Callable[[AsyncClientSession], Awaitable[T]]) -> T:
        """Commit what ``work`` does; it is called anew where other work got in the way. Driver errors come as ours."""
        deadline = time.monotonic() + self._timeout
        with pymongo.timeout(self._timeout):
            try:
                async with database.client.start_session() as session, self._sessions.noted(database, session):
                    attempt = partial(self._once, deadline, session, work)
                    return await _until(deadline, attempt, lambda error: has_label(error, _AGAIN))
            except DRIVER_ERRORS as error:
                raise self._ours(error) from error

    async def single(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do what is one write to one document; again where the server says that other work got in the way."""
        return await _until(time.monotonic() + self._timeout, work, lambda error: code_of(error) == _WRITE_CONFLICT)

    async def _once(
        self, deadline: float, session: AsyncClientSession, work: Callable[[AsyncClientSession], Awaitable[T]]
    ) -> T:
        await self._begin(session)
        try:
            result = await work(session)
        except BaseException:
            await self._abort(session)
            raise
        await self._commit(session, deadline)
        return result

    @asynccontextmanager
    async def open(self, database: AsyncDatabase[Document]) -> AsyncIterator[AsyncClientSession]:
        """A transaction that commits when its block ends well and is undone otherwise."""
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(database.client.start_session())
            try:
                with pymongo.timeout(self._timeout):
                    await stack.enter_async_context(self._sessions.noted(database, session))
            except DRIVER_ERRORS as error:
                raise self._ours(error) from error
            await self._begin(session)
            try:
                yield session
            except BaseException:
                with pymongo.timeout(self._timeout):
                    await self._abort(session)
                raise
            try:
                with pymongo.timeout(self._timeout):
                    await self._commit(session, time.monotonic() + self._timeout)
            except DRIVER_ERRORS as error:
                raise self._ours(error) from error

    async def _begin(self, session: AsyncClientSession) -> None:
        await session.start_transaction(
            read_concern=ReadConcern("snapshot"),
            write_concern=WriteConcern("majority"),
            read_preference=ReadPreference.PRIMARY,
        )

    async def _abort(self, session: AsyncClientSession) -> None:
        if session.in_transaction:
            with suppress(PyMongoError):  # the server ends what nobody commits
                await session.abort_transaction()

    async def _commit(self, session: AsyncClientSession, deadline: float) -> None:
        while True:
            try:
                await session.commit_transaction()
            except PyMongoError as error:
                if has_label(error, _UNSURE) and not error.timeout and time.monotonic() < deadline:
                    await asyncio.sleep(_FIRST_PAUSE)
                    continue  # committing twice is committing once
                if has_label(error, _AGAIN):
                    raise
                raise self._lost(error) from error
            return

    def _lost(self, error: BaseException) -> Exception:
        ours = error_of(self._store, error)
        if not has_label(error, _UNSURE) and not is_unsure(error):
            return ours
        kind = StoreTimeout if isinstance(ours, StoreTimeout) else StoreUnavailable
        return kind(self._store, "the answer to a commit was lost", is_outcome_unknown=True)

    def _ours(self, error: BaseException) -> Exception:
        return error_of(self._store, error)


async def _until(deadline: float, attempt: Callable[[], Awaitable[T]], is_worth: Callable[[Exception], bool]) -> T:
    """The result of an attempt, made again while it is worth it and there is time: nothing may have been applied."""
    retry = 0
    while True:
        pause = pause_before(retry, _FIRST_PAUSE, _LONGEST_PAUSE)
        try:
            return await attempt()
        except DRIVER_ERRORS as error:
            if not is_worth(error) or time.monotonic() + pause > deadline:
                raise
        await asyncio.sleep(pause)
        retry += 1
