"""From SQLAlchemy's Selects to queries: which records is said by the Select itself, the rest by the query."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping

import sqlalchemy as sa
from sqlalchemy.orm import LoaderCriteriaOption
from sqlalchemy.sql import operators

from holdall.adoption.sqlalchemy_types import AnyMapper, AnySelect
from holdall.errors import QueryError
from holdall.query import AnyQuery, Owner, Query, SortKey, Stated, Value

__all__ = ["query_of"]

_DIRECTIONS = {operators.asc_op: {"descending": False}, operators.desc_op: {"descending": True}}
_PLACES = {operators.nulls_first_op: "first", operators.nulls_last_op: "last"}


def query_of(statement: object, models: Mapping[Value, Value]) -> AnyQuery | None:
    """The query that a Select stands for; None for what is no statement of SQLAlchemy.

    Which records are meant is said by the Select: its joins, conditions, groups and subqueries. Its order, which must
    be that of columns of the class, its limit and its offset become those of the query. Each record is there once.
    Raises QueryError for a Select of anything but one adopted class, and for what a query has no room for.
    """
    if not isinstance(statement, sa.Executable) or not isinstance(statement, sa.ClauseElement):
        return None
    if not isinstance(statement, sa.Select):
        raise QueryError(f"a Select of one adopted class can be asked, not a {type(statement).__name__}")
    entity, model = _entity_of(statement, models)
    mapper: AnyMapper = sa.inspect(entity).mapper
    _demand_plain(statement)
    key = [getattr(entity, mapper.get_property_by_column(column).key) for column in mapper.primary_key]
    keys = statement.with_only_columns(*key, maintain_column_froms=True).order_by(None).limit(None).offset(None)
    form, values = _parted(keys)
    query: AnyQuery = Query(model.__holdall__.collection, Stated(keys, form, values, Owner(model)), model=model)
    sort_keys = tuple(_sort_keys(statement, entity, mapper, model))
    query = query.sort(*sort_keys) if sort_keys else query
    rows, skip = _number(statement._limit_clause, "limit"), _number(statement._offset_clause, "offset")
    query = query if rows is None else query.limit(rows)
    return query.offset(skip) if skip else query


def _entity_of(statement: AnySelect, models: Mapping[Value, Value]) -> tuple[Value, Value]:
    """The class, or the alias of it, that a Select is of, and the model that adopts it."""
    described = statement.column_descriptions
    if len(described) != 1:
        raise QueryError(f"a Select of one adopted class can be asked, and this one is of {len(described)} things")
    entity = described[0].get("entity")
    if entity is None or described[0]["expr"] is not entity:
        raise QueryError(
            f"a Select of an adopted class can be asked, and this one is of {described[0]['name']}: "
            "ask for the class, and for single fields by only()"
        )
    mapped = sa.inspect(entity).mapper.class_
    model = models.get(mapped)
    if model is None:
        known = ", ".join(sorted(each.__name__ for each in models)) or "none is"
        raise QueryError(f"no model here adopts {mapped.__name__}; adopted are: {known}")
    return entity, model


def _demand_plain(statement: AnySelect) -> None:
    refused = {
        "with_for_update()": statement._for_update_arg is not None,
        "fetch()": statement._fetch_clause is not None,
        "with_loader_criteria()": any(isinstance(each, LoaderCriteriaOption) for each in statement._with_options),
    }
    for name, is_there in refused.items():
        if is_there:
            raise QueryError(f"{name} of a Select has no counterpart in a query; leave it out")


def _sort_keys(statement: AnySelect, entity: Value, mapper: AnyMapper, model: Value) -> Iterator[SortKey]:
    paths = _paths(model)
    known = {str(each.columns[0].name): getattr(entity, each.key).expression for each in mapper.column_attrs}
    columns = {name: column for name, column in known.items() if name in paths}
    for clause in statement._order_by_clauses:
        element: Value = clause
        descending, place = False, None
        while isinstance(element, sa.UnaryExpression) and element.modifier in (*_DIRECTIONS, *_PLACES):
            descending = _DIRECTIONS.get(element.modifier, {}).get("descending", descending)
            place = _PLACES.get(element.modifier, place)
            element = element.element
        path = next((paths[name] for name, column in columns.items() if column.compare(element)), None)
        if path is None:
            raise QueryError(
                f"a Select is sorted by columns of {mapper.class_.__name__}, not by {element}: sort the query instead, "
                f"as {model.__name__}.where(select(…)).sort(…)"
            )
        yield SortKey(path, descending, place)  # type: ignore[arg-type]  # place is one of _PLACES


def _paths(model: Value) -> dict[str, tuple[str, ...]]:
    """The field of a model by its column, where it has one."""
    found: dict[str, tuple[str, ...]] = {}
    for field in model.__holdall__.stored:
        columns = field.options.columns or (field.name,)
        if len(columns) == 1 and field.form is None:
            found[columns[0]] = (field.name,)
    return found


def _number(clause: Value, word: str) -> int | None:
    if clause is None:
        return None
    value = getattr(clause, "effective_value", getattr(clause, "value", None))
    if not isinstance(value, int) or isinstance(value, bool):
        raise QueryError(f"the {word} of a Select must be a number")
    return value


def _parted(statement: AnySelect) -> tuple[Hashable, tuple[Value, ...]]:
    """Return the form that a statement shares with those that differ in values alone, and these values.

    Lists of values belong to the form, as their lengths do.
    """
    known = statement._generate_cache_key()
    if known is None:
        return object(), ()
    for parameter in known.bindparams:
        if parameter.required:
            raise QueryError(f"the parameter {parameter.key!r} of a Select has no value: give it by params()")
    lists = tuple([_typed(each.effective_value) for each in known.bindparams if each.expanding])
    return (known.key, lists), tuple([each.effective_value for each in known.bindparams])


def _typed(values: Value) -> Hashable:
    """Values with their classes, as 1 and True are equal and are stored otherwise."""
    return tuple([(type(value), value) for value in values or ()])
