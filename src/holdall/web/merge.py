"""JSON Merge Patch (RFC 7396): members that are objects are merged into what is there, the rest replaces it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from holdall.model import JsonInput, Record
from holdall.query import Json, Value

__all__ = ["merged", "merged_values", "nested_patch"]

_MAX_DEPTH = 100


def merged(target: Json, patch: Json, depth: int = 0) -> Json:
    """The target after the patch; neither is changed.

    >>> merged({"a": {"b": 1, "c": 2}}, {"a": {"b": None}})
    {'a': {'c': 2}}
    """
    if not isinstance(patch, dict) or depth > _MAX_DEPTH:
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value, depth + 1)
    return result


def merged_values(
    given: JsonInput, record: Record, patch: Mapping[str, Json], nested: Collection[str]
) -> dict[str, Value]:
    """The values that a merge patch gives; objects in it, which are named, are merged into what the record has.

    Raises ValidationError.
    """
    current = type(record).__holdall__.json_output.builtins(record, nested) if nested else {}
    return given.values_from({**patch} | {name: merged(current[name], patch[name]) for name in nested})


def nested_patch(body: bytes) -> dict[str, Json] | None:
    """A merge patch that may have objects in it; None for any other body."""
    if body.count(b"{") < 2:
        return None
    try:
        patch = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return patch if isinstance(patch, dict) else None
