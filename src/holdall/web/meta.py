"""``/books/_meta`` and ``/_meta``: what there is of a collection, and what this user may do with it."""

from __future__ import annotations

from typing import Any

import msgspec

from holdall.actions import DeclaredAction, On
from holdall.app.acting import ByName
from holdall.model import Field
from holdall.policy import Right, User
from holdall.query import Kind, Value, operators_of
from holdall.selections import AnySelection
from holdall.session import Binding, Bindings
from holdall.web.filters import OPERATORS
from holdall.web.openapi import Node, RecordSchemas, access_of, action_schemas, file_of, row_schema
from holdall.web.openapi.references import references_of

__all__ = ["META", "collection_meta", "collections_meta"]

META = "_meta"
"""The place below a collection; a record whose key is this text is reached as ``%5Fmeta``."""

_REFERENCE = "#/components/schemas/"


def collections_meta(bindings: list[Binding], root: str, user: User) -> bytes:
    """The collections that a user may do something with, as JSON."""
    found = []
    for binding in bindings:
        rights = _rights(binding, user)
        if any(rights.values()):
            path = f"{root}/{binding.collection}"
            found.append({"name": binding.collection, "path": path, "meta": f"{path}/{META}", "rights": rights})
    return msgspec.json.encode({"collections": found})


def collection_meta(
    binding: Binding, bindings: Bindings, user: User, by_name: ByName | None = None, root: str = ""
) -> bytes:
    """The fields of a collection as a user may see and give them, with their schemas, as JSON; and its actions and
    selections, where it has any, as far as the user may see them.
    """
    schemas = RecordSchemas(binding, access_of(binding, bindings, user))
    record = schemas.components[f"{binding.model.__name__}.Record"]["properties"]
    rights = _rights(binding, user)
    accepted = {
        "create": schemas.components[f"{binding.model.__name__}.Create"],
        "update": schemas.components[f"{binding.model.__name__}.Patch"],
    }
    fields: list[Node] = []
    for name, schema in record.items():
        told: Node = {"name": name, "schema": schema}
        for right, body in accepted.items():
            told[right] = bool(rights[right] and name in body["properties"])
        told["required"] = name in accepted["create"].get("required", ())
        fields.append(told | _asked(binding, name) | _moves(binding, name) | _file(binding, name))
    content = {
        "collection": binding.collection,
        "title": binding.model.__name__,
        "key": list(binding.schema.key),
        "rights": rights,
        "fields": fields,
        "includes": list(schemas.includable),
        "references": references_of(binding, schemas.access),
    }
    shown: list[Node] = [*fields]
    if by_name is not None:
        name, path = binding.collection, f"{root}/{binding.collection}"
        seen = [each for each in by_name.actions.of(name) if each.is_for(user)]
        selected = [each for each in by_name.selections.of(name) if each.is_for(user)]
        content["actions"] = [_action(each, schemas, path, user) for each in seen]
        content["selections"] = [_selection(each, schemas, path) for each in selected]
        shown += [*content["actions"], *content["selections"]]
    return msgspec.json.encode(content | {"schemas": _reached(shown, schemas.components)})


def _action(declared: DeclaredAction, schemas: RecordSchemas, path: str, user: User) -> Node:
    inputs, result = action_schemas(schemas, declared)
    paths = [f"{path}/{{key}}/actions/{declared.name}"] if declared.on in (On.ONE, On.EACH) else []
    paths += [f"{path}/actions/{declared.name}"] if declared.on is not On.ONE else []
    told: Node = {"name": declared.name, "title": declared.title, "on": declared.on.value, "paths": paths}
    return told | {"inputs": inputs, "result": result, "available": declared.policy.may_execute(user)}


def _selection(selection: AnySelection, schemas: RecordSchemas, path: str) -> Node:
    row = row_schema(schemas, selection)
    told: Node = {"name": selection.name, "title": selection.title, "path": f"{path}/selections/{selection.name}"}
    columns = [{"name": column.name, "schema": row["properties"][column.name]} for column in selection.columns]
    return told | {"parameters": selection.inputs.schema(schemas), "columns": columns, "row": row}


def _rights(binding: Binding, user: User) -> dict[str, bool]:
    """Whether the user has each right in the collection; of rules for records, whether there may be such records."""
    can_write = not binding.is_read_only
    return {right.value: binding.policy.allows(right, user) and (can_write or right is Right.READ) for right in Right}


def _asked(binding: Binding, name: str) -> Node:
    """The filters of a field, whether lists are sorted by it, and where it leads."""
    field = binding.schema.by_name.get(name)
    if field is None:
        return {"computed": True, "filters": [], "sort": False}
    told: Node = {
        "filters": [suffix for suffix, op in OPERATORS.items() if op in operators_of(field)],
        "sort": field.kind not in (Kind.JSON, Kind.MANY) and bool(operators_of(field)),
    }
    return told if field.target is None else told | {"target": field.target}


def _moves(binding: Binding, name: str) -> Node:
    """The transitions of a field that has some, each from a value to others; those from null begin."""
    field = binding.declaration.by_name.get(name)
    transitions = None if field is None else field.options.transitions
    if field is None or transitions is None:
        return {}
    moves = [{"from": old, "to": list(following)} for old, following in transitions.table.items()]
    return {"transitions": [{key: _encoded(field, value) for key, value in move.items()} for move in moves]}


def _encoded(field: Field, value: Value) -> Value:
    if isinstance(value, list):
        return [field.encode(each) for each in value]
    return None if value is None else field.encode(value)


def _file(binding: Binding, name: str) -> Node:
    """The types and sizes of files that a field takes, if it takes any."""
    field = binding.declaration.by_name.get(name)
    told = None if field is None else file_of(field)
    return {} if told is None else {"file": told}


def _reached(fields: list[Node], components: Node) -> Node:
    """The schemas that those of the fields refer to, by name."""
    found: Node = {}
    pending: list[Any] = [*fields]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending.extend(node)
        elif isinstance(node, dict):
            name = str(node.get("$ref", "")).removeprefix(_REFERENCE)
            if name in components and name not in found:
                found[name] = components[name]
                pending.append(components[name])
            pending.extend(node.values())
    return found
