"""Browsers from elsewhere (CORS, https://fetch.spec.whatwg.org): one option around everything that is answered."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware

from holdall.web.asgi import Application

__all__ = ["EXPOSED", "with_cross_origin"]

EXPOSED = ("ETag", "Location", "Content-Range", "Retry-After", "Server-Timing", "Holdall-After-Commit")
"""The headers of answers that scripts may read."""

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_ASKED_AGAIN = 600  # seconds for which a browser keeps what it was told


def with_cross_origin(app: Application, origins: Sequence[str], request_id: str | None) -> Application:
    """The application, for scripts of these origins; ``*`` stands for all.

    Credentials are what scripts put into ``Authorization``: cookies are not sent. Example: :func:`asgi`.
    """
    exposed = [*EXPOSED, *([] if request_id is None else [request_id])]
    wrapped: Application = CORSMiddleware(
        app,
        allow_origins=list(origins),
        allow_methods=list(_METHODS),
        allow_headers=["*"],
        expose_headers=exposed,
        max_age=_ASKED_AGAIN,
    )
    return wrapped
