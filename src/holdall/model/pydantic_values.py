"""Models and dataclasses of pydantic as values of fields: pydantic itself checks them and carries them to JSON.

Nothing here imports pydantic unless a class that it made is met.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, get_args

import msgspec

from holdall.errors import DeclarationError, FieldError
from holdall.model.field_type import FieldType
from holdall.model.json_value import admit_json
from holdall.model.names import Annotation, origin_of
from holdall.model.nested import ANY_TYPES
from holdall.model.own_form import JsonSchema, OwnForm, Schemas, Tag
from holdall.model.reference import mentions_reference
from holdall.model.tracking import Tracked
from holdall.query import Json, Kind, Value

__all__ = ["errors_of", "hoisted", "is_pydantic_model", "pydantic_model_type"]


def is_pydantic_model(annotation: object) -> bool:
    """Whether it is a model of pydantic, or a dataclass that it made."""
    return (
        isinstance(annotation, type)
        and not issubclass(annotation, Tracked)
        and hasattr(annotation, "__pydantic_validator__")
        and hasattr(annotation, "__pydantic_fields__")
    )


def pydantic_model_type(annotation: Annotation, where: str, type_of: Callable[[Annotation], FieldType]) -> FieldType:
    """The field type of a model of pydantic, kept as the object that ``model_dump`` gives in JSON mode, by alias.

    Raises DeclarationError for one whose aliases of both directions differ, as it could not be read back.
    """
    for name, info in annotation.__pydantic_fields__.items():
        given = info.validation_alias if info.validation_alias is not None else info.alias
        shown = info.serialization_alias if info.serialization_alias is not None else info.alias
        if mentions_reference(info.annotation):
            raise DeclarationError(
                f"{where}: {annotation.__name__}.{name} is a reference, which a class of pydantic cannot hold; use a"
                " dataclass, a msgspec struct, an attrs class, a NamedTuple or a TypedDict"
            )
        if info.exclude:
            raise DeclarationError(
                f"{where}: {annotation.__name__}.{name} is left out of its JSON (exclude=True), so it could not be"
                " kept; keep it in a field of the record, or declare it as a PrivateAttr"
            )
        if given != shown:
            raise DeclarationError(
                f"{where}: {annotation.__name__}.{name} is shown under another name than it is given, so what is kept"
                " could not be read back; give it one alias"
            )

    def inside(name: str) -> tuple[str, FieldType]:
        info = annotation.__pydantic_fields__[name]
        try:
            return info.alias or name, type_of(info.annotation)
        except DeclarationError:  # only pydantic understands it
            return info.alias or name, type_of(JsonSchema)

    values = _PydanticModel(annotation, where)
    own = OwnForm(values.keep, values.take, values.show, values.schema, frozenset({"object"}), _tag_of(annotation))
    if not hasattr(annotation, "model_dump") or hasattr(annotation, "__pydantic_root_model__"):
        is_root = bool(getattr(annotation, "__pydantic_root_model__", False))
        own = msgspec.structs.replace(own, types=ANY_TYPES if is_root else own.types)
    return FieldType(
        annotation,
        Kind.JSON,
        values.validate,
        encode=own.keep,
        decode=own.take,
        is_mutable=True,
        read=values.read,
        own=own,
        inside=inside,
    )


def _tag_of(annotation: Annotation) -> Tag | None:
    for name, info in annotation.__pydantic_fields__.items():
        if origin_of(info.annotation) is Literal:
            return Tag(info.alias or name, frozenset(get_args(info.annotation)))
    return None


class _PydanticModel:
    """The conversions of one model."""

    def __init__(self, annotation: Annotation, where: str) -> None:
        self._model = annotation
        self._name = annotation.__name__
        self._where = where
        self._is_tried = False

    def _json(self, value: Value) -> bytes:
        found: bytes = self._model.__pydantic_serializer__.to_json(
            value, by_alias=True, round_trip=True, warnings=False
        )
        return found

    def keep(self, value: Value) -> Json:
        kept: Json = msgspec.json.decode(self._json(value))
        return kept

    show = keep

    def take(self, kept: Value) -> Value:
        return self._model.__pydantic_validator__.validate_json(msgspec.json.encode(kept), by_alias=True)

    def validate(self, value: Value, path: str, errors: list[FieldError]) -> Value:
        """The object itself; what pydantic finds wrong with its JSON is wrong with it."""
        if value.__class__ is not self._model:
            is_derived = isinstance(value, self._model)
            more = ", not of a class derived from it: what that adds would be lost" if is_derived else ""
            errors.append(FieldError(path, "type", f"must be a {self._name}{more}"))
            return value
        before = len(errors)
        try:
            body = self._json(value)
            admit_json(msgspec.json.decode(body), path, errors)
            if len(errors) > before:
                return value
            back = self._model.__pydantic_validator__.validate_json(body, by_alias=True)
        except (ValueError, TypeError, RecursionError) as error:
            errors.extend(errors_of(error, path))
            return value
        if not self._is_tried:
            self._try_out(value, back)
        return value

    def _try_out(self, value: Value, back: Value) -> None:
        """Raise DeclarationError where the first object does not come back as it was."""
        if back != value:
            raise DeclarationError(
                f"{self._where}: a {self._name} does not come back from its JSON as it was: something in it is left"
                " out or masked there, as a SecretStr is; give it a field_serializer that shows it whole"
            )
        self._is_tried = True

    def read(self, given: Value, path: str, errors: list[FieldError]) -> Value:
        try:
            return self.take(given)
        except (ValueError, TypeError, RecursionError) as error:
            errors.extend(errors_of(error, path))
            return given

    def schema(self, schemas: Schemas) -> JsonSchema:
        from pydantic import TypeAdapter

        return hoisted(self._name, TypeAdapter(self._model).json_schema(by_alias=True), schemas)


def hoisted(name: str, schema: JsonSchema, schemas: Schemas) -> JsonSchema:
    """The schema with its definitions put beside the others."""
    definitions: Mapping[str, JsonSchema] = schema.pop("$defs", {})

    def moved(node: Value) -> Value:
        if isinstance(node, list):
            return [moved(item) for item in node]
        if not isinstance(node, dict):
            return node
        if isinstance(reference := node.get("$ref"), str):
            inner = reference.rpartition("/")[2]
            rest = {key: moved(value) for key, value in node.items() if key != "$ref"}
            return schemas.named(inner, lambda: moved(definitions[inner])) | rest
        return {key: moved(value) for key, value in node.items() if key != "discriminator"}

    return moved(schema) if "$ref" in schema else schemas.named(name, lambda: moved(schema))  # one leads to itself


def errors_of(error: Exception, path: str) -> list[FieldError]:
    """Everything that pydantic says is wrong, without the values."""
    listed = getattr(error, "errors", None)
    if not callable(listed):
        return [FieldError(path, "value", "must be as its class says")]
    found = []
    for item in listed(include_url=False, include_input=False, include_context=False):
        place = ".".join([path, *map(str, item["loc"])])
        message = str(item["msg"])
        found.append(FieldError(place, str(item["type"]), _uncapitalized(message)))
    return found


def _uncapitalized(message: str) -> str:
    return f"{message[:1].lower()}{message[1:]}" if message[1:2].islower() else message
