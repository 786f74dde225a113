"""The part of the document for nested writes: objects in the place of references, in bodies about one record."""

from __future__ import annotations

from holdall.model import Field, Frozen
from holdall.query import NestedName
from holdall.session import Binding
from holdall.web.openapi.schemas import Node, RecordSchemas

__all__ = ["add_nesting"]

_PART: Node = {"anyOf": [{"type": "string"}, {"type": "integer"}]}
_KEY: Node = {
    "anyOf": [*_PART["anyOf"], {"type": "array", "items": _PART}],
    "description": "a key, as records show it",
}
_NEW: Node = {"type": "object", "description": "a new record, as in a POST to its collection"}
_ONE: Node = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "properties": {"create": _NEW, "connect": _KEY, "disconnect": {"const": True}},
    "additionalProperties": False,
}
_SEVERAL: Node = {
    "type": "object",
    "minProperties": 1,
    "properties": {
        "create": {"type": "array", "items": _NEW},
        "connect": {"type": "array", "items": _KEY},
        "disconnect": {"type": "array", "items": _KEY},
    },
    "additionalProperties": False,
}


def add_nesting(many: Node, one: Node, binding: Binding, schemas: RecordSchemas) -> None:
    """Complete the bodies of operations about one record, in place, where its model has references.

    Example: :func:`asgi`.
    """
    leads_to = schemas.access.leads_to
    relations = [
        each for each in binding.declaration.by_name.values() if each.target is not None and each.name not in leads_to
    ]
    if not relations:
        return
    name = binding.model.__name__
    keys = {field.name for field in binding.declaration.key}
    for plain, nested in (("Create", "New"), ("Patch", "Changes")):
        known = schemas.components[f"{name}.{plain}"]
        properties = dict(known["properties"])
        for field in relations:
            if field.name in properties:
                properties[field.name] = {"anyOf": [properties[field.name], _acts(field)]}
            elif _is_other_end(field) and field.name not in keys and _may_change(field):
                properties[field.name] = _acts(field)
        title = f"{known['title']}, and nested writes"  # generators name classes by titles
        schemas.components[f"{name}.{nested}"] = known | {"title": title, "properties": properties}
    new = many["post"]["requestBody"]["content"]["application/json"]
    new["schema"] = {"anyOf": [schemas.reference("New"), *new["schema"]["anyOf"][1:]]}
    if one:
        contents = one["patch"]["requestBody"]["content"]
        for media_type in ("application/merge-patch+json", "application/json"):
            contents[media_type] = contents[media_type] | {"schema": schemas.reference("Changes")}


def _is_other_end(field: Field) -> bool:
    """Whether it is the other end of references that records have as fields, which can be written from here."""
    return not field.is_stored and field.options.back is not None and not isinstance(field.options.back, NestedName)


def _acts(field: Field) -> Node:
    return _ONE if field.form is None else _SEVERAL


def _may_change(field: Field) -> bool:
    return not field.frozen & Frozen.UPDATE
