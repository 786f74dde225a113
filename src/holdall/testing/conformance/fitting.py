"""The part of the world a store can keep: collections and fields cut to its declared capabilities."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from holdall.query import (
    ALWAYS,
    Aggregate,
    AnyQuery,
    Call,
    Compare,
    Exists,
    FieldSchema,
    Function,
    Generated,
    Grouping,
    Kind,
    LinkTable,
    ManyForm,
    Of,
    Op,
    Query,
    Schema,
    Some,
    SortKey,
    Stated,
    Table,
    Value,
    formula,
)
from holdall.store import Capabilities, Feature
from holdall.testing.conformance.world import SCHEMAS

__all__ = ["fitting_schemas", "fitting_tables", "odd_names", "query_needing", "schema_needing"]


def fitting_schemas(capabilities: Capabilities) -> dict[str, Schema]:
    """The world's collections without what the store does not declare."""
    fitted = {name: _fit(schema, capabilities) for name, schema in SCHEMAS.items()}
    kept = {name: schema for name, schema in fitted.items() if schema is not None}
    return {name: _without_lost(schema, kept) for name, schema in kept.items()}


def odd_names(schema: Schema, *, is_split: bool = False, is_key_named: bool = True) -> Schema:
    """The collection stored under names that others chose: no Python names, no names of ours.

    ``is_split``: a reference to a key of several fields takes a name for each, and a stored Many a table of its own.
    Without ``is_key_named`` a key of one field keeps its name.

    >>> odd_names(SCHEMAS["country"]).field("name").column
    'The Name, 5 % of :"country"`'
    """
    fields = []
    for field in schema.fields:
        label = _odd_name(schema.name, field.name)
        is_named = field.is_stored and (is_key_named or schema.key != (field.name,))
        if is_split and field.kind is Kind.MANY:
            position = "№" if field.form is ManyForm.LIST else None
            owner = tuple(f"{name} $" for name in schema.key)
            target = tuple(f"{label} {part.name}" for part in field.target_key)
            field = msgspec.structs.replace(field, link=LinkTable(f"{label}s", owner, target, position))
        elif is_split and len(field.target_key) > 1:
            field = msgspec.structs.replace(field, columns=tuple(f"{label} {part.name}" for part in field.target_key))
        elif is_named:
            field = msgspec.structs.replace(field, columns=(label,))
        if len(field.target_key) > 1:
            key = [
                msgspec.structs.replace(part, columns=(_odd_name(field.target, part.name),))
                for part in field.target_key
            ]
            field = msgspec.structs.replace(field, target_key=tuple(key))
        fields.append(field)
    return msgspec.structs.replace(schema, fields=tuple(fields), table=f"all of {schema.name}s")


def _odd_name(collection: str | None, field: str) -> str:
    return f'The {field.title()}, 5 % of :"{collection}"`'


def fitting_tables(schemas: Mapping[str, Schema], tables: Mapping[str, Table]) -> dict[str, Table]:
    """The rows of these tables cut to the fields these schemas still have."""
    fitted = {}
    for name, schema in schemas.items():
        places = [tables[name].schema.positions[field.name] for field in schema.stored]
        fitted[name] = Table(schema, [tuple(row[place] for place in places) for row in tables[name].rows])
    return fitted


