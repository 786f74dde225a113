"""Types of pydantic that are no models, such as SecretStr, EmailStr or HttpUrl, as values of fields.

Nothing here imports pydantic unless a type of it is met.
"""

from __future__ import annotations

from typing import Annotated, get_args

import msgspec

from holdall.errors import DeclarationError, FieldError
from holdall.model.field_type import FieldType
from holdall.model.json_value import admit_json
from holdall.model.names import Annotation, origin_of
from holdall.model.nested import ANY_TYPES
from holdall.model.own_form import JsonSchema, OwnForm, Schemas
from holdall.model.own_values import MASK
from holdall.model.pydantic_values import errors_of, hoisted, is_pydantic_model
from holdall.model.tracking import Tracked
from holdall.query import Asked, Json, Kind, Value

__all__ = ["is_pydantic_type", "pydantic_type"]

_CHANGING = ("strip_whitespace", "to_lower", "to_upper")
"""Constraints of pydantic that change a text; others are taken as rules."""

_KINDS: dict[str, Kind] = {
    "string": Kind.STR,
    "integer": Kind.INT,
    "number": Kind.FLOAT,
    "boolean": Kind.BOOL,
}


def is_pydantic_type(annotation: object) -> bool:
    """Whether it is another type that pydantic knows by itself, such as SecretStr, EmailStr or HttpUrl."""
    if origin_of(annotation) is Annotated:
        return any(
            hasattr(extra, "__get_pydantic_core_schema__") or any(getattr(extra, name, None) for name in _CHANGING)
            for extra in get_args(annotation)[1:]
        )
    return (
        isinstance(annotation, type)
        and not issubclass(annotation, Tracked)
        and hasattr(annotation, "__get_pydantic_core_schema__")
        and not is_pydantic_model(annotation)
    )


def pydantic_type(annotation: Annotation, where: str) -> FieldType:
    """The field type of a type that pydantic knows, kept as its JSON is: text, a number, or JSON.

    A secret is kept as it is and shown masked, and no condition asks for it.

    Raises DeclarationError for a type that pydantic cannot use.
    """
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticUserError

    try:
        adapter: TypeAdapter[Value] = TypeAdapter(annotation)
        schema = adapter.json_schema(by_alias=True)
        if adapter.core_schema["type"] == "json":
            raise DeclarationError(
                f"{where}: a Json of pydantic is given as text and shown as something else, so what is kept could not"
                " be read back; say what the JSON holds, as in list[int]"
            )
    except (PydanticUserError, ImportError) as error:  # a part of pydantic that is not installed, say
        raise DeclarationError(f"{where}: pydantic cannot use {annotation!r}: {error}") from error
    kind = _KINDS.get(str(schema.get("type")), Kind.JSON)
    values = _PydanticType(annotation, adapter, schema, kind, where)
    types = {Kind.STR: "string", Kind.BOOL: "boolean", Kind.JSON: ""}
    own = OwnForm(
        values.keep,
        values.take,
        values.show,
        values.schema,
        frozenset({types.get(kind, "number")}) if kind is not Kind.JSON else ANY_TYPES,
    )
    return FieldType(
        annotation,
        kind,
        values.validate,
        encode=values.keep,
        decode=values.take,
        is_mutable=kind is Kind.JSON,
        read=values.read,
        own=own,
        asked=Asked.NOTHING if values.is_secret else Asked.ORDER,
        is_kept_otherwise=True,
    )


class _PydanticType:
    """The conversions of one type."""

    def __init__(self, annotation: Annotation, adapter: Value, schema: JsonSchema, kind: Kind, where: str) -> None:
        self._adapter = adapter
        self._schema = schema
        self._kind = kind
        self._name = getattr(annotation, "__name__", str(annotation))
        self._class = annotation if isinstance(annotation, type) else object
        self.is_secret = hasattr(annotation, "get_secret_value")
        self._where = where
        self._is_tried = False

    def keep(self, value: Value) -> Json:
        if self.is_secret:
            value = value.get_secret_value()
            return value.decode() if isinstance(value, bytes) else value
        kept: Json = self._adapter.dump_python(value, mode="json", by_alias=True, round_trip=True)
        return kept

    def take(self, kept: Value) -> Value:
        return self._adapter.validate_json(msgspec.json.encode(kept))

    def show(self, value: Value) -> object:
        return MASK if self.is_secret else self.keep(value)

    def validate(self, value: Value, path: str, errors: list[FieldError]) -> Value:
        """The value as pydantic makes it, where it is what the annotation says and not merely could become that."""
        before = len(errors)
        try:
            found = self._adapter.validate_python(value, strict=True)
            admit_json(self.keep(found), path, errors)
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            errors.extend(errors_of(error, path))
            return value
        if isinstance(found, self._class) and not isinstance(value, self._class):
            errors.append(FieldError(path, "type", f"must be a {self._name}"))
        if len(errors) > before:
            return value
        if not self._is_tried:
            self._try_out(found)
        return found

    def _try_out(self, value: Value) -> None:
        """Raise DeclarationError where the first value does not come back as it was."""
        if self.keep(self.take(self.keep(value))) != self.keep(value):
            raise DeclarationError(
                f"{self._where}: what is kept of a {self._name} is read back as another value: a validator must leave"
                " its own results as they are"
            )
        self._is_tried = True

    def read(self, given: Value, path: str, errors: list[FieldError]) -> Value:
        if self.is_secret and given == MASK:
            errors.append(FieldError(path, "masked", "must be the value, not what is shown in its place"))
            return given
        try:
            return self.take(given)
        except (ValueError, TypeError, RecursionError) as error:
            errors.extend(errors_of(error, path))
            return given

    def schema(self, schemas: Schemas) -> JsonSchema:
        if self._kind is Kind.JSON:
            return hoisted(self._name, dict(self._schema), schemas)
        return dict(self._schema)
