"""The static check of a query: every path exists, every operator fits its field, every value is of the field's kind.

Stores and sessions call it before anything is sent; ``evaluate`` and compilers may then rely on it.
"""

from __future__ import annotations

from collections.abc import Mapping

from holdall.errors import LimitExceeded, QueryError
from holdall.query.columns import columns_schema, query_of_columns
from holdall.query.condition import And, Compare, Condition, Every, Exists, Not, Op, Or, Path, Some, Stated
from holdall.query.kinds import MAX_DEPTH, MAX_INT, is_of_kind, kind_test
from holdall.query.later import Later
from holdall.query.paths import paths_of
from holdall.query.query import AnyQuery
from holdall.query.resolve import OUTER, members_schema, resolve, schema_of
from holdall.query.schema import Asked, FieldSchema, Kind, ManyForm, Schema
from holdall.query.sort import SortKey
from holdall.query.walk import nodes

__all__ = ["MAX_DEPTH", "MAX_INT", "check", "is_of_kind", "kind_test", "operators_of"]

_EQUALITY = frozenset({Op.EQ, Op.NE, Op.IN, Op.NOT_IN, Op.IS_NULL})
_ORDER = frozenset({Op.LT, Op.LE, Op.GT, Op.GE, Op.BETWEEN})
_TEXT = frozenset({Op.CONTAINS, Op.ICONTAINS, Op.STARTSWITH, Op.ENDSWITH})
_ONLY_NULL = frozenset({Op.IS_NULL})
_NO_ORDER = frozenset({Kind.BOOL, Kind.JSON, Kind.REF})


def operators_of(field: FieldSchema | Kind) -> frozenset[Op]:
    """Return the operators that fit a field, or any of this kind; none fit a Many, which is asked by Some and Every.

    Nothing looks into the text of an ObjectId; a field may be asked for less than its kind allows (``Asked``).

    >>> from holdall.query import Asked, FieldSchema, Kind, Op
    >>> Op.CONTAINS in operators_of(Kind.STR), Op.CONTAINS in operators_of(Kind.INT)
    (True, False)
    >>> Op.LT in operators_of(FieldSchema("address", Kind.STR, asked=Asked.EQUALITY))
    False
    """
    if isinstance(field, FieldSchema) and field.asked is not Asked.ORDER:
        return _ONLY_NULL if field.asked is Asked.NOTHING else operators_of(field.kind) - _ORDER
    kind, is_opaque = (field.kind, field.is_object_id) if isinstance(field, FieldSchema) else (field, False)
    if is_opaque:
        return _EQUALITY | _ORDER
    if kind is Kind.MANY:
        return frozenset()
    if kind is Kind.STR:
        return _EQUALITY | _ORDER | _TEXT
    return _EQUALITY if kind in _NO_ORDER else _EQUALITY | _ORDER


def check(query: AnyQuery, schemas: Mapping[str, Schema]) -> None:
    """Raise QueryError for the first thing in the query that is unknown or does not fit; LimitExceeded if too deep.

    ``schemas`` holds the query's collection and every collection its paths lead to, by name.

    >>> from holdall.query import FieldSchema, Kind, Schema, check, parse_query
    >>> book = Schema("book", (FieldSchema("id", Kind.INT), FieldSchema("pages", Kind.INT)), key=("id",))
    >>> check(parse_query("book where page > 500"), {"book": book})
    Traceback (most recent call last):
    holdall.errors.QueryError: book has no field 'page'; it has id, pages
    """
    schema = schema_of(schemas, query.collection)
    _check_condition(query.condition, schema, schemas)
    if query.grouping is not None:
        _check_groups(query, schemas)
        return
    for key in query.sort_keys:
        _check_sort(key, schema, schemas)
    if query.position is not None:
        _check_position(query, schema, schemas)
    for path in query.projection:
        field = resolve(schemas, schema, path)[-1][1]
        is_there = field.is_stored or field.inside is not None
        if not is_there or (field.kind is Kind.MANY and len(path) > 1):
            raise QueryError(f"{_name(schema, path)} cannot be projected: it is a Many kept elsewhere")
    _check_part(query)


def _check_part(query: AnyQuery) -> None:
    if (query.max_rows is not None and query.max_rows < 0) or query.skip < 0:
        raise QueryError("a limit or an offset cannot be negative")


def _check_groups(query: AnyQuery, schemas: Mapping[str, Schema]) -> None:
    if query.position is not None:
        raise QueryError("groups have no position to continue after; use a limit and an offset")
    columns = columns_schema(query, schemas)
    of_columns = query_of_columns(query)
    if any(isinstance(node, Some | Every) for node in nodes(of_columns.condition)):
        raise QueryError("having compares columns of groups; some and every belong in where")
    for path in paths_of(of_columns):
        if path[0] not in columns.by_name:
            raise QueryError(f"{path[0]} is neither grouped nor aggregated in this query of {query.collection}")
    check(of_columns, {columns.name: columns})


