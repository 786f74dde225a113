"""JSON Schemas (2020-12) of one collection's records: as shown, as created, as patched, as listed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_type_hints

import msgspec

from holdall.model import MISSING, Declaration, Field, Frozen, Ge, Gt, Le, Length, Lt
from holdall.query import MAX_INT, Kind
from holdall.session import Binding

__all__ = ["FORMS", "Json", "RecordSchemas", "field_schema"]

Json = dict[str, Any]

_VALUE_NAME = "Value.{name}"
_REFERENCE = "#/components/schemas/"
_BOUNDS = (Ge, Gt, Le, Lt)
FORMS: dict[Kind, Json] = {
    Kind.DECIMAL: {"format": "decimal", "pattern": r"^[+-]?\d+(\.\d+)?([eE][+-]?\d{1,3})?$"},
    Kind.TIME: {"pattern": r"^\d\d:\d\d:\d\d(\.\d+)?$"},
    Kind.DATETIME: {"format": "date-time"},
}
_NUMBERS = (Kind.INT, Kind.FLOAT)


class RecordSchemas:
    """The schemas of one collection; ``components`` has them under their names, with those of nested values.

    Names have a dot in them, so that they never meet those of the host's own models.
    """

    def __init__(self, binding: Binding) -> None:
        self._declaration = binding.declaration
        self._name = binding.model.__name__
        self.components: dict[str, Json] = {}
        self._accepted = set(binding.declaration.json_input.names)
        self.components |= {
            f"{self._name}.Record": self._record(),
            f"{self._name}.Sparse": self._sparse(),
            f"{self._name}.Create": self._create(),
            f"{self._name}.Patch": self._patch(),
            f"{self._name}.List": self._list(),
        }

    def reference(self, which: str) -> Json:
        """The reference to one of them: Record, Create, Patch or List."""
        return {"$ref": f"{_REFERENCE}{self._name}.{which}"}

    def example(self, which: str, make: Callable[[Declaration, Json, Json], Json]) -> Json:
        """Return the example that ``make`` gives for the model, one of its schemas and all that this may refer to."""
        return make(self._declaration, self.components[f"{self._name}.{which}"], self.components)

    @property
    def shown(self) -> Json:
        """The schema of a record as reading shows it: whole, or some fields of it."""
        return {"anyOf": [self.reference("Record"), self.reference("Sparse")]}

    def of_field(self, field: Field) -> Json:
        """The schema of a field's values."""
        return field_schema(field, self._of_annotation)

    def _of_annotation(self, annotation: object) -> Json:
        try:
            [schema], found = msgspec.json.schema_components([annotation], ref_template=_REFERENCE + _VALUE_NAME)
        except TypeError:  # a class that only its own hooks can read
            return {}
        self.components |= {_VALUE_NAME.format(name=name): value for name, value in found.items()}
        return schema

    def _record(self) -> Json:
        properties = {}
        for field in self._declaration.stored:
            properties[field.name] = self.of_field(field)
            if field.name not in self._accepted:
                properties[field.name] = properties[field.name] | {"readOnly": True}
        for name, function in self._declaration.computed.items():
            properties[name] = self._computed(function) | {"readOnly": True}
        return _object(self._name, properties, list(properties), _first_paragraph(self._declaration.model.__doc__))

    def _sparse(self) -> Json:
        record = self.components.get(f"{self._name}.Record") or self._record()
        return _object(f"some fields of {self._name}", record["properties"], [])

    def _create(self) -> Json:
        fields = [field for field in self._declaration.stored if field.name in self._accepted]
        properties = {field.name: _with_default(field, _as_given(field, self.of_field(field))) for field in fields}
        required = [field.name for field in fields if not field.has_default]
        return _object(f"new {self._name}", properties, required) | {"additionalProperties": False}

    def _patch(self) -> Json:
        fields = [
            field
            for field in self._declaration.stored
            if field.name in self._accepted and not field.options.pk and not field.frozen & Frozen.UPDATE
        ]
        properties = {field.name: _as_given(field, self.of_field(field)) for field in fields}
        return _object(f"changes to {self._name}", properties, []) | {"additionalProperties": False}

    def _list(self) -> Json:
        number = {"type": ["integer", "null"], "minimum": 0}
        properties: Json = {
            "data": {"type": "array", "items": self.shown},
            "total_count": number | {"description": "how many records there are; null if they were not counted"},
            "page": {"type": "integer", "minimum": 1, "description": "absent where cursors are used"},
            "page_size": {"type": "integer", "minimum": 1},
            "total_pages": number | {"description": "absent where cursors are used"},
            "next": {
                "type": ["string", "null"],
                "description": "what to give as `after`, with the same parameters but `page`, for what comes behind;"
                " null on the last page. Absent where pages are used, unless the page is truncated",
            },
            "truncated": {
                "type": "boolean",
                "const": True,
                "description": "only where a page had no room for all its records: go on from `next`",
            },
        }
        properties["broken"] = {
            "type": "array",
            "description": "only where some records of the page cannot be read: they can be changed or removed",
            "items": _object("a record that cannot be read", _BROKEN, ["key", "errors"]),
        }
        return _object(f"a page of {self._name}", properties, ["data", "total_count", "page_size"])

    def _computed(self, function: Callable[..., Any]) -> Json:
        try:
            annotation = get_type_hints(function).get("return", Any)
        except NameError:
            annotation = Any
        description = _first_paragraph(function.__doc__)
        made = {"anyOf": [self._of_annotation(annotation), {"type": "null"}]}  # null where it could not be made
        return made | ({"description": description} if description else {})


