"""The part of the document for files: a path for each field that holds one, and forms that bring them with records."""

from __future__ import annotations

from collections.abc import Iterable

from holdall.files import FileCodec
from holdall.model import Field
from holdall.session import Binding
from holdall.session.file_fields import holds_several
from holdall.web.attachments.forms import MOST_LISTED
from holdall.web.openapi.parameters import key_parameter
from holdall.web.openapi.responses import problems, reply
from holdall.web.openapi.schemas import Node, RecordSchemas
from holdall.web.openapi.writing import IF_MATCH, prefer

__all__ = ["add_direct", "add_forms", "file_of", "file_paths"]

_READ = (404, 412, 414, 500, 503, 504)
_WRITTEN = (202, 400, 401, 403, 404, 408, 409, 412, 413, 414, 415, 422, 428, 500, 501, 503, 504, 507)
_CONTENT = {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}
_TAG = {"ETag": {"$ref": "#/components/headers/ETag"}}
_TOLD = {
    name: {"description": description, "schema": {"type": "string"}}
    for name, description in {
        "Content-Disposition": "The name of the file, and whether browsers may show it.",
        "Accept-Ranges": "`bytes`",
        "Last-Modified": "When the content was written.",
    }.items()
}
_IF_NONE_MATCH: Node = {
    "name": "If-None-Match",
    "in": "header",
    "description": "An ETag: 304, or 412 of a write, if the file is still as it was; of a write also `*`, for none.",
    "schema": {"type": "string"},
}
_RANGE: Node = {
    "name": "Range",
    "in": "header",
    "description": "One range of bytes, as `bytes=0-499`, `bytes=500-` or `bytes=-500`.",
    "schema": {"type": "string"},
}
_NAME: Node = {
    "name": "Content-Disposition",
    "in": "header",
    "description": 'The name of the file: `attachment; filename="cover.png"`.',
    "schema": {"type": "string"},
}
_NUMBER: Node = {
    "name": "number",
    "in": "path",
    "required": True,
    "description": "The place of the file in the list, from 0.",
    "schema": {"type": "integer", "minimum": 0, "maximum": 999_999},
}
_DIRECT: Node = {
    "name": "direct",
    "in": "query",
    "description": "Ask for the URL of the content at its store, which is good for some minutes.",
    "allowEmptyValue": True,
    "schema": {"type": "string", "const": ""},
}
_THUMBNAIL: Node = {
    "name": "thumbnail",
    "in": "query",
    "description": "A small picture, as JPEG or PNG, instead of the content.",
}
_TICKET: Node = {
    "type": "object",
    "properties": {
        "method": {"type": "string", "const": "PUT"},
        "url": {"type": "string", "format": "uri"},
        "ticket": {"type": "string"},
        "seconds": {"type": "number"},
    },
    "required": ["method", "url", "ticket", "seconds"],
}
_PROBLEM: Node = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Holdall.Problem"}}}


def file_of(field: Field) -> Node | None:
    """Return the types and the size of files that a field takes; None for other fields. Example: :func:`asgi`."""
    rule = field.options.codec
    if not isinstance(rule, FileCodec):
        return None
    told: Node = {"types": list(rule.types) or ["*/*"], "max_size": rule.max_size}
    told |= {"several": True} if holds_several(field) else {}
    return told | ({"thumbnails": rule.thumbnails.sizes} if rule.thumbnails.names else {})


def file_paths(binding: Binding, described: RecordSchemas) -> Node:
    """The paths of the files of a collection's records."""
    found = {}
    for field in binding.declaration.stored:
        told = file_of(field)
        if told is not None and not binding.is_keyless:
            operations = _operations(binding, field, described, told)
            if field.name in described.access.hidden:
                del operations["get"]
            if binding.is_read_only or field.name in described.access.not_changed:
                del operations["put"], operations["delete"]
            path = f"/{binding.collection}/{{key}}/{field.name}"
            if not holds_several(field):
                found[path] = operations
                continue
            if "put" in operations:
                found[path] = {
                    "parameters": [key_parameter(binding)],
                    "post": _added(binding, field, operations["put"]),
                }
            operations["parameters"] = [key_parameter(binding), _NUMBER]
            found[f"{path}/{{number}}"] = operations
    return found


