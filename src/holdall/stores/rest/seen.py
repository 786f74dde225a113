"""The part of a REST store that shows how it works: its calls, how it answers a query, its connections."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import aiohttp

from holdall.errors import StoreError
from holdall.query import AnyQuery, outline
from holdall.store import Observer, PoolFigures, StorePlan
from holdall.stores.rest.client import Client
from holdall.stores.rest.plan import ByKeys, Listing
from holdall.stores.rest.reading import Reading
from holdall.stores.rest.request import Request

__all__ = ["SeenRestStore"]


class SeenRestStore:
    """The work of a store as others see it; ``_reading`` refuses queries that cannot be answered."""

    _client: Client
    _reading: Callable[[AnyQuery], Reading]

    @property
    def family(self) -> str:
        """The family of its calls."""
        return self._client.seam.family

    def observe(self, observer: Observer | None) -> None:
        """Show this observer each call from now on."""
        self._client.seam.observer = observer

    async def explain(self, query: AnyQuery, *, analyze: bool = False) -> StorePlan:
        """Say what is asked of the API to answer a query, and what is left to be done here."""
        return StorePlan(outline(query), _described(self._reading(query).plan(query)))

    def native(self) -> AbstractAsyncContextManager[aiohttp.ClientSession]:
        """A session of the driver at the API's URL, with the store's credentials, closed when the block ends."""
        return self._client.native()

    async def ping(self) -> None:
        """Ask the API for any answer at all. Raises StoreError without one, or for a status of 500 or more."""
        request = Request("HEAD", self._client.url(""), "HEAD /")
        answer = await self._client.answer_once(request)
        if answer.status >= 500:
            raise StoreError(self._client.store, f"HEAD / is answered with status {answer.status}")

    def pool(self) -> PoolFigures:
        """How many calls are under way."""
        return self._client.pool()


def _described(plan: ByKeys | Listing) -> str:
    if isinstance(plan, ByKeys):
        return f"by key: {len(plan.keys)} records"
    names = ", ".join(dict.fromkeys(name for name, _ in plan.parameters)) or "none"
    order = "in the order asked" if plan.is_in_order else "sorted here"
    rest = "as the API answers" if plan.is_exact else "sieved here"
    return f"the list with parameters {names}; {order}, {rest}, of at most {plan.bound} records"
