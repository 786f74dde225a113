"""A line of the log for each request, with what a structured log wants as attributes; no query strings, no values."""

from __future__ import annotations

import logging
from functools import partial

from holdall.web.asgi import Scope
from holdall.web.operations.request_ids import current_request_id
from holdall.web.operations.told import ANSWERED, ROUTE
from holdall.web.rights import USER

__all__ = ["is_logging", "log_access"]

_log = logging.getLogger("holdall.access")


is_logging = partial(_log.isEnabledFor, logging.INFO)
"""Whether anybody listens."""


def log_access(scope: Scope, seconds: float) -> None:
    """Log a request that was answered, or was left before that: its status is then 499."""
    status, size = scope[ANSWERED]
    user = scope.get(USER)
    client = scope.get("client")
    facts = {
        "method": scope["method"],
        "path": scope["path"],
        "route": route_of(scope),
        "status": status,
        "size": size,
        "seconds": seconds,
        "client": client[0] if client else None,
        "user": None if user is None or not user.is_authenticated else user.id,
        "request_id": current_request_id(),
    }
    _log.info("%s %s %d %.1f ms", scope["method"], _shown(scope["path"]), status, seconds * 1_000, extra=facts)


def route_of(scope: Scope) -> str | None:
    """The template of the path, such as ``/books/{key}``; None where nothing answers there."""
    route = scope.get("route")
    found: str | None = scope.get(ROUTE) if route is None else getattr(route, "path", None)
    return found


def _shown(path: str) -> str:
    return path.encode("unicode_escape").decode()[:1_000]
