"""Holdall's part of the host's OpenAPI 3.1 document: the paths and components of its collections."""

from __future__ import annotations

from collections.abc import Iterable

from holdall.model import RECORD_MARK
from holdall.policy import Right
from holdall.session import Binding
from holdall.web.openapi.examples import creation_example, patch_example
from holdall.web.openapi.parameters import key_parameter, list_parameters, sparse_parameter
from holdall.web.openapi.responses import HEADERS, PROBLEM, RESPONSES, problems, reply
from holdall.web.openapi.schemas import Json, RecordSchemas
from holdall.web.openapi.security import SCHEME, security_of, security_scheme

__all__ = ["contribute", "contribution"]

_ALWAYS = (401, 404, 414, 500, 503, 504)
_RIGHTS = {"get": Right.READ, "post": Right.CREATE, "patch": Right.UPDATE, "delete": Right.DELETE}
_WRITES = (400, 403, 408, 409, 413, 415, 422, 501)


def contribution(bindings: Iterable[Binding], challenge: str | None = None) -> Json:
    """Make the paths and components of these collections; with a ``challenge``, users may say who they are.

    Example: :func:`asgi`.
    """
    paths: Json = {}
    schemas: Json = {"Holdall.Problem": PROBLEM}
    tags = []
    for binding in bindings:
        described = RecordSchemas(binding)
        name = binding.collection
        many, one = _many(binding, described), _one(binding, described)
        if challenge is not None:
            for verb, right in _RIGHTS.items():
                for operations in (many, one):
                    if verb in operations:
                        operations[verb] |= security_of(binding, right)
        paths[f"/{name}"], paths[f"/{name}/{{key}}"] = many, one
        schemas |= described.components
        tags.append({"name": name})
    components = {"schemas": schemas, "responses": RESPONSES, "headers": HEADERS}
    if challenge is not None:
        components["securitySchemes"] = {SCHEME: security_scheme(challenge)}
    return {"paths": paths, "components": components, "tags": tags}


def contribute(document: Json, added: Json) -> Json:
    """The host's document with ours in it, changed in place; doing it twice does no harm.

    Where the host's own routes take or give records, the schemas are those of their collections.

    Example: :func:`asgi`.
    """
    _refer(document, added["components"]["schemas"])
    document.setdefault("paths", {}).update(added["paths"])
    components = document.setdefault("components", {})
    for kind, items in added["components"].items():
        components.setdefault(kind, {}).update(items)
    known = {tag["name"] for tag in document.setdefault("tags", [])}
    document["tags"].extend(tag for tag in added["tags"] if tag["name"] not in known)
    return document


def _refer(node: object, schemas: Json) -> None:
    """Put references to these schemas where records of their models stand."""
    pending = [node]
    while pending:
        node = pending.pop()
        if not isinstance(node, dict):
            pending.extend(node if isinstance(node, list) else ())
            continue
        name = node.pop(RECORD_MARK, None)
        if name in schemas:
            node.clear()
            node["$ref"] = f"#/components/schemas/{name}"
        pending.extend(node.values())


def _many(binding: Binding, schemas: RecordSchemas) -> Json:
    name, title = binding.collection, binding.model.__name__
    content = {"schema": schemas.reference("Create")} | schemas.example("Create", creation_example)
    body = {"required": True, "content": {"application/json": content}}
    listed = reply("A page of records.", schemas.reference("List"), "ETag")
    created = reply("The new record.", schemas.reference("Record"), "ETag", "Location")
    return {
        "get": _operation(binding, "list", f"List {name}")
        | {
            "parameters": [*list_parameters(binding), _IF_NONE_MATCH],
            "responses": {"200": listed, "304": _NOT_MODIFIED} | problems(400, 422, *_ALWAYS),
        },
        "post": _operation(binding, "create", f"Create a {title}")
        | {"requestBody": body, "responses": {"201": created} | problems(*_WRITES, *_ALWAYS)},
    }


def _one(binding: Binding, schemas: RecordSchemas) -> Json:
    title = binding.model.__name__
    patch = {"schema": schemas.reference("Patch")} | schemas.example("Patch", patch_example)
    body = {"required": True, "content": {"application/merge-patch+json": patch, "application/json": patch}}
    shown = reply("The record, or the fields of it asked for.", schemas.shown, "ETag")
    changed = reply("The record as it is now.", schemas.reference("Record"), "ETag")
    return {
        "parameters": [key_parameter(binding)],
        "get": _operation(binding, "get", f"Get one {title}")
        | {
            "parameters": [sparse_parameter(binding), _IF_NONE_MATCH],
            "responses": {"200": shown, "304": _NOT_MODIFIED} | problems(400, 422, *_ALWAYS),
        },
        "patch": _operation(binding, "update", f"Change one {title}")
        | {
            "parameters": [_IF_MATCH],
            "requestBody": body,
            "responses": {"200": changed} | problems(412, *_WRITES, *_ALWAYS),
        },
        "delete": _operation(binding, "delete", f"Delete one {title}")
        | {
            "parameters": [_IF_MATCH],
            "responses": {"204": {"description": "It is gone."}} | problems(403, 409, 412, 422, 501, *_ALWAYS),
        },
    }


def _operation(binding: Binding, verb: str, summary: str) -> Json:
    return {"tags": [binding.collection], "operationId": f"{binding.collection}_{verb}", "summary": summary}


_NOT_MODIFIED: Json = {"$ref": "#/components/responses/NotModified"}
_IF_NONE_MATCH: Json = {
    "name": "If-None-Match",
    "in": "header",
    "description": "An ETag: 304 if it is still as it was.",
    "schema": {"type": "string"},
}
_IF_MATCH: Json = {
    "name": "If-Match",
    "in": "header",
    "description": "An ETag as it was given with the whole record: 412 if that has become another.",
    "schema": {"type": "string"},
}
