"""A model's declaration, as one value: its fields in order, its key, its rules over several fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property, partial
from operator import attrgetter
from typing import Any

from holdall.errors import DeclarationError, FieldError, FieldErrors, QueryError, ValidationError
from holdall.model.called import demand_sentence
from holdall.model.codec import RowCodec
from holdall.model.decorators import Check
from holdall.model.field import Field
from holdall.model.inside import InnerPaths, steps_into
from holdall.model.json_input import JsonInput
from holdall.model.json_output import JsonOutput
from holdall.model.nested_reference import nested_in, ways_to
from holdall.model.only_fields import deletion_of, version_of
from holdall.model.reference import key_of_value
from holdall.model.resolving import resolve_references
from holdall.model.tracking import Record
from holdall.model.withheld import WITHHELD
from holdall.query import (
    AnyExpression,
    Expression,
    FieldSchema,
    Key,
    Kind,
    Owner,
    Path,
    Value,
    did_you_mean,
    is_of_kind,
)
from holdall.query.predicate import comparable

__all__ = ["Declaration"]


class Declaration:
    """Everything a model says. ``create`` makes a record from trusted slot values in the order of ``stored``.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    >>> [each.name for each in Book.__holdall__.fields]
    ['id']
    """

    def __init__(
        self,
        model: Any,
        collection: str,
        fields: tuple[Field, ...],
        checks: Mapping[str, Check],
        computed: Mapping[str, Callable[[Any], Any]],
        unique: tuple[tuple[str, ...], ...] = (),
    ) -> None:
        self.model, self._owner = model, Owner(model)
        self.collection, self.fields = collection, fields
        self.checks = dict(checks)
        self.computed = dict(computed)
        self.unique = unique
        self.by_name = {field.name: field for field in fields}
        self.nested = nested_in(fields)  # references inside values, by path
        self._ways = ways_to(self.nested)
        self.stored = tuple(field for field in fields if field.is_stored)
        self.key = tuple(field for field in fields if field.options.pk)
        self.version = version_of(model.__name__, fields)
        self.relations = tuple(field for field in fields if field.is_relation)
        self.references = tuple(field for field in self.relations if field.is_stored)
        self.outgoing = (*self.references, *self.nested.values())  # all that it refers to others by
        self.mutable = tuple(field for field in self.stored if field.type is not None and field.type.is_mutable)
        self.stamps = tuple(field for field in self.stored if field.options.stamped_on is not None)
        self.deletion = deletion_of(model.__name__, self.stamps)  # the field that says when a record was deleted
        self.machines = tuple(field for field in self.stored if field.options.transitions is not None)
        self.streams: tuple[str, ...] = ()
        self.search: tuple[str, ...] = ()  # the fields of full-text search
        self.is_read_only, self.table = False, ""  # under which records are stored, if not under the collection's name
        self.namespace: str | None = None  # the schema of a database in which they are
        self.adopted: type[Any] | None = None  # the class that it adopts
        self.own: tuple[dict[str, Field], dict[str, Check], dict[str, Callable[[Any], Any]]] = ({}, {}, {})
        self.create: Callable[..., Any] = _abstract
        self.key_of = _key_reader(self.key)

    @property
    def is_abstract(self) -> bool:
        """Whether the model only lends its fields: it has no records."""
        return self.create is _abstract

    @cached_property
    def codec(self) -> RowCodec:
        """The way between records and rows."""
        return RowCodec(self.model.__name__, self.stored, self.create)

    @cached_property
    def json_input(self) -> JsonInput:
        """The way from JSON and text to values; used only after ``resolve``."""
        return JsonInput(self.model, self.fields, self.key, self.key_from)

    @cached_property
    def stored_input(self) -> JsonInput:
        """The same with what stores make: keys, the version, moments."""
        return JsonInput(self.model, self.fields, self.key, self.key_from, takes_stored=True)

    @cached_property
    def json_output(self) -> JsonOutput:
        """The way from records to JSON."""
        return JsonOutput(self.model.__name__, self.stored, self.computed)

    def admit_key(self, key: Key, errors: list[FieldError]) -> Key:
        """A key as a store takes it, a scalar or a tuple; what is wrong with it is appended to ``errors``."""
        if len(self.key) == 1:
            before, part = len(errors), _admit_key_part(self.key[0], key, errors)
            return key if len(errors) > before else self.key[0].encode(part)
        parts = key if self.key and isinstance(key, tuple) else (key,)
        if len(parts) != len(self.key):
            errors.append(FieldError("key", "type", f"must have {len(self.key)} parts"))
            return key
        before = len(errors)
        admitted = [_admit_key_part(field, part, errors) for field, part in zip(self.key, parts, strict=True)]
        if len(errors) > before:
            return key
        return tuple([field.encode(part) for field, part in zip(self.key, admitted, strict=True)])

    def key_from(self, args: tuple[Value, ...], values: Mapping[str, Value]) -> Key:
        """The key given as ``get(Book, 1)`` or ``get(Book, id=1)``; raises ValidationError if it is not one."""
        errors: list[FieldError] = []
        if args and values:
            errors.append(FieldError("key", "type", "must be given by position or by name, not both"))
        elif args:
            parts = args[0] if len(args) == 1 and isinstance(args[0], tuple) else args
        else:
            unknown = set(values) - {field.name for field in self.key}
            advice = f"is not part of the key; other fields are asked for with {self.model.__name__}.where(...)"
            errors.extend(FieldError(name, "unknown", advice) for name in sorted(unknown))
            missing = [field.name for field in self.key if field.name not in values]
            errors.extend(FieldError(name, "required", "is part of the key and required") for name in missing)
            parts = tuple(values.get(field.name) for field in self.key)
        if not errors:
            key = self.admit_key(parts if len(self.key) > 1 else parts[0] if len(parts) == 1 else parts, errors)
        if errors:
            raise ValidationError(self.model.__name__, errors)
        return key

    def validate(self, record: Record, prefix: str = "") -> list[FieldError]:
        """Everything that is wrong with a record now: every field's rules, then the rules over several fields."""
        errors = FieldErrors(self.model.__name__)
        for field in self.stored:
            value = field.get(record)
            if value is not WITHHELD and not field.fast(value):
                field.validate(value, errors, prefix)
        return errors or self.run_checks(record, prefix)

    def run_checks(self, record: Record, prefix: str = "") -> list[FieldError]:
        """Run the rules over several fields; return an error for each rule that is broken."""
        errors: list[FieldError] = []
        for name, rule in self.checks.items():
            try:
                sentence = rule.function(record)
            except ValidationError as error:
                errors.extend(error.errors)
                continue
            except ValueError as error:
                sentence = str(error)
            if sentence is not None:
                demand_sentence(self.model.__name__, name, sentence)
                paths = [prefix + path for path in rule.fields] or [prefix.rstrip(".")]
                errors.extend(FieldError(path, name.lstrip("_"), str(sentence)) for path in paths)
        return errors

    def expression(
        self, name: str, before: Path = (), behind: tuple[int, ...] = (), owner: Owner | None = None
    ) -> AnyExpression:
        """The expression for a field, at the end of a path from ``owner``.

        Raises QueryError for a name that is no field.
        """
        field = self.reference(name)
        if field is None:
            raise QueryError(f"{self.model.__name__} has no field {name!r}{self._suggested(name)}")
        owner = owner or self._owner
        path, target = (*before, field.name), field.target
        if target is None:
            paths = InnerPaths(self._ways, lambda inner: self.expression(inner, before, behind, owner))
            step = None if behind or field.type is None else steps_into(field.type, path, owner, (), paths)
            return Expression(
                path, partial(_encode_compared, field), step, behind, owner, kind=field.kind, asked=field.asked
            )
        if field.is_single and not field.is_stored:
            own = (*behind, len(path))
            key = target().__holdall__.key

            def compared(value: object) -> Any:
                raise QueryError(f"{name} is the other end of a reference: compare its {key[0].name}, or use any()")

            def further(inner: str) -> AnyExpression:
                found: AnyExpression = target().__holdall__.expression(inner, path, own, owner)
                return found

            return Expression(path, compared, further, own, owner, target)
        if field.form is not None:
            return Expression(path, lambda value: _encode_compared(field, value), None, behind, owner, target)
        return Expression(
            path,
            lambda value: _encode_compared(field, value),
            lambda inner: target().__holdall__.expression(inner, path, behind, owner),
            behind,
            owner,
            kind=Kind.REF,
        )

    def reference(self, name: str) -> Field | None:
        """The field of this name, or the reference inside a value that has this path; None for neither."""
        return self.by_name.get(name) or self._ways.get(name)

    def _suggested(self, name: str) -> str:
        """Return a sentence that suggests another name for one that is no field."""
        first, _, rest = name.partition("__")
        if rest and first in self.by_name:
            model = self.model.__name__
            path = f"{first}.{rest.replace('__', '.')} ==" if self.by_name[first].is_relation else f"{first} >"
            return f"; a condition is written {model}.where({model}.{path} ...)"
        return did_you_mean(name, self.by_name)

    def has_value(self, record: Record, name: str, value: object) -> bool:
        """Whether a field of the record has this value; raises QueryError for what is no field, or no value of it."""
        field = self.by_name.get(name)
        if value is None and field is not None and field.is_stored:
            return field.encode(field.get(record)) is None
        asked: Any = self.expression(name) == value
        assert field is not None
        freeze = comparable(field.kind) or (lambda border: border)
        found = field.encode(field.get(record))
        return found is not None and bool(freeze(found) == freeze(asked.value))

    def resolve(self, models: Mapping[str, Any]) -> None:
        """Settle references to models by name; raises DeclarationError for one that stays unknown or does not fit."""
        resolve_references((*self.relations, *self.nested.values()), models)


