"""Clients: one for each event loop that uses the store, opened and looked at on first use."""

from __future__ import annotations

import asyncio
from datetime import UTC
from threading import Lock
from urllib.parse import parse_qsl, urlsplit
from weakref import WeakKeyDictionary

import msgspec
import pymongo
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.asynchronous.mongo_client import AsyncMongoClient
from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

from holdall.errors import DeclarationError, StoreError, StoreUnavailable, Unsupported
from holdall.query import Value
from holdall.store import (
    AnewInChild,
    Observer,
    PoolFigures,
    PoolOptions,
    Seam,
    keep_for_ever,
    refuse_fragment,
    watch_forks,
)
from holdall.stores.mongo.errors import translating
from holdall.stores.mongo.source import Document
from holdall.stores.mongo.watching import Commands

__all__ = ["Address", "Connection"]

_CODECS: CodecOptions[Document] = CodecOptions(
    document_class=dict,
    tz_aware=True,
    tzinfo=UTC,
    uuid_representation=UuidRepresentation.STANDARD,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,  # a date beyond the years 1 to 9999 is no error of the answer
)


class Address(msgspec.Struct, frozen=True):
    """A URL taken apart without asking anyone."""

    url: str
    database: str
    may_have_transactions: bool  # it names a replica set, several hosts, or an SRV record

    @classmethod
    def of(cls, store: str, url: str) -> Address:
        """The address a URL gives. Raises DeclarationError for one that is wrong or names no database."""
        refuse_fragment(url)
        parts = urlsplit(url)
        database = parts.path.strip("/")
        if parts.scheme not in ("mongodb", "mongodb+srv") or not database or "/" in database:
            raise DeclarationError(f"store {store!r}: write mongodb://host:port/database?options, naming the database")
        if parts.scheme == "mongodb":  # the other kind is read with the help of DNS, when it is first used
            try:
                parse_uri(url)
            except (PyMongoError, ValueError) as error:
                raise DeclarationError(
                    f"store {store!r}: the driver cannot read its URL: look at the port and at the names of options,"
                    " and write @, : and / in a name or password as %40, %3A and %2F"
                ) from error
        options = {name.lower(): value for name, value in parse_qsl(parts.query)}
        if options.get("w") == "0":
            raise DeclarationError(f"store {store!r}: with w=0 nobody would know what was written; leave it out")
        hosts = parts.netloc.rpartition("@")[2].split(",")
        return cls(url, database, parts.scheme == "mongodb+srv" or "replicaset" in options or len(hosts) > 1)

    def given(self) -> set[str]:
        """Names of the URL's own options, in lower case."""
        return {name.lower() for name, _ in parse_qsl(urlsplit(self.url).query)}


