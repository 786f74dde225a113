"""The parameters that say what is shown: records within records, and values of groups in place of records."""

from __future__ import annotations

import re

import msgspec

from holdall.query import Asked, FieldSchema, Kind
from holdall.session import Binding
from holdall.web.formats import Format
from holdall.web.grouped import FUNCTIONS, ROWS
from holdall.web.openapi.schemas import Node, RecordSchemas

__all__ = ["format_parameters", "group_parameters", "include_parameter", "stored_fields"]

_NUMBERS = (Kind.INT, Kind.FLOAT, Kind.DECIMAL, Kind.TIMEDELTA)
_NO_EXTREMES = (Kind.JSON, Kind.MANY, Kind.REF, Kind.BYTES)


def stored_fields(binding: Binding, schemas: RecordSchemas) -> list[FieldSchema]:
    """The stored fields of a collection that the document tells, and references inside them."""
    own = [field for field in binding.schema.stored if field.name not in schemas.access.hidden]
    inside = [each for each in binding.schema.nested if each.name in schemas.includable]
    return [*own, *[msgspec.structs.replace(each, name=str.__str__(each.name)) for each in inside]]


def include_parameter(schemas: RecordSchemas) -> list[Node]:
    """``include``: records that are shown in the place of their keys; none where nothing is referred to."""
    names = list(schemas.includable)
    if not names:
        return []
    description = (
        f"Show the records that these refer to: {', '.join(names)}. Dots lead on, and lists take options in"
        " parentheses, as in `books(sort=-title;page_size=5)`."
    )
    pattern = rf"^({'|'.join(map(re.escape, names))})([.(,].*)?$"
    return [_query("include", description, {"type": "string", "pattern": pattern}) | {"example": names[0]}]


def group_parameters(binding: Binding, schemas: RecordSchemas) -> list[Node]:
    """``aggregate``, ``group`` and ``having``."""
    fields = [field for field in stored_fields(binding, schemas) if field.asked is not Asked.NOTHING]
    single = [field for field in fields if field.kind not in (Kind.JSON, Kind.MANY) and len(field.target_key) <= 1]
    columns = [ROWS]
    for field in single:
        columns += [f"{field.name}.count", f"{field.name}.count_distinct"]
        columns += [f"{field.name}.{name}" for name in ("sum", "avg") if field.kind in _NUMBERS]
        columns += [f"{field.name}.{name}" for name in ("min", "max") if field.kind not in _NO_EXTREMES]
    aggregate: Node = {"type": "string", "enum": columns}
    by: Node = {"type": "string", "enum": [field.name for field in single]}
    leads_to = schemas.access.leads_to
    if any(field.target is not None and field.name not in leads_to for field in binding.schema.fields):
        functions = "|".join(FUNCTIONS)
        aggregate = {"anyOf": [aggregate, {"type": "string", "pattern": rf"^\w+(\.\w+)+\.({functions})$"}]}
        by = {"anyOf": [by, {"type": "string", "pattern": r"^\w+(\.\w+)+$"}]}
    return [
        _listed("aggregate", "Show these values of all records, or of each group, in place of records.", aggregate),
        _listed("group", "Show a row for each group of records with equal values in these fields.", by),
        _query(
            "having",
            "Only groups of which these filters are true: their names are aggregates and fields grouped by.",
            {"type": "string", "minLength": 1},
        )
        | {"example": f"{ROWS}__gt=1"},
    ]


def format_parameters() -> list[Node]:
    """``format`` and ``formulas``: all records in a file."""
    formats = {"type": "string", "enum": [*Format]}
    keeping = {"type": "string", "enum": ["escape", "keep"]}
    return [
        _query("format", "All records as a file, in place of a page of JSON; Accept says it as well.", formats),
        _query(
            "formulas",
            "Of text in CSV that a spreadsheet takes for a formula: with an apostrophe before it, or as it is.",
            keeping,
        )
        | {"example": "keep"},
    ]


def _query(name: str, description: str, schema: object) -> Node:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _listed(name: str, description: str, items: Node) -> Node:
    schema = {"type": "array", "items": items, "minItems": 1}
    return _query(name, description, schema) | {"style": "form", "explode": False}
