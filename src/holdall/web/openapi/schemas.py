"""JSON Schemas (2020-12) of one collection's records: as shown, as created, as patched, as listed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_type_hints

import msgspec

from holdall.model import FORMS, MISSING, Declaration, Field, Frozen, field_schema, type_schema
from holdall.query import Kind
from holdall.session import Binding
from holdall.web.included import includable, is_list
from holdall.web.openapi.access import EVERYTHING, Access
from holdall.web.openapi.file_schemas import NO_FILE, NO_FILES, Node, changed_file, is_file, new_file
from holdall.web.openapi.references import references_of

__all__ = ["Node", "RecordSchemas"]

_VALUE_NAME = "Value.{name}"
_REFERENCE = "#/components/schemas/"


class RecordSchemas:
    """The schemas of one collection, as far as ``access`` goes.

    ``components`` has them under their names, with those of nested values. Names have a dot in them, so that they never
    meet those of the host's own models. Example: :func:`asgi`.
    """

    def __init__(self, binding: Binding, access: Access = EVERYTHING) -> None:
        self.access = access
        self.includable = includable(binding, access.leads_to)
        self._declaration, self._binding = binding.declaration, binding
        self._name = binding.model.__name__
        self.components: dict[str, Node] = {}
        accepted = frozenset(binding.declaration.json_input.names)
        self._created, self._changed = accepted - access.not_created, accepted - access.not_changed
        self.components[f"{self._name}.Record"] = self._record()
        self.components[f"{self._name}.Create"] = self._create()
        self.components |= {
            f"{self._name}.Sparse": self._sparse(),
            f"{self._name}.Patch": self._patch(),
            f"{self._name}.Replace": self._replace(),
            f"{self._name}.List": self._list(),
        }

    def leave_out_writing(self) -> None:
        """Forget the schemas of bodies, as the collection is only read."""
        for which in ("Create", "Patch", "Replace"):
            del self.components[f"{self._name}.{which}"]

    def reference(self, which: str) -> Node:
        """The reference to one of them: Record, Create, Patch, Replace or List."""
        return {"$ref": f"{_REFERENCE}{self._name}.{which}"}

    def example(self, which: str, make: Callable[[Declaration, Node, Node], Node]) -> Node:
        """Return the example that ``make`` gives for the model, one of its schemas and all that this may refer to."""
        return make(self._declaration, self.components[f"{self._name}.{which}"], self.components)

    @property
    def shown(self) -> Node:
        """The schema of a record as reading shows it: whole, or some fields of it."""
        return {"anyOf": [self.reference("Record"), self.reference("Sparse")]}

    def of_field(self, field: Field) -> Node:
        """The schema of a field's values."""
        return field_schema(field, self)

    def of_compared(self, name: str) -> Node:
        """The schema of what a field of JSON is compared with: values of its type, none of its rules, no null."""
        field_type = self._declaration.by_name[name].type
        schema = {} if field_type is None else type_schema(field_type, self)
        return {} if len(schema.get("anyOf", ())) >= 6 else schema  # any JSON at all

    def named(self, name: str, make: Callable[[], Node]) -> Node:
        """A reference to the schema of a nested value, which is made where it is not there yet."""
        place = _VALUE_NAME.format(name=name)
        if place not in self.components:
            self.components[place] = {}  # what it is made of may lead back to it
            self.components[place] = make()
        return {"$ref": _REFERENCE + place}

    def of_annotation(self, annotation: object) -> Node:
        """The schema of values that msgspec knows."""
        try:
            [schema], found = msgspec.json.schema_components([annotation], ref_template=_REFERENCE + _VALUE_NAME)
        except TypeError:  # a class that only its own hooks can read
            return {}
        self.components |= {_VALUE_NAME.format(name=name): value for name, value in found.items()}
        return schema

    def _record(self) -> Node:
        properties = {}
        for field in self._declaration.stored:
            if field.name in self.access.hidden:
                continue
            properties[field.name] = self.of_field(field)
            if field.name not in self._created | self._changed:
                properties[field.name] = properties[field.name] | {"readOnly": True}
        for name, function in self._declaration.computed.items():
            properties[name] = self._computed(function) | {"readOnly": True}
        told = _object(self._name, properties, list(properties), _first_paragraph(self._declaration.model.__doc__))
        references = references_of(self._binding, self.access)
        return told | {"x-references": references} if references else told

    def _sparse(self) -> Node:
        record = self.components.get(f"{self._name}.Record") or self._record()
        properties = dict(record["properties"])
        for field in self.includable.values():
            properties[field.root.name] = _with_included(properties.get(field.root.name), field)
        return _object(f"some fields of {self._name}", properties, [])

    def _create(self) -> Node:
        fields = [field for field in self._declaration.stored if field.name in self._created]
        properties = {field.name: _with_default(field, _as_given(field, self.of_field(field))) for field in fields}
        properties |= {field.name: new_file(field) for field in fields if is_file(field)}
        required = [field.name for field in fields if not field.has_default]
        return _object(f"new {self._name}", properties, required) | {"additionalProperties": False}

    def _patch(self) -> Node:
        fields = [
            field
            for field in self._declaration.stored
            if field.name in self._changed and not field.options.pk and not field.frozen & Frozen.UPDATE
        ]
        properties = {field.name: _as_given(field, self.of_field(field)) for field in fields}
        properties |= {field.name: changed_file(field) for field in fields if is_file(field)}
        return _object(f"changes to {self._name}", properties, []) | {"additionalProperties": False}

    def _replace(self) -> Node:
        """The schema of a body that replaces a record: values that clients cannot give may stand as they are shown."""
        created = self.components[f"{self._name}.Create"]
        shown = self.components[f"{self._name}.Record"]["properties"]
        keys = {field.name for field in self._declaration.key}
        frozen = {field.name for field in self._declaration.stored if field.frozen & Frozen.UPDATE}
        required = [name for name in created.get("required", ()) if name not in keys | frozen]
        given = {
            name: schema
            for name, schema in created["properties"].items()
            if schema is not NO_FILE and schema is not NO_FILES
        }
        return _object(f"all of {self._name}", shown | given, required) | {"additionalProperties": False}

    def _list(self) -> Node:
        number = {"type": ["integer", "null"], "minimum": 0}
        properties: Node = {
            "data": {"type": "array", "items": self.shown},
            "total_count": number | {"description": "how many records there are; null if they were not counted"},
            "total_is_estimated": {
                "type": "boolean",
                "const": True,
                "description": "only where the total is an estimate, or the least that it can be",
            },
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

    def _computed(self, function: Callable[..., Any]) -> Node:
        try:
            annotation = get_type_hints(function).get("return", Any)
        except NameError:
            annotation = Any
        description = _first_paragraph(function.__doc__)
        made = {"anyOf": [self.of_annotation(annotation), {"type": "null"}]}  # null where it could not be made
        return made | ({"description": description} if description else {})


_BROKEN: Node = {
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


def _with_included(key: Node | None, field: Field) -> Node:
    """The schema of a reference that is shown as its key, or as the records that it leads to."""
    if field.root is not field:
        told = "the same with records in the place of their keys, where they are included"
        return key if key is not None and "anyOf" in key else {"anyOf": [key, {"description": told}]}
    shown: Node = {"type": "object", "description": "the record, where it is included"}
    if is_list(field):
        shown = _object("records that are included", _INCLUDED, ["data", "page", "page_size", "more"])
    options = [shown, {"type": "null"}] if key is None else [key, shown]
    return {"anyOf": options}


_INCLUDED: Node = {
    "data": {"type": "array", "items": {"type": "object"}},
    "page": {"type": "integer", "minimum": 1},
    "page_size": {"type": "integer", "minimum": 1},
    "more": {"type": "boolean", "description": "whether there are more behind this page"},
}


def _as_given(field: Field, schema: Node) -> Node:
    """The schema of what a client may give; a decimal may come as a number too, if it survives being one."""
    if field.kind is not Kind.DECIMAL:
        return schema
    number = [{"type": "number"}, *([{"type": "null"}] if field.nullable else [])]
    rest = {key: value for key, value in schema.items() if key == "description"}
    return {"anyOf": [{"type": "string"} | FORMS[Kind.DECIMAL], *number]} | rest


def _with_default(field: Field, schema: Node) -> Node:
    """The schema with the default in words: generators take fields with a ``default`` for required ones."""
    default = field.options.default
    if default in (MISSING, None) or field.options.default_factory is not None:
        return schema
    told = f"without it {msgspec.json.encode(field.shown(default)).decode()}"
    return schema | {"description": "; ".join(filter(None, [schema.get("description"), told]))}


def _object(title: str, properties: Node, required: list[str], description: str = "") -> Node:
    schema: Node = {"type": "object", "title": title, "properties": properties}
    if required:
        schema["required"] = required
    if description:
        schema["description"] = description
    return schema


def _first_paragraph(text: str | None) -> str:
    return " ".join((text or "").strip().partition("\n\n")[0].split())
