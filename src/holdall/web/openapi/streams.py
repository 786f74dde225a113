"""The streams of events in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from holdall.policy import Right
from holdall.session import Binding
from holdall.web.openapi.access import EVERYTHING, Access
from holdall.web.openapi.parameters import list_parameters
from holdall.web.openapi.responses import problems
from holdall.web.openapi.schemas import Node, RecordSchemas
from holdall.web.openapi.security import security_of

__all__ = ["add_streams"]

_OF_PAGES = frozenset({"page", "page_size", "sort", "count", "after", "include", "format", "formulas"})
_OF_PAGES |= {"aggregate", "group", "having", "If-None-Match"}
_LAST: Node = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "The last id that the client has: what happened since then comes first.",
    "schema": {"type": "string"},
}


def add_streams(
    contribution: Node, bindings: Iterable[Binding], accesses: Mapping[str, Access] | None = None, *, is_secured: bool
) -> None:
    """Describe the streams of these collections, as far as ``accesses`` go. Example: :func:`asgi`."""
    for binding in bindings:
        name = binding.collection
        access = EVERYTHING if accesses is None else accesses[name]
        if Right.READ not in access.rights:
            continue
        known = list_parameters(binding, RecordSchemas(binding, access))
        given = [each for each in known if each.get("name") not in _OF_PAGES]
        events = {
            "description": "Events `created`, `changed`, `entered`, `left` and `deleted`, with the record as it was;"
            " `reset` where some were missed, so that the list is to be read anew.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
        operation: Node = {
            "tags": [name],
            "operationId": f"{name}_events",
            "summary": f"Follow what happens to {name}",
            "parameters": [*given, _LAST],
            "responses": {"200": events} | problems(401, 404, 414, 422, 500, 502, 503, 504),
        }
        if is_secured:
            operation |= security_of(binding, Right.READ)
        contribution["paths"][f"/{name}/events"] = {"get": operation}
