"""The options of the REST service, as ``app.asgi(...)`` takes them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager
from math import inf
from typing import Any, TypeAlias

import msgspec

from holdall.errors import DeclarationError
from holdall.policy import ANONYMOUS, Everyone, Given, User, as_rule, is_plain
from holdall.web.asgi import Scope
from holdall.web.once import Idempotency

__all__ = ["Authenticate", "Options"]

Authenticate: TypeAlias = Callable[[Scope], Awaitable[User | None]]
"""From the ASGI scope of a request to who makes it; None for nobody known."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How the service is to behave.

    ``authenticate`` finds who makes a request; without it everybody is anonymous. ``challenge`` is sent to an unknown
    user in ``WWW-Authenticate``. ``secret`` signs cursors; give the same one to every worker, else a cursor only holds
    in the process that made it. ``create`` makes missing tables at the start, for development. ``docs`` serves a page
    to try the service. ``document`` says who is shown ``/openapi.json``, and ``whole_document`` that it tells
    everything, not only what its reader may do. ``metrics`` says who is shown ``/_metrics`` in the form of Prometheus;
    without it, nobody. ``lifespan`` is the host's own, run inside ours. ``require_match``: records are changed and
    removed only with ``If-Match``; in all collections, or in those that are named. ``cors`` are the origins whose
    scripts may ask, or ``"*"``. ``health`` answers at ``/_health/live`` and ``/_health/ready``. ``request_id`` is the
    header that has the id of a request, None for none; ``server_timing`` tells how long an answer took. ``freeze``: the
    first service of a process to start leaves all that is there out of later garbage collections.
    ``admin`` serves the back office, from ``holdall[admin]``: True, or an ``Admin`` of ``holdall.admin``.
    ``idempotency``: answers are kept and given again to requests with the same ``Idempotency-Key``; True, or an
    ``Idempotency`` that says more.

    >>> Options(max_body=65_536).max_body
    65536
    >>> Options(max_body=0)
    Traceback (most recent call last):
    holdall.errors.DeclarationError: asgi(): max_body is a number above zero
    """

    authenticate: Authenticate | None = None
    challenge: str = "Bearer"
    secret: bytes = msgspec.field(default_factory=lambda: secrets.token_bytes(32))
    create: bool = False
    docs: bool = True
    document: Given = Everyone
    whole_document: bool = False
    metrics: Given | None = None
    version: str = "1"
    description: str = ""
    max_body: int = 1_048_576  # bytes
    max_values: int = 100_000  # in a body: names, members of lists and objects
    max_url: int = 8_192  # bytes of the path, and of the query string
    max_page: int = 8_388_608  # bytes of the records on one page of a list, unless one record has more
    max_bulk: int = 1_000  # records that one request changes
    max_import: int = 1_000_000  # lines of one import
    body_seconds: float = 30.0
    require_match: bool | Collection[str] = False
    max_followers: int = 500  # streams of events at once
    max_requests: int = 1_000  # answered at once by one process
    rate: float | None = None  # requests of one client in a second
    request_seconds: float = 60.0  # of a read, until its answer begins
    request_id: str | None = "X-Request-Id"
    server_timing: bool = False
    health: bool = True
    freeze: bool = True
    cors: str | Collection[str] = ()
    idempotency: Idempotency | bool = False
    admin: object = False
    lifespan: Callable[[Any], AbstractAsyncContextManager[Any]] | None = None

    def __post_init__(self) -> None:
        """Raise DeclarationError for an option of another type, or a bound that is none."""
        for names, kind in _KINDS.items():
            for name in names:
                value = getattr(self, name)
                is_number = kind is float and value.__class__ is int
                if not isinstance(value, kind) and not is_number:
                    raise DeclarationError(f"asgi(): {name} is of {kind.__name__}, not of {type(value).__name__}")
                if kind in (int, float) and value <= 0:
                    raise DeclarationError(f"asgi(): {name} is a number above zero")
        _demand_traffic(self)
        _demand_reader("document", self.document)
        if self.metrics is not None:
            _demand_reader("metrics", self.metrics)
        if isinstance(self.require_match, str) or not isinstance(self.require_match, bool | Collection):
            raise DeclarationError("asgi(): require_match is True, False, or the names of collections, as in a list")
        if not isinstance(self.idempotency, bool | Idempotency):
            raise DeclarationError("asgi(): idempotency is True, False, or an Idempotency(...)")

    @property
    def kept(self) -> Idempotency | None:
        """How answers are kept for repetitions, if they are."""
        if isinstance(self.idempotency, bool):
            return Idempotency() if self.idempotency else None
        return self.idempotency

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins whose scripts may ask."""
        return (self.cors,) if isinstance(self.cors, str) else tuple(self.cors)

    def requires_match(self, collection: str) -> bool:
        """Return whether records of a collection are changed only with ``If-Match``."""
        required = self.require_match
        return required if isinstance(required, bool) else collection in required

    async def user_of(self, scope: Scope) -> User:
        """Return the user who makes a request."""
        return ANONYMOUS if self.authenticate is None else await self.authenticate(scope) or ANONYMOUS


def _demand_traffic(options: Any) -> None:
    """Raise DeclarationError for options of traffic that are none."""
    rate, name = options.rate, options.request_id
    if rate is not None and not (isinstance(rate, int | float) and 0 < rate < inf):
        raise DeclarationError("asgi(): rate is a number of requests in a second above zero, or None")
    if name is not None and not (isinstance(name, str) and _TOKEN.fullmatch(name)):
        raise DeclarationError("asgi(): request_id is the name of a header, or None")
    if not all(isinstance(origin, str) and _ORIGIN.fullmatch(origin) for origin in options.origins):
        raise DeclarationError('asgi(): cors has origins such as "https://app.example:8443", or is "*"')


def _demand_reader(option: str, given: Given) -> None:
    """Raise DeclarationError unless the option is a rule about users, and not about records."""
    if not is_plain(as_rule(given)):
        raise DeclarationError(f"asgi(): {option} is a rule about users, such as Authenticated or Role(...)")


_TOKEN = re.compile(r"[A-Za-z0-9-]+")
_ORIGIN = re.compile(r"\*|https?://[^/\s?#@]+")
_KINDS: dict[tuple[str, ...], type] = {
    ("challenge", "version", "description"): str,
    ("secret",): bytes,
    ("create", "docs", "whole_document", "server_timing", "health", "freeze"): bool,
    ("max_body", "max_values", "max_url", "max_page", "max_bulk", "max_import", "max_requests", "max_followers"): int,
    ("body_seconds", "request_seconds"): float,
}
