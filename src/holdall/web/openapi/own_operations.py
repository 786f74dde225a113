"""The description of the host's own routes: that they answer problems, and for whom their sessions act."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from holdall.web.openapi.responses import problems
from holdall.web.openapi.schemas import Node
from holdall.web.openapi.security import SCHEME

__all__ = ["ASKS_WHO", "describe_own"]

ASKS_WHO = "__holdall_asks_who__"
"""The attribute of a dependency that gives a session: whether it acts for whoever asks."""

_OF_SESSIONS = (202, 403, 404, 409, 422, 500, 501, 502, 503, 504, 507)
_OF_FRAMEWORK = "/HTTPValidationError"


def describe_own(document: Node, routes: Iterable[Any], *, knows_users: bool) -> None:
    """Complete the operations of these routes, in place; what a route says of itself stays. Example: :func:`asgi`."""
    for route in routes:
        item = document.get("paths", {}).get(getattr(route, "path_format", None), {})
        session = _session_of(getattr(route, "dependant", None))
        for method in getattr(route, "methods", None) or ():
            if operation := item.get(method.lower()):
                _complete(operation, session, knows_users)


def _complete(operation: Node, asks_who: bool | None, knows_users: bool) -> None:
    responses = operation.setdefault("responses", {})
    schema = responses.get("422", {}).get("content", {}).get("application/json", {}).get("schema", {})
    if schema.get("$ref", "").endswith(_OF_FRAMEWORK):
        responses |= problems(422)
    if asks_who is None:
        return
    for status, response in problems(*_OF_SESSIONS, *([401] if knows_users else [])).items():
        responses.setdefault(status, response)
    if asks_who and knows_users:
        operation.setdefault("security", [{}, {SCHEME: []}])


def _session_of(dependant: Any) -> bool | None:
    """Whether a session of the route acts for the user of the request; None where the route has no session."""
    found: bool | None = None
    pending = [dependant] if dependant is not None else []
    while pending:
        each = pending.pop()
        asks_who = getattr(each.call, ASKS_WHO, None)
        if asks_who is not None:
            found = bool(found or asks_who)
        pending.extend(each.dependencies)
    return found
