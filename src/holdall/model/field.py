"""A field of a model, bound: its type, its options, and how a value gets into its slot."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from copy import copy
from datetime import UTC
from typing import Any

import msgspec

from holdall.codegen import function
from holdall.errors import DeclarationError, FieldError
from holdall.model.field_type import FieldType
from holdall.model.object_id import IsObjectId
from holdall.model.options import MISSING, FieldOptions
from holdall.model.reference import Reference, key_of_value
from holdall.model.rule_source import holds, in_place, rule_source
from holdall.model.rules import Rule
from holdall.model.state import Frozen
from holdall.model.target import Target
from holdall.model.tracking import Record, Tracked
from holdall.query import Asked, Generated, Key, Kind, ManyForm, Value

__all__ = ["Field"]

_IMMUTABLE = (type(None), bool, int, float, str, tuple)


class Field:
    """One field of one model.

    ``type`` is None for a reference, which has a ``target`` instead. ``get`` and ``put`` reach the slot itself, past
    tracking and checks.

    Example: :class:`Declaration`.
    """

    def __init__(
        self, model: str, name: str, annotation: object, field_type: FieldType | None, options: FieldOptions
    ) -> None:
        self.model = model
        self.name = name
        self.annotation = annotation
        self.type = field_type
        self.options = options
        self.target: Target | None = None
        self.form: ManyForm | None = None
        self.container: type[Any] | None = None
        self.is_single = False  # the other end of a Ref that leads here from one record at most
        self.rules: tuple[Rule, ...] = (field_type.rules if field_type else ()) + options.rules
        self.is_object_id = any(isinstance(rule, IsObjectId) for rule in self.rules)
        self.frozen = options.frozen | (Frozen.ALWAYS if options.server_computed else Frozen.NEVER)
        self.root: Field = self  # the field in whose slot it is kept
        self.slot: Any = None  # of the finished class
        self.get: Callable[[Any], Any] = _no_slot
        self.put: Callable[[Record, Value], None] = _no_slot
        self.fast: Callable[[Any], bool] = _never
        self.write: Callable[[Record, Value], None] = _no_slot  # checked and tracked, this slot alone

    def inherited_by(self, model: str) -> Field:
        """The same field of a model that derives from this field's."""
        made = copy(self)
        made.model, made.root = model, made
        return made

    # --- what it is ---------------------------------------------------------------------------------------------

    @property
    def kind(self) -> Kind:
        """The kind of its border values."""
        if self.form is not None:
            return Kind.MANY
        return self.type.kind if self.type is not None else Kind.REF

    @property
    def asked(self) -> Asked:
        """How far conditions and sorts may go by its values."""
        return self.type.asked if self.type is not None else Asked.ORDER

    @property
    def is_stored(self) -> bool:
        """Whether records have a slot for it."""
        return self.form is not ManyForm.BACK

    @property
    def is_relation(self) -> bool:
        """Whether it refers to other records."""
        return self.target is not None

    @property
    def depends_on(self) -> bool:
        """Whether a commit writes the records it refers to first."""
        return self.is_relation and self.is_stored and self.options.depends_on is not False

    @property
    def nullable(self) -> bool:
        """Whether None is a value of it."""
        if self.type is not None:
            return self.type.nullable
        return self.target is not None and self.target.nullable and self.form is None

    @property
    def may_be_emptied(self) -> bool:
        """Whether a reference, or a list of them, can lead to nothing."""
        return self.form is not None or self.nullable

    @property
    def generated(self) -> Generated:
        """The party that makes the field's value: see ``Generated``."""
        if self.options.server_default:
            return Generated.DEFAULT
        if not self.options.generated:
            return Generated.COMPUTED if self.options.server_computed else Generated.NO
        return Generated.CLIENT if self.kind is Kind.UUID or self.is_object_id else Generated.STORE

    @property
    def may_be_unset(self) -> bool:
        """Whether a record may be without a value until it is stored."""
        return self.options.is_given_elsewhere

    @property
    def has_default(self) -> bool:
        """Whether a record can be made without giving a value."""
        options = self.options
        if options.default is not MISSING or options.default_factory is not None:
            return True
        return self.nullable or self.may_be_unset or self.form is not None

    def default(self) -> Value:
        """The default; raises ValueError where there is none."""
        if self.options.default_factory is not None:
            return self.options.default_factory()
        if self.options.default is not MISSING:
            return self.options.default
        if self.form is not None:
            return ()
        if not self.has_default:
            raise ValueError(f"{self.model}.{self.name} has no default")
        return None

    # --- values ---------------------------------------------------------------------------------------------------

    def validate(self, value: object, errors: list[FieldError], prefix: str = "") -> Value:
        """The value as it belongs in the slot; what is wrong with it is appended to ``errors``."""
        before = len(errors)
        value = self.validate_type(value, errors, prefix)
        if self.rules and value is not None and len(errors) == before:
            path = prefix + self.name
            is_otherwise = self.type is not None and self.type.is_kept_otherwise
            ruled = self.encode(value) if is_otherwise else value  # rules speak of what is kept
            errors.extend(FieldError(path, rule.code, rule.describe()) for rule in self.rules if not holds(rule, ruled))
        return value

    def validate_type(self, value: object, errors: list[FieldError], prefix: str = "") -> Value:
        """The same without the field's rules, which hold only for what its setter makes of the value."""
        path = prefix + self.name
        if value is MISSING:
            errors.append(FieldError(path, "required", "is required"))
            return value
        if value is None and self.form is None:
            if not (self.nullable or self.may_be_unset):
                errors.append(FieldError(path, "required", "must not be null"))
            return None
        if self.target is not None:
            return self._admit_many(value, path, errors) if self.form else self.admit_reference(value, path, errors)
        assert self.type is not None
        if self.options.coerce:
            value = self._coerced(value)
        return self.type.validate(value, path, errors) if self.options.type_check else value

    def _coerced(self, value: object) -> Value:
        assert self.type is not None
        if self.type.own is not None and self.type.read is not None:
            errors: list[FieldError] = []
            found = self.type.read(value, self.name, errors)
            return value if errors else found
        try:
            return msgspec.convert(value, self.annotation, strict=False)
        except (msgspec.ValidationError, TypeError, ValueError):
            return value

    def admit_reference(self, value: object, path: str, errors: list[FieldError]) -> Value:
        """A key, a Reference that has its record, or None: what a reference's slot holds."""
        target = self.target
        assert target is not None
        if isinstance(value, Reference):
            value = value.record if value.record is not None else value.key
            if value is None and not target.nullable:
                errors.append(FieldError(path, "required", "must not be null"))
                return None
        if value is None and target.nullable and self.form is None:
            return None
        if isinstance(value, Tracked):
            if target.accepts(value):
                return Reference(target, record=value)
        elif (key := self._key_in(value)) is not MISSING:
            return key
        errors.append(FieldError(path, "type", f"must be a {target.name}, its key or a reference to it"))
        return value

    def _key_in(self, value: Value) -> Key:
        """The key as the slot has it, which is as stores do; MISSING where it is none."""
        model = self.target.found if self.target is not None else None
        if model is None:
            is_key = isinstance(value, Hashable) and not isinstance(value, bool) and value is not None
            return value if is_key else MISSING
        found: list[FieldError] = []
        key = model.__holdall__.admit_key(value, found)
        return MISSING if found else key

    def _admit_many(self, value: object, path: str, errors: list[FieldError]) -> Value:
        if isinstance(value, str | bytes | Tracked) or not hasattr(value, "__iter__"):
            errors.append(FieldError(path, "type", "must be a collection of records, keys or references"))
            return value
        before, items, seen = len(errors), [], set()
        for index, item in enumerate(value):
            validated = MISSING if isinstance(item, Reference | Tracked) else self._key_in(item)
            if validated is MISSING:
                validated = self.admit_reference(item, f"{path}.{index}", errors)
            items.append(validated)
            if len(errors) == before:
                key = key_of_value(validated)
                mark = ("record", id(validated.record)) if key is None else ("key", key)
                if mark in seen:
                    errors.append(FieldError(f"{path}.{index}", "unique", "must not be given twice"))
                seen.add(mark)
        return tuple(items)

    def admit_items(self, values: object, errors: list[FieldError]) -> tuple[Value, ...]:
        """Records, keys and references as a list's slot holds them, for the other end of a reference of any kind."""
        items: tuple[Value, ...] = self._admit_many(values, self.name, errors)
        return items

    def encode(self, value: Value) -> Value:
        """The border value of a slot's value."""
        if value is None:
            return None
        if self.type is not None:
            return value if self.type.encode is None else self.type.encode(value)
        return tuple(key_of_value(item) for item in value) if self.form else key_of_value(value)

    def shown(self, value: Value) -> Value:
        """A slot's value as something that msgspec encodes as its JSON."""
        if value is None or self.type is None or self.type.own is None:
            return self.encode(value)
        return self.type.own.show(value)

    # --- speed ----------------------------------------------------------------------------------------------------

    def fast_source(self, variable: str, names: dict[str, object], prefix: str = "__") -> str | None:
        """Python source, true of ``variable`` only if it can go into the slot as it is; None if there is none.

        Objects that the source needs are added to ``names`` under names that start with ``prefix``, which starts with
        ``__``, as no field's name does.
        """
        options = self.options
        if self.type is None or self.type.fast is None or options.coerce or options.setter or not options.type_check:
            return None
        source = self.type.fast
        for number, rule in enumerate(self.rules):
            source += f" and {rule_source(rule, f'{prefix}_rule{number}', names)}"
        names[f"{prefix}_type"] = self.type.scalar
        source = in_place(source, variable, f"{prefix}_type")
        if self.nullable or self.may_be_unset:
            source = f"({variable} is None or {source})"
        return source

    def bind(self, slot: Value) -> None:
        """Take the slot of the finished class, and make ``fast`` from the source."""
        self.slot = slot
        self.get = slot.__get__
        self.put = slot.__set__
        names: dict[str, object] = {"__UTC": UTC}
        source = self.fast_source("x", names)
        if source is not None:
            self.fast = function("fits", "x", source, names, f"{self.model}.{self.name}, checked")

    def check_default(self) -> None:
        """Raise DeclarationError for a constant default that is not a value of the field."""
        default = self.options.default
        if default is MISSING:
            return
        is_mutable = self.type is not None and self.type.is_mutable and default.__class__ not in _IMMUTABLE
        if isinstance(default, list | dict | set) or is_mutable:
            raise DeclarationError(f"{self.model}.{self.name}: a mutable default would be shared; use default_factory")
        errors: list[FieldError] = []
        (self.validate_type if self.options.setter else self.validate)(default, errors)
        if errors:
            raise DeclarationError(f"{self.model}.{self.name}: the default {errors[0].message}")


def _never(value: object) -> bool:
    return False


def _no_slot(*_: object) -> Any:
    raise AttributeError("this field is not stored in the record")
