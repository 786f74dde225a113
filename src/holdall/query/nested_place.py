"""Where references lie inside JSON: the names of members that lead to them, and the arrays that are gone through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from holdall.query.border import Json, Value

__all__ = ["EACH", "NestedName", "NestedPlace", "parts_at"]

EACH: None = None
"""The step to each item of an array."""

Steps: TypeAlias = tuple[str | None, ...]


class NestedName(str):
    """The name of a reference inside the values of a field, which is one step of a path: ``address.city``.

    >>> from holdall.query import NestedName
    >>> NestedName("address.city") == "address.city"
    True
    """

    __slots__ = ()

    def __str__(self) -> str:
        return self

    @property
    def plain(self) -> str:
        """The same as plain text, for encoders that know no other."""
        return str.__str__(self)


class NestedPlace(msgspec.Struct, frozen=True):
    """The field in whose JSON a reference lies, and the steps to it: names of members, ``EACH`` for items.

    >>> from holdall.query.nested_place import EACH, NestedPlace
    >>> list(parts_at([{"product": 7}, {"product": 8}], NestedPlace("lines", (EACH, "product")).steps))
    [7, 8]
    """

    root: str
    steps: Steps


def parts_at(value: Json, steps: Steps) -> Iterator[Value]:
    """Yield what lies at the steps inside JSON, but for null and what is not there. Example: :class:`NestedPlace`."""
    if value is None:
        return
    if not steps:
        yield value
    elif steps[0] is EACH:
        for item in value if isinstance(value, list) else ():
            yield from parts_at(item, steps[1:])
    elif isinstance(value, dict):
        yield from parts_at(value.get(steps[0]), steps[1:])
