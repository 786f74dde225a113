"""Paths into value objects, lists and dicts: ``Book.size.width``, ``Book.places["home"]``, ``Book.sizes[0].width``."""

from __future__ import annotations

from collections.abc import Callable

from holdall.errors import FieldError, QueryError
from holdall.model.field_type import FieldType
from holdall.model.json_value import UNENCODABLE
from holdall.model.nested import keeper, types_of
from holdall.query import AnyExpression, Asked, Inner, Kind, Owner, Path, Value

__all__ = ["steps_into"]

_OF_TYPE = {"string": Kind.STR, "boolean": Kind.BOOL}
_TEXT_IN_ORDER = frozenset({Kind.STR, Kind.DATE, Kind.UUID})
"""The kinds whose text in JSON has the order of their values."""


def steps_into(
    held: FieldType, path: Path, owner: Owner, places: tuple[str | int, ...] = ()
) -> Callable[[str], AnyExpression] | None:
    """Return the function from a name to the expression of what stands under it; None for a type without parts.

    The path leads to the JSON, the places further in. Example: :class:`Inner`.
    """
    inside = held.inside
    if inside is None:
        return None

    def step(name: str) -> AnyExpression:
        try:
            place, part = inside(name)
        except LookupError as error:
            raise QueryError(f"{'.'.join([*path, *map(str, places)])} has no {name!r} inside") from error
        return _expression(part, path, owner, (*places, place))

    return step


def _expression(part: FieldType, path: Path, owner: Owner, places: tuple[str | int, ...]) -> AnyExpression:
    kind = _kind_in_json(part)

    def encode(value: object) -> Value:
        shown = ".".join([*path, *map(str, places)])
        errors: list[FieldError] = []
        if value is None:
            raise QueryError(f"{shown} is compared with None: use is_null()")
        admitted = part.validate(value, shown, errors)
        if errors:
            raise QueryError(f"{shown} cannot be compared with this value: it {errors[0].message}")
        try:
            return keeper(part)(admitted)
        except UNENCODABLE as error:
            raise QueryError(f"{shown} cannot be compared with this value: it has no form in JSON") from error

    asked = part.asked
    if asked is Asked.ORDER and kind is Kind.STR and part.kind not in _TEXT_IN_ORDER:
        asked = Asked.EQUALITY
    return Inner(path, places, owner, kind, encode, asked, steps_into(part, path, owner, places))


def _kind_in_json(part: FieldType) -> Kind:
    """The kind of the JSON that is kept of a part inside JSON."""
    if part.kind in (Kind.STR, Kind.INT, Kind.FLOAT, Kind.BOOL):
        return part.kind
    if part.kind is not Kind.JSON:
        return Kind.STR  # as JSON has dates, decimals, bytes
    found = types_of(part)
    return _OF_TYPE.get(next(iter(found)), Kind.JSON) if len(found) == 1 else Kind.JSON
