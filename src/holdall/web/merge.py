"""JSON Merge Patch (RFC 7396): members that are objects are merged into what is there, the rest replaces it."""

from __future__ import annotations

from typing import Any

from holdall.query import Json

__all__ = ["merged"]

_MAX_DEPTH = 100


def merged(target: Any, patch: object, depth: int = 0) -> Json:
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
