"""The parameters of a list: filters for each field and operator, order, extent and choice of fields."""

from __future__ import annotations

from holdall.model import FORMS
from holdall.query import MAX_INT, MAX_SEARCH, Asked, FieldSchema, Kind, Op, operators_of
from holdall.session import COUNTED, Binding
from holdall.web.dialect import CONTROLS, COUNTS, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, OPERATORS
from holdall.web.filters import SEARCH
from holdall.web.openapi.schemas import Node, RecordSchemas
from holdall.web.openapi.shown_parameters import (
    format_parameters,
    group_parameters,
    include_parameter,
    stored_fields,
)

__all__ = ["OPERATOR_OF", "key_parameter", "list_parameters", "sparse_parameter"]

_WORDS = {
    "eq": "equals",
    "ne": "has a value other than this",
    "in": "is one of these; a backslash takes away a comma's meaning",
    "isnull": "has no value, or with false has one",
    "gt": "is more than this",
    "gte": "is at least this",
    "lt": "is less than this",
    "lte": "is at most this",
    "contains": "contains this text",
    "icontains": "contains this text, letter case ignored",
    "startswith": "begins with this text",
    "endswith": "ends with this text",
}
_KINDS: dict[Kind, Node] = {
    Kind.BOOL: {"type": "boolean"},
    Kind.INT: {"type": "integer", "format": "int64", "minimum": -MAX_INT, "maximum": MAX_INT},
    Kind.FLOAT: {"type": "number"},
    Kind.DECIMAL: {"type": "string"} | FORMS[Kind.DECIMAL],
    Kind.STR: {"type": "string"},
    Kind.BYTES: {"type": "string", "contentEncoding": "base64"},
    Kind.DATETIME: {"type": "string"} | FORMS[Kind.DATETIME],
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.TIME: {"type": "string"} | FORMS[Kind.TIME],
    Kind.TIMEDELTA: {"type": "string", "format": "duration"},
    Kind.UUID: {"type": "string", "format": "uuid"},
}
OPERATOR_OF = "x-operator-of"
"""Marks the filters that a page to read first leaves out: with the field that they are of."""

_TEXT = (Op.CONTAINS, Op.ICONTAINS, Op.STARTSWITH, Op.ENDSWITH)


def list_parameters(binding: Binding, schemas: RecordSchemas) -> list[Node]:
    """Every parameter of ``GET /{collection}``."""
    filters = _filters(binding, schemas)
    operators = [item for item in filters if OPERATOR_OF in item]
    plain = [item for item in filters if OPERATOR_OF not in item]
    shown = [*include_parameter(schemas), *group_parameters(binding, schemas), *format_parameters()]
    first = [*_extent(binding, schemas), sparse_parameter(binding, schemas), *_search(binding, schemas)]
    return [*first, *plain, *shown, *_related(binding, schemas), *_groups(binding, schemas), *operators]


def sparse_parameter(binding: Binding, schemas: RecordSchemas) -> Node:
    """``fields``: only these."""
    names = [name for name in binding.declaration.json_output.names if name not in schemas.access.hidden]
    item: Node = {"type": "string", "enum": names}
    if not schemas.includable:
        return _listed("fields", "Show only these.", item)
    described = "Show only these; a dotted name shows that of a record which is included."
    return _listed("fields", described, {"anyOf": [item, {"type": "string", "pattern": r"^\w+(\.\w+)+$"}]})


def key_parameter(binding: Binding) -> Node:
    """The key in the path."""
    names = binding.schema.key
    parts = " and ".join(names)
    schema: Node = {"type": "string", "minLength": 1}
    field = binding.schema.field(names[0])
    if len(names) == 1 and field.kind is Kind.INT:
        schema = {"type": "integer", "format": "int64"}
    elif len(names) == 1 and field.kind is Kind.UUID:
        schema = {"type": "string", "format": "uuid"}
    description = f"{parts} of the record" + (", each percent-encoded, with a comma between" if len(names) > 1 else "")
    return {"name": "key", "in": "path", "required": True, "description": description, "schema": schema}


def _groups(binding: Binding, schemas: RecordSchemas) -> list[Node]:
    """The groups of filters."""
    name = next(field.name for field in stored_fields(binding, schemas) if Op.IS_NULL in operators_of(field))
    described = "Filters in parentheses with commas between them, {}; in each other, too."
    schema = {"type": "string", "pattern": r"^\(.+\)$"}
    example = {"example": f"({name}__isnull=true,{name}__isnull=false)"}
    told = {"or": "one of which is enough", "and": "all of which hold", "not": "not all of which hold"}
    return [_query(word, described.format(meaning), schema) | example for word, meaning in told.items()]


