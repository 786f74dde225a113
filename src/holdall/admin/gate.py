"""The gate of the back office: who asks, whether a form is one of ours, and the headers that keep pages to this host.

Forms carry a token that is made of a cookie and the secret of the service. Browsers also say from where a request
comes (``Sec-Fetch-Site``), and cookies of a session go with no request of another site that writes (``SameSite``).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from holdall.policy import ANONYMOUS, User
from holdall.users.authenticator import COOKIE, token_of
from holdall.web.options import Options

__all__ = ["FORM_TOKEN", "PAGE_COOKIE", "Gate", "protected"]

PAGE_COOKIE = "__Host-pages"
FORM_TOKEN = "_token"  # noqa: S105 - the name of an input

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; media-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'; object-src 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_READING: Sequence[str] = ("GET", "HEAD")


class Gate:
    """Knows users and forms. Example: ``docs/back-office.md``."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._key = hashlib.sha256(b"holdall.back-office\0" + options.secret).digest()

    async def user_of(self, request: Request) -> User:
        """The user of a request; pages look at the tokens of forms, in the place of the header that scripts send."""
        if self.is_foreign(request):
            return ANONYMOUS
        scope = dict(request.scope) | {"method": "GET"}
        return await self._options.user_of(scope)

    def is_foreign(self, request: Request) -> bool:
        """Whether a page of another site has this browser write something."""
        if request.method in _READING:
            return False
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return True
        origin = request.headers.get("origin")
        return origin is not None and origin.partition("://")[2] != request.headers.get("host", "")

    def page_cookie(self, request: Request) -> tuple[str, bool]:
        """The value of the cookie that tokens of forms are made of, and whether it is new."""
        found = token_of(request.headers.get("cookie", ""), PAGE_COOKIE)
        if found is not None and 20 <= len(found) <= 100:
            return found, False
        return secrets.token_urlsafe(24), True

    def token(self, request: Request, cookie: str) -> str:
        """The token for the forms of a page; another one after each login."""
        return self.token_for(cookie, token_of(request.headers.get("cookie", ""), COOKIE) or "")

    def token_for(self, cookie: str, session: str) -> str:
        """The token for the forms of a page, in a session that this answer begins."""
        return hmac.new(self._key, f"{cookie}\0{session}".encode(), hashlib.sha256).hexdigest()

    def holds(self, request: Request, given: object) -> bool:
        """Whether a form has the token of this browser."""
        cookie, is_new = self.page_cookie(request)
        if is_new or not isinstance(given, str) or self.is_foreign(request):
            return False
        return hmac.compare_digest(self.token(request, cookie).encode(), given.encode("utf-8", "replace"))


def protected(response: Response) -> Response:
    """The response, with the headers that keep a page to itself, and never in a cache unless it says so."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("cache-control", "no-store")
    return response
