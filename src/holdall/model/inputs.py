"""Values that a call takes by name, declared as fields are and validated as records are."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy

from holdall.errors import FieldError, FieldErrors, ValidationError
from holdall.model.annotations import read_annotations
from holdall.model.decorators import Check
from holdall.model.field import Field
from holdall.model.json_input import JsonInput
from holdall.model.json_schema import field_schema
from holdall.model.meta import ModelMeta
from holdall.model.model import Model
from holdall.model.names import Annotation, Names
from holdall.model.options import MISSING, Declared
from holdall.model.own_form import JsonSchema, Schemas
from holdall.model.text_input import decode_text
from holdall.model.tracking import Record
from holdall.query import Value

__all__ = ["Inputs"]


class Inputs:
    """The inputs of one kind of call; each set of them is a record of no store. Example: :class:`Action`.

    ``annotations`` and ``given`` are as in the body of a model: types, and defaults, ``field(...)`` or checks by name.
    Raises DeclarationError for what cannot be a field.
    """

    def __init__(self, name: str, annotations: Mapping[str, Annotation], given: Mapping[str, object]) -> None:
        body = {"__module__": __name__, "__annotations__": dict(annotations), **given}
        self.name = name
        self.annotations = dict(annotations)
        self.given = dict(given)
        self.model: Value = ModelMeta(name, (Model,), body)

    @classmethod
    def of_class(cls, kind: type, names: Names, inherited: Inputs | None) -> Inputs:
        """The inputs that the body of a class declares, with those that it inherits; they are taken out of the body."""
        annotations = read_annotations(kind.__name__, dict(vars(kind)), names)
        body = dict(vars(kind))
        given = {name: body[name] for name in annotations if name in body}
        given |= {name: value for name, value in body.items() if isinstance(value, Check | Declared)}
        for name in given:
            delattr(kind, name)
        if inherited is not None:
            annotations = inherited.annotations | annotations
            given = {name: value for name, value in inherited.given.items() if name not in body} | given
        return cls(kind.__name__, annotations, given)

    @property
    def fields(self) -> tuple[Field, ...]:
        """Every input, in the order of declaration."""
        found: tuple[Field, ...] = self.model.__holdall__.stored
        return found

    def from_json(self, body: bytes) -> Record:
        """The inputs in a JSON object; of nothing, the defaults. Raises ValidationError with everything wrong."""
        reader: JsonInput = self.model.__holdall__.json_input
        return reader.create(body or b"{}")

    def from_builtins(self, data: Mapping[str, Value]) -> Record:
        """The inputs in what JSON decodes to. Raises ValidationError with everything that is wrong."""
        reader: JsonInput = self.model.__holdall__.json_input
        return reader.create_from(data)

    def from_text(self, data: Mapping[str, str]) -> Record:
        """The inputs in texts, as parameters of a path. Raises ValidationError with everything that is wrong."""
        errors, values = FieldErrors(self.name), dict[str, Value]()
        known = {field.name: field for field in self.fields}
        for name, text in data.items():
            if name not in known:
                errors.append(FieldError(name, "unknown", "is not a parameter here"))
                continue
            try:
                values[name] = decode_text(known[name], text)
            except ValidationError as error:
                errors.extend(error.errors)
        for name, each in known.items():
            if name not in data and not each.has_default:
                errors.append(FieldError(name, "required", "is required"))
        if errors:
            raise ValidationError(self.name, errors)
        return self.model(**values)

    def copied(self, record: Record, others: Mapping[str, Value]) -> Record:
        """The same inputs validated anew, with copies of those that can be changed in place, and others in their
        places.
        """
        mutable = {field.name for field in self.model.__holdall__.mutable}
        values = {field.name: field.get(record) for field in self.fields}
        values |= {name: deepcopy(values[name]) for name in mutable}
        return self.model(**values | dict(others))

    def schema(self, schemas: Schemas) -> JsonSchema:
        """The JSON Schema of the object that gives the inputs."""
        found: JsonSchema = {"type": "object", "title": self.name, "additionalProperties": False}
        found["properties"] = {field.name: _with_default(field, field_schema(field, schemas)) for field in self.fields}
        required = [field.name for field in self.fields if not field.has_default]
        return found | ({"required": required} if required else {})


def _with_default(field: Field, schema: JsonSchema) -> JsonSchema:
    """The schema with the default in words, as generators take fields with a ``default`` for required ones."""
    default = field.options.default
    if default in (MISSING, None) or field.options.default_factory is not None or field.target is not None:
        return schema
    told = f"without it {field.shown(default)!r}" if not isinstance(default, bool) else f"without it {default}".lower()
    return schema | {"description": "; ".join(filter(None, [schema.get("description"), told]))}
