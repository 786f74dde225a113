"""Paths into value objects, lists and dicts: ``Book.size.width``, ``Book.places["home"]``, ``Book.sizes[0].width``."""

from __future__ import annotations

from collections.abc import Callable, Collection

import msgspec

from holdall.errors import FieldError, QueryError
from holdall.model.field_type import FieldType
from holdall.model.json_value import UNENCODABLE
from holdall.model.nested import keeper, types_of
from holdall.query import AnyExpression, Asked, Inner, Kind, Owner, Path, Value

__all__ = ["InnerPaths", "steps_into"]

_OF_TYPE = {"string": Kind.STR, "boolean": Kind.BOOL}
_TEXT_IN_ORDER = frozenset({Kind.STR, Kind.DATE, Kind.UUID})
"""The kinds whose text in JSON has the order of their values."""


class InnerPaths(msgspec.Struct, frozen=True):
    """The paths of references inside values, and the function from one to its expression.

    Example: :class:`NestedReference`.
    """

    known: Collection[str]
    expression: Callable[[str], AnyExpression]

    def found(self, path: str) -> AnyExpression | None:
        """The reference at the path, or the way to those that begin with it through a list; None for neither."""
        if path in self.known:
            return self.expression(path)
        return None

    def leads_on(self, path: str) -> bool:
        """Whether references lie further in."""
        return any(each.startswith(f"{path}.") for each in self.known)


class _Passage:
    """A way through the items of a list to references inside them; by itself it is nothing that can be compared."""

    def __init__(self, path: str, paths: InnerPaths) -> None:
        self._path, self._paths = path, paths

    def __getattr__(self, name: str) -> Value:
        path = f"{self._path}.{name}"
        if name.startswith("__"):
            raise AttributeError(name)
        found = self._paths.found(path)
        if found is None and not self._paths.leads_on(path):
            raise QueryError(f"{path} is no reference; what else lies in the items of a list is reached by numbers")
        return _Passage(path, self._paths) if found is None else found

    __getitem__ = __getattr__


def steps_into(
    held: FieldType, path: Path, owner: Owner, places: tuple[str | int, ...], paths: InnerPaths
) -> Callable[[str], AnyExpression] | None:
    """Return the function from a name to the expression of what stands under it; None for a type without parts.

    The path leads to the JSON, the places further in; ``paths`` are those of references there, from the field on.

    Example: :class:`Inner`.
    """
    inside = held.inside
    if inside is None and not held.references:
        return None

    def step(name: str) -> Value:
        dotted = ".".join([path[-1], *map(str, places), name])
        found = paths.found(dotted)
        if found is not None:
            return found
        try:
            place, part = (None, None) if inside is None else inside(name)
        except LookupError as error:
            if paths.leads_on(dotted):
                return _Passage(dotted, paths)
            raise QueryError(f"{'.'.join([*path, *map(str, places)])} has no {name!r} inside") from error
        if part is None or place is None:
            raise QueryError(f"{'.'.join([*path, *map(str, places)])} has no {name!r} inside")
        return _expression(part, path, owner, (*places, place), paths)

    return step


def _expression(
    part: FieldType, path: Path, owner: Owner, places: tuple[str | int, ...], paths: InnerPaths
) -> AnyExpression:
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
    return Inner(path, places, owner, kind, encode, asked, steps_into(part, path, owner, places, paths))


def _kind_in_json(part: FieldType) -> Kind:
    """The kind of the JSON that is kept of a part inside JSON."""
    if part.kind in (Kind.STR, Kind.INT, Kind.FLOAT, Kind.BOOL):
        return part.kind
    if part.kind is not Kind.JSON:
        return Kind.STR  # as JSON has dates, decimals, bytes
    found = types_of(part)
    return _OF_TYPE.get(next(iter(found)), Kind.JSON) if len(found) == 1 else Kind.JSON
