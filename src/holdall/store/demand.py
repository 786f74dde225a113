"""Demands: what a schema, a query or changes need of a store, and the refusal, by name, when it cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from holdall.errors import LimitExceeded, Unsupported
from holdall.query import (
    And,
    AnyQuery,
    Compare,
    Condition,
    Every,
    Generated,
    Kind,
    Not,
    Op,
    Or,
    Path,
    Schema,
    Some,
)
from holdall.store.capabilities import Capabilities, Feature, Limits
from holdall.store.change import Change
from holdall.store.runs import Runs

__all__ = ["demand_changes", "demand_query", "demand_schema"]


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
        (bool(schema.streams), Feature.STREAMS),
    ]
    for is_needed, feature in needs:
        if is_needed and feature not in capabilities.features:
            raise Unsupported(store, feature, f"collection {schema.name} needs it")


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
    )
    for is_needed, feature in needs:
        if is_needed and feature not in features:
            raise Unsupported(store, feature)
    for path in (*(key.path for key in query.sort_keys), *query.projection):
        _demand_path(store, capabilities, path)
    _demand_condition(store, capabilities, query.condition)


def demand_changes(store: str, schemas: Mapping[str, Schema], changes: Sequence[Change]) -> None:
    """Raise Unsupported for a change to a collection the store was never bound to. Example: :func:`demand_query`."""
    for name in {change.collection for change in (changes.runs if isinstance(changes, Runs) else changes)}:
        if name not in schemas:
            raise Unsupported(store, f"collection {name}", "bind it first")


def _demand_path(store: str, capabilities: Capabilities, path: Path) -> None:
    if len(path) > 1 and Feature.RELATIONS not in capabilities.features:
        raise Unsupported(store, Feature.RELATIONS, f"the path {'.'.join(path)} needs it")


def _demand_condition(store: str, capabilities: Capabilities, condition: Condition) -> None:
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
            case Compare(path, op, value):
                _demand_path(store, capabilities, path)
                _demand_operator(store, capabilities, limits, op, value)


def _demand_operator(store: str, capabilities: Capabilities, limits: Limits, op: Op, value: object) -> None:
    if op not in capabilities.operators:
        raise Unsupported(store, f"the operator {op}")
    if op in (Op.IN, Op.NOT_IN) and isinstance(value, tuple) and len(value) > limits.in_values:
        raise LimitExceeded("values in one list", limits.in_values)
