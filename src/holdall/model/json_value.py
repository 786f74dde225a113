"""Any JSON value as a field's value: what is checked, and how typed values become JSON builtins."""

from __future__ import annotations

import msgspec

from holdall.errors import FieldError
from holdall.model.scalars import MIN_INT, SCALARS, Refused
from holdall.query import MAX_DEPTH, MAX_INT, Json, Kind

__all__ = ["TOO_DEEP", "UNENCODABLE", "admit_json", "is_plain", "to_json_builtins"]

TOO_DEEP = f"must not be nested more than {MAX_DEPTH} deep"
UNENCODABLE = (
    TypeError,
    ValueError,
    AttributeError,
    LookupError,
    ArithmeticError,
    RecursionError,
    msgspec.MsgspecError,
)
"""What encoding raises for a value into which something was put in place that its type does not allow."""

_LEAVES = (Kind.BOOL, Kind.INT, Kind.FLOAT, Kind.STR)


def to_json_builtins(value: object) -> Json:
    """Return the value as its JSON has it, in dict, list, str, int, float, bool and None; always a copy."""
    copied: Json = msgspec.json.decode(msgspec.json.encode(value))
    return copied


def admit_json(value: object, path: str, errors: list[FieldError]) -> object:
    """A copy of a JSON value, so that no two records share one; what is wrong is appended to ``errors``."""
    return _admit(value, path, errors, 0)


def _admit(value: object, path: str, errors: list[FieldError], depth: int) -> object:
    if errors and errors[-1].code == "depth":  # lists that hold themselves would be looked through without end
        return value
    if depth >= MAX_DEPTH and isinstance(value, dict | list | tuple):
        errors.append(FieldError(path, "depth", TOO_DEEP))
        return value
    if isinstance(value, dict):
        return {
            name
            if name.__class__ is str and name.isprintable()
            else _leaf(name, path, errors, "must have text for its keys", (Kind.STR,)): inner
            if is_plain(inner)
            else _admit(inner, f"{path}.{name}", errors, depth + 1)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        if all(map(is_plain, value)):
            return list(value)
        return [
            inner if is_plain(inner) else _admit(inner, f"{path}.{index}", errors, depth + 1)
            for index, inner in enumerate(value)
        ]
    if value is None:
        return None
    return _leaf(value, path, errors, "must be JSON: text, numbers, true, false, null, lists and objects", _LEAVES)


def is_plain(value: object) -> bool:
    """Whether nothing is left to check of a value: most are short text and small numbers."""
    kind = value.__class__
    if kind is str:
        return value.isprintable()  # type: ignore[attr-defined, no-any-return]  # of class str
    if kind is int:
        return MIN_INT <= value <= MAX_INT  # type: ignore[operator]  # of class int
    return value is None or kind is bool or (kind is float and value - value == 0.0)  # type: ignore[operator]  # of class float


def _leaf(value: object, path: str, errors: list[FieldError], message: str, kinds: tuple[Kind, ...]) -> object:
    scalar = SCALARS.get(type(value))
    if scalar is None or scalar.kind not in kinds:
        errors.append(FieldError(path, "type", message))
        return value
    try:
        return scalar.validate(value)
    except Refused as refused:
        errors.append(FieldError(path, refused.code, refused.message))
        return value
