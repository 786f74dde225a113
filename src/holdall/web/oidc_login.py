"""Routes to log in and out by an OpenID Connect provider, with the session in the cookie that password logins have."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from holdall.users.authenticator import CSRF, session_token, token_of
from holdall.users.oidc import OidcFailed, OidcLogin
from holdall.web.login_answers import login_problem, told_session, with_cookie, with_session, without_session

__all__ = ["include_oidc_login"]

_COOKIE = "__Host-oidc"
_SECONDS = 600


def include_oidc_login(api: FastAPI | APIRouter, login: OidcLogin, *, prefix: str = "/auth/oidc") -> None:
    """Add routes below ``prefix``: ``GET login``, ``callback`` and ``session``, ``POST logout``.

    Example: ``docs/users.md``.
    """
    routes = _Routes(login)
    for name, route, method in (
        ("login", routes.begin, "GET"),
        ("callback", routes.callback, "GET"),
        ("session", routes.session, "GET"),
        ("logout", routes.logout, "POST"),
    ):
        api.add_api_route(f"{prefix}/{name}", route, methods=[method], response_model=None, tags=["login"], name=name)


class _Routes:
    def __init__(self, login: OidcLogin) -> None:
        self._login = login

    async def begin(self, request: Request) -> Response:
        """Send the browser to the provider; ``?target=`` is where the login is to lead."""
        given = request.query_params
        if set(given) - {"target"} or len(given.multi_items()) > 1:
            return login_problem(422, "invalid", "There is one parameter: target.")
        try:
            found = await self._login.begin(given.get("target"))
        except OidcFailed:
            return _unreachable()
        if found is None:
            return login_problem(422, "invalid", "A login may not lead to this target.")
        return with_cookie(_redirect(found.url, 302), _COOKIE, found.token, seconds=_SECONDS)

    async def callback(self, request: Request) -> Response:
        """Take the provider's answer: begin a session, and send the browser to where the login was to lead."""
        given = request.query_params
        token = token_of(request.headers.get("cookie", ""), _COOKIE)
        try:
            if len(given.multi_items()) > len(given):
                raise OidcFailed("a parameter is given twice")
            done = await self._login.finish(token, given)
        except OidcFailed as error:  # the cookie stays, as anybody can send a browser here with an answer made up
            if error.is_outage:
                return _unreachable()
            return login_problem(401, "unauthenticated", "The login did not succeed. Begin it again.")
        answer = with_cookie(_redirect(done.target, 303), _COOKIE, "", seconds=0)
        return with_session(answer, done.logged_in.token)

    async def session(self, request: Request) -> Response:
        """Tell a page of this site whose session it has, and the token for ``X-CSRF-Token``."""
        token = session_token(request.headers.get("cookie", ""))
        is_own = request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
        found = await self._login.users.session_of(token) if token is not None and is_own else None
        if found is None:
            return login_problem(401, "unauthenticated", "Say who you are first.")
        answer = told_session(found)
        answer.headers["cache-control"] = "no-store"
        return answer

    async def logout(self, request: Request) -> Response:
        """End the session of the cookie, and tell where that at the provider ends."""
        token = session_token(request.headers.get("cookie", ""))
        csrf = request.headers.get(CSRF, "")
        if token is None or await self._login.users.user_of_session(token, csrf=csrf, is_writing=True) is None:
            return login_problem(401, "unauthenticated", "Say who you are first.")
        return without_session(JSONResponse({"url": await self._login.logout(token)}))


def _redirect(url: str, status: int) -> Response:
    return RedirectResponse(url, status_code=status, headers={"referrer-policy": "no-referrer"})


def _unreachable() -> Response:
    return login_problem(503, "unavailable", "The provider of logins does not answer. Try again later.")
