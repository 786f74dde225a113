"""JSON Schemas (2020-12) of fields: of their types, their rules and what they refer to."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from holdall.model.field import Field
from holdall.model.field_type import FieldType
from holdall.model.names import Annotation
from holdall.model.own_form import JsonSchema, Schemas
from holdall.model.rules import Ge, Gt, Le, Length, Lt
from holdall.query import MAX_INT, Kind, Value

__all__ = ["FORMS", "InlineSchemas", "field_schema", "type_schema"]

_BOUNDS = (Ge, Gt, Le, Lt)
FORMS: dict[Kind, JsonSchema] = {
    Kind.DECIMAL: {"format": "decimal", "pattern": r"^[+-]?\d+(\.\d+)?([eE][+-]?\d{1,3})?$"},
    Kind.TIME: {"pattern": r"^\d\d:\d\d:\d\d(\.\d+)?$"},
    Kind.DATETIME: {"format": "date-time"},
}
"""The look of text that stands for values of a kind."""

_NUMBERS = (Kind.INT, Kind.FLOAT)
_TIGHTER: dict[str, Callable[[Value, Value], Value]] = {
    **dict.fromkeys(("minLength", "minItems", "minProperties", "minimum", "exclusiveMinimum"), max),
    **dict.fromkeys(("maxLength", "maxItems", "maxProperties", "maximum", "exclusiveMaximum"), min),
}
_REFERENCE = "#/$defs/"


class InlineSchemas:
    """Puts schemas together in one piece; what leads back into itself is said to be an object there.

    Example: :func:`field_schema`.
    """

    def __init__(self) -> None:
        self._open: list[str] = []

    def of_annotation(self, annotation: Annotation) -> JsonSchema:
        """The schema of values that msgspec knows."""
        try:
            [schema], found = msgspec.json.schema_components([annotation], ref_template=_REFERENCE + "{name}")
        except TypeError:  # a class that only its own hooks can read
            return {}
        expanded: JsonSchema = self._expanded(schema, found)
        return expanded

    def named(self, name: str, make: Callable[[], JsonSchema]) -> JsonSchema:
        """The schema of this name, in place of a reference to it."""
        if name in self._open:
            return {"type": "object", "title": name}
        self._open.append(name)
        try:
            return make()
        finally:
            self._open.pop()

    def _expanded(self, node: Value, found: JsonSchema) -> Value:
        if isinstance(node, list):
            return [self._expanded(item, found) for item in node]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref")
        if isinstance(reference, str):
            name = reference.removeprefix(_REFERENCE)
            return self.named(name, lambda: self._expanded(found[name], found))
        return {key: self._expanded(value, found) for key, value in node.items()}


def type_schema(field_type: FieldType, schemas: Schemas) -> JsonSchema:
    """The schema of values of a type, its rules apart. Example: :func:`field_schema`."""
    own = field_type.own
    if own is None:
        return schemas.of_annotation(field_type.annotation)
    return own.schema(schemas)


def field_schema(field: Field, schemas: Schemas) -> JsonSchema:
    """The schema of a field's values: its type, its rules and what it refers to.

    >>> from holdall.model import InlineSchemas
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     code: str = field(length=(1, 3))
    >>> field_schema(Book.__holdall__.by_name["code"], InlineSchemas())
    {'type': 'string', 'minLength': 1, 'maxLength': 3}
    """
    notes = [field.options.description] if field.options.description else []
    if field.target is not None:
        schema = _relation_schema(field, schemas)
    elif field.type is not None and field.type.own is not None:
        schema = field.type.own.schema(schemas)
        schema = {"anyOf": [schema, {"type": "null"}]} if field.nullable else schema
    else:
        schema = schemas.of_annotation(field.annotation)
        if field.kind is Kind.JSON and _is_any(schema):
            schema = {}
    if field.kind is Kind.INT and schema.get("type") == "integer":
        schema = schema | {"format": "int64", "minimum": -MAX_INT, "maximum": MAX_INT}
    schema = _with_form(field.kind, schema)
    for rule in field.rules:
        if isinstance(rule, _BOUNDS) and (field.kind not in _NUMBERS or schema.get("type") == "string"):
            notes.append(rule.describe())
        elif isinstance(rule, Length) and field.kind is not Kind.STR:
            schema = _narrowed(schema, _length(rule, schema))
        else:
            schema = _narrowed(schema, _with_null(rule.json_schema(), field.nullable))
    return schema | ({"description": "; ".join(notes)} if notes else {})


def _relation_schema(field: Field, schemas: Schemas) -> JsonSchema:
    assert field.target is not None
    target = field.target().__holdall__
    keys = [field_schema(part, schemas) for part in target.key]
    for key in keys:
        key.pop("description", None)
    key = keys[0] if len(keys) == 1 else {
        "type": "array", "prefixItems": keys, "minItems": len(keys), "maxItems": len(keys),
    }  # fmt: skip
    if field.form is not None:
        key = {"type": "array", "items": key, "uniqueItems": True}
    elif field.nullable:
        key = {"anyOf": [key, {"type": "null"}]}
    return key | {"x-refers-to": target.model.__name__}


def _with_form(kind: Kind, schema: JsonSchema) -> JsonSchema:
    """The schema with what the kind's text looks like, where formats leave it open."""
    if kind not in FORMS:
        return schema
    options = [item | FORMS[kind] if item.get("type") == "string" else item for item in schema.get("anyOf", [schema])]
    return options[0] if len(options) == 1 else schema | {"anyOf": options}


def _length(rule: Length, schema: JsonSchema) -> JsonSchema:
    """Bounds on items; on bytes they say nothing of the text these are shown as."""
    kind = schema.get("type")
    words = {"array": "Items", "object": "Properties"}
    if not isinstance(kind, str) or kind not in words:
        return {}
    bounds = {f"min{words[kind]}": rule.minimum}
    return bounds if rule.maximum is None else bounds | {f"max{words[kind]}": rule.maximum}


def _narrowed(schema: JsonSchema, rule: JsonSchema) -> JsonSchema:
    """The schema with a further rule: of two bounds the tighter one, and every pattern."""
    made = dict(schema)
    for name, value in rule.items():
        if name == "pattern" and name in schema:
            made["allOf"] = [*made.get("allOf", ()), {name: value}]
        else:
            made[name] = _TIGHTER[name](schema[name], value) if name in _TIGHTER and name in schema else value
    return made


def _with_null(rule: JsonSchema, nullable: bool) -> JsonSchema:
    if nullable and "enum" in rule:
        rule = {"enum": [*rule["enum"], None]}
    plain: JsonSchema = msgspec.to_builtins(rule)
    return plain


def _is_any(schema: JsonSchema) -> bool:
    """Whether the schema is that of any JSON at all, which is better said by none."""
    return len(schema.get("anyOf", ())) >= 6
