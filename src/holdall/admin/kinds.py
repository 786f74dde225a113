"""The kind of a value by its JSON Schema, which says how the value is shown and by which widget it is given."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TypeAlias

import msgspec

from holdall.model import FORMS
from holdall.query import Kind as BorderKind
from holdall.query import Value

__all__ = ["Kind", "Node", "Shape", "leading", "shape_of"]

Node: TypeAlias = dict[str, Value]

_REFERENCE = "#/components/schemas/"
_DEEPEST = 3  # nested objects within one another that have inputs of their own; deeper ones are given as JSON
_TIME = FORMS[BorderKind.TIME]["pattern"]
_LONG = 200  # characters from which text has several lines to be written on


class Kind(StrEnum):
    """How a value is given and shown. Example: :func:`shape_of`."""

    TEXT = "text"
    LONG = "long"
    SECRET = "secret"  # noqa: S105 - the name of a kind
    INTEGER = "integer"
    NUMBER = "number"
    DECIMAL = "decimal"
    FLAG = "flag"
    CHOICE = "choice"
    CHOICES = "choices"
    MOMENT = "moment"
    DATE = "date"
    TIME = "time"
    DURATION = "duration"
    UUID = "uuid"
    BYTES = "bytes"
    LINES = "lines"
    REFERENCE = "reference"
    REFERENCES = "references"
    NESTED = "nested"
    FILE = "file"
    ITEMS = "items"
    JSON = "json"


class Shape(msgspec.Struct, frozen=True):
    """The kind of a value, whether it may be null, and the parts that the value is made of.

    Example: :func:`shape_of`.
    """

    kind: Kind
    nullable: bool = False
    choices: tuple[Value, ...] = ()
    item: Shape | None = None  # of a list
    parts: tuple[tuple[str, Shape, bool], ...] = ()  # of an object: name, shape, whether it is required
    description: str = ""
    longest: int | None = None
    target: str | None = None  # the collection that a reference inside a value leads to


_KEYS = (Kind.TEXT, Kind.INTEGER, Kind.UUID, Kind.DATE)


def leading(shape: Shape, path: Sequence[str], target: str) -> Shape:
    """Return the shape with a reference into the collection ``target`` at this path of names, through lists too.

    >>> city = Shape(Kind.NESTED, parts=(("city", Shape(Kind.INTEGER), True),))
    >>> leading(Shape(Kind.ITEMS, item=city), ["city"], "cities").item.parts[0][1].target
    'cities'
    """
    if shape.kind is Kind.ITEMS and shape.item is not None and path:
        return msgspec.structs.replace(shape, item=leading(shape.item, path, target))
    if path:
        parts = [
            (name, leading(inner, path[1:], target) if name == path[0] else inner, is_required)
            for name, inner, is_required in shape.parts
        ]
        return msgspec.structs.replace(shape, parts=tuple(parts))
    if shape.kind is Kind.LINES:
        return msgspec.structs.replace(shape, kind=Kind.REFERENCES, target=target)
    if shape.kind not in _KEYS:
        return shape
    item = msgspec.structs.replace(shape, nullable=False)
    return msgspec.structs.replace(shape, kind=Kind.REFERENCE, item=item, target=target)


def shape_of(schema: Node, schemas: Node, *, depth: int = 0) -> Shape:
    """Return the shape of a value by its JSON Schema; ``schemas`` are those that it refers to, by name.

    >>> found = shape_of({"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}, {})
    >>> found.kind, found.nullable
    (<Kind.DATE: 'date'>, True)
    """
    description = str(schema.get("description", ""))
    schema, nullable = _plain(schema, schemas)
    made = _shape(schema, schemas, depth)
    told = description or str(schema.get("description", ""))
    return msgspec.structs.replace(made, nullable=nullable or made.nullable, description=told)


def _plain(schema: Node, schemas: Node) -> tuple[Node, bool]:
    """The schema without null and without references, and whether it allows null."""
    nullable = False
    for _ in range(10):
        if "$ref" in schema:
            schema = schemas.get(str(schema["$ref"]).removeprefix(_REFERENCE), {})
        elif "anyOf" in schema:
            options = [each for each in schema["anyOf"] if each.get("type") != "null"]
            nullable = nullable or len(options) < len(schema["anyOf"])
            if len(options) != 1:
                return {}, nullable
            schema = options[0]
        elif isinstance(schema.get("type"), list):
            types = [each for each in schema["type"] if each != "null"]
            nullable = nullable or len(types) < len(schema["type"])
            schema = schema | {"type": types[0]} if len(types) == 1 else {}
        else:
            break
    return schema, nullable


_FORMATS = {
    "date-time": Kind.MOMENT,
    "date": Kind.DATE,
    "duration": Kind.DURATION,
    "uuid": Kind.UUID,
    "decimal": Kind.DECIMAL,
    "password": Kind.SECRET,
}
_TYPES = {"integer": Kind.INTEGER, "number": Kind.NUMBER, "boolean": Kind.FLAG}


def _shape(schema: Node, schemas: Node, depth: int) -> Shape:
    if "enum" in schema:
        choices = tuple(each for each in schema["enum"] if each is not None)
        return Shape(Kind.CHOICE, nullable=len(choices) < len(schema["enum"]), choices=choices)
    match schema.get("type"):
        case "string":
            return _text(schema)
        case "integer" | "number" | "boolean" as name:
            return Shape(_TYPES[name])
        case "array" if isinstance(schema.get("items"), dict):
            return _list(shape_of(schema["items"], schemas, depth=depth + 1))
        case "object" if schema.get("properties") and depth < _DEEPEST:
            required = schema.get("required", ())
            parts = tuple(
                (name, shape_of(each, schemas, depth=depth + 1), name in required)
                for name, each in schema["properties"].items()
            )
            return Shape(Kind.NESTED, parts=parts)
    return Shape(Kind.JSON)


def _text(schema: Node) -> Shape:
    longest = schema.get("maxLength")
    if schema.get("writeOnly"):
        return Shape(Kind.SECRET)
    if schema.get("contentEncoding") == "base64":
        return Shape(Kind.BYTES)
    if schema.get("pattern") == _TIME:
        return Shape(Kind.TIME)
    kind = _FORMATS.get(str(schema.get("format")))
    if kind is None:
        kind = Kind.LONG if longest is not None and longest > _LONG else Kind.TEXT
    return Shape(kind, longest=longest)


_IN_LINES = {Kind.TEXT, Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL, Kind.DATE, Kind.TIME, Kind.DURATION, Kind.UUID}


def _list(item: Shape) -> Shape:
    if item.kind is Kind.CHOICE and not item.nullable:
        return Shape(Kind.CHOICES, choices=item.choices, item=item)
    if item.kind in _IN_LINES and not item.nullable:
        return Shape(Kind.LINES, item=item)
    if item.kind is Kind.NESTED and not item.nullable:
        return Shape(Kind.ITEMS, item=item)
    return Shape(Kind.JSON)
