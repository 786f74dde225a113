"""Asks a provider over HTTP: for a bounded time and a bounded answer, without cookies, proxies or redirects."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp
import msgspec

from holdall.errors import DeclarationError
from holdall.query import Value
from holdall.users.oidc.failed import OidcFailed

__all__ = ["Fetcher", "demand_url", "is_url"]

_AT_ONCE = 16


class Fetcher:
    """Fetches JSON objects: within ``timeout`` seconds each, of at most ``longest`` bytes."""

    def __init__(self, timeout: float, longest: int) -> None:
        self._timeout = timeout
        self._longest = longest
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    async def get(self, part: str, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Value]:
        """The object at a URL. Raises OidcFailed, which names the part of the provider and nothing else."""
        return await self._fetched(part, "GET", url, headers or {}, None)

    async def post(self, part: str, url: str, headers: Mapping[str, str], form: str) -> dict[str, Value]:
        """The object that answers a form. Raises OidcFailed as ``get`` does."""
        sent = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
        return await self._fetched(part, "POST", url, sent, form.encode())

    async def _fetched(
        self, part: str, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> dict[str, Value]:
        sent = {"Accept": "application/json", "Accept-Encoding": "identity", **headers}
        try:
            async with asyncio.timeout(self._timeout), self._at_once, self._opened() as http:
                request = http.request(method, url, headers=sent, data=body, allow_redirects=False)
                async with request as answer:
                    _demand_plain(part, answer)
                    content = await self._read(part, answer)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise OidcFailed(f"the {part} cannot be reached ({type(error).__name__})", is_outage=True) from None
        try:
            found = msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise OidcFailed(f"the {part} does not answer with a JSON object", is_outage=True)
        return found

    def _opened(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False)

    async def _read(self, part: str, answer: aiohttp.ClientResponse) -> bytes:
        content = bytearray()
        async for piece in answer.content.iter_any():
            content += piece
            if len(content) > self._longest:
                answer.close()
                raise OidcFailed(f"the {part} answers with more than {self._longest} bytes", is_outage=True)
        return bytes(content)


def _demand_plain(part: str, answer: aiohttp.ClientResponse) -> None:
    if answer.status != 200:
        raise OidcFailed(f"the {part} answers with status {answer.status}", is_outage=answer.status >= 500)
    is_json = answer.content_type == "application/json" or answer.content_type.endswith("+json")
    if not is_json or answer.headers.get("Content-Encoding", "identity") != "identity":
        raise OidcFailed(f"the {part} does not answer with plain JSON", is_outage=True)


def is_url(url: object, *, allow_http: bool) -> bool:
    """Whether this is an absolute URL by https, without a user and a fragment."""
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    is_safe = parts.scheme == "https" or (allow_http and parts.scheme == "http")
    return is_safe and bool(parts.hostname) and "@" not in parts.netloc and "#" not in url


def demand_url(setting: str, url: object, *, allow_http: bool) -> str:
    """The URL. Raises DeclarationError for what is none."""
    if not is_url(url, allow_http=allow_http):
        raise DeclarationError(f"{setting} is an absolute URL by https://, without user and fragment")
    return str(url)
