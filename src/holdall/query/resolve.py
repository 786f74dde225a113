"""Paths resolved against schemas: which fields a path walks through, and the refusal when it leads nowhere."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from holdall.errors import QueryError
from holdall.query._formula import Formula
from holdall.query.condition import Path
from holdall.query.schema import FieldSchema, Kind, ManyForm, Schema
from holdall.query.term_kinds import term_field

__all__ = ["OUTER", "members_schema", "resolve", "schema_of"]

OUTER = ""
"""The name under which the schemas of a query within a query hold that of the query around."""


def schema_of(schemas: Mapping[str, Schema], collection: str) -> Schema:
    """Return the schema of this collection; raises QueryError if there is none.

    >>> schema_of({}, "book")
    Traceback (most recent call last):
    holdall.errors.QueryError: no collection 'book' is known here
    """
    schema = schemas.get(collection)
    if schema is None:
        raise QueryError(f"no collection {collection!r} is known here")
    return schema


def members_schema(schemas: Mapping[str, Schema], many: FieldSchema) -> Schema:
    """The schema of a Many's records: for a stored Many whose records are kept elsewhere, that of their keys alone."""
    target = str(many.target)
    if target in schemas or many.form is ManyForm.BACK or not many.target_key:
        return schema_of(schemas, target)
    return Schema(target, many.target_key, tuple([part.name for part in many.target_key]))


def resolve(schemas: Mapping[str, Schema], schema: Schema, path: Path) -> list[tuple[Schema, FieldSchema]]:
    """Return each field on the path with the schema it belongs to, from ``schema`` outwards.

    Every field but the last is a Ref; a formula is a field of its own. Raises QueryError for an empty path, an unknown
    field or collection, or a step through something that is no Ref.

    >>> from holdall.query import FieldSchema, Kind, Schema
    >>> book = Schema("book", (FieldSchema("id", Kind.INT), FieldSchema("pages", Kind.INT)), key=("id",))
    >>> [(schema.name, field.name) for schema, field in resolve({"book": book}, book, ("pages",))]
    [('book', 'pages')]
    """
    if not path:
        raise QueryError(f"an empty path names no field of {schema.name}")
    if path[0].__class__ is Formula:
        return [(schema, _computed(path[0], schemas, schema))]
    steps: list[tuple[Schema, FieldSchema]] = []
    for name in path[:-1]:
        field = schema.field(name)
        steps.append((schema, field))
        if field.kind is not Kind.REF or field.target is None:
            raise QueryError(f"{schema.name}.{name} is no reference: the path {'.'.join(path)} leads nowhere")
        schema = schema_of(schemas, field.target)
    steps.append((schema, schema.field(path[-1])))
    return steps


def _computed(step: Formula, schemas: Mapping[str, Schema], schema: Schema) -> FieldSchema:
    def leaf(path: Path) -> FieldSchema:
        return resolve(schemas, schema, path)[-1][1]

    def outer(path: Path) -> FieldSchema:
        around = schemas.get(OUTER)
        if around is None:
            raise QueryError(f"outer({'.'.join(path)}) has no query around it: it belongs in exists()")
        return resolve(schemas, around, path)[-1][1]

    return msgspec.structs.replace(term_field(step.term, leaf, outer), name=str(step))
