"""The tools of a service: those of its collections, selections and actions that a user may see."""

from __future__ import annotations

import re
from collections.abc import Iterator

from holdall.cli.assistants.requests import Request, Service
from holdall.cli.assistants.tool import Arguments, MisusedTool, Tool, filters_of, key_path, text_of
from holdall.query import Value

__all__ = ["tools_of"]

_Node = dict[str, Value]

_PAGE = 20  # records, where nobody says how many: an assistant reads all of them
_WIDEST = 100
_LONGEST = 64  # characters of a name, as clients bound it
_REFERENCE = "#/components/schemas/"

_KEY: _Node = {
    "description": "The key of the record; a list of its parts where it has several.",
    "anyOf": [{"type": "string"}, {"type": "number"}, {"type": "array"}],
}
_ETAG: _Node = {"type": "string", "description": "The etag that get gave: refuse where somebody changed it since."}
_FILTERS: _Node = {
    "type": "object",
    "description": 'Conditions, all of which hold, such as {"pages__gt": 100, "author.name__startswith": "M"}; '
    "operators are eq, ne, gt, gte, lt, lte, in, isnull, contains, icontains, startswith, endswith.",
}
_PAGING: _Node = {
    "sort": {"type": "array", "items": {"type": "string"}, "description": "Fields, -field for descending."},
    "page_size": {"type": "integer", "minimum": 1, "maximum": _WIDEST, "default": _PAGE},
    "after": {"type": "string", "description": "The value of next of the last page, for the page after it."},
}
_SHOWN: _Node = {
    "fields": {"type": "array", "items": {"type": "string"}, "description": "Only these fields."},
    "include": {"type": "array", "items": {"type": "string"}, "description": "Records that are referred to."},
}
_BOUND: _Node = {"type": "integer", "minimum": 1, "description": "Refuse where more records than these are meant."}
_DRY: _Node = {"type": "boolean", "description": "Only tell what would be written."}


async def tools_of(service: Service, *, is_reading: bool = False) -> dict[str, Tool]:
    """The tools for the user that the service is asked for; with ``is_reading`` only those that change nothing.

    Example: ``docs/assistants.md``.
    """
    found = dict[str, Tool]()
    for collection in (await service.ask(Request("GET", "/_meta"))).content["collections"]:
        path = collection["path"]
        meta = (await service.ask(Request("GET", collection["meta"]))).content
        for tool in [*_of_collection(path, meta), *_of_selections(meta), *_of_actions(path, meta)]:
            if tool.is_reading or not is_reading:
                found[tool.name] = tool
    return found


def _of_collection(path: str, meta: _Node) -> Iterator[Tool]:
    name, title, rights = meta["collection"], meta["title"], meta["rights"]
    if rights["read"]:
        fields = ", ".join(field["name"] for field in meta["fields"])
        listed = f"List records of {title}, by page. Fields: {fields}."
        taken = {"filters": _FILTERS, **_PAGING, **_SHOWN}
        yield Tool(_named(name, "list"), listed, _object(taken), lambda given: _list("GET", path, given))
        got = f"Get one {title} by its key, with its etag."
        yield Tool(
            _named(name, "get"),
            got,
            _object({"key": _KEY, **_SHOWN}, ["key"]),
            lambda given: _get(path, given),
            gives_record=True,
        )
    if rights["create"]:
        body = _body(meta, "create")
        made = f"Create a {title}; the answer has the record as it is stored."
        yield Tool(
            _named(name, "create"),
            made,
            _object({"record": body}, ["record"], meta),
            lambda given: Request("POST", path, body=given["record"]),
            is_reading=False,
            gives_record=True,
        )
    if rights["update"]:
        changes = {**_body(meta, "update"), "required": []}
        yield Tool(
            _named(name, "update"),
            f"Change fields of one {title}; others stay as they are.",
            _object({"key": _KEY, "changes": changes, "etag": _ETAG}, ["key", "changes"], meta),
            lambda given: Request("PATCH", _of_record(path, given), body=given["changes"], headers=_matched(given)),
            is_reading=False,
            gives_record=True,
        )
    if rights["delete"]:
        yield Tool(
            _named(name, "delete"),
            f"Delete one {title}.",
            _object({"key": _KEY, "etag": _ETAG}, ["key"]),
            lambda given: Request("DELETE", _of_record(path, given), headers=_matched(given)),
            is_reading=False,
            is_destroying=True,
        )


