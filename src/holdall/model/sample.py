"""Plain values of JSON schemas, and plain texts of patterns: for examples, and for records that tests make."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib import import_module

from holdall.model.own_form import JsonSchema
from holdall.query import Value

__all__ = ["sample_of", "text_matching"]

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


def sample_of(schema: JsonSchema, components: JsonSchema, depth: int = 0) -> Value:
    """Return a value of a JSON schema, as plain as it can be; something that is refused where none was found.

    >>> sample_of({"type": "string", "minLength": 6}, {}), sample_of({"type": "integer", "minimum": 3}, {})
    ('textte', 3)
    """
    if depth > _DEEPEST:
        return _NO_SAMPLE
    if "$ref" in schema:
        return sample_of(components[schema["$ref"].rpartition("/")[2]], components, depth + 1)
    if "anyOf" in schema:
        options = [option for option in schema["anyOf"] if option.get("type") != "null"]
        return sample_of(options[0] if options else {"const": None}, components, depth + 1)
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
            return [sample_of(item, components, depth + 1) for item in items]
        case "object":
            known: Mapping[str, JsonSchema] = schema.get("properties", {})
            return {name: sample_of(known[name], components, depth + 1) for name in schema.get("required", ())}
    return _ANYTHING


def _number(schema: JsonSchema) -> Value:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    between = [bound + step for bound, step in ((low, 0), (high, 0), (above, 1), (below, -1)) if bound is not None]
    for number in (1, *sorted(between, key=abs), 0.5):
        is_low = (low is not None and number < low) or (above is not None and number <= above)
        is_high = (high is not None and number > high) or (below is not None and number >= below)
        if not is_low and not is_high:
            return number
    return _NO_SAMPLE


def _text(schema: JsonSchema) -> Value:
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
        parser: Value = import_module("re._parser")  # what re itself reads patterns by; nothing public does
        text = _written(parser.parse(pattern))
        return text if re.search(pattern, text) else None
    except (ImportError, re.error, OverflowError, LookupError, TypeError, ValueError):
        return None


def _written(nodes: Iterable[Value]) -> str:
    return "".join(_one(str(kind), value) for kind, value in nodes)


def _one(kind: str, value: Value) -> str:
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


def _member(items: list[Value]) -> str:
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