def _extent(binding: Binding, schemas: RecordSchemas) -> list[Node]:
    names = [
        field.name
        for field in stored_fields(binding, schemas)
        if field.kind not in (Kind.JSON, Kind.MANY) and field.asked is Asked.ORDER
    ]
    order = {"type": "string", "enum": [sign + name for name in names for sign in ("", "-")]}
    if _relations(binding, schemas):
        order = {"type": "string"}
    size = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": DEFAULT_PAGE_SIZE}
    after = _query("after", "Pages by cursor: empty for the first one, then `next` of the last.", {"type": "string"})
    return [
        _query(
            "page",
            "The number of the page, the first one without it; not together with `after`.",
            {"type": "integer", "minimum": 1},
        ),
        _query("page_size", "How many records a page has.", size),
        _listed(
            "sort", "Sorted by these, a minus before a name for largest first; dots lead through references.", order
        ),
        _query(
            "count",
            "Whether all are counted: `exact` where pages are used, `none` with `after`, if it is not said. `estimated`"
            f" counts up to {COUNTED}, and says beyond that about how many there are.",
            {"type": "string", "enum": list(COUNTS)},
        ),
        *([] if binding.is_keyless else [after]),
    ]


def _search(binding: Binding, schemas: RecordSchemas) -> list[Node]:
    if not binding.declaration.search or schemas.access.hidden.intersection(binding.declaration.search):
        return []
    described = (
        f"Words that are found in {', '.join(binding.declaration.search)}, in any letter case: all of them;"
        ' `"one after the other"` in quotes, `begin*`, `-without`.'
    )
    return [_query(SEARCH, described, {"type": "string", "minLength": 1, "maxLength": MAX_SEARCH})]


def _filters(binding: Binding, schemas: RecordSchemas) -> list[Node]:
    found = []
    taken = (*CONTROLS, SEARCH) if binding.declaration.search else CONTROLS
    for field in stored_fields(binding, schemas):
        if field.kind is Kind.MANY or (field.kind is Kind.REF and len(field.target_key) > 1):
            continue
        for suffix, op in OPERATORS.items():
            if op in operators_of(field):
                name = field.name if suffix == "eq" else f"{field.name}__{suffix}"
                name = f"{field.name}__eq" if name in taken else name
                described = f"{field.name} {_WORDS[suffix]}"
                if field.kind is Kind.JSON and op is not Op.IS_NULL:
                    told = _json_filter(name, described, schemas.of_compared(field.name), op)
                else:
                    told = _filter(name, described, field, op)
                found.append(told if suffix == "eq" else told | {OPERATOR_OF: field.name})
    return found


def _filter(name: str, description: str, field: FieldSchema, op: Op) -> Node:
    if op is Op.IS_NULL:
        return _query(name, description, {"type": "boolean"})
    if op in _TEXT:
        return _query(name, description, {"type": "string"})
    if op is Op.IN:
        return _listed(name, description, _value_schema(field))
    return _query(name, description, _value_schema(field))


def _json_filter(name: str, description: str, value: Node, op: Op) -> Node:
    schema = {"type": "array", "items": value} if op is Op.IN else value
    content = {"application/json": {"schema": schema}}
    return {"name": name, "in": "query", "description": description, "content": content}


def _value_schema(field: FieldSchema) -> Node:
    """The schema of a value in a filter: its type, none of the field's rules."""
    while field.kind is Kind.REF:
        (field,) = field.target_key
    schema = _KINDS[field.kind]
    return schema if field.choices is None else schema | {"enum": list(field.choices)}


def _related(binding: Binding, schemas: RecordSchemas) -> list[Node]:
    relations = _relations(binding, schemas)
    if not relations:
        return []
    pattern = rf"^({'|'.join(relations)})(\.\w+)+$"
    return [
        {
            "name": "related",
            "in": "query",
            "style": "form",
            "explode": True,
            "description": "Filters on what is referred to: a dotted name, with an operator as above or without.",
            "schema": {
                "type": "object",
                "patternProperties": {pattern: {"type": "string"}},
                "additionalProperties": False,
            },
        }
    ]


def _relations(binding: Binding, schemas: RecordSchemas) -> list[str]:
    leads_to = schemas.access.leads_to
    own = [field.name for field in binding.schema.fields if field.target is not None and field.name not in leads_to]
    return [*own, *[name.replace(".", r"\.") for name in schemas.includable if "." in name]]


def _query(name: str, description: str, schema: object) -> Node:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _listed(name: str, description: str, items: Node) -> Node:
    schema = {"type": "array", "items": items, "minItems": 1}
    return _query(name, description, schema) | {"style": "form", "explode": False}
