"""The components of a document that are reached from its paths; all others are left out."""

from __future__ import annotations

from holdall.query import Value
from holdall.web.openapi.schemas import Node

__all__ = ["leave_out_unreached"]

_SCHEMA = "#/components/schemas/"


def leave_out_unreached(document: Node) -> None:
    """Leave out, in place, the schemas that nothing refers to; a reference to one that is not told is any value.

    >>> document = {
    ...     "paths": {"/a": {"$ref": "#/components/schemas/A"}, "/b": {"$ref": "#/components/schemas/B"}},
    ...     "components": {"schemas": {"A": {}, "C": {}}},
    ... }
    >>> leave_out_unreached(document)
    >>> document
    {'paths': {'/a': {'$ref': '#/components/schemas/A'}, '/b': {}}, 'components': {'schemas': {'A': {}}}}
    """
    components: dict[str, Value] = document.get("components", {})
    known, reached = components.get("schemas", {}), set[str]()
    rest = [value for name, value in components.items() if name != "schemas"]
    pending: list[Value] = [document.get("paths", {}), document.get("webhooks", {}), *rest]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending.extend(node)
        elif isinstance(node, dict):
            place = node.get("$ref")
            if isinstance(place, str) and place.startswith(_SCHEMA):
                name = place.removeprefix(_SCHEMA)
                if name not in known:
                    del node["$ref"]
                elif name not in reached:
                    reached.add(name)
                    pending.append(known[name])
            pending.extend(node.values())
    if "schemas" in components:
        components["schemas"] = {name: schema for name, schema in known.items() if name in reached}
