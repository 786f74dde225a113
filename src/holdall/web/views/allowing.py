"""The answers of a view's addresses to OPTIONS: the methods that its routes take there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from holdall.web.body import JSON
from holdall.web.dependency import acting_user
from holdall.web.host_problems import response_of
from holdall.web.importing import IMPORTED
from holdall.web.no_method import no_method
from holdall.web.problem import Problem
from holdall.web.reply import Reply
from holdall.web.rights import has_any_right
from holdall.web.views.serving import Serving
from holdall.web.views.standard import STANDARD
from holdall.web.views.view import View, is_own

__all__ = ["allow_options"]


def allow_options(router: APIRouter, view: type[View], serving: Serving | None) -> None:
    """Answer OPTIONS at each address where a router has routes of a view, unless one of them does.

    Example: :func:`include_view`.
    """
    by_path: dict[str, list[APIRoute]] = {}
    for each in router.routes:
        assert isinstance(each, APIRoute)
        by_path.setdefault(each.path, []).append(each)
    for path, routes in by_path.items():
        if "OPTIONS" not in _methods(routes):
            name = f"{view.__name__}.options"
            endpoint = _endpoint(view, serving, _reply(view, routes))
            router.add_api_route(
                path.removeprefix(router.prefix),
                endpoint,
                methods=["OPTIONS"],
                name=name,
                include_in_schema=False,
                response_model=None,
            )


def _reply(view: type[View], routes: list[APIRoute]) -> Reply:
    """The answer; of bodies that methods of one's own take, nothing is told."""
    methods = _methods(routes)
    names = {each.name.rpartition(".")[2] for each in routes}
    posted = (JSON, *IMPORTED[:2]) if "create_endpoint" in names else (JSON,)
    reply = no_method("OPTIONS", methods, posted)
    if not all(name in STANDARD and is_own(view, name) for name in names):
        reply.headers = [header for header in reply.headers if header[0] == b"allow"]
    return reply


def _methods(routes: list[APIRoute]) -> set[str]:
    return {method for each in routes for method in each.methods or ()}


def _endpoint(view: type[View], serving: Serving | None, reply: Reply) -> Callable[[Request], Awaitable[Response]]:
    async def options(request: Request) -> Response:
        if serving is not None and not has_any_right(serving.binding, await acting_user(request, view.acts_for)):
            raise Problem(404, "not-found", "There is no such record.")
        return response_of(reply)

    return options
