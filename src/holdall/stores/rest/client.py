"""The HTTP client of a store: one session per loop; slots, pace, credentials, retries, redirects and bounds."""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from time import time
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec
from yarl import URL

from holdall.errors import DeclarationError, LimitExceeded, StoreError, StoreTimeout, StoreUnavailable
from holdall.stores.rest.answer import ENCODINGS, Answer, read_bounded
from holdall.stores.rest.auth import Credentials
from holdall.stores.rest.errors import PASSING, from_client, from_status, unknown
from holdall.stores.rest.limits import Pace, Rate, Retries, Timeouts

__all__ = ["Client", "Request", "Settings", "checked_url"]

_MOST_REDIRECTS = 5
_LARGE_BODY = 512 * 1024  # bytes; from here on a body is sent in pieces
_ERRORS = (aiohttp.ClientError, TimeoutError, OSError)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about calls that is the same for all of a store's."""

    url: str
    headers: Mapping[str, str]
    timeouts: Timeouts
    retries: Retries
    rate: Rate | None
    tls: ssl.SSLContext | None
    max_connections: int
    max_answer_bytes: int
    keep_alive: float


class Request(msgspec.Struct, gc=False):
    """One call to make. ``place`` names it in messages: method and path, never values."""

    method: str
    url: URL
    place: str
    headers: Mapping[str, str] | None = None
    body: bytes | None = None
    is_write: bool = False
    is_repeatable: bool = True


class Client:
    """Sends requests to one origin. Opens on first use, and anew after ``close`` or on another loop."""

    def __init__(self, store: str, settings: Settings, credentials: Credentials) -> None:
        self.store = store
        self._settings = settings
        self._credentials = credentials
        self._origin = URL(settings.url).origin()
        self._base = settings.url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._slots: asyncio.Semaphore
        self._pace: Pace | None = None

    def url(self, path: str, query: Any = ()) -> URL:
        """The URL of an encoded path under the store's, with these parameters."""
        text = self._base + path
        fixed = self._credentials.query
        if query or fixed:
            pairs = [*(query.items() if isinstance(query, Mapping) else query), *fixed.items()]
            text += f"?{urlencode(pairs)}"
        return URL(text, encoded=True)

    def linked(self, base: URL, text: str, place: str) -> URL:
        """The URL that an answer names, if it lies on the store's own host. Raises StoreError."""
        try:
            url = base.join(URL(text))
        except ValueError as error:
            raise StoreError(self.store, f"{place}: the answer names no valid URL") from error
        if url.origin() != self._origin:
            raise StoreError(self.store, f"{place}: the answer leads to another host, where nothing is sent")
        return url

    async def send(self, request: Request) -> Answer:
        """The answer of any status that the verb itself has to understand.

        Raises StoreUnavailable, StoreTimeout and StoreError for what went wrong otherwise; their
        ``is_outcome_unknown`` tells whether a write may have taken effect.
        """
        if self._session is None or self._loop is not asyncio.get_running_loop():
            self._open()
        if self._credentials.is_missing:
            await self._credentials.renew(0)
        async with self._slots:
            return await _Sending(self, request).run()

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is None:
            return
        if self._loop is asyncio.get_running_loop():
            await session.close()
        else:
            self._abandon(session)

    def _open(self) -> None:
        if self._session is not None:
            self._abandon(self._session)
        settings = self._settings
        self._loop = asyncio.get_running_loop()
        self._slots = asyncio.Semaphore(settings.max_connections)
        self._pace = None if settings.rate is None else Pace(settings.rate)
        timeouts = settings.timeouts
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, keepalive_timeout=settings.keep_alive, ssl=settings.tls if settings.tls is not None else True
            ),
            timeout=aiohttp.ClientTimeout(
                total=timeouts.total, sock_connect=timeouts.connect, sock_read=timeouts.read, ceil_threshold=1e9
            ),
            headers={"Accept": "application/json", "Accept-Encoding": ENCODINGS, **settings.headers},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            middlewares=(_sent_once,),
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


