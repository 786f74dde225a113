"""Holdall's part of the host's OpenAPI 3.1 document: the paths and components of its collections."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from holdall.model import RECORD_MARK
from holdall.policy import Right
from holdall.query import Kind
from holdall.session import Binding
from holdall.web.openapi.access import EVERYTHING, Access
from holdall.web.openapi.examples import creation_example, operations_example, patch_example, replacement_example
from holdall.web.openapi.files import add_forms, file_paths
from holdall.web.openapi.nesting import add_nesting
from holdall.web.openapi.parameters import key_parameter, list_parameters, sparse_parameter
from holdall.web.openapi.responses import (
    ALWAYS,
    GUARDED,
    HEADERS,
    PROBLEM,
    REMOVES,
    RESPONSES,
    WRITES,
    problems,
    reply,
)
from holdall.web.openapi.schemas import Node, RecordSchemas
from holdall.web.openapi.security import SCHEME, security_of, security_scheme
from holdall.web.openapi.shown_parameters import include_parameter
from holdall.web.openapi.writing import IF_MATCH, JSON_PATCH, SHARED, add_bulk, check_operations, or_plan, prefer

__all__ = ["RIGHTS", "contribute", "contribution", "many_operations", "one_operations"]

RIGHTS = {
    "get": (Right.READ,),
    "post": (Right.CREATE,),
    "put": (Right.UPDATE, Right.CREATE),
    "patch": (Right.UPDATE,),
    "delete": (Right.DELETE,),
}
"""The rights of which one is enough for each method, on a collection and on its records."""
_OF_FILES = {"get": (Right.READ,), "put": (Right.UPDATE,), "delete": (Right.UPDATE,)}


def contribution(
    bindings: Iterable[Binding],
    challenge: str | None = None,
    answered: Container[str] | None = None,
    accesses: Mapping[str, Access] | None = None,
) -> Node:
    """Make the paths and components of these collections; with a ``challenge``, users may say who they are.

    Where the names that are ``answered`` are given, others have no paths: views answer in their place. ``accesses``
    name the described part of each collection; without them, all is described.

    Example: :func:`asgi`.
    """
    paths: Node = {}
    schemas: Node = {"Holdall.Problem": PROBLEM, **SHARED}
    tags = []
    for binding in bindings:
        name = binding.collection
        access = EVERYTHING if accesses is None else accesses[name]
        if access.is_empty:
            continue
        described = RecordSchemas(binding, access)
        many, one = (
            many_operations(binding, described),
            {} if binding.is_keyless else one_operations(binding, described),
        )
        check = {} if binding.is_read_only else check_operations(binding, described, *WRITES, *ALWAYS)
        add_bulk(many, binding, described, *WRITES, *GUARDED, *ALWAYS)
        if not binding.is_read_only:
            add_nesting(many, one, binding, described)
            add_forms(many, one, binding, described)
        if binding.is_read_only:
            for operations in (many, one):
                for verb in ("post", "put", "patch", "delete"):
                    operations.pop(verb, None)
            described.leave_out_writing()
        files = file_paths(binding, described)
        for operations in (many, one, check):
            _guard(operations, binding, RIGHTS, access, is_secured=challenge is not None)
        for operations in files.values():
            _guard(operations, binding, _OF_FILES, access, is_secured=challenge is not None)
        schemas |= described.components
        if answered is not None and name not in answered:
            continue
        meta = _meta_operation(binding)
        told = {f"/{name}": many, f"/{name}/_check": check, f"/{name}/{{key}}": one} | files
        if access.rights:
            told[f"/{name}/_meta"] = {"get": meta if challenge is None else meta | security_of(binding, *Right)}
        paths |= {path: operations for path, operations in told.items() if operations.keys() - {"parameters"}}
        tags.append({"name": name})
    components = {"schemas": schemas, "responses": RESPONSES, "headers": HEADERS}
    if challenge is not None:
        components["securitySchemes"] = {SCHEME: security_scheme(challenge)}
    return {"paths": paths, "components": components, "tags": tags}


def _guard(
    operations: Node, binding: Binding, rights: Mapping[str, Iterable[Right]], access: Access, *, is_secured: bool
) -> None:
    """Leave out, in place, operations that are not for the user, and add to others whether they ask for a user."""
    for verb, enough in rights.items():
        if verb in operations and not access.rights.intersection(enough):
            del operations[verb]
        elif verb in operations and is_secured:
            operations[verb] |= security_of(binding, *enough)


def contribute(document: Node, added: Node) -> Node:
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


def _refer(node: object, schemas: Node) -> None:
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


def many_operations(binding: Binding, schemas: RecordSchemas) -> Node:
    """The operations on a collection. Example: :func:`asgi`."""
    name, title = binding.collection, binding.model.__name__
    content = {"schema": schemas.reference("Create")} | schemas.example("Create", creation_example)
    body = {"required": True, "content": {"application/json": content}}
    listed = reply("A page of records.", schemas.reference("List"), "ETag")
    listed["content"] |= {media: {"schema": {"type": "string"}} for media in ("text/csv", "application/x-ndjson")}
    created = reply("The new record.", schemas.reference("Record"), "ETag", "Location")
    return {
        "get": _operation(binding, "list", f"List {name}")
        | {
            "parameters": [*list_parameters(binding, schemas), _IF_NONE_MATCH],
            "responses": {"200": listed, "304": _NOT_MODIFIED} | problems(400, 422, *ALWAYS),
        },
        "post": _operation(binding, "create", f"Create a {title}")
        | {
            "parameters": [prefer("return", "tx")],
            "requestBody": body,
            "responses": {"200": or_plan({"description": "The plan, where that was preferred."}), "201": created}
            | problems(412, *WRITES, *ALWAYS),
        },
    }


def one_operations(binding: Binding, schemas: RecordSchemas) -> Node:
    """The operations on one record of a collection. Example: :func:`asgi`."""
    title = binding.model.__name__
    patch = {"schema": schemas.reference("Patch")} | schemas.example("Patch", patch_example)
    patches = {"application/merge-patch+json": patch, "application/json": patch}
    patches["application/json-patch+json"] = {"schema": JSON_PATCH} | operations_example(patch)
    body = {"required": True, "content": patches}
    whole = {"schema": schemas.reference("Replace")} | schemas.example("Replace", replacement_example)
    shown = reply("The record, or the fields of it asked for.", schemas.shown, "ETag", *_stamped(binding))
    changed = or_plan(reply("The record as it is now.", schemas.reference("Record"), "ETag", *_stamped(binding)))
    made = reply("The new record.", schemas.reference("Record"), "ETag", "Location")
    return {
        "parameters": [key_parameter(binding)],
        "get": _operation(binding, "get", f"Get one {title}")
        | {
            "parameters": [sparse_parameter(binding, schemas), *include_parameter(schemas), _IF_NONE_MATCH],
            "responses": {"200": shown, "304": _NOT_MODIFIED} | problems(400, 422, *ALWAYS),
        },
        "put": _operation(binding, "replace", f"Replace one {title}, or make it")
        | {
            "parameters": [IF_MATCH, _IF_NONE_MATCH, prefer("return", "tx")],
            "requestBody": {"required": True, "content": {"application/json": whole}},
            "responses": {"200": changed, "201": made, "204": _UNSHOWN} | problems(*GUARDED, *WRITES, *ALWAYS),
        },
        "patch": _operation(binding, "update", f"Change one {title}")
        | {
            "parameters": [IF_MATCH, prefer("return", "tx")],
            "requestBody": body,
            "responses": {"200": changed, "204": _UNSHOWN} | problems(*GUARDED, *WRITES, *ALWAYS),
        },
        "delete": _operation(binding, "delete", f"Delete one {title}")
        | {
            "parameters": [IF_MATCH, prefer("tx")],
            "responses": {"200": or_plan({"description": "The plan, where that was preferred."}), "204": _GONE}
            | problems(400, *GUARDED, *REMOVES, *ALWAYS),
        },
    }


def _meta_operation(binding: Binding) -> Node:
    described = reply("The fields with their schemas, and the rights of this user.", {"type": "object"}, "ETag")
    answers = {"200": described, "304": _NOT_MODIFIED} | problems(*ALWAYS)
    summary = f"Describe {binding.collection} to this user"
    return _operation(binding, "describe", summary) | {"parameters": [_IF_NONE_MATCH], "responses": answers}


def _stamped(binding: Binding) -> list[str]:
    stamps = [each for each in binding.declaration.stamps if each.options.auto_now == "write"]
    return ["Last-Modified"] if any(each.kind is Kind.DATETIME for each in stamps) else []


def _operation(binding: Binding, verb: str, summary: str) -> Node:
    return {"tags": [binding.collection], "operationId": f"{binding.collection}_{verb}", "summary": summary}


_NOT_MODIFIED: Node = {"$ref": "#/components/responses/NotModified"}
_IF_NONE_MATCH: Node = {
    "name": "If-None-Match",
    "in": "header",
    "description": "An ETag: 304, or 412 of a write, if it is still as it was; of a write also `*`.",
    "schema": {"type": "string"},
}
_GONE: Node = {"description": "It is gone."}
_UNSHOWN: Node = {
    "description": "It is done; the record was not wanted.",
    "headers": {"ETag": {"$ref": "#/components/headers/ETag"}},
}
