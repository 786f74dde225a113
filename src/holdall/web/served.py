"""The collections that a service answers for, before the host is asked: all of them, unless views answer for one."""

from __future__ import annotations

from fastapi import FastAPI

from holdall.web.asgi import Scope, path_below
from holdall.web.dispatch import find_resource
from holdall.web.own_routes import OwnRoutes, collections_of_views
from holdall.web.resource import Resource

__all__ = ["Served"]


class Served:
    """Finds the resource of a request. Example: :func:`asgi`.

    Of the ``resources``, by the name of their collection, those move to ``given_way`` that views answer for, and also
    to ``acting`` where they have actions or selections: the service answers for these below the address of the view.
    """

    def __init__(self, host: FastAPI, resources: dict[str, Resource]) -> None:
        self._host = host
        self.resources = resources
        self.given_way: dict[str, Resource] = {}
        self.acting: dict[str, Resource] = {}
        self.own = OwnRoutes(resources)

    def give_way_to_views(self) -> None:
        """Let views answer in the place of their collections, where they have the same address."""
        for collection in collections_of_views(self._host.router.routes):
            replaced = self.resources.pop(collection, None)
            if replaced is not None:
                self.given_way[collection] = replaced
                if replaced.has_names:
                    self.acting[collection] = replaced

    def find(self, scope: Scope) -> tuple[Resource, str] | None:
        """The collection that answers, and the key's text; None where the host's own routes do."""
        found = find_resource(self.resources, scope)
        if found is None and self.acting:
            found = find_resource(self.acting, scope)
            return found if found is not None and "/" in found[1] else None
        routes, own = self._host.router.routes, self.own
        if found is None or not found[1] or own.none_among == len(routes) or not own.are_there(routes):
            return found
        return None if own.takes(path_below(scope), scope["method"]) else found

    def demand_reachable(self) -> None:
        """Raise DeclarationError for a route that is never reached, or takes a record from the query string."""
        self.own.demand_reachable(self._host.router.routes)
        self.own.demand_bodies(self._host.router.routes)
