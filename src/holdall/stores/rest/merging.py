"""Merge patches (RFC 7396): what to send so that an object is afterwards what it should be."""

from __future__ import annotations

from holdall.query import Json

__all__ = ["MERGE_PATCH", "holds_null", "patch_of"]

MERGE_PATCH = "application/merge-patch+json"


def holds_null(value: object) -> bool:
    """Whether there is a null inside an object, which no merge patch can write; those in lists are written whole."""
    pending = [value]
    while pending:
        found = pending.pop()
        if isinstance(found, dict):
            if None in found.values():
                return True
            pending.extend(found.values())
    return False


def patch_of(old: Json, new: Json) -> Json:
    """The patch that makes ``new`` of ``old``: members that are to go are null in it."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    gone: dict[str, Json] = {name: None for name in old if name not in new}
    return gone | {name: patch_of(old.get(name), value) for name, value in new.items()}
