"""The options of the REST service, as ``app.asgi(...)`` takes them."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias

import msgspec

from holdall.errors import DeclarationError
from holdall.policy import ANONYMOUS, User
from holdall.web.asgi import Scope

__all__ = ["Authenticate", "Options"]

Authenticate: TypeAlias = Callable[[Scope], Awaitable[User | None]]
"""From the ASGI scope of a request to who makes it; None for nobody known."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How the service is to behave.

    ``authenticate`` finds who makes a request; without it everybody is anonymous. ``challenge`` is sent to an unknown
    user in ``WWW-Authenticate``. ``secret`` signs cursors; give the same one to every worker, else a cursor only holds
    in the process that made it. ``create`` makes missing tables at the start, for development. ``docs`` serves a page
    to try the service. ``lifespan`` is the host's own, run inside ours.

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
    version: str = "1"
    description: str = ""
    max_body: int = 1_048_576  # bytes
    max_url: int = 8_192  # bytes of the path, and of the query string
    max_page: int = 8_388_608  # bytes of the records on one page of a list, unless one record has more
    body_seconds: float = 30.0
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

    async def user_of(self, scope: Scope) -> User:
        """Return the user who makes a request."""
        return ANONYMOUS if self.authenticate is None else await self.authenticate(scope) or ANONYMOUS


_KINDS: dict[tuple[str, ...], type] = {
    ("challenge", "version", "description"): str,
    ("secret",): bytes,
    ("create", "docs"): bool,
    ("max_body", "max_url", "max_page"): int,
    ("body_seconds",): float,
}
