"""From a request to who makes it: by a session's cookie, a token for programs, or a JWT."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from holdall.policy import User
from holdall.query import Value
from holdall.users.bearer import JwtBearer
from holdall.users.users import Users

__all__ = ["COOKIE", "CSRF", "Authenticator", "session_token", "token_of"]

COOKIE = "__Host-session"
"""The cookie of a session; the prefix has browsers keep it to this host, this path and TLS."""

CSRF = "x-csrf-token"
"""The header that a request which writes has besides the cookie."""

_READING = ("GET", "HEAD", "OPTIONS")


class Authenticator:
    """The ``authenticate`` of a service: ``app.asgi(authenticate=Authenticator(users, bearer=...))``.

    A request with ``Authorization`` is judged by that alone. A request by cookie that writes needs the session's token
    in ``X-CSRF-Token``, and must not come from another site, as browsers tell by ``Sec-Fetch-Site``.

    >>> import asyncio
    >>> print(asyncio.run(Authenticator()({"method": "GET", "headers": []})))
    None
    """

    def __init__(self, users: Users | None = None, *, bearer: JwtBearer | None = None) -> None:
        self._users = users
        self._bearer = bearer

    @property
    def users(self) -> Users | None:
        """Return the accounts whose sessions and tokens are taken. Example: :class:`Authenticator`."""
        return self._users

    async def __call__(self, scope: Mapping[str, Value]) -> User | None:
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        given = headers.get(b"authorization")
        if given is not None:
            scheme, _, token = given.partition(" ")
            return await self._by_token(token.strip()) if scheme.lower() == "bearer" else None
        token = session_token(headers.get(b"cookie", ""))
        if token is None or self._users is None:
            return None
        is_writing = scope.get("method", "POST") not in _READING
        if is_writing and headers.get(b"sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return None
        return await self._users.user_of_session(token, csrf=headers.get(CSRF.encode(), ""), is_writing=is_writing)

    async def _by_token(self, token: str) -> User | None:
        found = None if self._users is None else await self._users.user_of_token(token)
        if found is None and self._bearer is not None:
            found = await self._bearer.user_of(token)
        return found


def session_token(text: str) -> str | None:
    """The token in a Cookie header, None where there is none, or several."""
    return token_of(text, COOKIE)


def token_of(text: str, name: str) -> str | None:
    """The value of the cookie of this name, None where there is none, or several."""
    if text.count(f"{name}=") != 1:
        return None
    try:
        found = SimpleCookie(text).get(name)
    except CookieError:
        return None
    return None if found is None else found.value
