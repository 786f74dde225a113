"""The HTTP client of a store: one session per loop, slots, pace, credentials, and each call once."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from holdall.errors import DeclarationError, LimitExceeded, StoreError, StoreTimeout, UpstreamError
from holdall.store import AnewInChild, PoolFigures, Seam, keep_for_ever, watch_forks
from holdall.stores.rest.answer import ENCODINGS, Answer, read_bounded
from holdall.stores.rest.auth import Credentials
from holdall.stores.rest.errors import PASSING, from_client, unknown
from holdall.stores.rest.limits import Pace
from holdall.stores.rest.repetition import DRIVER_ERRORS, Repetition
from holdall.stores.rest.request import Request, Settings

__all__ = ["Client", "checked_url"]

_LARGE_BODY = 512 * 1024  # bytes; from here on a body is sent in pieces
_SENT_AGAIN = ("GET", "PUT", "DELETE")  # by the driver, where a connection that was kept turns out to be closed
_EXACT = re.compile(r"(?:[\w.~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*", re.ASCII)
_PUT_OFF = PASSING | {401}


class Client(AnewInChild):
    """Sends requests to one origin. Opens on first use, and anew after ``close`` or on another loop."""

    def __init__(self, store: str, settings: Settings, credentials: Credentials) -> None:
        self.store = store
        self.seam = Seam(store, "rest", "http")
        self.settings = settings
        self.credentials = credentials
        self._origin = URL(settings.url).origin()
        self._base = URL(settings.url, encoded=True)
        self._prefix = self._base.raw_path.rstrip("/")
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._slots: asyncio.Semaphore
        self._pace: Pace | None = None
        self._under_way = 0
        watch_forks(self)

    def url(self, path: str, query: Any = ()) -> URL:
        """The URL of an encoded path under the store's, with these parameters."""
        fixed = self.credentials.query
        if not query and not fixed:
            return self._base.with_path(self._prefix + path, encoded=True)
        pairs = [*(query.items() if isinstance(query, Mapping) else query), *fixed.items()]
        return URL(f"{self._base}{path}?{urlencode(pairs)}", encoded=True)

    def linked(self, base: URL, text: str, place: str) -> URL:
        """The URL that an answer names, if it lies on the store's own host. Raises UpstreamError."""
        try:
            url = base.join(URL(text))
            origin = url.origin()
        except ValueError as error:
            raise UpstreamError(self.store, f"{place}: the answer names no valid URL") from error
        if origin != self._origin:
            part = _difference(origin, self._origin)
            raise UpstreamError(self.store, f"{place}: the answer leads to another {part}")
        if _EXACT.fullmatch(text):  # what is signed is sent as it was written
            url = base.join(URL(text, encoded=True))
        fixed = self.credentials.query
        if fixed.keys() & url.query.keys():
            return url.update_query(fixed)
        sign = "&" if url.raw_query_string else "?"
        return URL(f"{url.with_fragment(None)}{sign}{urlencode(fixed)}", encoded=True) if fixed else url

    async def send(self, request: Request) -> Answer:
        """The answer of any status that the verb itself has to understand.

        Raises StoreUnavailable, StoreTimeout and StoreError for what went wrong otherwise; their
        ``is_outcome_unknown`` tells whether a write may have taken effect.
        """
        if self._session is None or self._loop is not asyncio.get_running_loop():
            self._open()
        if self.credentials.is_missing:
            await self.credentials.renew(0)
        async with self._slots if not self._slots.locked() else self._slot_in_time(request):
            began, generation = self._loop.time(), self.credentials.generation  # type: ignore[union-attr]
            try:
                answer = await self.exchange(request)
            except DRIVER_ERRORS as error:
                outcome: Answer | BaseException = error
            else:
                if answer.status < 300 or (400 <= answer.status < 500 and answer.status not in _PUT_OFF):
                    return answer
                outcome = answer
            return await Repetition(self, request, self.settings, began).after(outcome, generation)

    async def exchange(self, request: Request, seconds: float | None = None) -> Answer:
        """Send the request once, with ``seconds`` for it, and read the answer. Raises the driver's errors."""
        self._under_way += 1
        try:
            return (
                await self._exchange(request, seconds)
                if self.seam.observer is None
                else await self._seen(request, seconds)
            )
        finally:
            self._under_way -= 1

    async def _seen(self, request: Request, seconds: float | None) -> Answer:
        with self.seam.watching(request.place, request.url) as watching:
            answer = await self._exchange(request, seconds)
            if answer.status >= 400:
                watching.refusal = f"status {answer.status}"
        return answer

    async def answer_once(self, request: Request) -> Answer:
        """The answer of any status, asked for once. Raises StoreError where none comes."""
        if self._session is None or self._loop is not asyncio.get_running_loop():
            self._open()
        try:
            return await self.exchange(request)
        except DRIVER_ERRORS as error:
            raise from_client(self.store, request.place, error, is_write=False)[0] from error

    @asynccontextmanager
    async def native(self) -> AsyncIterator[aiohttp.ClientSession]:
        """A session of the driver with the store's headers and credentials, closed when the block ends."""
        if self.credentials.is_missing:
            await self.credentials.renew(0)
        headers = {**self.settings.headers, **self.credentials.headers}
        tls = self.settings.tls if self.settings.tls is not None else True
        async with aiohttp.ClientSession(
            f"{self._base}/", headers=headers, connector=aiohttp.TCPConnector(ssl=tls)
        ) as session:
            yield session

    @asynccontextmanager
    async def _slot_in_time(self, request: Request) -> AsyncIterator[None]:
        """A slot for a call that has to wait for one. Raises StoreTimeout."""
        try:
            async with asyncio.timeout(self.settings.pooling.acquire_timeout):
                await self._slots.acquire()
        except TimeoutError as error:
            raise StoreTimeout(self.store, f"{request.place}: its turn did not come in time") from error
        try:
            yield
        finally:
            self._slots.release()

    def pool(self) -> PoolFigures:
        """How many calls are under way; the driver tells nothing else about its connections."""
        most = self.settings.pooling.connections
        if self._session is None:
            return PoolFigures(most, 0, 0, None)
        return PoolFigures(most, self._under_way, 0, None)

    async def _exchange(self, request: Request, seconds: float | None) -> Answer:
        if self._pace is not None:
            await self._pace.step()
        options: dict[str, Any] = {} if self.settings.proxy is None else {"proxy": self.settings.proxy}
        if seconds is not None:
            options["timeout"] = self._timeout(seconds)
        if request.body is not None:
            small = len(request.body) < _LARGE_BODY
            options["data"] = aiohttp.BytesPayload(request.body) if small else io.BytesIO(request.body)
        if request.method in _SENT_AGAIN:
            options["middlewares"] = (_sent_once,)
        headers = self.credentials.headers
        if request.headers is not None:
            headers = {**headers, **request.headers} if headers else request.headers
        assert self._session is not None
        try:
            response = await self._session.request(
                request.method, request.url, headers=headers, allow_redirects=False, **options
            )
        except _Dropped as dropped:
            raise dropped.reason from dropped
        try:
            content = await read_bounded(self.store, request.place, response, self.settings.max_answer_bytes)
        except (StoreError, LimitExceeded) as error:
            response.close()
            if request.is_write:
                raise unknown(self.store, request.place, "the answer cannot be read") from error
            raise
        except BaseException:
            response.close()
            raise
        return Answer(response.status, response.headers, content, request.place)

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is None:
            return
        if self._loop is asyncio.get_running_loop():
            await session.close()
        else:
            self._abandon(session)

    def after_fork_in_child(self) -> None:
        """Open connections of its own."""
        if self._session is not None:
            keep_for_ever(self._session)
            keep_for_ever(self._loop)
        self._session = None
        self.credentials.forget_renewal()

    def _open(self) -> None:
        if self._session is not None:
            self._abandon(self._session)
        settings = self.settings
        self._loop = asyncio.get_running_loop()
        self._slots = asyncio.Semaphore(settings.pooling.connections)
        self._pace = None if settings.rate is None else Pace(settings.rate)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, keepalive_timeout=settings.idle_timeout, ssl=settings.tls if settings.tls is not None else True
            ),
            timeout=self._timeout(settings.pooling.timeout),
            headers={"Accept": "application/json", "Accept-Encoding": ENCODINGS, **settings.headers},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    def _timeout(self, seconds: float) -> aiohttp.ClientTimeout:
        settings = self.settings
        return aiohttp.ClientTimeout(
            total=seconds,
            sock_connect=settings.pooling.connect_timeout,
            sock_read=settings.read_timeout,
            ceil_threshold=1e9,
        )

    def _abandon(self, session: aiohttp.ClientSession) -> None:
        """Let go of the connections of another loop; one that is closed has closed them."""
        assert self._loop is not None
        if self._loop.is_running():
            asyncio.run_coroutine_threadsafe(session.close(), self._loop)
        else:
            session.detach()


class _Dropped(Exception):
    """Carries an error past the driver, which would send some calls again without telling."""

    def __init__(self, reason: Exception) -> None:
        super().__init__()
        self.reason = reason


async def _sent_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Dropped(error) from error


def _difference(other: URL, ours: URL) -> str:
    if other.host != ours.host:
        return "host, where nothing is sent"
    if other.scheme != ours.scheme:
        return f"scheme, {other.scheme}:, at the same host; if it is right, add the store with that URL"
    return "port of the same host, where nothing is sent"


def checked_url(store: str, url: str) -> str:
    """The URL without what follows its path. Raises DeclarationError for one that a store cannot have."""
    try:
        parsed = URL(url)
    except ValueError as error:
        raise DeclarationError(f"store {store!r}: its URL is not valid: {error}") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise DeclarationError(f"store {store!r}: its URL begins with http:// or https:// and names a host")
    if parsed.user is not None or parsed.password is not None:
        raise DeclarationError(f"store {store!r}: give user and password as auth=Basic(…), not in the URL")
    if parsed.query_string or parsed.fragment:
        raise DeclarationError(f"store {store!r}: its URL ends with its path; give parameters in the collections")
    return str(parsed).rstrip("/")
