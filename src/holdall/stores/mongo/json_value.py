"""JSON as native documents and arrays, in one form for all values that are equal.

Members are sorted, because MongoDB compares documents member by member. A name that MongoDB might take for an operator
or a path (empty, with a ``$`` in front or a dot inside) is kept escaped: ``~`` in front, ``~1`` for a dot, ``~0`` for
``~``.

Where a collection has ``extended_json``, an object of one member such as ``{"$oid": …}`` is the value that it stands
for, see ``extended_json``.
"""

from __future__ import annotations

from math import isfinite

from bson.int64 import Int64

from holdall.query import MAX_INT, Value
from holdall.stores.mongo.errors import Misfit
from holdall.stores.mongo.extended_json import from_extended, to_extended

__all__ = ["extended_to_document", "extended_to_value", "json_to_document", "json_to_value"]


def json_to_document(value: object, *, is_extended: bool = False) -> Value:
    """The BSON form of a JSON value. Raises Misfit for a number that is not finite."""
    if isinstance(value, dict):
        if is_extended and len(value) == 1 and (meant := from_extended(value)) is not None:
            return meant
        escaped = {_escaped(name): json_to_document(item, is_extended=is_extended) for name, item in value.items()}
        return {name: escaped[name] for name in sorted(escaped)}
    if isinstance(value, list):
        return [json_to_document(item, is_extended=is_extended) for item in value]
    if isinstance(value, float) and not isfinite(value):
        raise Misfit("JSON holds no number that is not finite")
    return value


def extended_to_document(value: object) -> Value:
    """The same, with objects of Extended JSON as what they stand for."""
    return json_to_document(value, is_extended=True)


def json_to_value(stored: Value, *, is_extended: bool = False) -> Value:
    """The JSON value of its BSON form. Raises Misfit for BSON types that JSON has not."""
    kind = type(stored)
    if kind is dict:
        return {
            _plain(name) if name[:1] == "~" else name: json_to_value(item, is_extended=is_extended)
            for name, item in stored.items()
        }
    if kind is list:
        return [json_to_value(item, is_extended=is_extended) for item in stored]
    if is_extended and (shown := to_extended(stored)) is not None:
        return shown
    if kind is str:
        if "\0" in stored:
            raise Misfit("is stored as JSON with a NUL character")
        return stored
    if kind is Int64 or kind is int:
        if abs(stored) > MAX_INT:
            raise Misfit("is stored as JSON with a whole number that is not taken")
        return int(stored)
    if stored is None or kind is bool:
        return stored
    if kind is float:
        if not isfinite(stored):
            raise Misfit("is stored as JSON with a number that is not finite")
        return stored
    raise Misfit(f"is stored as JSON with a {kind.__name__}")


def extended_to_value(stored: Value) -> Value:
    """The same, with values that JSON has not as objects of Extended JSON."""
    return json_to_value(stored, is_extended=True)


def _escaped(name: str) -> str:
    if name and name[0] not in "$~" and "." not in name:
        return name
    return "~" + name.replace("~", "~0").replace(".", "~1")


def _plain(name: str) -> str:
    """Return the name that was escaped. Raises Misfit for another program's name, which would not be found by what it
    means here.
    """
    found = name[1:].replace("~1", ".").replace("~0", "~")
    if _escaped(found) != name:
        raise Misfit("is stored as JSON with a name that Holdall writes otherwise")
    return found
