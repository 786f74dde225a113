"""Routes to log in and out by a password, with the session in a cookie that no script reads."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response

from holdall.errors import ValidationError
from holdall.query import Value
from holdall.users import Users
from holdall.users.authenticator import CSRF, session_token
from holdall.web.login_answers import login_problem, told_session, with_session, without_session

__all__ = ["include_login"]

_LONGEST = 8_192  # bytes of a body


class _Login(msgspec.Struct, forbid_unknown_fields=True):
    login: str
    password: str


class _Reset(msgspec.Struct, forbid_unknown_fields=True):
    token: str
    password: str


def include_login(api: FastAPI | APIRouter, users: Users, *, prefix: str = "/auth") -> None:
    """Add ``POST`` routes below ``prefix``: ``login``, ``logout`` and ``reset``. Example: ``docs/users.md``."""

    async def login(request: Request) -> Response:
        """Begin a session; its cookie is set, and its token for ``X-CSRF-Token`` is in the answer."""
        if (refused := _refused(request)) is not None:
            return refused
        given = await _body(request, _Login)
        found = None if given is None else await users.login(given.login, given.password)
        if found is None:
            return login_problem(401, "unauthenticated", "The login or the password is not right, or must wait.")
        return with_session(told_session(found), found.token)

    async def logout(request: Request) -> Response:
        """End the session of the cookie."""
        token = session_token(request.headers.get("cookie", ""))
        csrf = request.headers.get(CSRF, "")
        if token is None or await users.user_of_session(token, csrf=csrf, is_writing=True) is None:
            return login_problem(401, "unauthenticated", "Say who you are first.")
        await users.logout(token)
        return without_session(Response(status_code=204))

    async def reset(request: Request) -> Response:
        """Set a password by a token that was sent to the user."""
        if (refused := _refused(request)) is not None:
            return refused
        given = await _body(request, _Reset)
        try:
            is_done = given is not None and await users.reset(given.token, given.password)
        except ValidationError as error:
            return login_problem(422, "invalid", f"The password {error.errors[0].message}.")
        return Response(status_code=204) if is_done else login_problem(422, "invalid", "The token does not hold.")

    for route in (login, logout, reset):
        api.add_api_route(f"{prefix}/{route.__name__}", route, methods=["POST"], response_model=None, tags=["login"])


def _refused(request: Request) -> Response | None:
    """Refuse what a page of another site could send without asking."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        return login_problem(415, "media-type", "The body is JSON, declared as application/json.")
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return login_problem(403, "forbidden", "You may not do this.")
    return None


async def _body(request: Request, kind: type[Value]) -> Value:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LONGEST:
            return None
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
