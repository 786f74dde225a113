"""The names of components as the standard has them (OpenAPI 3.1, 4.8.7): ASCII letters, digits, points, - and _."""

from __future__ import annotations

import re

from holdall.query import Value
from holdall.web.openapi.schemas import Node

__all__ = ["spell_plainly"]

_OTHERS = re.compile(r"[^A-Za-z0-9._-]+")
_SCHEMA = "#/components/schemas/"


def spell_plainly(document: Node) -> None:
    """Give the schemas of a document, in place, names that may stand there, where those of their classes may not.

    >>> document = {
    ...     "paths": {"/a": {"$ref": "#/components/schemas/Page[int]"}},
    ...     "components": {"schemas": {"Page[int]": {}}},
    ... }
    >>> spell_plainly(document)
    >>> document
    {'paths': {'/a': {'$ref': '#/components/schemas/Page_int_'}}, 'components': {'schemas': {'Page_int_': {}}}}
    """
    schemas: Node = document.get("components", {}).get("schemas", {})
    spelled: dict[str, str] = {}
    for name in schemas:
        if _OTHERS.search(name):
            spelled[name] = _OTHERS.sub(lambda found: "_" if found[0].isascii() else _numbers(found[0]), name)
    if not spelled:
        return
    document["components"]["schemas"] = {spelled.get(name, name): schema for name, schema in schemas.items()}
    pending: list[Value] = [document]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            place = node.get("$ref")
            if isinstance(place, str) and (name := place.removeprefix(_SCHEMA)) in spelled:
                node["$ref"] = _SCHEMA + spelled[name]
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)


def _numbers(text: str) -> str:
    """Other letters by their numbers, so that names that differ in them alone still differ."""
    return "".join([f"_{ord(letter):x}_" for letter in text])
