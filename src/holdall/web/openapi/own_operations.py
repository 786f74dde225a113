"""The description of the host's own routes: that they answer problems, and for whom their sessions act."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from holdall.policy import Right
from holdall.query import Value
from holdall.web.openapi.access import EVERYTHING, Access
from holdall.web.openapi.responses import problems
from holdall.web.openapi.schemas import Node
from holdall.web.openapi.security import SCHEME

__all__ = ["ASKS_WHO", "NARROWED", "Narrowing", "describe_own", "narrow_views"]

ASKS_WHO = "__holdall_asks_who__"
"""The attribute of a dependency that gives a session: whether it acts for whoever asks."""

NARROWED = "__holdall_narrowed__"
"""The attribute of an endpoint whose description depends on what the user may do: its ``Narrowing``."""

_OF_SESSIONS = (202, 403, 404, 409, 422, 500, 501, 502, 503, 504, 507)
_OF_FRAMEWORK = "/HTTPValidationError"


class Narrowing(msgspec.Struct, frozen=True):
    """A route that a view has by itself: its collection, the rights of which one is enough for it, and how it is
    described to somebody. Example: :func:`asgi`.
    """

    collection: str
    rights: tuple[Right, ...]
    describe: Callable[[Access], Node]


def describe_own(document: Node, routes: Iterable[Value], *, knows_users: bool) -> None:
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


def _session_of(dependant: Value) -> bool | None:
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


def narrow_views(document: Node, routes: Iterable[Value], accesses: Mapping[str, Access]) -> None:
    """Leave out of the operations of views, in place, what a user may not do or see. Example: :func:`asgi`."""
    paths = document.get("paths", {})
    for route in routes:
        narrowing: Narrowing | None = getattr(getattr(route, "endpoint", None), NARROWED, None)
        item = paths.get(getattr(route, "path_format", None), {})
        if narrowing is None or narrowing.collection not in accesses:
            continue
        access = accesses[narrowing.collection]
        for method in {each.lower() for each in route.methods} & item.keys():
            if access.rights.intersection(narrowing.rights):
                _narrow(item[method], narrowing.describe(EVERYTHING), narrowing.describe(access))
            else:
                del item[method]
        if not item.keys() - {"parameters"}:
            paths.pop(route.path_format, None)


def _narrow(operation: Node, whole: Node, told: Node) -> None:
    """Put what is told to a user in the place of the whole description."""
    ours = {(each["name"], each["in"]) for each in whole["parameters"]}
    others = [each for each in operation.get("parameters", []) if (each["name"], each["in"]) not in ours]
    operation["parameters"] = [*others, *told["parameters"]]
    operation["responses"] |= told["responses"]
    if "requestBody" in told:
        operation["requestBody"] = told["requestBody"]
