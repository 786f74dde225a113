"""Routes of the host whose paths look like those of a record, as ``/books/special`` does beside ``/books/{key}``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, get_args

from starlette.routing import Mount

from holdall.errors import DeclarationError
from holdall.model import Model

__all__ = ["COLLECTION_OF_VIEW", "OwnRoutes", "collections_of_views", "flat_routes"]

COLLECTION_OF_VIEW = "__holdall_collection__"
"""The attribute of an endpoint that is a view's: the collection of the view's model."""


class OwnRoutes:
    """The host's routes within collections: those of one fixed path go before the record of that key."""

    def __init__(self, collections: Collection[str]) -> None:
        self._collections = collections
        self._seen = 0
        self.none_among = -1
        """Of so many routes of the host, none has a path that is also a record's."""
        self._fixed: dict[str, frozenset[str]] = {}

    def are_there(self, routes: Sequence[object]) -> bool:
        """Whether any route of the host has a path that is also a record's."""
        if len(routes) != self._seen:
            self._fixed = self._collect(routes)
            self._seen = len(routes)
            self.none_among = -1 if self._fixed else self._seen
        return bool(self._fixed)

    def takes(self, path: str, method: str) -> bool:
        """Whether one of them answers this path; ask ``are_there`` before."""
        return method in self._fixed.get(path, ())

    def demand_reachable(self, routes: Iterable[object]) -> None:
        """Raise DeclarationError for a route that a collection would answer in its place."""
        for path, methods in self._within(routes):
            if not methods or _is_shadowed(path):
                what = "route" if methods else "application mounted at"
                raise DeclarationError(
                    f"the {what} {path} is never reached, as the collection {path.split('/')[1]!r} answers there;"
                    " give it another path, or one without parameters below the collection"
                )

    def demand_bodies(self, routes: Iterable[object]) -> None:
        """Raise DeclarationError for a record that the framework would look for in the query string."""
        for route in flat_routes(routes):
            dependant = getattr(route, "dependant", None)
            for parameter in getattr(dependant, "query_params", ()):
                annotation = parameter.field_info.annotation
                if any(
                    isinstance(part, type) and issubclass(part, Model) for part in (annotation, *get_args(annotation))
                ):
                    raise DeclarationError(
                        f"the route {route.path} takes {parameter.name} from the query string; a record is a body, so"
                        f" write Annotated[{_name(annotation)}, Body()] with fastapi's Body"
                    )

    def _collect(self, routes: Iterable[object]) -> dict[str, frozenset[str]]:
        fixed: dict[str, frozenset[str]] = {}
        for path, methods in self._within(routes):
            if methods and not _is_shadowed(path):
                fixed[path] = fixed.get(path, frozenset()) | methods
        return fixed

    def _within(self, routes: Iterable[object]) -> Iterable[tuple[str, frozenset[str]]]:
        """The path and methods of each route where a collection or its record would answer; of a mount no methods."""
        for route in flat_routes(routes):
            path: str = getattr(route, "path", "")
            methods = getattr(route, "methods", None)
            name, _, rest = path[1:].partition("/")
            is_within = name in self._collections and "/" not in rest.removesuffix("/")
            if is_within and (methods or isinstance(route, Mount)):
                yield path, frozenset(methods or ())


def flat_routes(routes: Iterable[Any]) -> Iterable[Any]:
    """The routes, with those of included routers, which newer FastAPIs keep as one route each."""
    for route in routes:
        included = getattr(route, "effective_route_contexts", None)
        if included is None:
            yield route
        else:
            yield from included()


def collections_of_views(routes: Iterable[Any]) -> set[str]:
    """The collections that have a view at their own address."""
    return {
        collection
        for route in flat_routes(routes)
        if (collection := getattr(getattr(route, "endpoint", None), COLLECTION_OF_VIEW, None)) is not None
        and route.path.removesuffix("/{key}") == f"/{collection}"
    }


def _name(annotation: object) -> str:
    return annotation.__name__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)


def _is_shadowed(path: str) -> bool:
    _, _, rest = path[1:].partition("/")
    return not rest or "{" in rest
