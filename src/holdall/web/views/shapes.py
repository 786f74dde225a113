"""Schema classes of two libraries under one face: pydantic's models and msgspec's structs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any, Protocol, Union, get_args

import msgspec
from pydantic import BaseModel, Field, create_model
from pydantic import ValidationError as PydanticError

from holdall.errors import DeclarationError, FieldError, ValidationError
from holdall.query import Json, Value
from holdall.web.views.markers import Marks, marks_of, unmarked

__all__ = ["Shape", "ShapeField", "nested_schema", "shape_of", "spelled_as"]


class ShapeField(msgspec.Struct, frozen=True):
    """A field of a schema: its name in Python and outside, its type, its marks, and whether it may be left out."""

    name: str
    alias: str
    annotation: Value
    marks: Marks
    has_default: bool


class Shape(Protocol):
    """A schema class; ``fields`` by their names in Python."""

    schema: type[Any]
    fields: dict[str, ShapeField]

    def partial(self, suffix: str, *, without: Iterable[str], references: Iterable[str], is_optional: bool) -> Shape:
        """Derive a schema without some fields, with keys for some references, and with all fields optional or not."""

    def decode(self, body: bytes) -> Value:
        """Make an instance of JSON; raises ValidationError with everything that is wrong."""

    def sent(self, given: Value) -> dict[str, Value]:
        """The values that were sent, and defaults of the schema's own, by names in Python."""

    def whole(self, given: Value) -> dict[str, Value]:
        """All values of an instance, sent or not, by names in Python."""

    def encode(self, attributes: object) -> Json:
        """Return the JSON of an object with the attributes that the schema names."""

    def node(self, *, is_shown: bool) -> dict[str, Json]:
        """The JSON Schema."""


def shape_of(schema: Any) -> Shape:
    """The face of a schema class; raises DeclarationError for a class of neither library."""
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return _PydanticShape(schema)
    if isinstance(schema, type) and issubclass(schema, msgspec.Struct):
        return _MsgspecShape(schema)
    raise DeclarationError(f"a schema is a pydantic model or a msgspec struct, not {schema!r}")


def nested_schema(annotation: object) -> tuple[type[Any], bool] | None:
    """The schema class in an annotation, and whether there is a list of it; None where there is none."""
    if isinstance(annotation, type) and not get_args(annotation):
        return (annotation, False) if issubclass(annotation, BaseModel | msgspec.Struct) else None
    is_list = getattr(annotation, "__origin__", None) in (list, tuple, set, frozenset, Sequence)
    for part in get_args(annotation):
        found = nested_schema(part)
        if found is not None:
            return found[0], is_list or found[1]
    return None


def _demand_names(body: bytes, shape: Shape, refused: Collection[str]) -> None:
    """Raise ValidationError for a body that is no JSON, and for names that mean nothing or must not be given."""
    name = shape.schema.__name__
    try:
        data = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise ValidationError(name, [FieldError("", "json", "is not JSON")]) from None
    if not isinstance(data, dict):
        return
    known = {field.alias for field in shape.fields.values()}
    errors = [
        FieldError(item, "read_only", "cannot be given")
        if item in refused
        else FieldError(item, "unknown", "is not a field")
        for item in data
        if item not in known
    ]
    if errors:
        raise ValidationError(name, errors)