def _of_selections(meta: _Node) -> Iterator[Tool]:
    for each in meta.get("selections", ()):
        path, parameters = each["path"], each["parameters"]
        is_given = bool(parameters["properties"])
        taken = {"parameters": parameters} if is_given else {}
        yield Tool(
            _named(meta["collection"], "select", each["name"]),
            f"{each['title']} Rows of the selection {each['name']} of {meta['title']}, by page.",
            _object(
                {**taken, "filters": _FILTERS, **_PAGING}, ["parameters"] if parameters.get("required") else [], meta
            ),
            # mypy infers no lambda that binds what a loop changes
            lambda given, path=path: _list("POST", path, given, given.get("parameters", {})),  # type: ignore[misc]
        )


def _of_actions(path: str, meta: _Node) -> Iterator[Tool]:
    for each in meta.get("actions", ()):
        if not each["available"]:
            continue
        on, inputs = each["on"], each["inputs"]
        taken: _Node = {"inputs": inputs} if inputs["properties"] else {}
        required = ["inputs"] if inputs.get("required") else []
        if on in ("one", "each"):
            taken["key"] = _KEY
        if on == "one":
            required.append("key")
        if on in ("each", "all"):
            taken |= {"filters": _FILTERS, "max_affected": _BOUND}
        taken["dry_run"] = _DRY
        where = {
            "one": "on the record with this key",
            "each": "on the record with this key, or on each that filters mean",
            "all": "on all records that filters mean",
        }.get(on, "on no record")
        yield Tool(
            _named(meta["collection"], "act", each["name"]),
            f"{each['title']} Runs {where}.",
            _object(taken, required, meta),
            # as above
            lambda given, name=each["name"]: _act(path, name, given),  # type: ignore[misc]
            is_reading=False,
            is_destroying=True,
        )


def _list(method: str, path: str, given: Arguments, body: Value = None) -> Request:
    parameters = [("page_size", str(given.get("page_size", _PAGE))), ("after", str(given.get("after", "")))]
    parameters += _joined(given, "sort", "fields", "include")
    return Request(method, path, (*parameters, *filters_of(given.get("filters", {}))), body)


def _get(path: str, given: Arguments) -> Request:
    return Request("GET", _of_record(path, given), tuple(_joined(given, "fields", "include")))


def _act(base: str, name: str, given: Arguments) -> Request:
    prefer = {"prefer": "tx=rollback"} if given.get("dry_run") else {}
    inputs = given.get("inputs", {})
    if "key" in given:
        if given.get("filters"):
            raise MisusedTool("give key or filters: an action runs on one record, or on each that filters mean")
        return Request("POST", f"{_of_record(base, given)}/actions/{name}", body=inputs, headers=prefer)
    bound = [("max-affected", text_of(given["max_affected"]))] if "max_affected" in given else []
    return Request(
        "POST", f"{base}/actions/{name}", (*bound, *filters_of(given.get("filters", {}))), inputs, headers=prefer
    )


def _of_record(path: str, given: Arguments) -> str:
    return f"{path}/{key_path(given['key'])}"


def _joined(given: Arguments, *names: str) -> list[tuple[str, str]]:
    return [(name, ",".join(map(text_of, given[name]))) for name in names if given.get(name)]


def _matched(given: Arguments) -> dict[str, str]:
    return {"if-match": str(given["etag"])} if "etag" in given else {}


def _named(*parts: str) -> str:
    """A name of letters, digits, underscores and hyphens, as clients take it."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", "_".join(parts))[:_LONGEST]


def _body(meta: _Node, right: str) -> _Node:
    """The schema of what a user may give with this right."""
    taken = [field for field in meta["fields"] if field[right]]
    return {
        "type": "object",
        "properties": {field["name"]: field["schema"] for field in taken},
        "required": [field["name"] for field in taken if field["required"]],
        "additionalProperties": False,
    }


def _object(properties: _Node, required: list[str] | None = None, meta: _Node | None = None) -> _Node:
    """The schema of arguments, with the schemas that it refers to."""
    schema: _Node = {
        "type": "object",
        "properties": _localised(properties),
        "required": required or [],
        "additionalProperties": False,
    }
    if meta is not None and meta["schemas"]:
        schema["$defs"] = _localised(meta["schemas"])
    return schema


def _localised(node: Value) -> Value:
    """The same with references into the schema itself, in place of those into an OpenAPI document."""
    if isinstance(node, list):
        return [_localised(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        name: f"#/$defs/{each.removeprefix(_REFERENCE)}"
        if name == "$ref" and isinstance(each, str)
        else _localised(each)
        for name, each in node.items()
    }
