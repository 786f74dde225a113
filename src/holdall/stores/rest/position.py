"""A position in a sort order as a condition: what comes after it."""

from __future__ import annotations

from holdall.query import NEVER, And, AnyQuery, Compare, Condition, Kind, Op, Or, Schema, SortKey, operators_of, resolve

__all__ = ["after", "not_before"]


def after(query: AnyQuery, schema: Schema) -> Condition | None:
    """The condition that the rows after the query's position meet, and no others; None where no operator says it."""
    alternatives: list[Condition] = []
    equal: tuple[Condition, ...] = ()
    for key, value in zip(query.sort_keys, query.position or (), strict=True):
        further = _beyond(key, value, schema)
        if further is None:
            return None
        if further != NEVER:
            alternatives.append(And((*equal, further)) if equal else further)
        same = Compare(key.path, Op.IS_NULL, True) if value is None else Compare(key.path, Op.EQ, value)
        equal = (*equal, same)
    return alternatives[0] if len(alternatives) == 1 else Or(tuple(alternatives))


def not_before(query: AnyQuery, schema: Schema) -> Compare | None:
    """A single comparison that all rows after the position meet, and few before it; None where there is none."""
    key, value = query.sort_keys[0], (query.position or (None,))[0]
    field = resolve({}, schema, key.path)[-1][1]
    if value is None or (field.nullable and not key.nulls_first) or Op.GE not in operators_of(field.kind):
        return None
    return Compare(key.path, Op.LE if key.descending else Op.GE, value)


def _beyond(key: SortKey, value: object, schema: Schema) -> Condition | None:
    field = resolve({}, schema, key.path)[-1][1]
    if value is None:
        return Compare(key.path, Op.IS_NULL, False) if key.nulls_first and field.nullable else NEVER
    further: Condition
    if field.kind is Kind.BOOL:
        further = NEVER if value is not key.descending else Compare(key.path, Op.EQ, not value)
    elif Op.GT in operators_of(field.kind):
        further = Compare(key.path, Op.LT if key.descending else Op.GT, value)
    else:
        return None
    if key.nulls_first or not field.nullable:
        return further
    missing = Compare(key.path, Op.IS_NULL, True)
    return missing if further == NEVER else Or((further, missing))
