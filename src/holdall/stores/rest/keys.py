"""Which keys a condition demands, so that records are asked for one by one instead of searched for."""

from __future__ import annotations

from holdall.query import And, Compare, Condition, Key, Op, Or, Schema, Value

__all__ = ["demanded_keys", "is_about_keys"]


def demanded_keys(condition: Condition, schema: Schema) -> list[Key] | None:
    """Keys such that every record that meets the condition has one of them; None where any record may."""
    if isinstance(condition, Compare):
        return _of_compare(condition, schema)
    if isinstance(condition, Or):
        found: dict[Key, None] = {}
        for item in condition.items:
            keys = demanded_keys(item, schema)
            if keys is None:
                return None
            found.update(dict.fromkeys(keys))
        return list(found)
    if isinstance(condition, And):
        if len(schema.key) > 1 and (key := _composite(condition, schema)) is not None:
            return [key]
        choices = [keys for item in condition.items if (keys := demanded_keys(item, schema)) is not None]
        return min(choices, key=len) if choices else None
    return None


def is_about_keys(condition: Condition, schema: Schema) -> bool:
    """Whether the condition names keys and says nothing else, as a look-up by key does."""
    pending = [condition]
    while pending:
        node = pending.pop()
        if isinstance(node, And | Or):
            pending.extend(node.items)
        elif not (
            isinstance(node, Compare)
            and len(node.path) == 1
            and node.path[0] in schema.key
            and node.op in (Op.EQ, Op.IN)
        ):
            return False
    return demanded_keys(condition, schema) is not None


def _of_compare(node: Compare, schema: Schema) -> list[Value] | None:
    if len(schema.key) > 1 or node.path != schema.key:
        return None
    if node.op is Op.EQ:
        return [node.value]
    return list(dict.fromkeys(node.value)) if node.op is Op.IN else None


def _composite(condition: And, schema: Schema) -> Value:
    equal = {
        item.path[0]: item.value
        for item in condition.items
        if isinstance(item, Compare) and item.op is Op.EQ and len(item.path) == 1
    }
    if not all(name in equal for name in schema.key):
        return None
    return tuple([equal[name] for name in schema.key])