def add_forms(many: Node, one: Node, binding: Binding, described: RecordSchemas) -> None:
    """Complete the operations that make and change a record, in place, by forms with its files."""
    access = described.access
    for operation, which, refused in (
        (many.get("post"), "Create", access.not_created),
        (one.get("patch"), "Patch", access.not_changed),
    ):
        files = [each for each in binding.declaration.stored if file_of(each) is not None]
        fields = [each for each in files if each.name not in refused]
        if operation is not None and fields:
            operation["requestBody"]["content"]["multipart/form-data"] = _form(fields, described.reference(which))


def add_direct(paths: Node, collection: str, names: Iterable[str]) -> None:
    """Complete the paths of files that clients may send and get by themselves. Example: :func:`asgi`."""
    for name in names:
        operations = paths.get(f"/{collection}/{{key}}/{name}", {})
        if "get" in operations:
            operations["get"]["parameters"].append(_DIRECT)
            operations["get"]["responses"]["307"] = {
                "description": "The place of the content, where that was asked for.",
                "headers": {"Location": {"schema": {"type": "string", "format": "uri"}}},
            }
        if "put" not in operations:
            continue
        operations["put"]["requestBody"]["content"]["application/vnd.holdall.upload"] = {
            "schema": {"type": "string", "description": "the ticket of a content that was sent to its URL"}
        }
        operations["post"] = operations["put"] | {
            "operationId": f"{collection}_{name}_direct",
            "summary": f"Get a URL to which the file in {name} can be sent",
            "parameters": [_DIRECT | {"required": True}],
            "responses": {"200": reply("The URL, and the ticket for it.", _TICKET)} | problems(*_WRITTEN),
        }
        del operations["post"]["requestBody"]


def _added(binding: Binding, field: Field, put: Node) -> Node:
    """The operation that adds a file to a list."""
    own = {"operationId": f"{binding.collection}_{field.name}_post", "summary": f"Add a file to {field.name}"}
    told = {status: each for status, each in put["responses"].items() if status != "200"}
    return put | own | {"responses": told}


def _form(fields: list[Field], record: Node) -> Node:
    one = {"type": "string", "format": "binary"}
    several = {"type": "array", "items": one, "maxItems": MOST_LISTED}
    properties: Node = {"_json": record} | {each.name: several if holds_several(each) else one for each in fields}
    encoding: Node = {"_json": {"contentType": "application/json"}}
    for field in fields:
        encoding[field.name] = {"contentType": ", ".join((file_of(field) or {})["types"])}
    return {"schema": {"type": "object", "properties": properties}, "encoding": encoding}


def _operations(binding: Binding, field: Field, described: RecordSchemas, told: Node) -> Node:
    name = f"{binding.collection}_{field.name}"
    shown = described.of_field(field)
    shown = shown["items"] if holds_several(field) else shown
    stored = {"headers": _TAG, "content": {"application/json": {"schema": shown}}}
    limits = f"At most {told['max_size']} bytes of {' or '.join(told['types'])}, by content."
    answers = {
        "200": {"description": "The content.", "headers": _TAG | _TOLD, "content": {"*/*": _CONTENT}},
        "206": {"description": "A range of the content.", "headers": _TAG | _TOLD, "content": {"*/*": _CONTENT}},
        "304": {"$ref": "#/components/responses/NotModified"},
        "416": {"description": "The range has no byte of the content.", "content": _PROBLEM},
    }
    put = {
        "200": {"description": "The file that is there now."} | stored,
        "201": {"description": "The file, where there was none."} | stored,
        "204": {"description": "It is done; no more was wanted.", "headers": _TAG},
    }
    tags = {"tags": [binding.collection]}
    wanted = [_RANGE, _IF_NONE_MATCH]
    refused: tuple[int, ...] = _READ
    if "thumbnails" in told:
        wanted.append(_THUMBNAIL | {"schema": {"type": "string", "enum": sorted(told["thumbnails"])}})
        refused = (*_READ, 422)
    return {
        "parameters": [key_parameter(binding)],
        "get": tags
        | {"operationId": f"{name}_get", "summary": f"Read the file in {field.name}"}
        | {"parameters": wanted, "responses": answers | problems(401, 403, *refused)},
        "put": tags
        | {"operationId": f"{name}_put", "summary": f"Write the file in {field.name}", "description": limits}
        | {"parameters": [_NAME, IF_MATCH, _IF_NONE_MATCH, prefer("return")]}
        | {"requestBody": {"required": True, "content": {"*/*": _CONTENT}}, "responses": put | problems(*_WRITTEN)},
        "delete": tags
        | {"operationId": f"{name}_delete", "summary": f"Empty {field.name}"}
        | {"parameters": [IF_MATCH], "responses": {"204": {"description": "It is gone."}} | problems(*_WRITTEN)},
    }
