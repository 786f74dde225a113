"""Bodies that a collection accepts, as examples for its document: made of its schemas, and tried on its model."""

from __future__ import annotations

import msgspec

from holdall.errors import HoldallError
from holdall.model import MISSING, Declaration, Field, sample_of
from holdall.query import Value
from holdall.web.openapi.schemas import Node

__all__ = ["creation_example", "operations_example", "patch_example", "replacement_example"]


def creation_example(declaration: Declaration, schema: Node, components: Node) -> Node:
    """An ``example`` of a body that creates a record, in a dict; empty where none was found that is accepted.

    The example has the required fields, and those with a default of their own. Records it refers to must be there: the
    example of that.
    """
    required = set(schema.get("required", ()))
    example: Node = {}
    for name, given in schema["properties"].items():
        if name in required:
            example[name] = sample_of(given, components)
        elif (default := _default(declaration.by_name[name])) is not None:
            example[name] = default
    return _tried(declaration, example)


def replacement_example(declaration: Declaration, schema: Node, components: Node) -> Node:
    """An ``example`` of a body that replaces a record: that of one that creates it, without the key."""
    given = [field for field in declaration.stored if field.name in schema["properties"]]
    taken = {field.name: schema["properties"][field.name] for field in given}
    required = [field.name for field in given if not field.has_default]
    found = creation_example(declaration, {"properties": taken, "required": required}, components)
    left = {field.name for field in declaration.key}
    return {name: {each: value[each] for each in value if each not in left} for name, value in found.items()}


def patch_example(declaration: Declaration, schema: Node, components: Node) -> Node:
    """An ``example`` of a body that changes one field of a record, in a dict; empty where there is none."""
    fields = [declaration.by_name[name] for name in schema["properties"]]
    for field in sorted(fields, key=lambda field: field.target is not None):
        example = {field.name: sample_of(schema["properties"][field.name], components)}
        try:
            declaration.json_input.values_from(example)
        except (HoldallError, TypeError):
            continue
        return {"example": example}
    return {}


def operations_example(patch: Node) -> Node:
    """An ``example`` of a JSON Patch that does what the example of a merge patch does."""
    operations = [
        {"op": "replace", "path": f"/{name}", "value": value} for name, value in patch.get("example", {}).items()
    ]
    return {"example": operations} if operations else {}


def _tried(declaration: Declaration, example: Node) -> Node:
    try:
        record = declaration.json_input.create_from(example)
    except (HoldallError, TypeError):
        return {}
    return {} if declaration.run_checks(record) else {"example": example}


def _default(field: Field) -> Value:
    """A default that can be told and says something; None for others."""
    if field.options.default in (MISSING, None) or field.options.default_factory is not None:
        return None
    return None if field.target is not None else msgspec.json.decode(msgspec.json.encode(field.shown(field.default())))
