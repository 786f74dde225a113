"""One method of a view as an endpoint of the framework: called on its instance, in the context of the request."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from functools import partial
from typing import Any, get_args, get_type_hints

import anyio
from fastapi import Depends
from fastapi.encoders import jsonable_encoder
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from holdall.app import Holdall
from holdall.model import Model
from holdall.policy import Right, User
from holdall.query import Value
from holdall.service import Context, Dal, SyncContext
from holdall.session import Session, SyncSession
from holdall.web.asgi import Receive
from holdall.web.body import demand_media_type, media_type
from holdall.web.conditional import demand_a_new_record
from holdall.web.dependency import acting_user
from holdall.web.importing import IMPORTED
from holdall.web.intake import SESSION
from holdall.web.own_routes import COLLECTION_OF_VIEW
from holdall.web.reply import Reply
from holdall.web.request_context import request_meta
from holdall.web.rights import USER
from holdall.web.views.answers import RecordResponse
from holdall.web.views.async_rest import AsyncRestView
from holdall.web.views.bracket import Writes
from holdall.web.views.injection import request_among
from holdall.web.views.replies import planned, reply_to
from holdall.web.views.rest import BaseRestView
from holdall.web.views.serving import Serving
from holdall.web.views.standard import STANDARD, Standard, input_of
from holdall.web.views.sync_rest import RestView
from holdall.web.views.view import OF_CONTEXT, View, is_own

__all__ = ["MethodCall"]

_FAILED_HOOK = (b"holdall-after-commit", b"failed")


_PLAIN = {
    "get_many_endpoint": ("handle_get_many", "get_many", "apply_query_params", "count", "estimate"),
    "get_one_endpoint": ("handle_get_one", "get_one"),
}
_OF_READS = ("__init__", "authorize", "build_query", "to_response", "get_relationship_loader_options")


class MethodCall:
    """One method of a view as an endpoint of the framework."""

    def __init__(self, view: type[View], name: str, app: Holdall, serving: Serving | None) -> None:
        self._view = view
        self._name = name
        self._app = app
        self._serving = serving
        self.own: set[str] = set()
        """The names of query parameters that the route takes beside those of collections."""
        self._method = getattr(view, name)
        self._is_async = inspect.iscoroutinefunction(self._method)
        self.standard: Standard | None = STANDARD.get(name) if serving is not None else None

    def endpoint(self, make: Callable[..., Awaitable[View]]) -> Callable[..., Value]:
        """A function with the parameters of the method, of which ``self`` is a dependency."""

        async def endpoint(**values: Any) -> Value:
            request: Request = values.pop("holdall_request") if own is None else values[own]
            view: View = values.pop("holdall_view")
            return await self._answer(view, request, values)

        hints = get_type_hints(self._method, include_extras=True)
        taken = [] if self.standard is None else list(self.standard.takes)
        parameters = [
            parameter.replace(annotation=hints.get(name, Any), kind=inspect.Parameter.KEYWORD_ONLY)
            for name, parameter in list(inspect.signature(self._method).parameters.items())[1:]
            if name not in taken
        ]
        own = request_among(parameters)
        keyword = inspect.Parameter.KEYWORD_ONLY
        ours = [inspect.Parameter("holdall_view", keyword, annotation=Any, default=Depends(make))]
        if own is None:
            ours.insert(0, inspect.Parameter("holdall_request", keyword, annotation=Request))
        signature = inspect.Signature([*ours, *parameters])
        endpoint.__signature__ = signature  # type: ignore[attr-defined]
        endpoint.__name__ = self._name
        endpoint.__doc__ = None if self.standard is not None else self._method.__doc__
        if self._serving is not None:
            setattr(endpoint, COLLECTION_OF_VIEW, self._serving.binding.collection)
        return endpoint

    @property
    def shown_records(self) -> object:
        """The annotation of what the method returns, where records are in it; else None."""
        annotation = get_type_hints(self._method).get("return")
        return annotation if any(_is_record(part) for part in _parts_of(annotation)) else None

    @property
    def is_simple(self) -> bool:
        """Whether the method is a route of every REST view and takes no more than that of the request."""
        taken = set(inspect.signature(self._method).parameters)
        return self.standard is not None and taken == {"self", *self.standard.takes}

    @property
    def is_plain(self) -> bool:
        """Whether the method reads as the collection does by itself: nothing that it goes through is replaced."""
        names = _PLAIN.get(self._name, ())
        base: type[View] = AsyncRestView if issubclass(self._view, AsyncRestView) else RestView
        return (
            bool(names)
            and self._serving is not None
            and self._serving.form.is_derived
            and not self._serving.is_simple_rest
            and self._view.acts_for is None
            and all(getattr(self._view, name) is getattr(base, name) for name in (self._name, *names, *_OF_READS))
        )

    async def answer(self, request: Request) -> Value:
        """The answer to a request, without the framework's help; only if the method ``is_simple``."""
        return await self._answer(self._view(), request, {})

    async def _answer(self, view: View, request: Request, values: dict[str, Value]) -> Value:
        user = request.scope[USER] = await acting_user(request, self._view.acts_for)
        repeatable = None if self.standard is None or self._serving is None else self._serving.repeatable
        if repeatable is None or not repeatable.concerns(request.scope):
            return await self._in_context(view, request, values, user)

        async def endpoint(receive: Receive) -> Reply:
            found = await self._in_context(view, Request(request.scope, receive), dict(values), user)
            response = found if isinstance(found, Response) else JSONResponse(jsonable_encoder(found))
            return Reply(response.status_code, list(response.raw_headers), bytes(response.body))

        reply = await repeatable.answer(request.scope, request.receive, user, endpoint)
        return _response(Response(), reply, has_failed_hook=False)

    async def _in_context(self, view: View, request: Request, values: dict[str, Value], user: User) -> Value:
        opened = self._app.context(request_meta(request.scope), user=user)
        lent: Session | None = request.scope.get(SESSION)
        if lent is not None:  # that of a request whose answer is kept
            opened.core.lend(lent, lent.commit)
        async with opened as context:
            session = context.session
            view.request, view.user = request, user
            _give(view, context, session)
            if self._serving is None:
                found = await self._called(view, context, values)
                await _committed(session)
                return found
            assert isinstance(view, BaseRestView)
            writes = view.writes = Writes()
            view.serving, view.acting = self._serving, session
            if self._is_import(request):
                return await self._imported(view, request, context)
            if self.standard is not None:
                values |= await input_of(self.standard, self._serving, request, session, view, self.own)
            found = await self._called(view, context, values)
            if writes.preferences.is_rehearsal:
                return _response(Response(), await planned(view, session), has_failed_hook=False)
            await _committed(session)
            if not isinstance(found, RecordResponse):
                return found
            reply = await reply_to(view, request.scope, session, found)
            return _response(found, reply, has_failed_hook=writes.has_failed_hook)
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
        _give(view, context.in_thread, context.in_thread.session)
        return await anyio.to_thread.run_sync(partial(context.core.act_in_thread, bound))

    async def _called(self, view: View, context: Context, values: dict[str, Value]) -> Value:
        bound = getattr(
            view, "create_many_endpoint" if "items" in values and self._name == "create_endpoint" else self._name
        )
        if self._is_async:
            return await bound(**values)
        _give(view, context.in_thread, context.in_thread.session)
        return await anyio.to_thread.run_sync(partial(context.core.act_in_thread, partial(bound, **values)))


