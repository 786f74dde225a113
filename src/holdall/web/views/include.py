"""Views into the routes of a host: each method a route, called on an instance of its own in a session of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import TypeVar, overload

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from holdall.app import Holdall
from holdall.errors import DeclarationError
from holdall.query import Value
from holdall.web.cursor import Cursors
from holdall.web.direct_routes import DirectRoute
from holdall.web.host_problems import add_own_handlers
from holdall.web.openapi import NARROWED, Access, Narrowing, Node
from holdall.web.options import Options
from holdall.web.service import Service
from holdall.web.views.allowing import allow_options
from holdall.web.views.calling import demand_called_in_threads
from holdall.web.views.describing import described
from holdall.web.views.injection import is_injected, maker_of, own_parameters
from holdall.web.views.key_route import KeyRoute
from holdall.web.views.method_call import MethodCall
from holdall.web.views.rest import BaseRestView
from holdall.web.views.serving import Serving
from holdall.web.views.standard import ONE_OF_MANY, Standard
from holdall.web.views.view import View, inherited_list, is_own, prefix_of, routes_of

__all__ = ["include_view"]

V = TypeVar("V", bound=type[View])
Parent = FastAPI | APIRouter


@overload
def include_view(parent: Parent, view: V, *, app: Holdall | None = ...) -> V: ...
@overload
def include_view(parent: Parent, *, app: Holdall | None = ...) -> Callable[[V], V]: ...
def include_view(parent: Parent, view: V | None = None, *, app: Holdall | None = None) -> V | Callable[[V], V]:
    """Add the routes of a view to a service, a FastAPI application or a router; also as a decorator.

    ``app`` is the Holdall whose records the view serves: without it that of the view or of the service. The same view
    can be included in several parents; again in the same one it changes nothing. On a service, a view at the address of
    its model's collection takes the place of that. Raises DeclarationError for what cannot be served as it is declared.
    Example: :class:`AsyncRestView`.
    """
    if view is None:
        return lambda given: include_view(parent, given, app=app)
    place = parent.router if isinstance(parent, FastAPI) else parent
    included: set[type[View]] = place.__dict__.setdefault("holdall_views", set())
    if view in included:
        return view
    holdall = app or view.app or (parent.holdall if isinstance(parent, Service) else None)
    if holdall is None:
        raise DeclarationError(
            f"{view.__name__} is included in no service and names no Holdall: give include_view(..., app=...)"
        )
    options = parent.settings if isinstance(parent, Service) else Options()
    cursors = parent.cursors if isinstance(parent, Service) else Cursors(options.secret)
    demand_called_in_threads(view)
    serving = Serving(holdall, view, options, cursors) if issubclass(view, BaseRestView) else None
    direct: list[DirectRoute] = []
    router = _router(view, holdall, serving, direct, has_components=isinstance(parent, Service))
    parent.include_router(router)
    if isinstance(parent, Service):
        parent.give_way_to_views()
        for route in direct:
            parent.direct.add(route)
    if isinstance(parent, FastAPI) and not isinstance(parent, Service):
        add_own_handlers(parent)
    included.add(view)
    return view


def _router(
    view: type[View], app: Holdall, serving: Serving | None, direct: list[DirectRoute], *, has_components: bool
) -> APIRouter:
    """The routes of a view, those put into ``direct`` as well that need nothing of the framework."""
    tags = inherited_list(view, "tags") or [_tag(view)]
    responses: dict[int | str, dict[str, Value]] = {}
    for base in reversed(view.__mro__):
        responses |= vars(base).get("responses", {})
    prefix, routes = prefix_of(view), dict(routes_of(view))
    if not prefix and not all(spec.path for spec in routes.values()):
        raise DeclarationError(f'{view.__name__} has no prefix: write prefix = "/books" in it, or another path')
    router = APIRouter(
        prefix=prefix,
        tags=tags,
        dependencies=inherited_list(view, "dependencies"),
        responses=responses,
        route_class=KeyRoute,
    )
    make = maker_of(view)
    is_alone = not (inherited_list(view, "dependencies") or is_injected(view))
    for name, spec in sorted(routes.items(), key=lambda item: "{" in item[1].path):  # as a fixed path may be a key's
        one = ONE_OF_MANY.get(name)
        if one is not None and is_own(view, name) and not _is_for_many(view, one, routes):
            continue
        call = MethodCall(view, name, app, serving)
        if call.standard is not None and serving is not None and not call.standard.is_had_by(serving.binding):
            continue
        options: dict[str, Value] = {"name": f"{view.__name__}.{name}", "response_model": None}
        options["generate_unique_id_function"] = partial(_operation, view, name, spec.path)
        if call.standard is None:
            options["response_model"] = call.shown_records
        endpoint = call.endpoint(make)
        if call.standard is not None and serving is not None:
            options |= described(call.standard, serving, has_components=has_components)
            if view.acts_for is None:
                setattr(endpoint, NARROWED, _narrowing(call.standard, serving, has_components=has_components))
        options |= spec.options
        methods = list(spec.methods)
        router.add_api_route(spec.path, endpoint, methods=methods, status_code=spec.status, **options)
        call.own = own_parameters(router.routes[-1].dependant)  # type: ignore[attr-defined]
        if "GET" in methods and "HEAD" not in methods:
            options["include_in_schema"] = False
            router.add_api_route(spec.path, endpoint, methods=["HEAD"], status_code=spec.status, **options)
        if call.is_simple and not spec.options and is_alone:
            direct += _direct(prefix + spec.path, methods, spec.status, endpoint, call)
    allow_options(router, view, serving)
    return router


def _direct(
    path: str, methods: list[str], status: int, endpoint: Callable[..., Value], call: MethodCall
) -> list[DirectRoute]:
    """The direct routes of a method, if its path is that of a collection below the root, or of a record there."""
    if path.count("/") - path.endswith("/{key}") != 1:
        return []
    name, has_key = path.split("/")[1], "{key}" in path
    return [DirectRoute(name, has_key, method, status, endpoint, call.answer, call.is_plain) for method in methods]


def _narrowing(standard: Standard, serving: Serving, *, has_components: bool) -> Narrowing:
    def describe(access: Access) -> Node:
        told: Node = described(standard, serving, access, has_components=has_components)["openapi_extra"]
        return told

    rights = (standard.right,) if standard.other is None else (standard.right, standard.other)
    return Narrowing(serving.binding.collection, rights, describe)


def _is_for_many(view: type[View], one: str, routes: Collection[str]) -> bool:
    """Whether a view has a route for many records, as it has that of one, which nobody has replaced."""
    return one in routes and is_own(view, one) and not getattr(view, "is_simple_rest", False)


def _tag(view: type[View]) -> str:
    return prefix_of(view).rpartition("/")[2].replace("-", " ").title() or view.__name__


_VERBS = {
    "get_many_endpoint": "list",
    "get_one_endpoint": "get",
    "create_endpoint": "create",
    "put_endpoint": "replace",
    "update_endpoint": "update",
    "delete_endpoint": "delete",
    "update_many_endpoint": "update_many",
    "delete_many_endpoint": "delete_many",
}


def _operation(view: type[View], name: str, path: str, route: APIRoute) -> str:
    """The name of an operation, by the address at which the view is included: it may be so in several places."""
    above = route.path_format.removesuffix(path)
    place = above.strip("/").replace("/", "_").replace("-", "_") or view.__name__
    return f"{place}_{_VERBS.get(name, name)}"
