"""Queries that were read from text: names with dots between them become those of references inside values."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from holdall.query.aggregate import Aggregate, Grouping
from holdall.query.condition import And, Compare, Condition, Every, Exists, Not, Or, Path, Some
from holdall.query.nested_place import NestedName
from holdall.query.query import AnyQuery
from holdall.query.schema import Kind, Schema
from holdall.query.sort import SortKey
from holdall.query.term import Of, Outer, Term, formula, formula_of, is_formula, moved

__all__ = ["placed"]


def placed(query: AnyQuery, schemas: Mapping[str, Schema]) -> AnyQuery:
    """The same query, in which each reference inside a value is one step of its path.

    A path that leads nowhere stays as it is, and is refused where the query is asked.

    >>> from holdall.query import FieldSchema, Kind, NestedName, NestedPlace, Schema, parse_query
    >>> inside = NestedPlace("address", ("city",))
    >>> city = FieldSchema(NestedName("address.city"), Kind.REF, target="cities", inside=inside)
    >>> order = Schema("orders", (FieldSchema("address", Kind.JSON),), key=(), nested=(city,))
    >>> placed(parse_query('orders where address.city.name = "Paris"'), {"orders": order}).condition.path
    ('address.city', 'name')
    """
    return _Placing(schemas, None).query(query)


class _Placing:
    """One query; ``around`` is that of the query around it."""

    def __init__(self, schemas: Mapping[str, Schema], around: Schema | None) -> None:
        self._schemas = schemas
        self._around = around

    def query(self, query: AnyQuery) -> AnyQuery:
        schema = self._schemas.get(query.collection)
        if schema is None:
            return query
        grouping, columns = query.grouping, dict[str, str]()
        if grouping is not None:
            made = tuple([Aggregate(each.function, self._path(each.path, schema)) for each in grouping.aggregates])
            columns = {old.name: new.name for old, new in zip(grouping.aggregates, made, strict=True)}
            by = tuple([self._path(path, schema) for path in grouping.by])
            grouping = Grouping(by, made, self._condition(grouping.having, schema, columns))
        return msgspec.structs.replace(
            query,
            condition=self._condition(query.condition, schema, {}),
            sort_keys=tuple([self._sort_key(key, schema, columns) for key in query.sort_keys]),
            projection=tuple([self._path(path, schema, columns) for path in query.projection]),
            grouping=grouping,
        )

    def _sort_key(self, key: SortKey, schema: Schema, columns: Mapping[str, str]) -> SortKey:
        return msgspec.structs.replace(key, path=self._path(key.path, schema, columns))

    def _condition(self, node: Condition, schema: Schema, columns: Mapping[str, str]) -> Condition:
        match node:
            case And(items) | Or(items):
                return type(node)(tuple([self._condition(item, schema, columns) for item in items]))
            case Not(item):
                return Not(self._condition(item, schema, columns))
            case Compare(path):
                return msgspec.structs.replace(node, path=self._path(path, schema, columns))
            case Some(path, item) | Every(path, item):
                found = self._path(path, schema)
                target = self._schema_at(found, schema)
                inner = item if target is None else self._condition(item, target, {})
                return msgspec.structs.replace(node, path=found, condition=inner)
            case Exists(query, path):
                inner_query = _Placing(self._schemas, schema).query(query)
                return msgspec.structs.replace(node, query=inner_query, path=self._path(path, schema))
        return node

    def _path(self, path: Path, schema: Schema | None, columns: Mapping[str, str] | None = None) -> Path:
        if is_formula(path):
            return (*path[:-1], formula(moved(formula_of(path).term, lambda term: self._term(term, schema))))
        if columns and len(path) == 1 and path[0] in columns:
            return (columns[path[0]],)
        found, rest = list[str](), path
        while rest and schema is not None:
            length = next((size for size in range(len(rest), 0, -1) if _nested(schema, ".".join(rest[:size]))), 1)
            name = ".".join(rest[:length])
            field = schema.by_name.get(name)
            found.append(name if field is None else field.name)
            rest = rest[length:]
            schema = self._schemas.get(field.target) if field is not None and field.target is not None else None
        return (*found, *rest)

    def _term(self, term: Term, schema: Schema | None) -> Term:
        if isinstance(term, Of):
            return Of(self._path(term.path, schema))
        return Outer(self._path(term.path, self._around)) if isinstance(term, Outer) else term

    def _schema_at(self, path: Path, schema: Schema | None) -> Schema | None:
        for name in path:
            field = None if schema is None else schema.by_name.get(name)
            if field is None or field.kind not in (Kind.REF, Kind.MANY) or field.target is None:
                return None
            schema = self._schemas.get(field.target)
        return schema


def _nested(schema: Schema, name: str) -> bool:
    field = schema.by_name.get(name)
    return field is not None and field.name.__class__ is NestedName
