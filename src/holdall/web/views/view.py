"""The base of all views: a class of routes that share a prefix, tags and dependencies; an instance for each request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from starlette.requests import Request

from holdall.app import Holdall
from holdall.errors import DeclarationError
from holdall.policy import User
from holdall.query import Value, did_you_mean
from holdall.service import Dal
from holdall.web.dependency import UserOf
from holdall.web.views.routes import RouteSpec, route_of

__all__ = ["OF_CONTEXT", "VERBS", "View", "inherited_list", "is_own", "prefix_of", "routes_of"]

VERBS = ("get_many", "get_one", "create", "update", "delete")

OF_CONTEXT: dict[str, Callable[[Value], Value]] = {
    "context": lambda context: context,
    "dal": lambda context: context.dal,
}
"""The attributes that a view reads from the context of its request, unless it has others of these names."""


class _OfContext:
    """An attribute that is read from the context of the request, where the view itself has none of that name."""

    def __init__(self, read: Callable[[Value], Value]) -> None:
        self._read = read

    def __get__(self, view: Value, kind: type) -> Value:
        return self if view is None else self._read(view.acts_in)


def _of_context(name: str) -> Value:
    return _OfContext(OF_CONTEXT[name])


class View:
    """A class of routes; ``include_view`` adds them to a FastAPI application, a router or a service.

    ``prefix``, ``tags``, ``dependencies`` and ``responses`` of base classes come before those of the class itself.
    Attributes whose annotation is a dependency (``Annotated[..., Depends(...)]``, also a ``Query`` or ``Header``), or
    Request, Response or BackgroundTasks, are set before a method is called. ``session`` is a session for the user of
    the request; changes that a method leaves in it are committed before the answer is made. ``context`` is the context
    that the request is, and ``dal`` its services.

    >>> from holdall.web.views import get, include_view
    >>> class Greeting(View):
    ...     prefix = "/hello"
    ...
    ...     @get("/{name}")
    ...     async def hello(self, name: str) -> str:
    ...         return f"hello {name}"
    >>> from fastapi import FastAPI
    >>> from holdall import Holdall
    >>> api = FastAPI()
    >>> include_view(api, Greeting, app=Holdall("greetings")).__name__
    'Greeting'
    """

    prefix: ClassVar[str] = ""
    tags: ClassVar[Sequence[str]] = ()
    dependencies: ClassVar[Sequence[object]] = ()
    responses: ClassVar[dict[int | str, dict[str, Value]]] = {}
    app: ClassVar[Holdall | None] = None
    acts_for: ClassVar[UserOf | User | None] = None
    """A user, or a function of the request, for whom the session acts; the user of the service where it is None."""
    exclude_routes: ClassVar[Sequence[str]] = ()

    request: Request
    session: Value
    user: User
    acts_in: Value
    """The context of the request; for other rooms, not for users."""
    context: Value = _of_context("context")
    dal: Dal = _of_context("dal")

    def __init_subclass__(cls, **options: Value) -> None:
        super().__init_subclass__(**options)
        for name, attribute in vars(cls).items():
            if name in VERBS and route_of(attribute) is not None:
                raise DeclarationError(
                    f"{cls.__name__}.{name} is a verb, which has no route: give the route to {name}_endpoint, or the"
                    " method another name"
                )


def is_own(view: type[Value], name: str) -> bool:
    """Whether a method of a view is the one that REST views have by themselves."""
    return bool(getattr(view, name).__module__.startswith("holdall.web.views."))


def routes_of(view: type[View]) -> Iterator[tuple[str, RouteSpec]]:
    """Give the names of a view's routed methods, those of its bases first, each with its route.

    A method that takes the place of a routed one has its route, unless it is marked anew. Raises DeclarationError for a
    name in ``exclude_routes`` that is no route.
    """
    found: dict[str, RouteSpec] = {}
    for base in reversed(view.__mro__):
        for name, attribute in vars(base).items():
            spec = route_of(attribute)
            if spec is not None:
                found[name] = spec
    excluded = {str(name) for base in view.__mro__ for name in vars(base).get("exclude_routes", ())}
    for name in excluded - found.keys():
        raise DeclarationError(f"{view.__name__} has no route {name!r} to exclude{did_you_mean(name, found)}")
    return ((name, spec) for name, spec in found.items() if name not in excluded)


def prefix_of(view: type[View]) -> str:
    """Return the prefixes of a view and its bases, the bases first, as one."""
    return "".join(vars(base).get("prefix", "") for base in reversed(view.__mro__)).rstrip("/")


def inherited_list(view: type[View], name: str) -> list[Value]:
    """Return the items of an attribute of a view and its bases, the bases first, each once."""
    items: list[Value] = []
    for base in reversed(view.__mro__):
        items.extend(item for item in vars(base).get(name, ()) if item not in items)
    return items
