"""The REST service: a FastAPI application whose collections are answered before FastAPI is asked."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from typing import Any

import msgspec
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from holdall.app import Holdall
from holdall.app.host import of_web
from holdall.errors import DeclarationError, Forbidden
from holdall.policy import User
from holdall.query import Json, Value, did_you_mean
from holdall.web.asgi import Application, Receive, Scope, Send, address_of_root
from holdall.web.cursor import Cursors
from holdall.web.direct_routes import DirectRoutes
from holdall.web.dispatch import CollectionMiddleware, find_resource
from holdall.web.docs import add_docs
from holdall.web.documents import Documents
from holdall.web.events import Streams
from holdall.web.first_page import add_first_page
from holdall.web.host_problems import add_handlers, failed, response_of
from holdall.web.idempotency import is_hidden, kept_answers
from holdall.web.jobs import ActionJobs, add_jobs
from holdall.web.jobs.request_jobs import answering
from holdall.web.meta import META, collections_meta
from holdall.web.metrics_route import add_metrics
from holdall.web.operations import Front, HealthPaths, current_request_id, freeze_once, telling, with_cross_origin
from holdall.web.options import Options
from holdall.web.problem import Problem
from holdall.web.read_reply import conditional
from holdall.web.request_context import RequestContexts
from holdall.web.resource import Resource
from holdall.web.rights import demand_grant, forbidden
from holdall.web.served import Served

__all__ = ["Service", "asgi"]

_NOT_IN_PATHS = re.compile(r"[/\\%?#\s\x00-\x1f\x7f]")


def asgi(app: Holdall, **options: Any) -> Service:
    """Make the REST service of an application. Raises DeclarationError for an option that ``Options`` does not have.

    >>> from holdall import Everyone, Holdall, Model, Policy, field
    >>> class Country(Model, collection="countries"):
    ...     code: str = field(pk=True)
    ...     name: str
    >>> atlas = Holdall("atlas")
    >>> atlas.add_store("main", "memory:")
    >>> atlas.add(Country, store="main", policy=Policy(read=Everyone))
    >>> service = asgi(atlas)  # the same as atlas.asgi()
    """
    known = Options.__struct_fields__
    for name in options:
        if name not in known:
            raise DeclarationError(f"asgi() takes no option {name!r}{did_you_mean(name, known)}")
    return Service(app, Options(**options))


class Service(FastAPI):
    """FastAPI with the collections of a Holdall.

    Routers, routes and middleware can be added as to any FastAPI application; middleware wraps the collections too.

    Example: :func:`asgi`.
    """

    def __init__(self, app: Holdall, options: Options) -> None:
        if options.authenticate is None and app.identifies is not None:
            options = msgspec.structs.replace(options, authenticate=app.identifies)
        kept = {} if options.kept is None else kept_answers(app.bindings, options.kept)
        app.tell_request_ids(current_request_id)
        app.bindings.configure()
        self.cursors = Cursors(options.secret)
        self.holdall = app
        self.settings = options
        self._shown = {each.collection: each for each in app.collections() if not is_hidden(each.collection)}
        self._jobs = ActionJobs(app)
        contexts = RequestContexts(app, self._jobs)
        resources = {
            name: Resource(binding, app.bindings, self.cursors, options, contexts, kept.get(name), app.by_name)
            for name, binding in self._shown.items()
        }
        _demand_addresses(resources)
        app.long_actions.answering = answering(resources)
        self._streams = _streams_of(app, resources, options)
        self._served = served = Served(self, resources)
        self._find = served.find
        self._documents = Documents(app, options, self._shown, resources, served.acting, self._streams)
        self.direct = DirectRoutes(self)  # for views, which add theirs
        self._health = HealthPaths(app)
        self._front: Application = Front(self._answer, app, options, self._health if options.health else None)
        if options.origins:
            self._front = with_cross_origin(self._front, options.origins, options.request_id)
        super().__init__(
            title=app.name,
            version=options.version,
            description=options.description,
            openapi_url=None,  # FastAPI's own route would tell everybody everything
            docs_url=None,
            redoc_url=None,
            lifespan=self._live,
            middleware=[Middleware(CollectionMiddleware, self._find, options)],
        )
        self._add_routes()
        self.back_office: Value = of_web("back_office")(self, options.admin) if options.admin is not False else None

    def _add_routes(self) -> None:
        """Add what is beside the collections: the document, the first page, jobs, metrics, and how errors are told."""
        options, collections = self.settings, self._served.resources
        add_handlers(self)
        self.add_exception_handler(Exception, failed)
        self.openapi_url = "/openapi.json"
        self.add_route(self.openapi_url, self._document, include_in_schema=False)
        add_first_page(self, {name: each.binding for name, each in collections.items()}, options)
        self.add_route(f"/{META}", self._meta, include_in_schema=False)
        add_jobs(self, self._jobs, options)
        if options.metrics is not None:
            add_metrics(self, self.holdall, options, options.metrics)
        if options.docs:
            if "docs" in collections:
                raise DeclarationError(
                    "the collection 'docs' would answer in place of the page /docs; give it another name with"
                    " collection=..., or go without the page: asgi(docs=False)"
                )
            add_docs(self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            await self._front(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def _answer(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request that was let in: from a collection at once, where nothing of the host is to see it."""
        if len(self.user_middleware) == 1:
            found = self._find(scope)
            if found is not None:
                return found[0](scope, receive, send, found[1])
            route = self.direct.find(scope)
            if route is not None:
                plain = find_resource(self._served.given_way, scope) if route.is_plain else None
                if plain is not None:
                    return plain[0](scope, receive, send, plain[1])
                return self.direct.answer(route, scope, receive, telling(scope, send))
        return super().__call__(scope, receive, telling(scope, send))

    async def _meta(self, request: Request) -> Response:
        """The collections that the user may do something with."""
        root = address_of_root(request.scope)
        shown = [self.holdall.bindings.of_name(name) for name in self._shown]
        body = collections_meta(shown, root, await self.user_of(request.scope))
        return Response(body, media_type="application/json", headers={"cache-control": "private, no-cache"})

    async def user_of(self, scope: Scope) -> User:
        """Return the user who makes a request, from ``authenticate``; anonymous without it."""
        return await self.settings.user_of(scope)

    def refusal(self, error: Forbidden, user: User) -> Problem:
        """Make the problem for a user without a right: 401 where authentication would help, else 403."""
        return forbidden(self.holdall.bindings, error, user, self.settings.challenge)

    @property
    def knows_users(self) -> bool:
        """Whether requests are asked for who makes them; without it, everybody is anonymous."""
        return self.settings.authenticate is not None

    def give_way_to_views(self) -> None:
        """Let views answer in the place of their collections, where they have the same address."""
        self._served.give_way_to_views()

    def openapi(self) -> dict[str, Json]:
        """The whole OpenAPI 3.1 document: the collections beside the host's own routes.

        Users are shown the part that tells what they may do, unless the option ``whole_document`` says otherwise.
        """
        self.give_way_to_views()
        return self._documents.whole(deepcopy(super().openapi()), self.router.routes)

    async def _document(self, request: Request) -> Response:
        """The document as the user may see it."""
        user = await self.user_of(request.scope)
        demand_grant(self.settings.document, user, self.settings.challenge)
        self.give_way_to_views()
        root = address_of_root(request.scope) if self.root_path_in_servers else ""
        body = self._documents.of_user(super().openapi(), self.router.routes, user, root)
        return response_of(conditional(request.scope, body))

    @asynccontextmanager
    async def _live(self, app: FastAPI) -> AsyncIterator[Any]:
        """See that the stores fit the models, recover, run the host's own lifespan, and close the stores at the end."""
        self._health.is_started = self._health.is_stopping = False
        try:
            self.give_way_to_views()
            self._served.demand_reachable()
            if self.settings.create:
                await self.holdall.create()
            await self.holdall.verify()
            await self.holdall.start()
            self._jobs.start()
            if self.settings.freeze:
                freeze_once()
            self._health.is_started = True
            if self.settings.lifespan is None:
                yield
            else:
                async with self.settings.lifespan(app) as state:
                    yield state
        finally:
            self._health.is_stopping = True
            if self._streams is not None:
                self._streams.close()
            await self._jobs.stop()
            await self.holdall.close()


def _streams_of(app: Holdall, resources: Mapping[str, Resource], options: Options) -> Streams | None:
    """The streams of events, told to each collection that has one; None where no model has events."""
    if app.listeners.feed is None:
        return None
    streams = Streams(app.listeners.feed, app.bindings, options)
    for resource in resources.values():
        if streams.has(resource.binding):
            resource.follow(streams)
    return streams


def _demand_addresses(collections: Iterable[str]) -> None:
    """Raise DeclarationError for a collection whose name cannot stand in a path as it is."""
    for name in collections:
        if name in ("", ".", "..") or _NOT_IN_PATHS.search(name):
            raise DeclarationError(
                f"the collection {name!r} has no address, as its name cannot stand in a path; give it another one,"
                " without spaces and / \\ % ? #, with collection=..."
            )
