"""The parts of the document for writes of many records, for JSON Patch, for preferences and rehearsals."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from holdall.session import Binding
from holdall.web.dialect import CONTROLS
from holdall.web.openapi.responses import problems
from holdall.web.openapi.schemas import Node, RecordSchemas

__all__ = [
    "IF_MATCH",
    "JSON_PATCH",
    "MAX_AFFECTED",
    "PLAN",
    "SHARED",
    "add_bulk",
    "add_idempotency",
    "check_operations",
    "or_plan",
    "prefer",
]

_POINTER = {"type": "string", "pattern": "^(/([^~/]|~[01])*)*$", "description": "a JSON Pointer (RFC 6901)"}

JSON_PATCH: Node = {"$ref": "#/components/schemas/Holdall.JsonPatch"}
PLAN: Node = {"$ref": "#/components/schemas/Holdall.Plan"}
IF_MATCH: Node = {
    "name": "If-Match",
    "in": "header",
    "description": "An ETag as it was given with the whole record: 412 if that has become another.",
    "schema": {"type": "string"},
}


def _operation(names: list[str], *members: str) -> Node:
    properties: Node = {"op": {"enum": names}, "path": _POINTER, "from": _POINTER, "value": {}}
    return {
        "type": "object",
        "required": ["op", *members],
        "properties": {name: properties[name] for name in ("op", *members)},
    }


SHARED: Node = {
    "Holdall.JsonPatch": {
        "type": "array",
        "title": "JSON Patch",
        "description": "operations on the record as GET shows it (RFC 6902): all of them, or none",
        "maxItems": 1000,
        "items": {
            "anyOf": [
                _operation(["add", "replace", "test"], "path", "value"),
                _operation(["remove"], "path"),
                _operation(["move", "copy"], "from", "path"),
            ]
        },
    },
    "Holdall.Plan": {
        "type": "object",
        "title": "Plan",
        "description": "what a request would write; nothing was written",
        "required": ["plan", "guarantee"],
        "properties": {
            "plan": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["act", "collection", "records"],
                    "properties": {
                        "act": {"enum": ["create", "update", "delete"]},
                        "collection": {"type": "string"},
                        "records": {"type": "integer", "minimum": 0},
                    },
                },
            },
            "guarantee": {"type": "string", "description": "the promise of its commit"},
        },
    },
    "Holdall.Imported": {
        "type": "object",
        "title": "Imported",
        "required": ["lines", "created", "failed", "truncated", "errors"],
        "properties": {
            "lines": {"type": "integer", "minimum": 0},
            "created": {"type": "integer", "minimum": 0},
            "failed": {"type": "integer", "minimum": 0},
            "truncated": {"type": "boolean", "description": "there are more errors than are listed"},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["line", "path", "code", "message"],
                    "properties": {"line": {"type": "integer", "minimum": 1}}
                    | {name: {"type": "string"} for name in ("path", "code", "message")},
                },
            },
        },
    },
    "Holdall.Affected": {
        "type": "object",
        "title": "Affected",
        "required": ["affected"],
        "properties": {"affected": {"type": "integer", "minimum": 0, "description": "how many records were written"}},
    },
}
"""The schemas that are of no collection."""


def prefer(*known: str) -> Node:
    """The header with preferences of which a request follows these."""
    told = f"Preferences (RFC 7240) that are followed: {', '.join(known)}; with `handling=strict` others are refused."
    return {"name": "Prefer", "in": "header", "description": told, "schema": {"type": "string"}}


def or_plan(response: Node) -> Node:
    """A response of status 200, or the plan of a rehearsal, in a media type of its own."""
    content = response.get("content", {}) | {"application/vnd.holdall.plan+json": {"schema": PLAN}}
    return response | {"content": content}


def add_bulk(many: Node, binding: Binding, schemas: RecordSchemas, *statuses: int) -> None:
    """Complete the operations on a collection, in place, by those that take many records at once."""
    name = binding.collection
    results = _results(schemas)
    stored = {"anyOf": [results, {"$ref": "#/components/schemas/Holdall.Imported"}]}
    post = many["post"]
    content = post["requestBody"]["content"]["application/json"]
    new = {"type": "array", "minItems": 1, "items": content["schema"]}
    content = content | {"schema": {"anyOf": [content["schema"], new]}}
    text: Node = {"schema": {"type": "string", "description": "a record in each line"}}
    contents: Node = {"application/json": content, "text/csv": text, "application/x-ndjson": text}
    post["requestBody"] = {"required": True, "content": contents}
    post["responses"]["200"] = or_plan(_response("Every one of a list or an import of new records.", stored))
    post["responses"]["207"] = _response("The result of each item, written by itself, or of an import.", stored)
    post["parameters"] = [*_OF_IMPORTS, prefer("return", "tx", "max-affected")]
    patches = {"type": "array", "minItems": 1, "items": _item(schemas, has_patch=True)}
    keys = {"type": "array", "minItems": 1, "items": {"anyOf": [_KEY, _item(schemas, has_patch=False)]}}
    filters = [each for each in many["get"]["parameters"] if each["in"] == "query" and each["name"] not in CONTROLS]
    parameters = [MAX_AFFECTED, prefer("return", "tx", "max-affected"), *filters]
    shown = or_plan(_response("Every item, or how many records a filter meant.", {"anyOf": [results, _AFFECTED]}))
    responses = {
        "200": shown,
        "204": {"description": "It is done; no more was wanted."},
        "207": _response("The result of each item, written by itself.", results),
    } | problems(*statuses)
    for verb, word, body in (("patch", "Change", patches), ("delete", "Delete", keys)):
        if binding.is_keyless:
            continue
        contents = {"application/json": {"schema": body}}
        if verb == "patch":
            contents["application/json"] = {"schema": {"anyOf": [body, schemas.reference("Patch")]}}
            contents["application/merge-patch+json"] = {"schema": schemas.reference("Patch")}
        many[verb] = {
            "tags": [name],
            "operationId": f"{name}_{'update' if verb == 'patch' else verb}_many",
            "summary": f"{word} several of {name}",
            "description": f"{word} those in the body, or all that the filters mean.",
            "parameters": parameters,
            "requestBody": {"required": verb == "patch", "content": contents},
            "responses": responses,
        }


def check_operations(binding: Binding, schemas: RecordSchemas, *statuses: int) -> Node:
    """The operations that only look at what a write would be refused for. Example: ``POST /books/_check``."""
    new, name = schemas.reference("Create"), binding.collection
    bodies = {
        "post": {"anyOf": [new, {"type": "array", "minItems": 1, "items": new}]},
        "patch": schemas.reference("Patch"),
    }
    told = {"post": "whether a record, or each of a list, could be made", "patch": "whether values keep their rules"}
    return {
        verb: {
            "tags": [name],
            "operationId": f"{name}_check" if verb == "post" else f"{name}_check_changes",
            "summary": f"Tell {told[verb]}",
            "requestBody": {"required": True, "content": {"application/json": {"schema": bodies[verb]}}},
            "responses": {"204": {"description": "It could be written."}} | problems(*statuses),
        }
        for verb in ("post", "patch")
    }


def add_idempotency(paths: Node, collections: Iterable[str], demanding: Callable[[str], bool]) -> None:
    """Complete the operations that write these collections, in place, by the key that requests may have, or must.

    Example: :class:`Idempotency`.
    """
    for name in collections:
        acts = [path for path in paths if path.startswith(f"/{name}/") and "/actions/" in path]
        for path in (f"/{name}", f"/{name}/{{key}}", *acts):
            for verb in {"post", "put", "patch", "delete"} & paths.get(path, {}).keys():
                operation = paths[path][verb]
                is_required = verb in ("post", "patch") and demanding(name)
                key = _IDEMPOTENCY_KEY | ({"required": True} if is_required else {})
                operation["parameters"] = [*operation.get("parameters", []), key]
                operation["responses"] |= problems(400, 408, 409, 413, 422)


def _results(schemas: RecordSchemas) -> Node:
    """The schema of the results of items."""
    properties: Node = {
        "status": {"type": "integer"},
        "key": {"type": "string", "description": "as a path has it"},
        "location": {"type": "string", "format": "uri-reference"},
        "etag": {"type": "string"},
        "data": schemas.reference("Record"),
        "problem": {"$ref": "#/components/schemas/Holdall.Problem"},
    }
    item = {"type": "object", "required": ["status"], "properties": properties}
    return {"type": "object", "required": ["items"], "properties": {"items": {"type": "array", "items": item}}}


def _item(schemas: RecordSchemas, *, has_patch: bool) -> Node:
    properties: Node = {"key": _KEY, "etag": {"type": "string", "description": "as in If-Match"}}
    if has_patch:
        properties["patch"] = schemas.reference("Patch")
    required = ["key", "patch"] if has_patch else ["key"]
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


def _response(description: str, schema: Node) -> Node:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


_OF_IMPORTS: list[Node] = [
    {
        "name": "skip",
        "in": "query",
        "description": "Of an import: columns or members to leave out.",
        "schema": {"type": "array", "items": {"type": "string"}},
        "style": "form",
        "explode": False,
    },
    {
        "name": "formulas",
        "in": "query",
        "description": "Of CSV: whether an apostrophe before a formula is taken away, or kept.",
        "schema": {"enum": ["escape", "keep"]},
    },
]
_IDEMPOTENCY_KEY: Node = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A text in quotation marks that only repetitions of this request have: it is done once.",
    "schema": {"type": "string", "pattern": '^"[ !#-\\[\\]-~]{1,255}"$'},
}
_AFFECTED: Node = {"$ref": "#/components/schemas/Holdall.Affected"}
_KEY: Node = {
    "description": "the key of a record, as a path has it, or as the record shows it",
    "anyOf": [
        {"type": "string", "minLength": 1},
        {"type": "integer"},
        {"type": "array", "minItems": 1, "items": {"type": ["string", "integer"]}},
    ],
}
MAX_AFFECTED: Node = {
    "name": "max-affected",
    "in": "query",
    "description": "If the filters mean more records than this, none is changed.",
    "schema": {"type": "integer", "minimum": 0, "maximum": 999_999_999},
}
