"""Routes of a view: decorators that mark its methods, and the names of those that a REST view has by itself."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from holdall.query import Value

__all__ = ["RouteSpec", "ViewRoute", "delete", "get", "patch", "post", "put", "route", "route_of"]

_MARK = "__holdall_route__"

F = TypeVar("F", bound=Callable[..., Any])


class ViewRoute(StrEnum):
    """The routes that a REST view has by itself, for ``exclude_routes``.

    >>> ViewRoute.DELETE == "delete_endpoint"
    True
    """

    GET_MANY = "get_many_endpoint"
    GET_ONE = "get_one_endpoint"
    CREATE = "create_endpoint"
    PUT = "put_endpoint"
    UPDATE = "update_endpoint"
    DELETE = "delete_endpoint"
    UPDATE_MANY = "update_many_endpoint"
    DELETE_MANY = "delete_many_endpoint"


class RouteSpec(msgspec.Struct, frozen=True):
    """Where a method of a view answers. ``options`` go to FastAPI's ``add_api_route`` as they are."""

    path: str
    methods: tuple[str, ...]
    status: int
    options: dict[str, Value] = {}


def route(path: str, *, methods: tuple[str, ...], status_code: int = 200, **options: Value) -> Callable[[F], F]:
    """Mark a method of a view as a route of its own; ``options`` are those of FastAPI's ``add_api_route``.

    >>> from holdall.web.views.view import View
    >>> class Ping(View):
    ...     @route("/ping", methods=("GET", "POST"))
    ...     async def ping(self) -> str:
    ...         return "pong"
    >>> route_of(Ping.ping).methods
    ('GET', 'POST')
    """

    def mark(function: F) -> F:
        setattr(function, _MARK, RouteSpec(path, tuple(methods), status_code, options))
        return function

    return mark


def get(path: str, *, status_code: int = 200, **options: Value) -> Callable[[F], F]:
    """Mark a method of a view that answers GET. Example: :class:`View`."""
    return route(path, methods=("GET",), status_code=status_code, **options)


def post(path: str, *, status_code: int = 201, **options: Value) -> Callable[[F], F]:
    """Mark a method of a view that answers POST, with 201 unless another status is given. Example: :class:`View`."""
    return route(path, methods=("POST",), status_code=status_code, **options)


def put(path: str, *, status_code: int = 200, **options: Value) -> Callable[[F], F]:
    """Mark a method of a view that answers PUT. Example: :class:`View`."""
    return route(path, methods=("PUT",), status_code=status_code, **options)


def patch(path: str, *, status_code: int = 200, **options: Value) -> Callable[[F], F]:
    """Mark a method of a view that answers PATCH. Example: :class:`View`."""
    return route(path, methods=("PATCH",), status_code=status_code, **options)


def delete(path: str, *, status_code: int = 204, **options: Value) -> Callable[[F], F]:
    """Mark a method of a view that answers DELETE, with 204 unless another status is given. Example: :class:`View`."""
    return route(path, methods=("DELETE",), status_code=status_code, **options)


def route_of(function: object) -> RouteSpec | None:
    """Return what a decorator of this module has marked a method with; None where it is no route.

    Example: :func:`route`.
    """
    return getattr(function, _MARK, None)
