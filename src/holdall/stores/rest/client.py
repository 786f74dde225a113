"""The HTTP client of a store: one session per loop, slots, pace, credentials, and each call once."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from holdall.errors import DeclarationError, LimitExceeded, StoreError, UpstreamError
from holdall.store import AnewInChild, keep_for_ever, watch_forks
from holdall.stores.rest.answer import ENCODINGS, Answer, read_bounded
from holdall.stores.rest.auth import Credentials
from holdall.stores.rest.errors import PASSING, unknown
from holdall.stores.rest.limits import Pace
from holdall.stores.rest.repetition import DRIVER_ERRORS, Repetition
from holdall.stores.rest.request import Request, Settings

__all__ = ["Client", "checked_url"]

_LARGE_BODY = 512 * 1024  # bytes; from here on a body is sent in pieces
_SENT_AGAIN = ("GET", "PUT", "DELETE")  # by the driver, where a connection that was kept turns out to be closed
_PUT_OFF = PASSING | {401}


class Client(AnewInChild):
    """Sends requests to one origin. Opens on first use, and anew after ``close`` or on another loop."""

    def __init__(self, store: str, settings: Settings, credentials: Credentials) -> None:
        self.store = store
        self.settings = settings
        self.credentials = credentials
        self._origin = URL(settings.url).origin()
        self._base = URL(settings.url, encoded=True)
        self._prefix = self._base.raw_path.rstrip("/")
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._slots: asyncio.Semaphore
        self._pace: Pace | None = None
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
        return url.update_query(self.credentials.query) if self.credentials.query else url

    async def send(self, request: Request) -> Answer:
        """The answer of any status that the verb itself has to understand.

        Raises StoreUnavailable, StoreTimeout and StoreError for what went wrong otherwise; their
        ``is_outcome_unknown`` tells whether a write may have taken effect.
        """
        if self._session is None or self._loop is not asyncio.get_running_loop():
            self._open()
        if self.credentials.is_missing:
            await self.credentials.renew(0)
        async with self._slots:
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
        if self._pace is not None:
            await self._pace.step()
        options: dict[str, Any] = {}
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
        self._slots = asyncio.Semaphore(settings.max_connections)
        self._pace = None if settings.rate is None else Pace(settings.rate)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, keepalive_timeout=settings.keep_alive, ssl=settings.tls if settings.tls is not None else True
            ),
            timeout=self._timeout(settings.timeouts.total),
            headers={"Accept": "application/json", "Accept-Encoding": ENCODINGS, **settings.headers},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    def _timeout(self, seconds: float) -> aiohttp.ClientTimeout:
        timeouts = self.settings.timeouts
        return aiohttp.ClientTimeout(
            total=seconds, sock_connect=timeouts.connect, sock_read=timeouts.read, ceil_threshold=1e9
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
