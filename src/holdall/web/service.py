"""The REST service: a FastAPI application whose collections are answered before FastAPI is asked."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware

from holdall.app import Holdall
from holdall.errors import DeclarationError, Forbidden
from holdall.policy import Right, User
from holdall.query import Json, did_you_mean
from holdall.web.asgi import Receive, Scope, Send
from holdall.web.cursor import Cursors
from holdall.web.dispatch import CollectionMiddleware, find_resource
from holdall.web.docs import add_docs
from holdall.web.first_page import add_first_page
from holdall.web.host_problems import add_handlers, failed
from holdall.web.openapi import contribute, contribution, describe_own
from holdall.web.options import Options
from holdall.web.own_routes import OwnRoutes, flat_routes
from holdall.web.problem import Problem
from holdall.web.resource import Resource
from holdall.web.rights import refusal

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
        app.bindings.configure()
        cursors = Cursors(options.secret)
        self.holdall = app
        self._options = options
        self._contribution: dict[str, Json] | None = None
        self._resources = {
            binding.collection: Resource(binding, app.bindings, cursors, options) for binding in app.collections()
        }
        _demand_addresses(self._resources)
        self._own = OwnRoutes(self._resources)
        super().__init__(
            title=app.name,
            version=options.version,
            description=options.description,
            docs_url=None,
            redoc_url=None,
            lifespan=self._live,
            middleware=[Middleware(CollectionMiddleware, self._find, options)],
        )
        add_handlers(self)
        self.add_exception_handler(Exception, failed)
        add_first_page(self, list(self._resources), options)
        if options.docs:
            if "docs" in self._resources:
                raise DeclarationError(
                    "the collection 'docs' would answer in place of the page /docs; give it another name with"
                    " collection=..., or go without the page: asgi(docs=False)"
                )
            add_docs(self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and len(self.user_middleware) == 1:
            found = self._find(scope)
            if found is not None:
                await found[0](scope, receive, send, found[1])
                return
        await super().__call__(scope, receive, send)

    async def user_of(self, scope: Scope) -> User:
        """Return the user who makes a request, from ``authenticate``; anonymous without it."""
        return await self._options.user_of(scope)

    def refusal(self, error: Forbidden, user: User) -> Problem:
        """Make the problem for a user without a right: 401 where authentication would help, else 403."""
        binding = self.holdall.bindings.of_name(error.collection)
        refused = refusal(binding, Right(error.right), user, self._options.challenge)
        return refused if refused.status == 401 else Problem(403, "forbidden", "You may not do this.")

    @property
    def knows_users(self) -> bool:
        """Whether requests are asked for who makes them; without it, everybody is anonymous."""
        return self._options.authenticate is not None

    def _find(self, scope: Scope) -> tuple[Resource, str] | None:
        """The collection that answers, and the key's text; None where the host's own routes do."""
        found = find_resource(self._resources, scope)
        if found is None or not found[1] or not self._own.are_there(self.router.routes):
            return found
        root = scope.get("root_path", "")
        return None if self._own.takes(scope["path"].removeprefix(root), scope["method"]) else found

    def openapi(self) -> dict[str, Json]:
        """The OpenAPI 3.1 document: the collections beside the host's own routes."""
        if self._contribution is None:
            self._contribution = contribution(
                self.holdall.collections(), self._options.challenge if self.knows_users else None
            )
        document = contribute(super().openapi(), self._contribution)
        describe_own(document, flat_routes(self.router.routes), knows_users=self.knows_users)
        return document

    @asynccontextmanager
    async def _live(self, app: FastAPI) -> AsyncIterator[Any]:
        """See that the stores fit the models, recover, run the host's own lifespan, and close the stores at the end."""
        try:
            self._own.demand_reachable(self.router.routes)
            self._own.demand_bodies(self.router.routes)
            if self._options.create:
                await self.holdall.create()
            await self.holdall.verify()
            await self.holdall.start()
            if self._options.lifespan is None:
                yield
            else:
                async with self._options.lifespan(app) as state:
                    yield state
        finally:
            await self.holdall.close()


def _demand_addresses(collections: Iterable[str]) -> None:
    """Raise DeclarationError for a collection whose name cannot stand in a path as it is."""
    for name in collections:
        if name in ("", ".", "..") or _NOT_IN_PATHS.search(name):
            raise DeclarationError(
                f"the collection {name!r} has no address, as its name cannot stand in a path; give it another one,"
                " without spaces and / \\ % ? #, with collection=..."
            )
