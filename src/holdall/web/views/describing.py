"""The description of a REST view's own routes in the OpenAPI document of whichever host it is included in."""

from __future__ import annotations

from typing import Any

from holdall.session import Binding
from holdall.web.body import JSON_PATCH
from holdall.web.filter_groups import GROUPS
from holdall.web.filters import SEARCH
from holdall.web.openapi import (
    EVERYTHING,
    Access,
    Node,
    RecordSchemas,
    contribution,
    many_operations,
    one_operations,
)
from holdall.web.openapi.responses import ALWAYS, GUARDED, WRITES
from holdall.web.openapi.writing import add_bulk
from holdall.web.views.forms import Form, SchemaForm
from holdall.web.views.serving import Serving
from holdall.web.views.simple_rest import list_parameters
from holdall.web.views.standard import Standard

__all__ = ["described"]

_OF_COLLECTIONS = ("aggregate", "group", "having", "format", "formulas")
_METHODS = {
    "list": "get",
    "get": "get",
    "create": "post",
    "put": "put",
    "update": "patch",
    "delete": "delete",
    "update_many": "patch",
    "delete_many": "delete",
}
_OF_MANY = ("create", "update_many", "delete_many")


def described(standard: Standard, serving: Serving, access: Access = EVERYTHING, *, has_components: bool) -> Node:
    """Return the options of FastAPI's ``add_api_route`` that describe a route which a view has by itself, as far as
    somebody has ``access``.

    Schemas are put where they are referred to unless the host's document has Holdall's components.
    """
    binding, form = serving.binding, serving.form
    schemas = RecordSchemas(binding, access)
    is_one = "key" in standard.takes
    operations = (one_operations if is_one else many_operations)(binding, schemas)
    if standard.verb in _OF_MANY and not serving.is_simple_rest:
        _take_many(operations, binding, schemas)
    operation = dict(operations[_METHODS[standard.verb]])
    if isinstance(form, SchemaForm):
        _take_schemas(operation, standard, form, schemas)
    left_out = () if serving.lists_as_collections else _OF_COLLECTIONS
    parameters = [
        item
        for told in operation.get("parameters", [])
        if told.get("name") not in left_out and (item := _renamed(told, form)) is not None
    ]
    if is_one:
        parameters = [
            operations["parameters"][0],
            *(_without_shown(parameters) if serving.is_simple_rest else parameters),
        ]
    responses = operation["responses"] if serving.lists_as_collections else _in_json(operation["responses"])
    extra = {"parameters": parameters, "responses": responses}
    if serving.is_simple_rest:
        _take_simple_rest(extra, standard, operations)
    if "requestBody" in operation:
        extra["requestBody"] = operation["requestBody"]
    if not has_components:
        extra = _inlined(extra, {"components": contribution([binding])["components"]})
    return {"summary": operation["summary"], "openapi_extra": extra}


def _take_many(operations: Node, binding: Binding, schemas: RecordSchemas) -> None:
    """Complete the operations by those on many records."""
    add_bulk(operations, binding, schemas, *WRITES, *GUARDED, *ALWAYS)


def _take_simple_rest(extra: Node, standard: Standard, operations: Node) -> None:
    """Put what react-admin asks and is answered in the place of what others are."""
    responses = extra["responses"]
    if standard.verb == "list":
        extra["parameters"] = list_parameters()
        shown = {"application/json": {"schema": {"type": "array", "items": {"type": "object"}}}}
        headers = {"Content-Range": {"schema": {"type": "string"}, "description": "The places, and how many are."}}
        responses["200"] = responses["200"] | {"content": shown, "headers": headers}
    elif standard.verb == "delete":
        del responses["204"]
        responses["200"] = operations["get"]["responses"]["200"]


def _in_json(responses: Node) -> Node:
    """The responses without the forms of exports, where a view has none."""
    return {
        status: told | {"content": {"application/json": told["content"]["application/json"]}}
        if "application/json" in told.get("content", {})
        else told
        for status, told in responses.items()
    }


def _without_shown(parameters: list[Node]) -> list[Node]:
    return [item for item in parameters if item.get("name") not in ("fields", "include")]


def _renamed(parameter: Node, form: Form) -> Node | None:
    """A parameter in the names of a view's schema; None where the schema does not show what it speaks of."""
    name = parameter.get("name", "")
    if name == "include" and not form.is_derived:
        return None
    if form.is_derived or parameter.get("in") != "query":
        return parameter
    aliases = {field: alias for alias, field in form.names.items()}
    if name in ("sort", "fields"):
        items = parameter["schema"]["items"]
        items = items.get("anyOf", [items])[0]
        known = [
            sign + aliases[field]
            for item in items.get("enum", ())
            for sign, field in [(item[:1] if item[:1] == "-" else "", item.lstrip("-"))]
            if field in aliases
        ]
        return parameter | {"schema": parameter["schema"] | {"items": items | ({"enum": known} if known else {})}}
    if name in ("page", "page_size", "count", "after", "related", *GROUPS):
        return parameter
    if name == SEARCH and form.declaration.search:
        return parameter if form.is_searched else None
    field, separator, operator = name.partition("__")
    return parameter | {"name": aliases[field] + separator + operator} if field in aliases else None


def _take_schemas(operation: Node, standard: Standard, form: SchemaForm, schemas: RecordSchemas) -> None:
    """Put the schemas of a view in the place of those of its collection."""
    access = schemas.access
    shown, created, changed = (
        None if node is None else _without(_inlined(node, node), {a for a, f in form.names.items() if f in refused})
        for node, refused in zip(form.nodes(), (access.hidden, access.not_created, access.not_changed), strict=True)
    )
    taken = created if standard.verb in ("create", "put") else changed
    if taken is not None and "requestBody" in operation:
        if standard.verb in _OF_MANY:
            lists: Node = {"type": "array", "minItems": 1, "items": taken if standard.verb == "create" else {}}
            taken = lists if standard.verb == "delete_many" else {"anyOf": [taken, lists]}
        content = {
            media: told if media == JSON_PATCH.decode() or "json" not in media or "nd" in media else {"schema": taken}
            for media, told in operation["requestBody"]["content"].items()
        }
        operation["requestBody"] = operation["requestBody"] | {"content": content}
    if shown is None:
        return
    if standard.verb == "list":
        page = schemas.components[schemas.reference("List")["$ref"].rpartition("/")[2]]
        shown = page | {"properties": page["properties"] | {"data": {"type": "array", "items": shown}}}
    operation["responses"] = {
        status: response | {"content": {"application/json": {"schema": shown}}} if "content" in response else response
        for status, response in operation["responses"].items()
    }


def _without(schema: Node, names: set[str]) -> Node:
    """A schema of an object without some of its properties."""
    if not names or "properties" not in schema:
        return schema
    left = {name: each for name, each in schema["properties"].items() if name not in names}
    return schema | {"properties": left, "required": [each for each in schema.get("required", ()) if each in left]}


def _inlined(node: Any, document: Node, within: tuple[str, ...] = ()) -> Any:
    """A node with what it refers to in its place; a schema within itself is any value."""
    if isinstance(node, list):
        return [_inlined(item, document, within) for item in node]
    if not isinstance(node, dict):
        return node
    place = node.get("$ref")
    if not isinstance(place, str):
        return {key: _inlined(value, document, within) for key, value in node.items() if key != "$defs"}
    if place in within:
        return {}
    target: Any = document
    for part in place.removeprefix("#/").split("/"):
        target = target[part]
    return _inlined(target, document, (*within, place))
