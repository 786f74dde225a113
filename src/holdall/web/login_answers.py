"""Answers to logins and logouts: the session's cookie, its facts for a page, and refusals."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from holdall.users import LoggedIn
from holdall.users.authenticator import COOKIE

__all__ = ["login_problem", "told_session", "with_cookie", "with_session", "without_session"]


def told_session(found: LoggedIn) -> Response:
    """The user of a session, and its token for ``X-CSRF-Token``."""
    user = {"id": found.user.id, "login": found.user.login, "roles": sorted(found.user.roles)}
    return JSONResponse({"csrf": found.csrf, "user": user, "expires": found.expires.isoformat()})


def with_session(answer: Response, token: str) -> Response:
    """The answer, with the cookie of a session."""
    return with_cookie(answer, COOKIE, token)


def without_session(answer: Response) -> Response:
    """The answer, after which browsers keep no cookie of a session."""
    return with_cookie(answer, COOKIE, "", seconds=0)


def with_cookie(answer: Response, name: str, value: str, *, seconds: int | None = None) -> Response:
    """The answer, with a cookie that no script reads and no other site sends with a write; never kept by caches."""
    end = "" if seconds is None else f"; Max-Age={seconds}"
    answer.headers.append("set-cookie", f"{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{end}")
    answer.headers["cache-control"] = "no-store"
    return answer


def login_problem(status: int, name: str, detail: str) -> Response:
    """A refusal, as a problem document."""
    told = {"type": f"urn:holdall:{name}", "title": detail, "status": status, "detail": detail}
    return JSONResponse(told, status_code=status, media_type="application/problem+json")