def _check_condition(condition: Condition, schema: Schema, schemas: Mapping[str, Schema]) -> None:
    pending: list[tuple[Condition, Schema, int]] = [(condition, schema, 1)]
    while pending:
        node, start, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise LimitExceeded("levels in one condition", MAX_DEPTH, "write it flatter")
        if isinstance(node, Compare):
            _check_compare(node, start, schemas)
        elif isinstance(node, And | Or):
            pending.extend((item, start, depth + 1) for item in node.items)
        elif isinstance(node, Not):
            pending.append((node.item, start, depth + 1))
        elif isinstance(node, Exists):
            _check_exists(node, start, schemas)
        elif not isinstance(node, Stated):
            pending.append((node.condition, _many_target(node, start, schemas), depth + 1))


def _check_exists(node: Exists, start: Schema, schemas: Mapping[str, Schema]) -> None:
    query: AnyQuery = node.query
    if query.grouping is not None or query.position is not None:
        raise QueryError("a query within a query has no groups and no position")
    within = {name: schema for name, schema in schemas.items() if name != OUTER}
    if not node.path:
        check(query, {**within, OUTER: start})
        return
    check(query, within)
    if len(query.projection) != 1:
        raise QueryError(f"{_name(start, node.path)} is looked for in a query of one column: give only() one field")
    fields = [resolve(schemas, start, node.path)[-1][1]]
    fields.append(resolve(schemas, schema_of(schemas, query.collection), query.projection[0])[-1][1])
    if any(field.asked is Asked.NOTHING for field in fields):
        raise QueryError(f"{_name(start, node.path)} or the column of the query is a secret, which is not compared")
    kinds = [_key_kinds(field) for field in fields]
    if kinds[0] != kinds[1] or not {Kind.JSON, Kind.MANY}.isdisjoint(kinds[0]):
        raise QueryError(f"{_name(start, node.path)} is {fields[0].kind}, the column of the query {fields[1].kind}")


def _key_kinds(field: FieldSchema) -> tuple[Kind, ...]:
    """The kinds of a value, of a reference those of the key that it is."""
    if field.kind is not Kind.REF:
        return (field.kind,)
    return tuple([kind for part in field.target_key for kind in _key_kinds(part)])


def _many_target(node: Some | Every, start: Schema, schemas: Mapping[str, Schema]) -> Schema:
    field = resolve(schemas, start, node.path)[-1][1]
    if field.kind is not Kind.MANY or field.target is None:
        word = "some" if isinstance(node, Some) else "every"
        raise QueryError(f"{_name(start, node.path)} is no Many: {word} has nothing to go through")
    target = members_schema(schemas, field)
    if field.form is ManyForm.BACK and field.back is not None:
        target.field(field.back)
    return target


def _check_compare(node: Compare, start: Schema, schemas: Mapping[str, Schema]) -> None:
    path, op, value = node.path, node.op, node.value
    field = resolve(schemas, start, path)[-1][1]
    if op not in operators_of(field):
        raise QueryError(f"{op} does not fit {_name(start, path)}, which is {_asked_name(field)}")
    if op is Op.IS_NULL:
        if not isinstance(value, bool):
            raise QueryError(f"is_null on {_name(start, path)} takes True or False")
    elif op in (Op.IN, Op.NOT_IN, Op.BETWEEN):
        if not isinstance(value, tuple) or (op is Op.BETWEEN and len(value) != 2):
            raise QueryError(f"{op} on {_name(start, path)} takes a {'pair' if op is Op.BETWEEN else 'tuple'}")
        for item in value:
            _check_value(start, path, field, item)
    else:
        _check_value(start, path, field, value)


def _asked_name(field: FieldSchema) -> str:
    if field.asked is Asked.ORDER:
        return _kind_name(field)
    return "a secret" if field.asked is Asked.NOTHING else f"{field.kind} without an order of its values"


def _check_value(start: Schema, path: Path, field: FieldSchema, value: object) -> None:
    if not is_of_kind(field, value):
        hint = "; use is_null for missing values" if value is None else ""
        if isinstance(value, Later):
            raise QueryError(
                f"{_name(start, path)} is compared with {value.name}, which has no value here: parameters are for"
                " app.add_selection(...), and me for policies"
            )
        compared = f"{_described(value)} cannot be compared with it{hint}"
        raise QueryError(f"{_name(start, path)} is {_kind_name(field)}: {compared}")


def _check_sort(key: SortKey, schema: Schema, schemas: Mapping[str, Schema]) -> None:
    field = resolve(schemas, schema, key.path)[-1][1]
    if field.kind in (Kind.JSON, Kind.MANY) or (field.kind is Kind.REF and len(field.target_key) > 1):
        raise QueryError(f"{_name(schema, key.path)} is {field.kind} and has no order; sort by a field of one value")


def _check_position(query: AnyQuery, schema: Schema, schemas: Mapping[str, Schema]) -> None:
    position = query.position or ()
    if len(position) != len(query.sort_keys):
        raise QueryError(f"a position needs {len(query.sort_keys)} values, one for each sort key")
    for key, value in zip(query.sort_keys, position, strict=True):
        if value is not None:
            _check_value(schema, key.path, resolve(schemas, schema, key.path)[-1][1], value)


def _kind_name(field: FieldSchema) -> str:
    return "an ObjectId" if field.is_object_id else str(field.kind)


def _described(value: object) -> str:
    return "null" if value is None else f"this {type(value).__name__}"


def _name(schema: Schema, path: Path) -> str:
    return ".".join((schema.name, *path))
