"""A webhook: sends each event to one URL, once for each try; the outbox tries again."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import time
from collections.abc import Collection, Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from holdall.errors import DeclarationError
from holdall.events.event import Event
from holdall.events.webhooks.address import PrivateAddress, is_public
from holdall.events.webhooks.envelope import MEDIA_TYPE, envelope
from holdall.events.webhooks.signature import Signature
from holdall.model import Trigger
from holdall.query import Value, did_you_mean

if TYPE_CHECKING:
    import aiohttp

__all__ = ["Webhook", "WebhookFailed", "webhook_of"]

_OPTIONS = ("source", "fields", "headers", "allow_http", "allow_private")

_NAME = re.compile(r"[A-Za-z0-9-]+")
_OWN = frozenset({"content-type", "content-length", "host", "webhook-id", "webhook-timestamp", "webhook-signature"})


class WebhookFailed(Exception):
    """A receiver did not take an event; the message names the host and the status, never the path or a secret.

    Example: :class:`Webhook`.
    """


class Webhook:
    """Sends events to a URL. An application makes it: ``app.add_webhook(url, Book.created, name=..., secret=...)``.

    Only statuses from 200 to 299 mean that an event has arrived; redirects are not followed. Raises DeclarationError
    for a URL that is not https, or that leads into a private network, unless this is allowed.

    >>> hook = Webhook("https://shop.example/hooks", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLzSw", source="/library")
    >>> hook
    Webhook(https://shop.example)
    >>> Webhook("http://shop.example/hooks", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLzSw", source="/library")
    Traceback (most recent call last):
    holdall.errors.DeclarationError: a webhook's URL begins with https://; http:// wants allow_http=True
    """

    def __init__(
        self,
        url: str,
        *secrets: str,
        source: str,
        fields: Collection[str] | None = None,
        headers: Mapping[str, str] | None = None,
        allow_http: bool = False,
        allow_private: bool = False,
    ) -> None:
        self._place = _demand_url(url, allow_http=allow_http)
        self._url = url
        self._signature = Signature(*secrets)
        self._source = source
        self._fields = None if fields is None else frozenset(fields)
        self._headers = _demand_headers(headers)
        self._allows_private = allow_private
        if not allow_private:
            _demand_public(urlsplit(url).hostname or "")
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __repr__(self) -> str:
        return f"Webhook({self._place})"

    async def __call__(self, event: Event) -> None:
        """Send one event. Raises WebhookFailed where the receiver does not take it."""
        import aiohttp

        body = envelope(event, self._source, self._fields)
        headers = self._headers | self._signature.headers(event.id, int(time.time()), body)
        try:
            async with self._opened().post(
                self._url, data=body, headers={"content-type": MEDIA_TYPE, **headers}, allow_redirects=False
            ) as answer:
                status = answer.status
        except (aiohttp.ClientError, OSError) as error:
            raise WebhookFailed(f"{self._place} cannot be reached: {_reason(error)}") from None
        if not 200 <= status < 300:
            told = "redirects, which is not followed" if 300 <= status < 400 else "did not take the event"
            raise WebhookFailed(f"{self._place} {told}: status {status}")

    async def close(self) -> None:
        """Close its connections; the next event opens new ones."""
        session, self._session = self._session, None
        if session is not None and self._loop is asyncio.get_running_loop():
            await session.close()

    def _opened(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is None or self._loop is not loop:
            import aiohttp

            from holdall.events.webhooks.resolver import PublicResolver

            resolver = None if self._allows_private else PublicResolver()
            connector = aiohttp.TCPConnector(resolver=resolver, limit=16, ttl_dns_cache=0, use_dns_cache=False)
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, connect=10.0),
                auto_decompress=False,
            )
            self._loop = loop
        return self._session


def webhook_of(url: str, secrets: Sequence[str], triggers: Sequence[Trigger], options: Mapping[str, Value]) -> Webhook:
    """Make the webhook that these options say. Raises DeclarationError for those that are unknown or do not fit.

    Example: :class:`Webhook`.
    """
    if find_spec("aiohttp") is None:
        raise DeclarationError("webhooks need an HTTP client: pip install 'holdall[rest]'")
    for name in options:
        if name not in _OPTIONS:
            raise DeclarationError(f"add_webhook() takes no option {name!r}{did_you_mean(name, _OPTIONS)}")
    for name in options.get("fields") or ():
        for trigger in triggers:
            known = [field.name for field in trigger.model.__holdall__.stored]
            if name not in known:
                raise DeclarationError(
                    f"{trigger.model.__name__} has no stored field {name!r}{did_you_mean(str(name), known)}"
                )
    return Webhook(url, *secrets, **options)


def _demand_url(url: object, *, allow_http: bool) -> str:
    """The origin of a URL that can be sent to."""
    if not isinstance(url, str):
        raise DeclarationError("a webhook's URL is a text, such as https://shop.example/hooks")
    if any(character.isspace() or not character.isprintable() for character in url):  # which urlsplit leaves out
        raise DeclarationError("a webhook's URL has neither spaces nor control characters; write them as %20")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise DeclarationError("a webhook's URL cannot be read") from None
    if parts.scheme != "https" and not (allow_http and parts.scheme == "http"):
        raise DeclarationError("a webhook's URL begins with https://; http:// wants allow_http=True")
    if not parts.hostname:
        raise DeclarationError("a webhook's URL names a host")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise DeclarationError("a webhook's URL has no user, password or fragment; give credentials as headers=")
    port = "" if parts.port is None else f":{parts.port}"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}"


def _demand_public(host: str) -> None:
    """Refuse an address, or a name, that leads into a private network for certain; others are looked at each time."""
    try:
        host = host.rstrip(".")  # a name from the root on
        ipaddress.ip_address(host)
    except ValueError:
        is_private = host == "localhost" or host.endswith(".localhost")
        is_private = is_private or host.rsplit(".", 1)[-1].isdecimal() or host.startswith("0x")
    else:
        is_private = not is_public(host)
    if is_private:
        raise DeclarationError("a webhook's URL leads into a private network; that wants allow_private=True")


def _demand_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    found = dict[str, str]()
    given: Mapping[Value, Value] = headers or {}
    for name, value in given.items():
        is_text = isinstance(name, str) and isinstance(value, str) and _NAME.fullmatch(name) and value.isprintable()
        if not is_text or name.lower() in _OWN:
            raise DeclarationError("headers of a webhook are texts on one line, beside those that it sets itself")
        found[name] = value
    return found


def _reason(error: BaseException) -> str:
    """The kind of failure, without addresses and paths."""
    causes = [error, getattr(error, "os_error", None), error.__cause__]
    if any(isinstance(each, PrivateAddress) for each in causes):
        return "its name leads into a private network"
    return type(error).__name__