_BROKEN: Json = {
    "key": {"type": ["string", "null"], "description": "as it stands in its path; null if it cannot be read either"},
    "errors": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {name: {"type": "string"} for name in ("path", "code", "message")},
            "required": ["path", "code", "message"],
        },
    },
}


def field_schema(field: Field, of_annotation: Callable[[Any], Json]) -> Json:
    """The schema of a field's values: its type, its rules and what it refers to."""
    notes = [field.options.description] if field.options.description else []
    if field.target is not None:
        schema = _relation_schema(field, of_annotation)
    else:
        schema = of_annotation(field.annotation)
        if field.kind is Kind.JSON and _is_any(schema):
            schema = {}
    if field.kind is Kind.INT and schema.get("type") == "integer":
        schema = schema | {"format": "int64", "minimum": -MAX_INT, "maximum": MAX_INT}
    schema = _with_form(field.kind, schema)
    for rule in field.rules:
        if isinstance(rule, _BOUNDS) and field.kind not in _NUMBERS:
            notes.append(rule.describe())
        elif isinstance(rule, Length) and field.kind is not Kind.STR:
            schema = schema | _length(rule, schema)
        else:
            schema = schema | _with_null(rule.json_schema(), field.nullable)
    return schema | ({"description": "; ".join(notes)} if notes else {})


def _relation_schema(field: Field, of_annotation: Callable[[Any], Json]) -> Json:
    assert field.target is not None
    target = field.target().__holdall__
    keys = [field_schema(part, of_annotation) for part in target.key]
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


def _with_form(kind: Kind, schema: Json) -> Json:
    """The schema with what the kind's text looks like, where formats leave it open."""
    if kind not in FORMS:
        return schema
    options = [item | FORMS[kind] if item.get("type") == "string" else item for item in schema.get("anyOf", [schema])]
    return options[0] if len(options) == 1 else schema | {"anyOf": options}


def _as_given(field: Field, schema: Json) -> Json:
    """The schema of what a client may give; a decimal may come as a number too, if it survives being one."""
    if field.kind is not Kind.DECIMAL:
        return schema
    number = [{"type": "number"}, *([{"type": "null"}] if field.nullable else [])]
    rest = {key: value for key, value in schema.items() if key == "description"}
    return {"anyOf": [{"type": "string"} | FORMS[Kind.DECIMAL], *number]} | rest


def _length(rule: Length, schema: Json) -> Json:
    """Bounds on items; on bytes they say nothing of the text these are shown as."""
    kind = schema.get("type")
    words = {"array": "Items", "object": "Properties"}
    if not isinstance(kind, str) or kind not in words:
        return {}
    bounds = {f"min{words[kind]}": rule.minimum}
    return bounds if rule.maximum is None else bounds | {f"max{words[kind]}": rule.maximum}


def _with_null(rule: Json, nullable: bool) -> Json:
    if nullable and "enum" in rule:
        rule = {"enum": [*rule["enum"], None]}
    plain: Json = msgspec.to_builtins(rule)
    return plain


def _is_any(schema: Json) -> bool:
    """Whether the schema is that of any JSON at all, which is better said by none."""
    return len(schema.get("anyOf", ())) >= 6


def _with_default(field: Field, schema: Json) -> Json:
    """The schema with the default in words: generators take fields with a ``default`` for required ones."""
    default = field.options.default
    if default in (MISSING, None) or field.options.default_factory is not None:
        return schema
    told = f"without it {msgspec.json.encode(field.encode(default)).decode()}"
    return schema | {"description": "; ".join(filter(None, [schema.get("description"), told]))}


def _object(title: str, properties: Json, required: list[str], description: str = "") -> Json:
    schema: Json = {"type": "object", "title": title, "properties": properties}
    if required:
        schema["required"] = required
    if description:
        schema["description"] = description
    return schema


def _first_paragraph(text: str | None) -> str:
    return " ".join((text or "").strip().partition("\n\n")[0].split())
