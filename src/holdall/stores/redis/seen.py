"""The part of a Redis store that shows how it works: its commands, how it finds records, its connections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

from holdall.query import AnyQuery, outline
from holdall.store import Observer, PoolFigures, Seam, StorePlan
from holdall.stores.redis.access import access_of
from holdall.stores.redis.asked import ByKeys, ByPage
from holdall.stores.redis.layout import Layout
from holdall.stores.redis.server import Server

__all__ = ["SeenRedisStore"]


class SeenRedisStore:
    """The work of a store as others see it; ``_demand`` refuses queries that cannot be answered."""

    _seam: Seam
    _server: Server
    _layouts: Mapping[str, Layout]
    _demand: Callable[[AnyQuery], None]

    @property
    def family(self) -> str:
        """The family of its commands."""
        return self._seam.family

    def observe(self, observer: Observer | None) -> None:
        """Show this observer each command from now on."""
        self._seam.observer = observer

    async def explain(self, query: AnyQuery, *, analyze: bool = False) -> StorePlan:
        """Say what is read to answer a query; the server makes no plans that could be analyzed."""
        self._demand(query)
        access = access_of(self._layouts[query.collection], query)
        where = access.where
        if isinstance(where, ByKeys):
            told = f"by key: {len(where.texts)} records"
        elif isinstance(where, ByPage):
            told = "a page of the keys in their order"
        elif access.is_scan:
            told = f"all records are read through, for {access.reason}"
        else:
            told = "the whole collection" if access.is_answer else "through an index, then sieved"
        return StorePlan(outline(query), told)

    def native(self) -> AbstractAsyncContextManager[object]:
        """A client of the driver, lent for a block, with connections of its own."""
        return self._server.native()

    async def ping(self) -> None:
        """Ask every server for a sign of life."""
        await self._server.ping()

    def pool(self) -> PoolFigures:
        """How its connections are used."""
        return self._server.pool()