class _PydanticShape:
    def __init__(self, schema: type[BaseModel], left_out: Collection[str] = ()) -> None:
        self.schema = schema
        self.fields: dict[str, ShapeField] = {}
        self._refused: set[str] = set()
        for name, info in schema.model_fields.items():
            alias = info.serialization_alias or info.alias or name
            if name in left_out:
                self._refused.add(alias)
                continue
            marks = marks_of(info.annotation, tuple(info.metadata))
            self.fields[name] = ShapeField(name, alias, info.annotation, marks, not info.is_required())

    def partial(self, suffix: str, *, without: Iterable[str], references: Iterable[str], is_optional: bool) -> Shape:
        """Override fields in a subclass, so that validators of the schema still run."""
        changed: dict[str, Any] = {}
        left_out = tuple(without)
        for name, info in self.schema.model_fields.items():
            if name in left_out:
                changed[name] = (Any, Field(default=None, exclude=True))
            elif is_optional or name in references:
                made = copy(info)
                if name in references:
                    made.annotation = Any
                if is_optional:  # None stands for what was not sent; a null that is sent is judged as ever
                    made.default, made.default_factory = None, None
                changed[name] = (made.annotation, made)
        derived = create_model(f"{self.schema.__name__}{suffix}", __base__=self.schema, **changed)
        return _PydanticShape(derived, left_out)

    def decode(self, body: bytes) -> Value:
        _demand_names(body, self, self._refused)
        try:
            return self.schema.model_validate_json(body)
        except PydanticError as error:
            found = [
                FieldError(".".join(map(str, item["loc"])), item["type"], item["msg"])
                for item in error.errors(include_url=False, include_context=False, include_input=False)
            ]
            raise ValidationError(self.schema.__name__, found) from None

    def sent(self, given: Value) -> dict[str, Value]:
        own = {name for name, field in self.fields.items() if field.has_default and getattr(given, name) is not None}
        data: dict[str, Value] = given.model_dump(by_alias=False, include=given.model_fields_set | own)
        return data

    def whole(self, given: Value) -> dict[str, Value]:
        data: dict[str, Value] = given.model_dump(by_alias=False, include=set(self.fields))
        return data

    def encode(self, attributes: object) -> Json:
        made = self.schema.model_validate(attributes, from_attributes=True, by_alias=False, by_name=True)
        shown: Json = made.model_dump(mode="json", by_alias=True)
        return shown

    def node(self, *, is_shown: bool) -> dict[str, Json]:
        node: dict[str, Any] = self.schema.model_json_schema(mode="serialization" if is_shown else "validation")
        for alias in self._refused:
            node.get("properties", {}).pop(alias, None)
        return node


class _MsgspecShape:
    def __init__(self, schema: type[msgspec.Struct], refused: Collection[str] = ()) -> None:
        self.schema = schema
        self._refused = refused
        self.fields = {
            info.name: ShapeField(info.name, info.encode_name, info.type, marks_of(info.type), not info.required)
            for info in msgspec.structs.fields(schema)
        }
        self._decoder = msgspec.json.Decoder(schema)

    def partial(self, suffix: str, *, without: Iterable[str], references: Iterable[str], is_optional: bool) -> Shape:
        left_out = set(without)
        fields: list[Any] = []
        for info in msgspec.structs.fields(self.schema):
            if info.name in left_out:
                continue
            annotation = Any if info.name in references else unmarked(info.type)
            if is_optional:
                fields.append((info.name, Union[annotation, msgspec.UnsetType], msgspec.UNSET))  # noqa: UP007
            elif info.required:
                fields.append((info.name, annotation))
            else:
                given = {"default": info.default, "default_factory": info.default_factory}
                kept = {key: value for key, value in given.items() if value is not msgspec.NODEFAULT}
                fields.append((info.name, annotation, msgspec.field(**kept)))
        names = {name: field.alias for name, field in self.fields.items()}
        derived = msgspec.defstruct(f"{self.schema.__name__}{suffix}", fields, rename=names, kw_only=True)
        return _MsgspecShape(derived, {names[name] for name in left_out})

    def decode(self, body: bytes) -> Value:
        _demand_names(body, self, self._refused)
        try:
            return self._decoder.decode(body)
        except msgspec.ValidationError as error:
            text, _, path = str(error).partition(" - at `$")
            raise ValidationError(
                self.schema.__name__, [FieldError(path.strip("`.").lstrip("."), "type", text)]
            ) from None

    def sent(self, given: Value) -> dict[str, Value]:
        values = msgspec.structs.asdict(given)
        return {name: msgspec.to_builtins(value) for name, value in values.items() if value is not msgspec.UNSET}

    def whole(self, given: Value) -> dict[str, Value]:
        return self.sent(given)

    def encode(self, attributes: object) -> Json:
        shown: Json = msgspec.to_builtins(msgspec.convert(attributes, self.schema, from_attributes=True), str_keys=True)
        return shown

    def node(self, *, is_shown: bool) -> dict[str, Json]:
        (root,), components = msgspec.json.schema_components([self.schema], ref_template="#/$defs/{name}")
        node: dict[str, Json] = dict(components.pop(root.get("$ref", "").rpartition("/")[2], root))
        return node | ({"$defs": components} if components else {})


@contextmanager
def spelled_as(shape: Shape | None) -> Iterator[None]:
    """Within the block the errors of a record have the names that a schema gives its fields."""
    try:
        yield
    except ValidationError as error:
        names = {} if shape is None else {name: field.alias for name, field in shape.fields.items()}
        raise ValidationError(
            error.model, [_renamed(each, names) for each in error.errors], is_cut=error.is_cut
        ) from None


def _renamed(error: FieldError, names: Mapping[str, str]) -> FieldError:
    name, dot, rest = error.path.partition(".")
    return FieldError(f"{names.get(name, name)}{dot}{rest}", error.code, error.message)