def _admit_key_part(field: Field, part: Key, errors: list[FieldError]) -> Key:
    if part is None:
        errors.append(FieldError(field.name, "required", "is part of the key and must not be null"))
        return None
    if field.fast(part):
        return part
    value = field.validate(part, found := list[FieldError]())
    decode = field.type.decode if field.type is not None else None
    if found and decode is not None and is_of_kind(FieldSchema(field.name, field.kind), part):
        with suppress(LookupError, TypeError, ValueError):  # a handle's key, say, which is what is kept
            value, found = field.validate(decode(part), again := list[FieldError]()), again
    errors.extend(found)
    return value


def _key_reader(fields: tuple[Field, ...]) -> Callable[[Any], Any]:
    """A function from a record to its key: None while any part of it is missing."""
    if len(fields) == 1:
        field = fields[0]
        if not field.is_relation and field.type is not None and field.type.encode is None:
            return attrgetter(field.name)
        return lambda record: field.encode(field.get(record))

    def read(record: Record) -> Key:
        parts = tuple(field.encode(field.get(record)) for field in fields)
        return None if not parts or None in parts else parts

    return read


def _encode_compared(field: Field, value: object) -> Value:
    if field.form is not None:
        raise QueryError(f"{field.name} holds many records: use .any(condition) or .all(condition)")
    if value is None:
        raise QueryError(f"{field.name} is compared with None: use is_null()")
    errors: list[FieldError] = []
    if field.target is not None:
        value = key_of_value(field.validate(value, errors))
        if value is None:
            errors.append(FieldError(field.name, "key", "must have a key: commit it first"))
    else:
        value = field.validate_type(value, errors)
    if errors:
        raise QueryError(f"{field.model}.{field.name} cannot be compared with this value: it {errors[0].message}")
    return field.encode(value)


def _abstract(*_: object) -> Any:
    raise DeclarationError("an abstract model has no records")