class _Sending:
    """One request on its way, with all its repetitions."""

    def __init__(self, client: Client, request: Request) -> None:
        self._client = client
        self._request = request
        self._settings = client._settings
        self._ends_at = client._loop.time() + client._settings.timeouts.total  # type: ignore[union-attr]
        self._may_have_arrived = False  # an earlier sending of this write
        self._redirects = 0

    async def run(self) -> Answer:
        retry, is_renewed = 0, False
        credentials = self._client._credentials
        while True:
            generation = credentials.generation
            outcome = await self._once(is_first=retry == 0 and not self._redirects and not is_renewed)
            error: StoreError
            if isinstance(outcome, Answer):
                if outcome.status == 401 and credentials.is_renewable and not is_renewed:
                    is_renewed = True
                    await credentials.renew(generation)
                    continue
                if 300 <= outcome.status < 400 and self._redirected(outcome):
                    continue
                if outcome.status not in PASSING:
                    outcome.is_repeated = self._may_have_arrived
                    return outcome
                error = self._failed(outcome.status)
                wait = _asked(outcome.headers)
            else:
                error, wait = outcome, None
            retry += 1
            pause = self._settings.retries.wait(retry, wait) if self._request.is_repeatable else None
            if pause is None or self._client._loop.time() + pause >= self._ends_at:  # type: ignore[union-attr]
                raise error
            await asyncio.sleep(pause)

    async def _once(self, *, is_first: bool) -> Answer | StoreError:
        """The answer, or the error after which the call may be sent again; other errors are raised."""
        client, request = self._client, self._request
        if client._pace is not None:
            await client._pace.step()
        options: dict[str, Any] = {}
        if not is_first:
            left = max(0.001, self._ends_at - client._loop.time())  # type: ignore[union-attr]
            timeouts = self._settings.timeouts
            options["timeout"] = aiohttp.ClientTimeout(
                total=left, sock_connect=timeouts.connect, sock_read=timeouts.read, ceil_threshold=1e9
            )
        headers = client._credentials.headers
        if request.headers is not None:
            headers = {**headers, **request.headers} if headers else request.headers
        body = request.body
        if body is not None:
            options["data"] = body if len(body) < _LARGE_BODY else io.BytesIO(body)
        assert client._session is not None
        try:
            response = await client._session.request(
                request.method, request.url, headers=headers, allow_redirects=False, **options
            )
            try:
                content = await read_bounded(client.store, request.place, response, self._settings.max_answer_bytes)
            except BaseException:
                response.close()
                raise
            response.release()
        except _Dropped as dropped:
            return self._lost(dropped.reason)
        except _ERRORS as error:
            return self._lost(error)
        except (StoreError, LimitExceeded) as error:
            if request.is_write:
                raise unknown(client.store, request.place, "the answer cannot be read") from error
            raise
        return Answer(response.status, response.headers, content, request.place)

    def _lost(self, error: BaseException) -> StoreError:
        request = self._request
        found, may_have_arrived = from_client(self._client.store, request.place, error, is_write=request.is_write)
        found.__cause__ = error
        self._may_have_arrived |= may_have_arrived
        if self._may_have_arrived and request.is_write and isinstance(found, StoreUnavailable | StoreTimeout):
            found.is_outcome_unknown = True
        if not isinstance(found, StoreUnavailable | StoreTimeout):
            raise found from error
        return found

    def _failed(self, status: int) -> StoreError:
        request = self._request
        found = from_status(self._client.store, request.place, status, is_write=request.is_write)
        if isinstance(found, StoreUnavailable | StoreTimeout) and request.is_write:
            self._may_have_arrived |= found.is_outcome_unknown
            found.is_outcome_unknown = self._may_have_arrived
        return found

    def _redirected(self, answer: Answer) -> bool:
        """Whether the call is to be made at another place of the same host."""
        target, request = answer.headers.get("Location"), self._request
        if target is None or answer.status == 304:
            return False
        if answer.status not in (307, 308) and (request.is_write or answer.status not in (301, 302, 303)):
            return False
        self._redirects += 1
        if self._redirects > _MOST_REDIRECTS:
            raise StoreError(self._client.store, f"{request.place}: it redirects without end")
        url = self._client.linked(request.url, target, request.place)
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
