"""The columns of groups as a collection of their own, of which ``having``, the sort and the projection are a query."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from holdall.errors import QueryError
from holdall.query.aggregate import Aggregate, Grouping, column_name, result_field
from holdall.query.condition import Compare, Condition, Path
from holdall.query.query import AnyQuery, Query
from holdall.query.resolve import resolve, schema_of
from holdall.query.schema import FieldSchema, Kind, Schema
from holdall.query.walk import replace

__all__ = ["columns_schema", "grouping_of", "query_of_columns"]


def grouping_of(query: AnyQuery) -> Grouping:
    """The grouping of a query that has one."""
    assert query.grouping is not None
    return query.grouping


def columns_schema(query: AnyQuery, schemas: Mapping[str, Schema]) -> Schema:
    """The schema of the columns: those grouped by, which are its key, then the aggregates.

    Raises QueryError for a path that leads nowhere, and for a field that cannot be grouped by or aggregated so.

    >>> from holdall.query import FieldSchema, Kind, Schema, parse_query
    >>> book = Schema("book", (FieldSchema("id", Kind.INT), FieldSchema("pages", Kind.INT)), key=("id",))
    >>> columns = columns_schema(parse_query("book group pages only pages, avg(id)"), {"book": book})
    >>> [(field.name, field.kind.value) for field in columns.fields]
    [('pages', 'int'), ('avg(id)', 'float')]
    """
    schema, grouping = schema_of(schemas, query.collection), grouping_of(query)
    grouped = [_grouped(path, resolve(schemas, schema, path)[-1][1]) for path in grouping.by]
    made = [result_field(aggregate, _field(aggregate, schema, schemas)) for aggregate in grouping.aggregates]
    return Schema(schema.name, (*grouped, *made), key=tuple([field.name for field in grouped]))


def _field(aggregate: Aggregate, schema: Schema, schemas: Mapping[str, Schema]) -> FieldSchema | None:
    return resolve(schemas, schema, aggregate.path)[-1][1] if aggregate.path else None


def _grouped(path: Path, field: FieldSchema) -> FieldSchema:
    name = column_name(path)
    if field.kind in (Kind.JSON, Kind.MANY) or len(field.target_key) > 1:
        raise QueryError(f"{name} is {field.kind} and has no single value to group by")
    return msgspec.structs.replace(field, name=name, nullable=True, inside=None)


def query_of_columns(query: AnyQuery) -> AnyQuery:
    """The query of the columns of groups that picks, sorts, cuts and projects those which the query means.

    Example: :func:`columns_schema`.
    """
    sort_keys = [msgspec.structs.replace(key, path=_flat(key.path)) for key in query.sort_keys]
    projection = query.projection or grouping_of(query).by
    return Query(
        query.collection,
        replace(grouping_of(query).having, _flattened),
        tuple(sort_keys),
        query.max_rows,
        query.skip,
        None,
        tuple(map(_flat, projection)),
    )


def _flattened(node: Condition) -> Condition:
    return Compare(_flat(node.path), node.op, node.value) if isinstance(node, Compare) else node


def _flat(path: Path) -> Path:
    return (column_name(path),)