class Connection(AnewInChild):
    """The database, for whichever event loop asks; each loop has a client of its own, with a bounded pool."""

    def __init__(
        self,
        store: str,
        address: Address,
        *,
        needs_transactions: bool,
        options: PoolOptions,
        idle_timeout: float | None = None,
    ) -> None:
        connect_timeout = options.connect_timeout
        self.seam = Seam(store, "mongo", "mongodb")
        self.timeout = options.timeout
        self._store = store
        self._address = address
        self._needs_transactions = needs_transactions
        self._connect_timeout = connect_timeout
        settings: dict[str, Value] = {
            "maxPoolSize": options.connections,
            "waitQueueTimeoutMS": int(options.acquire_timeout * 1000),
            "maxIdleTimeMS": None if idle_timeout is None else int(idle_timeout * 1000),
            "serverSelectionTimeoutMS": int(connect_timeout * 1000),
            "connectTimeoutMS": int(connect_timeout * 1000),
            "appname": "holdall",
        }
        given = address.given()
        self._settings = {name: value for name, value in settings.items() if name.lower() not in given}
        self._lock = Lock()
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncMongoClient[Document]] = WeakKeyDictionary()
        self._looked_at: WeakKeyDictionary[asyncio.AbstractEventLoop, bool] = WeakKeyDictionary()
        self._retired: WeakKeyDictionary[asyncio.AbstractEventLoop, list[AsyncMongoClient[Document]]]
        self._retired = WeakKeyDictionary()
        watch_forks(self)

    async def database(self) -> AsyncDatabase[Document]:
        """The database. Raises Unsupported where transactions are asked of a server that has none."""
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop) or self._opened(loop)
        if loop not in self._looked_at:
            await self._look_at(client)
            self._looked_at[loop] = True
        return client.get_database(self._address.database, codec_options=_CODECS)

    def open_database(self) -> AsyncDatabase[Document] | None:
        """The database, if this event loop has a client; for what must not open one."""
        client = self._clients.get(asyncio.get_running_loop())
        return None if client is None else client.get_database(self._address.database, codec_options=_CODECS)

    def _opened(self, loop: asyncio.AbstractEventLoop) -> AsyncMongoClient[Document]:
        with translating(self._store), self._lock:  # loops run in threads of their own
            for other in [other for other in self._clients if other.is_closed()]:
                del self._clients[other]  # the client would keep its loop, and both their sockets
            listeners = [] if self.seam.observer is None else [Commands(self.seam)]
            settings = {**self._settings, "event_listeners": listeners}
            client = self._clients[loop] = AsyncMongoClient(self._address.url, **settings)
        return client

    def observe(self, observer: Observer | None) -> None:
        """Show this observer each command from now on.

        The driver takes listeners when a client is made, so that there is another one from then on; those who are at
        work on the one before go on with it until ``close``.
        """
        is_another = (observer is None) != (self.seam.observer is None)
        self.seam.observer = observer
        if is_another:
            with self._lock:
                for loop, client in list(self._clients.items()):
                    self._retired.setdefault(loop, []).append(client)
                self._clients.clear()

    def pool(self) -> PoolFigures:
        """How the connections of all event loops are used, as far as the driver tells."""
        clients = list(self._clients.values())
        pools = [server.pool for client in clients for server in list(client._topology._servers.values())]
        most = int(self._settings.get("maxPoolSize", 0)) or None
        figures = [PoolFigures(most, pool.active_sockets + len(pool.conns), len(pool.conns), None) for pool in pools]
        return PoolFigures.together(most, figures)

    async def close(self) -> None:
        """Close the running loop's client; the next use opens anew."""
        loop = asyncio.get_running_loop()
        with self._lock:
            client = self._clients.pop(loop, None)
            self._looked_at.pop(loop, None)
            clients = [*self._retired.pop(loop, ()), *(() if client is None else (client,))]
        for each in clients:
            with translating(self._store), pymongo.timeout(self.timeout):
                await each.close()

    def after_fork_in_child(self) -> None:
        """Open clients of its own; another thread may have held the lock when the process forked."""
        for loop, client in list(self._clients.items()):
            keep_for_ever(loop)
            keep_for_ever(client)
        keep_for_ever(list(self._retired.values()))
        self._retired = WeakKeyDictionary()
        self._lock, self._clients, self._looked_at = Lock(), WeakKeyDictionary(), WeakKeyDictionary()

    async def _look_at(self, client: AsyncMongoClient[Document]) -> None:
        try:
            with translating(self._store), pymongo.timeout(min(self.timeout, self._connect_timeout)):
                answer = await client.admin.command("hello")
        except StoreUnavailable as error:
            # the driver takes servers off its list that answered, and are of another replica set or of none
            if client.topology_description.server_descriptions() or "replicaset" not in self._address.given():
                raise
            raise StoreError(
                self._store,
                "no server of its URL belongs to the replica set that replicaSet= names: correct the name, or leave it "
                "out where the server stands alone, with transactions=False",
            ) from error
        if self._needs_transactions and "setName" not in answer and answer.get("msg") != "isdbgrid":
            raise Unsupported(
                self._store,
                "transactions",
                "this server stands alone: run it as a replica set, or give transactions=False",
            )
