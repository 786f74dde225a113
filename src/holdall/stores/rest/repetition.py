"""A call after its first answer was none, or none that counts: renewed credentials, redirects, repetitions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from time import time
from typing import Protocol

import aiohttp
import msgspec
from yarl import URL

from holdall.errors import StoreError, StoreTimeout, StoreUnavailable, UpstreamError
from holdall.stores.rest.answer import Answer
from holdall.stores.rest.auth import Credentials
from holdall.stores.rest.errors import PASSING, from_client, from_status, unknown
from holdall.stores.rest.request import Request, Settings

__all__ = ["DRIVER_ERRORS", "Repetition"]

DRIVER_ERRORS = (aiohttp.ClientError, TimeoutError, OSError)
"""Whatever the driver raises."""

_MOST_REDIRECTS = 5
_NOT_TAKEN = 429  # which says that nothing was done


class Sending(Protocol):
    """The sender of a single request."""

    store: str
    credentials: Credentials

    def linked(self, base: URL, text: str, place: str) -> URL:
        """The URL that an answer names, if it lies on the store's own host. Raises UpstreamError."""
        ...

    async def exchange(self, request: Request, seconds: float | None = None) -> Answer:
        """Send the request once, with ``seconds`` for it, and read the answer. Raises the driver's errors."""
        ...


class Repetition:
    """The sendings of one request, all together bounded by the total time of a call."""

    def __init__(self, client: Sending, request: Request, settings: Settings, began: float) -> None:
        self._client = client
        self._request = request
        self._retries = settings.retries
        self._ends_at = began + settings.pooling.timeout
        self._may_have_arrived = False  # an earlier sending of this write
        self._is_renewed = False
        self._redirects = 0
        self._retry = 0

    async def after(self, outcome: Answer | BaseException, generation: int) -> Answer:
        """The answer that counts, or the error that ends it. ``generation`` is that of the credentials sent.

        However it ends, the outcome of a write is unknown once one of its sendings may have arrived.
        """
        try:
            return await self._after(outcome, generation)
        except Exception as error:
            if not self._may_have_arrived or getattr(error, "is_outcome_unknown", False):
                raise
            sentence = "it failed when it was sent again, and may have arrived before"
            raise unknown(self._client.store, self._request.place, sentence) from error

    async def _after(self, outcome: Answer | BaseException, generation: int) -> Answer:
        credentials, loop = self._client.credentials, asyncio.get_running_loop()
        while True:
            if isinstance(outcome, Answer) and outcome.status not in PASSING:
                if outcome.status == 401 and credentials.is_renewable and not self._is_renewed:
                    self._is_renewed = True
                    await credentials.renew(generation)
                elif not self._is_redirected(outcome):
                    outcome.is_repeated = self._may_have_arrived
                    return outcome
            else:
                await self._wait(outcome, loop)
            generation = credentials.generation
            try:
                outcome = await self._client.exchange(self._request, max(0.001, self._ends_at - loop.time()))
            except DRIVER_ERRORS as error:
                outcome = error

    async def _wait(self, outcome: Answer | BaseException, loop: asyncio.AbstractEventLoop) -> None:
        """Wait before the next sending; raises our error where there is to be none."""
        if isinstance(outcome, Answer):
            error, asked = self._failed(outcome.status), _asked(outcome.headers)
        else:
            error, asked = self._lost(outcome), None
        self._retry += 1
        may_repeat = self._request.is_repeatable or (isinstance(outcome, Answer) and outcome.status == _NOT_TAKEN)
        pause = self._retries.wait(self._retry, asked) if may_repeat else None
        if pause is None or loop.time() + pause >= self._ends_at:
            raise error from outcome if isinstance(outcome, BaseException) else None
        await asyncio.sleep(pause)

    def _lost(self, error: BaseException) -> StoreError:
        store, request = self._client.store, self._request
        found, may_have_arrived = from_client(store, request.place, error, is_write=request.is_write)
        self._may_have_arrived |= may_have_arrived and request.is_write
        if not isinstance(found, StoreUnavailable | StoreTimeout):
            raise found from error
        found.is_outcome_unknown = self._may_have_arrived
        return found

    def _failed(self, status: int) -> StoreError:
        request = self._request
        found = from_status(self._client.store, request.place, status, is_write=request.is_write)
        if isinstance(found, StoreUnavailable | StoreTimeout):
            self._may_have_arrived |= found.is_outcome_unknown
            found.is_outcome_unknown = self._may_have_arrived
        return found

    def _is_redirected(self, answer: Answer) -> bool:
        """Whether the call is to be made at another place of the same host; the request is then that one."""
        target, request, status = answer.headers.get("Location"), self._request, answer.status
        if target is None or status not in ((307, 308) if request.is_write else (301, 302, 303, 307, 308)):
            return False
        self._redirects += 1
        if self._redirects > _MOST_REDIRECTS:
            raise UpstreamError(self._client.store, f"{request.place}: it redirects without end")
        url = self._client.linked(request.url, target, request.place)
        if request.url.query_string and not set(request.url.query.items()) <= set(url.query.items()):
            raise UpstreamError(
                self._client.store, f"{request.place}: it redirects to where the parameters are left out"
            )
        self._request = msgspec.structs.replace(request, url=url)
        return True


def _asked(headers: Mapping[str, str]) -> float | None:
    """The seconds that ``Retry-After`` asks for: a number, or the time until a date (RFC 9110, section 10.2.3)."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text) if len(text) < 10 else float("inf")
    if not text:
        return None
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time())
    except (ValueError, OverflowError):
        return None
