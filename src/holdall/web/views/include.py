"""Views into the routes of a host: each method a route, called on an instance of its own in a session of its own."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing
from functools import partial
from typing import Any, TypeVar, get_type_hints, overload

import anyio
from fastapi import APIRouter, Depends, FastAPI
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from holdall.app import Holdall
from holdall.errors import DeclarationError
from holdall.policy import Right
from holdall.query import Value
from holdall.service import Context, Dal, SyncContext
from holdall.web.body import demand_media_type, media_type
from holdall.web.conditional import demand_a_new_record
from holdall.web.cursor import Cursors
from holdall.web.dependency import acting_user
from holdall.web.host_problems import add_own_handlers
from holdall.web.importing import IMPORTED
from holdall.web.options import Options
from holdall.web.own_routes import COLLECTION_OF_VIEW
from holdall.web.reply import Reply
from holdall.web.request_context import request_meta
from holdall.web.rights import USER
from holdall.web.service import Service
from holdall.web.views.answers import RecordResponse
from holdall.web.views.bracket import Writes
from holdall.web.views.describing import described
from holdall.web.views.injection import maker_of, own_parameters
from holdall.web.views.replies import planned, reply_to
from holdall.web.views.rest import BaseRestView
from holdall.web.views.serving import Serving
from holdall.web.views.standard import ONE_OF_MANY, STANDARD, Standard, input_of
from holdall.web.views.view import View, inherited_list, is_own, prefix_of, routes_of

__all__ = ["include_view"]

V = TypeVar("V", bound=type[View])
Parent = FastAPI | APIRouter

_FAILED_HOOK = (b"holdall-after-commit", b"failed")


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
    serving = Serving(holdall, view, options, cursors) if issubclass(view, BaseRestView) else None
    router = _router(view, holdall, serving, has_components=isinstance(parent, Service))
    parent.include_router(router)
    if isinstance(parent, Service):
        parent.give_way_to_views()
    if isinstance(parent, FastAPI) and not isinstance(parent, Service):
        add_own_handlers(parent)
    included.add(view)
    return view


def _router(view: type[View], app: Holdall, serving: Serving | None, *, has_components: bool) -> APIRouter:
    tags = inherited_list(view, "tags") or [_tag(view)]
    responses: dict[int | str, dict[str, Value]] = {}
    for base in reversed(view.__mro__):
        responses |= vars(base).get("responses", {})
    router = APIRouter(
        prefix=prefix_of(view), tags=tags, dependencies=inherited_list(view, "dependencies"), responses=responses
    )
    make = maker_of(view)
    own = own_parameters(view)
    routes = dict(routes_of(view))
    for name, spec in routes.items():
        one = ONE_OF_MANY.get(name)
        if one is not None and is_own(view, name) and not _is_for_many(view, one, routes):
            continue
        call = _Call(view, name, app, serving, own)
        if call.standard is not None and serving is not None and not call.standard.is_had_by(serving.binding):
            continue
        options: dict[str, Value] = {"name": f"{view.__name__}.{name}", "response_model": None}
        options["operation_id"] = _operation(view, name)
        if call.standard is not None and serving is not None:
            options |= described(call.standard, serving, has_components=has_components)
        options |= spec.options
        methods = list(spec.methods)
        router.add_api_route(spec.path, call.endpoint(make), methods=methods, status_code=spec.status, **options)
    return router


def _is_for_many(view: type[View], one: str, routes: Collection[str]) -> bool:
    """Whether a view has a route for many records, as it has that of one, which nobody has replaced."""
    return one in routes and is_own(view, one) and not getattr(view, "is_simple_rest", False)


class _Call:
    """One method of a view as an endpoint of the framework."""

    def __init__(self, view: type[View], name: str, app: Holdall, serving: Serving | None, own: set[str]) -> None:
        self._view = view
        self._name = name
        self._app = app
        self._serving = serving
        self._own = own
        self._method = getattr(view, name)
        self._is_async = inspect.iscoroutinefunction(self._method)
        self.standard: Standard | None = STANDARD.get(name) if serving is not None else None

    def endpoint(self, make: Callable[..., View]) -> Callable[..., Value]:
        """A function with the parameters of the method, of which ``self`` is a dependency."""

        async def endpoint(**values: Any) -> Value:
            request: Request = values.pop("holdall_request")
            view: View = values.pop("holdall_view")
            return await self._answer(view, request, values)

        hints = get_type_hints(self._method, include_extras=True)
        taken = [] if self.standard is None else list(self.standard.takes)
        parameters = [
            parameter.replace(annotation=hints.get(name, Any), kind=inspect.Parameter.KEYWORD_ONLY)
            for name, parameter in list(inspect.signature(self._method).parameters.items())[1:]
            if name not in taken
        ]
        keyword = inspect.Parameter.KEYWORD_ONLY
        ours = [
            inspect.Parameter("holdall_request", keyword, annotation=Request),
            inspect.Parameter("holdall_view", keyword, annotation=Any, default=Depends(make)),
        ]
        signature = inspect.Signature([*ours, *parameters])
        endpoint.__signature__ = signature  # type: ignore[attr-defined]
        endpoint.__name__ = self._name
        endpoint.__doc__ = None if self.standard is not None else self._method.__doc__
        if self._serving is not None:
            setattr(endpoint, COLLECTION_OF_VIEW, self._serving.binding.collection)
        return endpoint

    async def _answer(self, view: View, request: Request, values: dict[str, Value]) -> Value:
        user = request.scope[USER] = await acting_user(request, self._view.acts_for)
        async with self._app.context(request_meta(request.scope), user=user) as context:
            session = context.session
            view.request, view.user = request, user
            _give(view, context)
            if isinstance(view, BaseRestView) and self._serving is not None:
                view.serving, view.acting, view.writes = self._serving, session, Writes()
                if self._is_import(request):
                    return await self._imported(view, request, context)
                if self.standard is not None:
                    values |= await input_of(self.standard, self._serving, request, session, view, self._own)
            found = await self._called(view, context, values)
            if isinstance(view, BaseRestView) and view.writes.preferences.is_rehearsal:
                return _response(Response(), await planned(view, session), has_failed_hook=False)
            await session.commit()
            if not isinstance(found, RecordResponse):
                return found
            assert isinstance(view, BaseRestView)
            reply = await reply_to(view, request.scope, session, found)
            return _response(found, reply, has_failed_hook=view.writes.has_failed_hook)
        return Response(status_code=204)  # middleware suppressed an exception

    def _is_import(self, request: Request) -> bool:
        """Whether a request to create records has them in the lines of a file."""
        is_creating = self.standard is not None and self.standard.verb == "create"
        return is_creating and media_type(request.scope) in IMPORTED and is_own(self._view, self._name)

    async def _imported(self, view: BaseRestView[Any], request: Request, context: Context) -> Response:
        view.serving.demand(Right.CREATE, context.session)
        demand_a_new_record(request.scope)
        demand_media_type(request.scope, *IMPORTED)
        handle = partial(self._by, view, context, "handle_each")
        imports = view.serving.many.imports(context.session, view, handle)
        reply = await imports.answer(request.scope, request.receive, view.user)
        return _response(Response(), reply, has_failed_hook=view.writes.has_failed_hook)

    async def _by(self, view: View, context: Context, name: str, *args: Value) -> Value:
        """The result of a method of the view that is not the endpoint, where such methods run."""
        bound = partial(getattr(view, name), *args)
        if inspect.iscoroutinefunction(bound.func):
            return await bound()
        _give(view, context.in_thread)
        return await anyio.to_thread.run_sync(partial(context.core.act_in_thread, bound))

    async def _called(self, view: View, context: Context, values: dict[str, Value]) -> Value:
        bound = getattr(
            view, "create_many_endpoint" if "items" in values and self._name == "create_endpoint" else self._name
        )
        if self._is_async:
            return await bound(**values)
        _give(view, context.in_thread)
        return await anyio.to_thread.run_sync(partial(context.core.act_in_thread, partial(bound, **values)))


def _give(view: View, context: Context | SyncContext) -> None:
    """Set what views have of their request's context, where they are not annotated with others of that name."""
    view.session = context.session
    for name, part in (("context", context), ("dal", context.dal)):
        if isinstance(vars(view).get(name, part), Context | SyncContext | Dal):
            setattr(view, name, part)


def _response(found: Response, reply: Reply, *, has_failed_hook: bool) -> Response:
    """The answer of the framework: our own headers with those that the method has set."""
    if reply.parts is None:
        response = Response(reply.body, reply.status)
    else:
        response = StreamingResponse(_sent(reply.body, reply.parts), reply.status)
    own = {name for name, _ in reply.headers}
    set_by_method = [
        (name, value) for name, value in found.raw_headers if name not in own and name != b"content-length"
    ]
    response.raw_headers = [*reply.headers, *set_by_method, *([_FAILED_HOOK] if has_failed_hook else [])]
    return response


async def _sent(first: bytes, parts: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """An answer of parts, which end with the request."""
    async with aclosing(parts):
        yield first
        async for part in parts:
            yield part


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


def _operation(view: type[View], name: str) -> str:
    place = prefix_of(view).strip("/").replace("/", "_").replace("-", "_") or view.__name__
    return f"{place}_{_VERBS.get(name, name)}"
