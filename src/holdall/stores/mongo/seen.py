"""The part of a MongoDB store that shows how it works: its commands, its plans, its connections."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pymongo
from pymongo.asynchronous.database import AsyncDatabase

from holdall.query import AnyQuery
from holdall.store import Observer, PoolFigures, StorePlan
from holdall.stores.mongo.connection import Connection
from holdall.stores.mongo.errors import translating
from holdall.stores.mongo.layout import Layouts
from holdall.stores.mongo.plans import explained
from holdall.stores.mongo.reading import Bounds, Reader
from holdall.stores.mongo.source import Document, Source

__all__ = ["SeenMongoStore"]


class SeenMongoStore:
    """The work of a store as others see it; ``_demand`` refuses queries that cannot be answered."""

    name: str
    _connection: Connection
    _layouts: Layouts
    _bounds: Bounds
    _demand: Callable[[AnyQuery], None]

    @property
    def family(self) -> str:
        """The family of its commands."""
        return self._connection.seam.family

    def observe(self, observer: Observer | None) -> None:
        """Show this observer each command from now on."""
        self._connection.observe(observer)

    async def explain(self, query: AnyQuery, *, analyze: bool = False) -> StorePlan:
        """The command of a query and the server's plan for it; with ``analyze`` the server carries it out."""
        self._demand(query)
        source = Source(self.name, await self._connection.database(), self._connection.timeout)
        return await explained(source, Reader(source, self._layouts, self._bounds), query, analyze=analyze)

    @asynccontextmanager
    async def native(self) -> AsyncIterator[AsyncDatabase[Document]]:
        """The driver's database, lent for a block; there is nothing to be given back."""
        yield await self._connection.database()

    async def ping(self) -> None:
        """Ask the deployment for a sign of life."""
        database = await self._connection.database()
        with translating(self.name), pymongo.timeout(self._connection.timeout):
            await database.client.admin.command("ping")

    def pool(self) -> PoolFigures:
        """How its connections are used."""
        return self._connection.pool()
