"""Reading from memory: by key where the condition is the key, through ``select`` otherwise."""

from __future__ import annotations

from collections.abc import Iterable

from holdall.query import (
    AnyQuery,
    Kind,
    Op,
    Value,
    check,
    compile_condition,
    resolve,
    select,
)
from holdall.store import (
    OF_TABLES,
    Capabilities,
    CommitClass,
    Feature,
    Hold,
    Isolation,
    LockMode,
    Row,
    Rows,
    demand_query,
    keys_asked,
)
from holdall.stores.memory.data import Data

__all__ = ["CAPABILITIES", "copied", "count_rows", "fetch_rows"]

CAPABILITIES = Capabilities(
    commit=CommitClass.TX,
    features=frozenset(Feature) - OF_TABLES,
    operators=frozenset(Op),
    kinds=frozenset(Kind),
    is_durable=False,
    is_embedded=True,
    hold=Hold.RESERVED,
    isolation=frozenset(Isolation),
    locks=frozenset(LockMode),
)
"""What a memory store can do: everything."""


def fetch_rows(data: Data, query: AnyQuery) -> Rows:
    """The rows the query means. Raises QueryError for a query that does not fit the collections."""
    _refuse(data, query)
    found = select(query, _candidates(data, query), data)
    if query.grouping is not None:
        return found
    paths = query.projection or tuple((field.name,) for field in data.schemas[query.collection].stored)
    if _has_json(data, query.collection, paths):
        return [copied(row) for row in found]
    return found


def count_rows(data: Data, query: AnyQuery) -> int:
    """How many rows the query's condition means."""
    _refuse(data, query)
    meets = compile_condition(query.condition, data.schemas[query.collection], data)
    return sum(map(meets, _candidates(data, query)))


def _refuse(data: Data, query: AnyQuery) -> None:
    check(query, data.schemas)
    demand_query(data.store, CAPABILITIES, query)


def copied(value: object) -> Value:
    """A copy of a tree of tuples, dictionaries and lists."""
    if isinstance(value, dict):
        return {name: copied(item) for name, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return tuple([copied(item) for item in value]) if isinstance(value, tuple) else value


def _candidates(data: Data, query: AnyQuery) -> Iterable[Row]:
    """The rows with the wanted keys where the condition demands certain keys, else all rows."""
    schema, rows = data.schemas[query.collection], data.tables[query.collection].rows
    wanted = keys_asked(schema, query)
    if wanted is None:
        return rows.values()
    return [row for key in wanted if (row := rows.get(key)) is not None]


def _has_json(data: Data, collection: str, paths: tuple[tuple[str, ...], ...]) -> bool:
    schemas = data.schemas
    return any(resolve(schemas, schemas[collection], path)[-1][1].kind is Kind.JSON for path in paths)
