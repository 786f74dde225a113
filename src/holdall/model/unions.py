"""Unions of types: which of them a value is, in Python and in JSON.

msgspec has rules for what it knows: at most one type for each JSON type, or structs with tags. The same rules hold here
for types that it does not know, and besides objects may be told apart by a Literal member of one name.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Union

import msgspec

from holdall.errors import DeclarationError, FieldError, FieldErrors, ValidationError
from holdall.model.field_type import FieldType
from holdall.model.names import Annotation
from holdall.model.nested import keeper, read_part, schema_of_part, shower, taker, types_of
from holdall.model.own_form import JsonSchema, OwnForm, Schemas, Tag
from holdall.model.value_objects import literal_tag
from holdall.query import Json, Kind, Value

__all__ = ["is_known_union", "union_type"]

_JSON_TYPES: dict[type[Value], str] = {
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def union_type(args: tuple[Annotation, ...], options: list[FieldType], where: str) -> FieldType:
    """The type of a value that is of one of several types, ``args`` apart from None, which are ``options``.

    Raises DeclarationError for references inside.
    """
    annotation: Annotation = Union.__getitem__(args)
    if any(option.references for option in options):
        raise DeclarationError(f"{where}: references inside one of several types are not kept; use one type, or None")

    def validate(value: object, path: str, errors: list[FieldError]) -> Value:
        best: list[FieldError] | None = None
        for option in options:
            found = FieldErrors(where)
            with suppress(ValidationError):  # of which there are more than are gathered
                validated = option.validate(value, path, found)
                if not found:
                    return validated
            if any(error.path != path for error in found):
                best = found  # of this type, with something wrong inside
        errors.extend(best or [FieldError(path, "type", "must be one of the types declared")])
        return value

    is_mutable = any(option.is_mutable for option in options)
    made = FieldType(annotation, Kind.JSON, validate, is_mutable=is_mutable)
    if is_known_union(annotation, options):
        return made
    union = _Union(options, where)
    own = OwnForm(union.keep, union.take, union.show, union.schema, union.types)
    return msgspec.structs.replace(made, read=union.read, own=own, encode=own.keep, decode=own.take)


def is_known_union(annotation: Annotation, options: list[FieldType]) -> bool:
    """Whether msgspec can tell its types apart by itself."""
    if any(option.own is not None for option in options):
        return False
    try:
        msgspec.json.Decoder(annotation)
    except TypeError:
        return False
    return True


class _Union:
    """The way to JSON of values of one of several types that JSON itself tells apart."""

    def __init__(self, options: list[FieldType], where: str) -> None:
        self._options = options
        self._ways = [(keeper(option), taker(option), shower(option)) for option in options]
        self._by_type: dict[str, int] = {}
        self._by_tag: dict[object, int] = {}
        self._tag: str | None = None
        objects = []
        for number, option in enumerate(options):
            for kind in sorted(types_of(option)):
                if kind == "object":
                    objects.append(number)
                elif self._by_type.setdefault(kind, number) != number:
                    raise DeclarationError(
                        f"{where}: two of its types are kept as a {kind}, and could not be told apart"
                    )
        if len(objects) == 1:
            self._by_type["object"] = objects[0]
        elif objects:
            self._learn_tags(objects, where)
        self.types = frozenset(self._by_type) | (frozenset({"object"}) if objects else frozenset())

    def _learn_tags(self, objects: list[int], where: str) -> None:
        tags: list[Tag | None] = [
            own.tag if (own := self._options[number].own) is not None else literal_tag(self._options[number].annotation)
            for number in objects
        ]
        members = {None if tag is None else tag.member for tag in tags}
        if len(members) != 1 or None in members:
            raise DeclarationError(
                f"{where}: two of its types are kept as objects, and could not be told apart; give each a member of one"
                ' name with values of its own, as kind: Literal["circle"], or a struct a tag'
            )
        self._tag = members.pop()
        for number, tag in zip(objects, tags, strict=True):
            for value in tag.values if tag is not None else ():
                if self._by_tag.setdefault(value, number) != number:
                    raise DeclarationError(
                        f"{where}: two of its types have the same {self._tag}, and could not be told apart"
                    )

    def _of_value(self, value: object) -> int:
        for number, option in enumerate(self._options):
            found: list[FieldError] = []
            option.validate(value, "", found)
            if not found:
                return number
        raise ValueError("must be one of the types declared")

    def _of_json(self, kept: object) -> int | None:
        kind = _JSON_TYPES.get(type(kept), "")
        if kind == "object" and self._tag is not None and isinstance(kept, dict):
            value = kept.get(self._tag)
            return self._by_tag.get(value) if type(value) in (str, int) else None
        return self._by_type.get(kind)

    def keep(self, value: Value) -> Json:
        return self._ways[self._of_value(value)][0](value)

    def show(self, value: Value) -> object:
        return self._ways[self._of_value(value)][2](value)

    def take(self, kept: Value) -> Value:
        number = self._of_json(kept)
        if number is None:
            raise ValueError("is kept as something that none of its types is kept as")
        return self._ways[number][1](kept)

    def read(self, given: Value, path: str, errors: list[FieldError]) -> Value:
        number = self._of_json(given)
        if number is None:
            if self._tag is not None and isinstance(given, dict):
                known = ", ".join(sorted(map(str, self._by_tag)))
                errors.append(FieldError(f"{path}.{self._tag}", "one_of", f"must be one of {known}"))
            else:
                errors.append(FieldError(path, "type", "must be one of the types declared"))
            return given
        return read_part(self._options[number], given, path, errors)

    def schema(self, schemas: Schemas) -> JsonSchema:
        return {"anyOf": [schema_of_part(option, schemas) for option in self._options]}
