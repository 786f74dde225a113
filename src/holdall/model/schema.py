"""From models to schemas: what stores get to know of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from holdall.errors import DeclarationError
from holdall.model.field import Field
from holdall.model.nested_reference import NestedReference
from holdall.model.rules import Digits, Length
from holdall.query import FieldSchema, Kind, Schema

__all__ = ["schema_of"]


def schema_of(model: Any, collection: str, name_of: Callable[[Any], str], exclusive: Iterable[str] = ()) -> Schema:
    """Make the schema of a model as the collection of this name; ``name_of`` returns the collection of a referenced
    model.

    ``exclusive`` names references that no two records may share, besides those declared unique. Raises
    DeclarationError for a model without a key.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     title: str
    >>> schema_of(Book, "book", lambda model: model.__holdall__.collection).key
    ('id',)
    """
    declaration = model.__holdall__
    if not declaration.key and not declaration.is_read_only:
        raise DeclarationError(f"{model.__name__} has no key: declare one with field(pk=True)")
    fields = tuple(_field_schema(field, name_of) for field in declaration.fields)
    key = tuple(field.name for field in declaration.key)
    own = [(field.name,) for field in declaration.stored if field.options.unique]
    shared = [(name,) for name in exclusive if key != (name,)]
    return Schema(
        name=collection,
        fields=fields,
        key=key,
        version=declaration.version.name if declaration.version else None,
        unique=(*own, *declaration.unique, *[rule for rule in shared if rule not in (*own, *declaration.unique)]),
        indexes=tuple((field.name,) for field in declaration.stored if field.options.index),
        search=declaration.search,
        streams=declaration.streams,
        table=declaration.table,
        namespace=declaration.namespace,
        is_read_only=declaration.is_read_only,
        nested=tuple([_nested_schema(each, name_of) for each in declaration.nested.values()]),
    )


def _nested_schema(field: NestedReference, name_of: Callable[[Any], str]) -> FieldSchema:
    made = _field_schema(field, name_of)
    return msgspec.structs.replace(made, inside=field.inside, nullable=field.form is None)


def _field_schema(field: Field, name_of: Callable[[Any], str], depth: int = 0) -> FieldSchema:
    if depth > 8:
        raise DeclarationError(f"{field.model}.{field.name}: keys that are references lead round in a circle")
    target_key: tuple[FieldSchema, ...] = ()
    if field.target is not None:
        target_key = tuple(_field_schema(part, name_of, depth + 1) for part in field.target().__holdall__.key)
        if not target_key:
            name = field.target().__name__
            raise DeclarationError(f"{field.model}.{field.name}: {name} has no key, so nothing can refer to it")
    lengths = [rule.maximum for rule in field.rules if isinstance(rule, Length) and rule.maximum is not None]
    digits = next((rule for rule in field.rules if isinstance(rule, Digits)), None)
    kind = field.kind
    return FieldSchema(
        name=field.name,
        kind=kind,
        nullable=field.nullable,
        generated=field.generated,
        max_length=min(lengths) if lengths and kind in (Kind.STR, Kind.BYTES) else None,
        choices=field.type.choices if field.type is not None else None,
        digits=digits.digits if digits else None,
        places=digits.places if digits else None,
        target=name_of(field.target()) if field.target is not None else None,
        target_key=target_key,
        form=field.form,
        back=field.options.back,
        columns=field.options.columns,
        link=field.options.link,
        stored_choices=field.options.labels,
        asked=field.asked,
        is_object_id=field.is_object_id,
    )
