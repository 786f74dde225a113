"""From a path to the collection that answers it: one look-up, no routing table walked, no request object made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import unquote

from holdall.web.asgi import Application, Receive, Scope, Send, path_below, root_of
from holdall.web.options import Options
from holdall.web.record_bodies import checked_receive
from holdall.web.resource import Resource

__all__ = ["CollectionMiddleware", "find_resource"]


def find_resource(resources: Mapping[str, Resource], scope: Scope) -> tuple[Resource, str] | None:
    """The resource of ``/{collection}``, ``/{collection}/{key}`` or ``/{collection}/{key}/{file}`` and the undecoded
    text of its end; None for other paths, but for those of actions and selections.

    One slash at the end is tolerated.
    """
    path = path_below(scope) if scope.get("root_path") else scope["path"]
    name, _, key = path[1:].partition("/")
    resource = resources.get(name)
    if resource is None:
        return None
    raw: bytes = scope.get("raw_path") or b""
    if b"%" in raw:
        # the decoded path cannot tell a slash or a comma inside a part from one between two
        above = _segments_above(scope, raw)
        segments = raw.split(b"/", 2 + above)[1 + above :]
        if len(segments) < (2 if key else 1) or b"%2f" in segments[0].lower():
            return None  # a slash inside a name is in the name of no collection
        key = segments[1].decode("latin-1") if key else ""
    if "/" not in key:
        return resource, key
    key = key.removesuffix("/")
    return None if "/" in key and not resource.reaches(key) else (resource, key)


def _segments_above(scope: Scope, raw: bytes) -> int:
    """How many segments of an undecoded path lead to what the application is mounted at."""
    root = root_of(scope)
    return root.count("/") if root and f"{unquote(raw.decode('latin-1'))}/".startswith(f"{root}/") else 0


class CollectionMiddleware:
    """Answers for the collections inside the host's own middleware, where it has any."""

    def __init__(
        self, app: Application, find: Callable[[Scope], tuple[Resource, str] | None], options: Options
    ) -> None:
        self._app = app
        self._find = find
        self._options = options

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        found = self._find(scope) if scope["type"] == "http" else None
        if found is None:
            is_http = scope["type"] == "http"
            await self._app(scope, checked_receive(scope, receive, self._options) if is_http else receive, send)
        else:
            await found[0](scope, receive, send, found[1])
