"""The body of a class that adopts another one: what the body says itself comes first, the rest is taken over."""

from __future__ import annotations

from collections.abc import Callable, Collection

import msgspec

from holdall.errors import DeclarationError
from holdall.model.adoption import AdoptedClass, AdoptedField, Refusal, adopted_class, reason_of
from holdall.model.annotations import read_annotations
from holdall.model.field_type import FieldType
from holdall.model.names import Annotation, Names
from holdall.model.options import MISSING, Declared, FieldOptions
from holdall.model.tracking import Record
from holdall.model.types import type_of
from holdall.query import Value

__all__ = ["adopt_into", "adopting_model"]


def adopting_model(base: Record, source: type[object], name: str | None, module: str, **options: object) -> Record:
    """Make the model that adopts a class; without a ``name`` it has that of the class.

    >>> from sqlalchemy import Column, Integer, Text
    >>> from sqlalchemy.orm import declarative_base
    >>> class Row(declarative_base()):
    ...     __tablename__ = "rows"
    ...     id = Column(Integer, primary_key=True)
    ...     title = Column(Text)
    >>> from holdall import Model
    >>> Line = Model.adopt(Row, name="Line")
    >>> Line(title="Emma")
    Line(id=None, title='Emma')
    """
    title = name or str(getattr(source, "__name__", source))
    body = {"__module__": module, "__qualname__": title}
    return type(base)(title, (base,), body, adopt=source, **options)


def adopt_into(
    model: str,
    source: object,
    leave_out: Collection[str],
    namespace: dict[str, Value],
    names: Names,
    refuse_reserved: Callable[[str], None],
) -> AdoptedClass:
    """Put the fields of a class into the body of the model that adopts it, but for those that the body has.

    The body has a field where it gives it a value, or names its column; where it gives its type alone, the rest is
    taken over. Raises DeclarationError, once for all that cannot be carried over.
    """
    adopted = adopted_class(model, source, leave_out)
    own = read_annotations(model, namespace, names)
    given = {name: namespace.get(name, MISSING) for name in own}
    columns = {column for value in given.values() if isinstance(value, Declared) for column in value.options.columns}
    refusals = [each for each in adopted.refusals if each.attribute not in own]
    merged: dict[str, Value] = {}
    for field in adopted.fields:
        if field.name in own:
            merged[field.name] = _merged(model, field, own[field.name], given[field.name], namespace, refusals)
        elif not field.columns or not columns.intersection(field.columns):
            try:
                refuse_reserved(field.name)
            except DeclarationError as error:
                advice = f"{reason_of(error)}, by a field of the body with column={field.columns!r}"
                refusals.append(Refusal(field.name, advice if field.columns else reason_of(error)))
                continue
            merged[field.name] = field.annotation
            namespace[field.name] = field.declared
    if refusals:
        raise DeclarationError(_told(model, adopted, refusals))
    namespace["__annotations__"] = (
        merged
        | {name: kind for name, kind in own.items() if name not in merged}
        | {name: kind for name, kind in namespace.get("__annotations__", {}).items() if name not in own}
    )
    return adopted


def _merged(
    model: str,
    field: AdoptedField,
    annotation: Annotation,
    given: Value,
    namespace: dict[str, Value],
    refusals: list[Refusal],
) -> Annotation:
    """The annotation of a field that both have; its options are left in the namespace."""
    known: Declared = field.declared
    if given is MISSING:
        namespace[field.name] = known
        own, other = _scalar(annotation, model, field), _scalar(field.annotation, model, field)
        if own is not None and other is not None and (own.kind is not other.kind or own.nullable is not other.nullable):
            meant = f"{other.kind}{' or None' if other.nullable else ''}"
            refusals.append(Refusal(field.name, f"the annotation says otherwise than its column, which is {meant}"))
    else:
        declared = given if isinstance(given, Declared) else Declared(msgspec.structs.replace(_plain, default=given))
        if not declared.options.columns and known.options.columns:
            declared.options = msgspec.structs.replace(declared.options, column=known.options.column)
        namespace[field.name] = declared
    return annotation


def _scalar(annotation: Annotation, model: str, field: AdoptedField) -> FieldType | None:
    try:
        return type_of(annotation, f"{model}.{field.name}")
    except DeclarationError:
        return None  # a reference, or what will be refused with the field


_plain = FieldOptions()


def _told(model: str, adopted: AdoptedClass, refusals: list[Refusal]) -> str:
    lines = [f"{'.'.join(filter(None, (adopted.name, each.attribute)))}: {each.reason}" for each in refusals]
    advice = "declare these in the class body, or name them in leave_out"
    if all(not each.attribute for each in refusals):
        return f"{model} cannot adopt {lines[0]}"
    return f"{model} cannot adopt all of {adopted.name}; {advice}:\n  " + "\n  ".join(lines)
