"""Routes of views that need nothing of the framework's routing and dependencies: found by one look-up, called at once.

A request that the framework would give to another route, or that a route needs more for, is left to the framework.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence

import anyio
import msgspec
from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount

from holdall.query import Value
from holdall.web.asgi import Receive, Scope, Send, path_below
from holdall.web.body import Disconnected
from holdall.web.own_routes import flat_routes

__all__ = ["DirectRoute", "DirectRoutes"]


class DirectRoute(msgspec.Struct, frozen=True, eq=False):
    """A route at ``/{name}``, or ``/{name}/{key}`` if it ``has_key``.

    ``endpoint`` is what the framework knows the same route by, ``answer`` makes the answer without it; one that
    ``is_plain`` answers as the collection itself would.
    """

    name: str
    has_key: bool
    method: str
    status_code: int
    endpoint: Callable[..., Value]
    answer: Callable[[Request], Awaitable[Value]]
    is_plain: bool = False

    @property
    def path(self) -> str:
        """The path, as the framework writes it."""
        return f"/{self.name}/{{key}}" if self.has_key else f"/{self.name}"


class DirectRoutes:
    """The direct routes of one host."""

    def __init__(self, host: FastAPI) -> None:
        self._host = host
        self._given: list[DirectRoute] = []
        self._seen = 0
        self._known: dict[tuple[str, bool, str], DirectRoute] = {}
        self._others: frozenset[tuple[str, str]] = frozenset()

    def add(self, route: DirectRoute) -> None:
        """Take a route that the framework has, too."""
        self._given.append(route)
        self._seen = 0

    def find(self, scope: Scope) -> DirectRoute | None:
        """The direct route that answers a request; None where the framework is to be asked."""
        if not self._given:
            return None
        routes = self._host.router.routes
        if len(routes) != self._seen:
            self._settle(routes)
            self._seen = len(routes)
        path = path_below(scope)
        name, _, key = path[1:].partition("/")
        if "/" in key or path[-1:] == "/" or b"%2f" in (scope.get("raw_path") or b"").lower():
            return None
        found = self._known.get((name, bool(key), scope["method"]))
        return None if found is None or (key and (found.method, f"/{name}/{key}") in self._others) else found

    async def answer(self, route: DirectRoute, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, its errors by the handlers of the host."""
        key = {"key": scope["path"].rpartition("/")[2]} if route.has_key else {}
        scope.update(app=self._host, route=route, endpoint=route.endpoint, path_params=key)
        request = Request(scope, receive, send)
        unhandled: Exception | None = None
        try:
            response = _response(await route.answer(request), route)
        except Disconnected:
            return
        except Exception as error:
            handler = _handler_of(self._host.exception_handlers, error)
            response = await _handled(handler, request, error)
            unhandled = error if handler is self._host.exception_handlers.get(Exception) else None
        await response(scope, receive, send)
        if unhandled is not None:
            raise unhandled  # for the server, which logs it

    def _settle(self, routes: Sequence[object]) -> None:
        """Use what the framework would come to first, and know the fixed paths, which may lie among records."""
        every = list(flat_routes(routes))
        self._known = {}
        for route in reversed(self._given):
            first = next((other for other in every if _may_answer(other, route)), None)
            if getattr(first, "endpoint", None) is route.endpoint:
                self._known[route.name, route.has_key, route.method] = route
        pairs = [(method, each.path) for each in every for method in getattr(each, "methods", None) or ()]
        self._others = frozenset(pairs)


def _may_answer(other: Value, route: DirectRoute) -> bool:
    """Whether a route of the host has a path with which it may answer requests for a direct one, whatever their key."""
    path = getattr(other, "path", None)
    if path is None:
        return True
    if isinstance(other, Mount):
        return "{" in path or f"{route.path}/".startswith(f"{path}/")
    if route.method not in (getattr(other, "methods", None) or (route.method,)):
        return False
    segments, wanted = path[1:].split("/"), route.path[1:].split("/")
    if ":path}" in path:
        return "{" in segments[0] or segments[0] == route.name
    return len(segments) == len(wanted) and all(
        "{" in segment or segment == name for segment, name in zip(segments, wanted, strict=True)
    )


def _response(found: object, route: DirectRoute) -> Response:
    return found if isinstance(found, Response) else JSONResponse(jsonable_encoder(found), route.status_code)


def _handler_of(handlers: Mapping[Value, Callable[..., Value]], error: Exception) -> Callable[..., Value]:
    """The host's handler of an error, as Starlette looks for it; that of Exception takes what no other does."""
    if isinstance(error, HTTPException) and error.status_code in handlers:
        return handlers[error.status_code]
    return next(handlers[kind] for kind in type(error).__mro__ if kind in handlers)


async def _handled(handler: Callable[..., Value], request: Request, error: Exception) -> Response:
    if inspect.iscoroutinefunction(handler):
        response: Response = await handler(request, error)
        return response
    return await anyio.to_thread.run_sync(handler, request, error)
