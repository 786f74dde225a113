"""The OpenAPI documents of a service: the whole one, and for each user the part that tells what he may do."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import TypeAlias

import msgspec
from starlette.routing import BaseRoute

from holdall.app import Holdall
from holdall.policy import User
from holdall.query import Json, Value
from holdall.session import Binding
from holdall.web.events import Streams
from holdall.web.openapi import (
    Access,
    access_of,
    add_by_name,
    add_direct,
    add_idempotency,
    add_job_reports,
    add_links,
    add_streams,
    contribute,
    contribution,
    describe_own,
    leave_out_unreached,
    narrow_views,
    spell_plainly,
)
from holdall.web.options import Options
from holdall.web.own_routes import flat_routes
from holdall.web.resource import Resource

__all__ = ["Documents"]

_KEPT = 64
"""How many documents are kept made: users with the same rights share one."""

Document: TypeAlias = dict[str, Json]


class Documents:
    """The documents of one service, whose ``resources`` answer for collections; for those that are ``acting``, views
    do. Example: :func:`asgi`.
    """

    def __init__(
        self,
        app: Holdall,
        options: Options,
        shown: Mapping[str, Binding],
        resources: Mapping[str, Resource],
        acting: Mapping[str, Resource],
        streams: Streams | None,
    ) -> None:
        self._app = app
        self._options = options
        self._shown = shown
        self._resources = resources
        self._acting = acting
        self._streams = streams
        self._made = OrderedDict[object, bytes]()
        self._base: Document | None = None

    def whole(self, base: Document, routes: Iterable[BaseRoute]) -> Document:
        """The document that tells everything: that of the host, completed in place."""
        return self._complete(base, routes, None)

    def of_user(self, base: Document, routes: Iterable[BaseRoute], user: User, root: str) -> bytes:
        """The document as a user may see it, as JSON: made once for all that have the same rights."""
        if base is not self._base:
            self._base = base
            self._made.clear()
        by_name = self._app.by_name
        accesses: dict[str, Access] | None = None
        if not self._options.whole_document:
            accesses = {name: access_of(each, self._app.bindings, user, by_name) for name, each in self._shown.items()}
        key = (root, None if accesses is None else tuple(accesses.values()))
        body = self._made.get(key)
        if body is None:
            document = self._complete(deepcopy(base), routes, accesses)
            if root:
                servers: Value = document.get("servers", [])
                if all(each.get("url") != root for each in servers):
                    document = document | {"servers": [{"url": root}, *servers]}
            body = self._made[key] = msgspec.json.encode(document)
            if len(self._made) > _KEPT:
                self._made.popitem(last=False)
        self._made.move_to_end(key)
        return body

    def _complete(
        self, document: Document, routes: Iterable[BaseRoute], accesses: Mapping[str, Access] | None
    ) -> Document:
        shown, options = self._shown.values(), self._options
        knows_users = options.authenticate is not None
        added = contribution(shown, options.challenge if knows_users else None, self._resources, accesses)
        paths = added["paths"]
        for name, resource in self._resources.items():
            add_direct(paths, name, resource.direct_files)
        add_by_name(
            added, shown, self._app.by_name, {**self._resources, **self._acting}, accesses, knows_users=knows_users
        )
        if self._app.long_actions.can_note:
            add_job_reports(added, self._resources, self._app.by_name.actions.all, knows_users=knows_users)
        if self._streams is not None:
            followed = [each.binding for each in self._resources.values() if self._streams.has(each.binding)]
            add_streams(added, followed, accesses, is_secured=knows_users)
        if options.kept is not None:
            add_idempotency(paths, self._resources, options.kept.demands)
        add_links(paths, [each.binding for each in self._resources.values()])
        own = list(flat_routes(routes))
        contribute(document, added)
        describe_own(document, own, knows_users=knows_users)
        if accesses is not None:
            narrow_views(document, own, accesses)
            leave_out_unreached(document)
        spell_plainly(document)
        return document