def _parts_of(annotation: object) -> Iterator[object]:
    """Give an annotation and all that is in its brackets."""
    yield annotation
    for part in get_args(annotation):
        yield from _parts_of(part)


def _is_record(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Model)


def _give(view: View, context: Context | SyncContext, session: Session | SyncSession) -> None:
    """Set what views have of their request's context; their own attributes of these names have it if they are of it."""
    view.session, view.acts_in = session, context
    attributes = vars(view)
    if not OF_CONTEXT.keys().isdisjoint(attributes):
        for name, read in OF_CONTEXT.items():
            if isinstance(attributes.get(name), Context | SyncContext | Dal):
                attributes[name] = read(context)


async def _committed(session: Session) -> None:
    """Commit what a method has left in its session: its answer is made after that."""
    if not session.context.has_only_read:
        await session.commit()


def _response(found: Response, reply: Reply, *, has_failed_hook: bool) -> Response:
    """The answer of the framework: our own headers with those that the method has set."""
    own = {name for name, _ in reply.headers} if found.raw_headers else ()
    set_by_method = [each for each in found.raw_headers if each[0] not in own and each[0] != b"content-length"]
    if reply.parts is None:
        response = found
        response.status_code, response.body = reply.status, reply.body
    else:
        response = StreamingResponse(_sent(reply.body, reply.parts), reply.status)
    response.raw_headers = [*reply.headers, *set_by_method, *([_FAILED_HOOK] if has_failed_hook else [])]
    return response


async def _sent(first: bytes, parts: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """An answer of parts, which end with the request."""
    async with aclosing(parts):
        yield first
        async for part in parts:
            yield part
