"""Bodies that a collection accepts, as examples for its document: made of its schemas, and tried on its model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

import msgspec

from holdall.errors import HoldallError
from holdall.model import MISSING, Declaration, Field
from holdall.query import Value
from holdall.web.openapi.schemas import Node

__all__ = ["creation_example", "operations_example", "patch_example", "replacement_example", "text_matching"]

_FORMATS = {
    "date-time": "2026-01-31T12:00:00Z",
    "date": "2026-01-31",
    "duration": "PT1H30M",
    "uuid": "01890a5d-ac96-774b-bcce-b302099a8057",
    "decimal": "1.5",
}
_ANYTHING = {"name": "text"}
_NO_SAMPLE = object()
_DEEPEST = 8


def creation_example(declaration: Declaration, schema: Node, components: Node) -> Node:
    """An ``example`` of a body that creates a record, in a dict; empty where none was found that is accepted.

    The example has the required fields, and those with a default of their own. Records it refers to must be there: the
    example of that.
    """
    required = set(schema.get("required", ()))
    example: Node = {}
    for name, given in schema["properties"].items():
        if name in required:
            example[name] = _sample(given, components)
        elif (default := _default(declaration.by_name[name])) is not None:
            example[name] = default
    return _tried(declaration, example)


def replacement_example(declaration: Declaration, schema: Node, components: Node) -> Node:
    """An ``example`` of a body that replaces a record: that of one that creates it, without the key."""
    given = [field for field in declaration.stored if field.name in declaration.json_input.names]
    taken = {field.name: schema["properties"][field.name] for field in given}
    required = [field.name for field in given if not field.has_default]
    found = creation_example(declaration, {"properties": taken, "required": required}, components)
    left = {field.name for field in declaration.key}
    return {name: {each: value[each] for each in value if each not in left} for name, value in found.items()}


def patch_example(declaration: Declaration, schema: Node, components: Node) -> Node:
    """An ``example`` of a body that changes one field of a record, in a dict; empty where there is none."""
    fields = [declaration.by_name[name] for name in schema["properties"]]
    for field in sorted(fields, key=lambda field: field.target is not None):
        example = {field.name: _sample(schema["properties"][field.name], components)}
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


def _sample(schema: Node, components: Node, depth: int = 0) -> Any:
    """A value of a schema, as plain as it can be; something that is refused where none was found."""
    if depth > _DEEPEST:
        return _NO_SAMPLE
    if "$ref" in schema:
        return _sample(components[schema["$ref"].rpartition("/")[2]], components, depth + 1)
    if "anyOf" in schema:
        options = [option for option in schema["anyOf"] if option.get("type") != "null"]
        return _sample(options[0] if options else {"const": None}, components, depth + 1)
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    kind = schema.get("type")
    kind = next((item for item in kind if item != "null"), None) if isinstance(kind, list) else kind
    match kind:
        case "integer" | "number":
            return _number(schema)
        case "boolean":
            return True
        case "string":
            return _text(schema)
        case "array":
            items = schema.get("prefixItems") or [schema.get("items", {})] * schema.get("minItems", 0)
            return [_sample(item, components, depth + 1) for item in items]
        case "object":
            known: Mapping[str, Node] = schema.get("properties", {})
            return {name: _sample(known[name], components, depth + 1) for name in schema.get("required", ())}
    return _ANYTHING


def _number(schema: Node) -> Any:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    between = [bound + step for bound, step in ((low, 0), (high, 0), (above, 1), (below, -1)) if bound is not None]
    for number in (1, *sorted(between, key=abs), 0.5):
        is_low = (low is not None and number < low) or (above is not None and number <= above)
        is_high = (high is not None and number > high) or (below is not None and number >= below)
        if not is_low and not is_high:
            return number
    return _NO_SAMPLE


def _text(schema: Node) -> Any:
    if "pattern" in schema and schema.get("format") != "decimal":
        found = text_matching(schema["pattern"])
        return _NO_SAMPLE if found is None else found
    if "contentEncoding" in schema:
        return "AAAA"
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    return ("text" * (least // 4 + 1))[: max(least, 4) if most is None else max(least, min(4, most))]


# --- texts of a pattern -----------------------------------------------------------------------------------------------

_CATEGORIES = {"CATEGORY_DIGIT": "1", "CATEGORY_WORD": "a", "CATEGORY_SPACE": " ", "CATEGORY_NOT_SPACE": "a"}
_CANDIDATES = "aA1 -_.x@/"


def text_matching(pattern: str) -> str | None:
    """A short text that the pattern finds; None where there is none as plain as that.

    >>> text_matching(r"^(?:[A-Z]{2})-\\d+$")
    'AA-1'
    """
    try:
        parser: Any = import_module("re._parser")  # what re itself reads patterns by; nothing public does
        text = _written(parser.parse(pattern))
        return text if re.search(pattern, text) else None
    except (ImportError, re.error, OverflowError, LookupError, TypeError, ValueError):
        return None


def _written(nodes: Iterable[Any]) -> str:
    return "".join(_one(str(kind), value) for kind, value in nodes)


def _one(kind: str, value: Any) -> str:
    match kind:
        case "LITERAL":
            return chr(value)
        case "ANY":
            return "a"
        case "NOT_LITERAL":
            return next(sign for sign in _CANDIDATES if sign != chr(value))
        case "IN":
            return _member(value)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, _, nodes = value
            return _written(nodes) * int(least)
        case "SUBPATTERN":
            return _written(value[-1])
        case "ATOMIC_GROUP":
            return _written(value)
        case "BRANCH":
            return _written(value[1][0])
    return ""  # positions and looks ahead; the text is tried in the end


def _member(items: list[Any]) -> str:
    kind, value = str(items[0][0]), items[0][1]
    match kind:
        case "LITERAL":
            return chr(value)
        case "RANGE":
            return chr(value[0])
        case "CATEGORY":
            return _CATEGORIES.get(str(value), "-")
    rest = [_member([item]) for item in items[1:]]  # all but these
    return next(sign for sign in _CANDIDATES if sign not in rest)
