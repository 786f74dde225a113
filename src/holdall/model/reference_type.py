"""The field type of a ``Ref`` inside a value: a handle there, the key of its record in JSON."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cached_property

from holdall.errors import DeclarationError, FieldError
from holdall.model.field import Field
from holdall.model.field_type import FieldType
from holdall.model.names import Annotation, Names
from holdall.model.nested import schema_of_part
from holdall.model.options import FieldOptions
from holdall.model.own_form import JsonSchema, OwnForm, Schemas
from holdall.model.reference import Reference, is_handle_of, record_in
from holdall.model.reference_place import ReferencePlace
from holdall.model.target import target_of
from holdall.query import KEY_KINDS, Json, Key, KeyKinds, Kind, Value, key_from_json, key_to_json

__all__ = ["inner_reference_type", "key_kinds_of"]

_TO_COME = False
"""Kept for a record whose key is yet to be made, so that the change to it is seen; no key is that, and none is sent."""


def inner_reference_type(annotation: Annotation, argument: Annotation, module: str | None, where: str) -> FieldType:
    """The type of ``Ref[...]`` inside a value, whose target may be named before it is declared.

    ``module`` is where the class with this member was declared.
    """
    seen: Mapping[str, Value] = vars(sys.modules[module]) if module in sys.modules else {}
    inner = _InnerReference(where, annotation, argument, Names("", seen))
    return FieldType(
        annotation,
        Kind.JSON,
        inner.validate,
        nullable=inner.target.nullable,
        encode=inner.keep,
        decode=inner.take,
        read=inner.read,
        own=OwnForm(inner.keep, inner.take, inner.keep, inner.schema, frozenset({"number", "string", "array"})),
        references=(ReferencePlace(inner.target),),
    )


def key_kinds_of(model: Value, where: str) -> KeyKinds:
    """The kinds of a model's key. Raises DeclarationError for one that has no form in JSON."""
    parts: list[KeyKinds] = []
    for field in model.__holdall__.key:
        if field.target is not None:
            parts.append(key_kinds_of(field.target(), where))
        elif field.kind in KEY_KINDS:
            parts.append(field.kind)
        else:
            raise DeclarationError(
                f"{where}: the key of {model.__name__} is {field.kind}; inside values, references take keys of int,"
                " str, UUID and date"
            )
    if not parts:
        raise DeclarationError(f"{where}: {model.__name__} has no key, so nothing can refer to it")
    return parts[0] if len(parts) == 1 else tuple(parts)


class _InnerReference:
    """The conversions of one reference inside values."""

    def __init__(self, where: str, annotation: Annotation, argument: Annotation, names: Names) -> None:
        self._where = where
        self._slot = Field(where, "", annotation, None, FieldOptions())  # what it admits is what a slot admits
        self._slot.target = self.target = target_of(argument, names)

    @cached_property
    def _kinds(self) -> KeyKinds:
        return key_kinds_of(self.target(), self._where)

    def validate(self, value: object, path: str, errors: list[FieldError]) -> Value:
        """The handle that stands for the record, its key or another handle."""
        before = len(errors)
        found = self._slot.admit_reference(value, path, errors)
        if len(errors) > before or found is None:
            return found
        return self._handle(value, found)

    def _handle(self, given: object, found: Value) -> Value:
        if isinstance(given, Reference) and is_handle_of(given, self.target):
            return given
        return found if found.__class__ is Reference else Reference(self.target, found)

    def keep(self, value: Value) -> Json:
        """The key in its form in JSON; as a border value where the handle is empty."""
        key = value.key if value.__class__ is Reference else value
        return _TO_COME if key is None and record_in(value) is not None else key_to_json(key)

    def take(self, kept: Value) -> Value:
        """The handle again; raises ValueError for what is no key."""
        if kept is _TO_COME:
            return Reference(self.target)
        key = key_from_json(self._kinds, kept)
        if key is None:
            raise ValueError(f"a reference to a {self.target.name} is kept as its key")
        return Reference(self.target, key)

    def read(self, given: Value, path: str, errors: list[FieldError]) -> Value:
        """The handle for the key that JSON gives."""
        key: Key = key_from_json(self._kinds, given)
        if key is None:
            errors.append(FieldError(path, "type", f"must be a {self.target.name}, its key or a reference to it"))
            return given
        return self.validate(key, path, errors)

    def schema(self, schemas: Schemas) -> JsonSchema:
        """The schema of the key."""
        parts = [self._schema_of(field, schemas) for field in self.target().__holdall__.key]
        if len(parts) == 1:
            return parts[0]
        return {"type": "array", "prefixItems": parts, "minItems": len(parts), "maxItems": len(parts), "items": False}

    def _schema_of(self, field: Field, schemas: Schemas) -> JsonSchema:
        if field.type is not None:
            return schema_of_part(field.type, schemas)
        assert field.target is not None
        return self._schema_of(field.target().__holdall__.key[0], schemas)
