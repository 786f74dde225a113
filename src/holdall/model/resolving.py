"""References settled once the models that live together are known: each target, and the other end that names it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from holdall.errors import DeclarationError
from holdall.model.field import Field
from holdall.model.nested_reference import NestedReference
from holdall.model.reference_type import key_kinds_of
from holdall.query import Kind, Value

__all__ = ["resolve_references"]


def resolve_references(fields: Iterable[Field], models: Mapping[str, Value]) -> None:
    """Settle references to models by name; raises DeclarationError for one that stays unknown or does not fit.

    >>> class Author(Model):
    ...     id: int = field(pk=True)
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     author: Ref["Author"]
    >>> resolve_references(Book.__holdall__.relations, {"Author": Author})
    """
    for field in fields:
        target, back = field.target, field.options.back
        assert target is not None
        target.resolve(models)
        where = f"{field.model}.{field.name}"
        if isinstance(field, NestedReference):
            key_kinds_of(target(), where)
        if back is None:
            target()
            continue
        other = target().__holdall__.reference(back)
        if isinstance(other, NestedReference) and field.is_single:
            raise DeclarationError(f"{where}: the other end of a reference inside a value is a Many[{target.name}]")
        if other is None or not _leads_back(other, field):
            raise DeclarationError(f"{where}: {target.name} has no reference {back!r}")
        if isinstance(other, NestedReference) and other.name != back:  # a path of attributes, not of names in JSON
            field.options = msgspec.structs.replace(field.options, back=other.name.plain)


def _leads_back(other: Field, field: Field) -> bool:
    """Whether a reference can be the one that a field is the other end of."""
    kinds = (Kind.REF,) if field.is_single else (Kind.REF, Kind.MANY)
    return other.is_relation and other.options.back is None and other.kind in kinds
