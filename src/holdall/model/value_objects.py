"""Value objects, nested in records: structs, dataclasses, attrs classes, TypedDicts and NamedTuples.

Where msgspec knows a class and all that is in it, it carries values to JSON and back; else that is done member by
member.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, get_args

import msgspec

from holdall.errors import DeclarationError, FieldError, ValidationError
from holdall.model.field_type import FieldType
from holdall.model.fitting_items import object_fitting
from holdall.model.json_value import admit_json, to_json_builtins
from holdall.model.members import (
    Member,
    is_frozen_class,
    is_typed_dict,
    is_value_object,
    makes_more,
    members_of,
    tag_of,
)
from holdall.model.names import Annotation, origin_of
from holdall.model.nested import admit_part, keeper, read_part, schema_of_part, shower, taker
from holdall.model.own_form import JsonSchema, OwnForm, Schemas, Tag
from holdall.model.reference_place import MemberStep, ReferencePlace
from holdall.model.tracking import Tracked
from holdall.query import Json, Kind, Value

__all__ = ["ValueObject", "literal_tag"]

_OBJECT = frozenset({"object"})
_Convert = Callable[[Value], Value]


class ValueObject:
    """One class of value objects; ``learn`` gives it the types of its members, which may lead back to it.

    Example: :class:`OwnForm`.
    """

    def __init__(self, annotation: Annotation, is_native: bool) -> None:
        if isinstance(annotation, type) and issubclass(annotation, Tracked):
            raise DeclarationError(f"{annotation.__name__} is a model: refer to it with Ref[{annotation.__name__}]")
        self.annotation = annotation
        self.name = annotation.__name__
        self.is_native = is_native
        self.is_dict = is_typed_dict(annotation)
        self.is_mutable = True
        self.members: list[tuple[Member, FieldType]] = []
        self._steps: dict[str, MemberStep] = {}
        self._ways: list[tuple[Member, _Convert, _Convert, _Convert]] = []
        self._fits: Callable[[object], bool] | None = None
        self._tag = tag_of(annotation)
        self._makes_more = makes_more(annotation)
        self.places: tuple[ReferencePlace, ...] = ()

    @property
    def type(self) -> FieldType:
        """The field type, good before ``learn``, too, for members that lead back here."""
        return FieldType(
            self.annotation,
            Kind.JSON,
            self.validate,
            encode=to_json_builtins if self.is_native else self.keep,
            decode=partial(msgspec.convert, type=self.annotation) if self.is_native else self.take,
            is_mutable=self.is_mutable,
            read=None if self.is_native else self.read,
            own=None if self.is_native else OwnForm(self.keep, self.take, self.show, self.schema, _OBJECT, self.tag),
            inside=self.inside,
            references=self.places,
        )

    def inside(self, name: str) -> tuple[str, FieldType]:
        """The name in JSON, and the type, of a member; raises LookupError for none."""
        return next(((member.shown, part) for member, part in self.members if member.name == name), None) or _none(name)

    def learn(self, type_of: Callable[[Annotation], FieldType]) -> None:
        """Take the types of the members."""
        self.members = []
        for member in members_of(self.annotation):
            try:
                self.members.append((member, type_of(member.annotation)))
            except DeclarationError:
                if member.given:
                    raise  # others the class makes by itself, such as a lock
        self._ways = [(member, keeper(part), taker(part), shower(part)) for member, part in self.members]
        self._fits = object_fitting(self.annotation, self.members) if self.is_native else None
        self.is_mutable = not is_frozen_class(self.annotation) or any(part.is_mutable for _, part in self.members)
        self._steps = {member.name: MemberStep(member.shown, member.name, self.is_dict) for member, _ in self.members}
        self.places = tuple([p.within(self._steps[m.name]) for m, part in self.members for p in part.references])

    @property
    def tag(self) -> Tag | None:
        """The member that distinguishes its objects: a struct's tag, or the first that is a Literal and required."""
        return literal_tag(self.annotation)

    # --- checked ------------------------------------------------------------------------------------------------------

    def validate(self, value: Value, path: str, errors: list[FieldError]) -> Value:
        """The object itself, a copy of a dict; every member is checked by its annotation."""
        if self.is_dict:
            return self._validated_dict(value, path, errors)
        if value.__class__ is not self.annotation:
            errors.append(FieldError(path, "type", f"must be a {self.name}{_derived(value, self.annotation)}"))
            return value
        if self._fits is not None and self._fits(value):
            return value
        before = len(errors)
        try:
            for member, part in self.members:
                inner = getattr(value, member.name, msgspec.UNSET)
                if inner is not msgspec.UNSET:
                    admitted = admit_part(part, inner, f"{path}.{member.shown}", errors)
                    if part.references and admitted is not inner and not _is_same(admitted, inner):
                        value = self._steps[member.name].put(value, admitted)  # handles in the place of keys
                elif member.required:
                    errors.append(FieldError(f"{path}.{member.shown}", "required", "is required"))
        except RecursionError:
            errors.append(FieldError(path, "depth", "is nested too deep"))
        if len(errors) == before:
            self._demand_storable(value, path, errors)
        return value

    def _validated_dict(self, value: Value, path: str, errors: list[FieldError]) -> Value:
        if not isinstance(value, dict):
            errors.append(FieldError(path, "type", f"must be a dict, as {self.name} says"))
            return value
        known = {member.name: part for member, part in self.members}
        errors.extend(FieldError(f"{path}.{name}", "unknown", "is not a field") for name in value if name not in known)
        for member, _ in self.members:
            if member.required and member.name not in value:
                errors.append(FieldError(f"{path}.{member.name}", "required", "is required"))
        return {
            name: admit_part(known[name], inner, f"{path}.{name}", errors)
            for name, inner in value.items()
            if name in known
        }

    def _demand_storable(self, value: Value, path: str, errors: list[FieldError]) -> None:
        """Demand of all members together that they are not too deep, and that the class makes itself of them again."""
        before = len(errors)
        try:
            kept = to_json_builtins(value) if self.is_native else self.keep(value)
            admit_json(kept, path, errors)
            if len(errors) == before:
                made = msgspec.convert(kept, self.annotation) if self.is_native else self.take(kept)
                if self._makes_more and kept != (to_json_builtins(made) if self.is_native else self.keep(made)):
                    errors.append(FieldError(path, "value", f"must be what {self.name} makes of its members"))
        except RecursionError:
            errors.append(FieldError(path, "depth", "is nested too deep"))
        except (msgspec.ValidationError, AttributeError, LookupError, TypeError, ValueError) as error:
            if isinstance(error, ValidationError) and error.is_cut:
                raise
            if len(errors) == before:
                errors.append(FieldError(path, "value", f"must fit {self.name}"))

    # --- kept, where msgspec does not know how ------------------------------------------------------------------------

    def keep(self, value: Value) -> Json:
        """An object of what its members keep."""
        kept: dict[str, Value] = {} if self._tag is None else dict([self._tag])
        for member, keep, _, _ in self._ways:
            inner = self._member(value, member)
            if inner is not msgspec.UNSET:
                kept[member.shown] = keep(inner)
        return kept

    def show(self, value: Value) -> object:
        """The same of what they show."""
        shown: dict[str, object] = {} if self._tag is None else dict([self._tag])
        for member, _, _, show in self._ways:
            inner = self._member(value, member)
            if inner is not msgspec.UNSET:
                shown[member.shown] = show(inner)
        return shown

    def take(self, kept: Value) -> Value:
        """The object again; what is missing takes its default. Raises ValueError for what is kept as something else."""
        if not isinstance(kept, dict):
            raise ValueError(f"a {self.name} is kept as an object")
        return self._made(
            [(member, take(kept[member.shown])) for member, _, take, _ in self._ways if member.shown in kept]
        )

    def _made(self, values: list[tuple[Member, Value]]) -> Value:
        """The object with these members; those that its constructor does not take are set afterwards."""
        made = self.annotation(**{member.given: value for member, value in values if member.given})
        for member, value in values:
            if not member.given:
                self._steps[member.name].put(made, value)
        return made

    def _member(self, value: Value, member: Member) -> Value:
        if self.is_dict:
            return value.get(member.name, msgspec.UNSET)
        return getattr(value, member.name) if member.given else getattr(value, member.name, msgspec.UNSET)

    def read(self, given: Value, path: str, errors: list[FieldError]) -> Value:
        """The object that JSON gives, with everything that is wrong in it."""
        if not isinstance(given, dict):
            errors.append(FieldError(path, "type", f"must be a {self.name}, as an object"))
            return given
        before, values = len(errors), list[tuple[Member, Value]]()
        known = {member.shown for member, _ in self.members}
        if self._tag is not None:
            known.add(self._tag[0])
            if given.get(self._tag[0], self._tag[1]) != self._tag[1]:
                errors.append(FieldError(f"{path}.{self._tag[0]}", "one_of", f"must be {self._tag[1]}"))
        errors.extend(FieldError(f"{path}.{name}", "unknown", "is not a field") for name in given if name not in known)
        for member, part in self.members:
            place = f"{path}.{member.shown}"
            if member.shown in given:
                values.append((member, read_part(part, given[member.shown], place, errors)))
            elif member.required:
                errors.append(FieldError(place, "required", "is required"))
        if len(errors) > before:
            return given
        try:
            return self._made(values)
        except (TypeError, ValueError):
            errors.append(FieldError(path, "value", f"must fit {self.name}"))
        return given

    def schema(self, schemas: Schemas) -> JsonSchema:
        """A reference to the schema of its objects."""

        def make() -> JsonSchema:
            properties = {member.shown: schema_of_part(part, schemas) for member, part in self.members}
            required = [member.shown for member, _ in self.members if member.required]
            if self._tag is not None:
                properties = {self._tag[0]: {"enum": [self._tag[1]]}} | properties
                required = [self._tag[0], *required]
            made: JsonSchema = {"title": self.name, "type": "object", "properties": properties, "required": required}
            return made

        return schemas.named(self.name, make)


def _is_same(one: Value, other: Value) -> bool:
    """Whether two lists hold the same objects."""
    if not isinstance(one, list | tuple) or len(one) != len(other):
        return False
    return all(part is its for part, its in zip(one, other, strict=True))


def _none(name: str) -> tuple[str, FieldType]:
    raise LookupError(name)


def literal_tag(annotation: Annotation) -> Tag | None:
    """The member that distinguishes objects of a class: a struct's tag, or its first required Literal."""
    if not is_value_object(annotation):
        return None
    own = tag_of(annotation)
    if own is not None:
        return Tag(own[0], frozenset({own[1]}))
    for member in members_of(annotation):
        if origin_of(member.annotation) is Literal:
            return Tag(member.shown, frozenset(get_args(member.annotation)))
    return None


def _derived(value: object, annotation: Annotation) -> str:
    is_derived = isinstance(value, annotation)
    return ", not of a class derived from it: what that adds would be lost" if is_derived else ""
