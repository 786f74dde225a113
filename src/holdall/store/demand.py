"""Demands: what a schema, a query or changes need of a store, and the refusal, by name, when it cannot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from holdall.errors import DeclarationError, LimitExceeded, ReadOnly, Unsupported
from holdall.query import (
    And,
    AnyQuery,
    Compare,
    Condition,
    Every,
    Exists,
    Generated,
    Kind,
    Not,
    Op,
    Or,
    Path,
    Schema,
    Some,
    Stated,
    is_formula,
    leads_on,
)
from holdall.store.capabilities import Capabilities, Feature, Isolation, Limits, LockMode
from holdall.store.change import Change
from holdall.store.runs import Runs

__all__ = ["demand_changes", "demand_isolation", "demand_lock", "demand_query", "demand_schema", "demand_whole_fields"]


def demand_schema(store: str, capabilities: Capabilities, schema: Schema) -> None:
    """Raise Unsupported for the first thing in the collection's declaration that the store cannot keep.

    Example: :func:`demand_query`.
    """
    for field in schema.stored:
        if field.kind not in capabilities.kinds:
            raise Unsupported(store, f"{field.kind} fields", f"{schema.name}.{field.name} needs them")
        is_made = field.generated is Generated.STORE and Feature.GENERATED_KEYS in capabilities.features
        if is_made and field.kind not in capabilities.generated_kinds:
            raise Unsupported(store, f"generated {field.kind} keys", f"{schema.name}.{field.name} needs them")
    needs: list[tuple[bool, Feature]] = [
        (any(field.generated is Generated.STORE for field in schema.fields), Feature.GENERATED_KEYS),
        (bool(schema.unique), Feature.UNIQUE),
        (schema.version is not None, Feature.VERSIONS),
        (any(field.kind is Kind.MANY for field in schema.stored), Feature.STORED_MANY),
        (len(schema.key) > 1, Feature.COMPOSITE_KEYS),
        (len(schema.key) > 1 and schema.counted is not None, Feature.GENERATED_PARTS),
        (not schema.key, Feature.KEYLESS),
        (bool(schema.given_by_store) and not schema.is_read_only, Feature.SERVER_VALUES),
        (bool(schema.streams), Feature.STREAMS),
    ]
    for is_needed, feature in needs:
        if is_needed and feature not in capabilities.features:
            raise Unsupported(store, feature, f"collection {schema.name} needs it")


def demand_whole_fields(store: str, schema: Schema) -> None:
    """Raise DeclarationError where a store that keeps each field in one place is given several names for it, or twice
    the same name. Example: :func:`demand_query`.
    """
    taken: dict[str, str] = {}
    for field in schema.stored:
        place = f"{schema.name}.{field.name}"
        if len(field.columns) > 1:
            raise DeclarationError(f"{place}: store {store!r} keeps the field in one place; name one column")
        other = taken.setdefault(field.column, place)
        if other != place:
            raise DeclarationError(f"{place}: {other} is stored as {field.column!r}, too")


def demand_query(store: str, capabilities: Capabilities, query: AnyQuery) -> None:
    """Raise Unsupported or LimitExceeded for the first thing in the query that the store cannot do.

    >>> from holdall.query import Query, SortKey
    >>> from holdall.store import Capabilities
    >>> demand_query("main", Capabilities(), Query("book").sort(SortKey(("id",))))
    Traceback (most recent call last):
    holdall.errors.Unsupported: store 'main': does not support sort
    """
    features = capabilities.features
    if query.condition != And(()) and Feature.FILTER not in features:
        raise Unsupported(store, Feature.FILTER)
    needs = (
        (bool(query.sort_keys), Feature.SORT),
        (query.skip > 0, Feature.OFFSET),
        (query.position is not None, Feature.KEYSET),
        (bool(query.projection), Feature.PROJECTION),
        (query.grouping is not None, Feature.AGGREGATES),
    )
    for is_needed, feature in needs:
        if is_needed and feature not in features:
            raise Unsupported(store, feature)
    paths = (*(key.path for key in query.sort_keys), *query.projection)
    if query.grouping is not None:
        paths = (*query.grouping.by, *(aggregate.path for aggregate in query.grouping.aggregates))
        _demand_condition(store, capabilities, query.grouping.having, is_of_columns=True)
    for path in paths:
        _demand_path(store, capabilities, path)
    _demand_condition(store, capabilities, query.condition)


def demand_changes(store: str, schemas: Mapping[str, Schema], changes: Sequence[Change]) -> None:
    """Raise Unsupported for a change to a collection the store was never bound to, or that is only read.

    Example: :func:`demand_query`.
    """
    for name in {change.collection for change in (changes.runs if isinstance(changes, Runs) else changes)}:
        if name not in schemas:
            raise Unsupported(store, f"collection {name}", "bind it first")
        if schemas[name].is_read_only:
            raise ReadOnly(store, name)


def demand_isolation(store: str, capabilities: Capabilities, isolation: Isolation) -> None:
    """Raise Unsupported for a level of isolation that the store's transactions do not have.

    Example: :func:`demand_query`.
    """
    if isolation not in capabilities.isolation:
        raise Unsupported(store, f"isolation {isolation.value!r}", _offered(capabilities.isolation))


def demand_lock(store: str, capabilities: Capabilities, lock: LockMode) -> None:
    """Raise Unsupported for a lock that reads inside the store's transactions cannot take.

    Example: :func:`demand_query`.
    """
    if lock not in capabilities.locks:
        raise Unsupported(store, f"the lock {lock.value!r}", _offered(capabilities.locks))


def _offered(offered: Iterable[str]) -> str:
    names = ", ".join(repr(str(each)) for each in sorted(offered))
    return f"it has {names}" if names else "it has none"


def _demand_path(store: str, capabilities: Capabilities, path: Path) -> None:
    if is_formula(path) and Feature.EXPRESSIONS not in capabilities.features:
        raise Unsupported(store, Feature.EXPRESSIONS, f"{path[0]} needs it")
    if leads_on(path) and Feature.RELATIONS not in capabilities.features:
        raise Unsupported(store, Feature.RELATIONS, f"the path {'.'.join(path)} needs it")


def _demand_condition(
    store: str, capabilities: Capabilities, condition: Condition, *, is_of_columns: bool = False
) -> None:
    limits = capabilities.limits
    pending, nodes = [condition], 0
    while pending:
        node = pending.pop()
        nodes += 1
        if nodes > limits.condition_nodes:
            raise LimitExceeded("nodes in one condition", limits.condition_nodes)
        match node:
            case And(items) | Or(items):
                pending.extend(items)
            case Not(item):
                pending.append(item)
            case Some(path, item) | Every(path, item):
                if Feature.MANY_CONDITIONS not in capabilities.features:
                    raise Unsupported(store, Feature.MANY_CONDITIONS)
                _demand_path(store, capabilities, path)
                pending.append(item)
            case Exists(inner, path):
                if Feature.SUBQUERIES not in capabilities.features:
                    raise Unsupported(store, Feature.SUBQUERIES)
                if path:
                    _demand_path(store, capabilities, path)
                demand_query(store, capabilities, inner)
            case Stated():
                if Feature.STATEMENTS not in capabilities.features:
                    raise Unsupported(store, Feature.STATEMENTS)
            case Compare(path, op, value):
                if not is_of_columns:
                    _demand_path(store, capabilities, path)
                _demand_operator(store, capabilities, limits, op, value)


def _demand_operator(store: str, capabilities: Capabilities, limits: Limits, op: Op, value: object) -> None:
    if op not in capabilities.operators:
        raise Unsupported(store, f"the operator {op}")
    if op in (Op.IN, Op.NOT_IN) and isinstance(value, tuple) and len(value) > limits.in_values:
        raise LimitExceeded("values in one list", limits.in_values)