def schema_needing(need: Feature | Kind) -> Schema | None:
    """A collection of which a store that cannot do this must refuse to be told; None where no declaration needs it."""
    key = FieldSchema("id", Kind.INT)
    if isinstance(need, Kind):
        if need is Kind.MANY:
            return schema_needing(Feature.STORED_MANY)
        extent = {"digits": 18, "places": 4} if need is Kind.DECIMAL else {}
        target = {"target": "needing", "target_key": (key,)} if need is Kind.REF else {}
        return Schema("needing", (key, FieldSchema("value", need, nullable=True, **extent, **target)), ("id",))  # type: ignore[arg-type]
    many = FieldSchema("others", Kind.MANY, target="needing", target_key=(key,), form=ManyForm.LIST)
    return {
        Feature.GENERATED_KEYS: Schema("needing", (msgspec.structs.replace(key, generated=Generated.STORE),), ("id",)),
        Feature.UNIQUE: Schema("needing", (key, FieldSchema("code", Kind.INT)), ("id",), unique=(("code",),)),
        Feature.VERSIONS: Schema("needing", (key, FieldSchema("version", Kind.INT)), ("id",), version="version"),
        Feature.STORED_MANY: Schema("needing", (key, many), ("id",)),
        Feature.KEYLESS: Schema("needing", (key,), (), is_read_only=True),
        Feature.SERVER_VALUES: Schema(
            "needing",
            (key, FieldSchema("made", Kind.DATETIME, generated=Generated.DEFAULT)),
            ("id",),
        ),
        Feature.STREAMS: Schema("needing", (key,), ("id",), streams=("log",)),
        Feature.COMPOSITE_KEYS: Schema("needing", (key, FieldSchema("part", Kind.INT)), ("id", "part")),
        Feature.GENERATED_PARTS: Schema(
            "needing",
            (FieldSchema("part", Kind.INT), msgspec.structs.replace(key, generated=Generated.STORE)),
            ("part", "id"),
        ),
    }.get(need)


def query_needing(need: Feature | Op, schemas: Mapping[str, Schema]) -> AnyQuery | None:
    """A query that a store that cannot do this must refuse; None where no query on what it keeps needs it."""
    name = Compare(("name",), Op.EQ, "a")
    by_name = (SortKey(("name",)),)
    if isinstance(need, Op):
        value: Value = {Op.IN: ("a",), Op.NOT_IN: ("a",), Op.BETWEEN: ("a", "b"), Op.IS_NULL: True}.get(need, "a")
        return Query("country", Compare(("name",), need, value))
    by_all = Grouping((), (Aggregate(Function.ROWS),))
    has_reference = "author" in schemas and "country" in schemas["author"].by_name
    return {
        Feature.FILTER: Query("country", name),
        Feature.SORT: Query("country", sort_keys=by_name),
        Feature.OFFSET: Query("country", skip=1),
        Feature.KEYSET: Query("country", sort_keys=by_name, position=("a",)),
        Feature.PROJECTION: Query("country", projection=(("name",),)),
        Feature.AGGREGATES: Query("country", projection=(("rows()",),), grouping=by_all),
        Feature.SUBQUERIES: Query("country", Exists(Query("country", projection=(("name",),)), ("name",))),
        Feature.EXPRESSIONS: Query("country", Compare((formula(Call("lower", (Of(("name",)),))),), Op.EQ, "a")),
        Feature.RELATIONS: Query("author", Compare(("country", "name"), Op.EQ, "a")) if has_reference else None,
        Feature.MANY_CONDITIONS: Query("country", Some(("authors",), ALWAYS)) if has_reference else None,
        Feature.STATEMENTS: Query("country", Stated("of another language")),
    }.get(need)


def _fit(schema: Schema, capabilities: Capabilities) -> Schema | None:
    features = capabilities.features
    if len(schema.key) > 1 and Feature.COMPOSITE_KEYS not in features:
        return None
    fields = []
    for field in schema.fields:
        if field.is_stored and field.kind not in capabilities.kinds:
            if field.name in schema.key:
                return None
            continue
        if field.kind is Kind.MANY and field.is_stored and Feature.STORED_MANY not in features:
            continue
        if field.generated is Generated.STORE and Feature.GENERATED_KEYS not in features:
            field = msgspec.structs.replace(field, generated=Generated.NO)
        fields.append(field)
    names = {field.name for field in fields}
    unique = tuple(group for group in schema.unique if Feature.UNIQUE in features and names.issuperset(group))
    search = tuple(name for name in schema.search if name in names)
    version = schema.version if Feature.VERSIONS in features else None
    return Schema(schema.name, tuple(fields), schema.key, version, unique, search=search)


def _without_lost(schema: Schema, kept: Mapping[str, Schema]) -> Schema:
    """The schema without the fields that lead to collections the store cannot keep."""
    fields = tuple(
        field
        for field in schema.fields
        if field.target is None
        or (field.target in kept and (field.back is None or field.back in kept[field.target].by_name))
    )
    return msgspec.structs.replace(schema, fields=fields)
