"""Where references lie inside values: the members and lists that lead to them, to be looked at and put anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from typing import TypeAlias

import msgspec

from holdall.model.members import is_named_tuple
from holdall.model.target import Target
from holdall.query import Value

__all__ = ["DROPPED", "MemberStep", "ReferencePlace", "items_inside", "placed_inside", "rebuilt"]

DROPPED = object()
"""Stands for an item that a list is to be without."""

_SEQUENCES = (list, tuple, set, frozenset)


class MemberStep(msgspec.Struct, frozen=True):
    """A step to a member of an object: its name in JSON, and as an attribute or, in a dict, as a key.

    Example: :func:`rebuilt`.
    """

    shown: str
    name: str
    is_key: bool = False

    def get(self, value: Value) -> Value:
        """The member; None where a dict has none."""
        return value.get(self.name) if self.is_key else getattr(value, self.name)

    def put(self, value: Value, inner: Value) -> Value:
        """Put the member into the object, frozen or not, and return it; a copy where it cannot be changed in place."""
        if self.is_key:
            value[self.name] = inner
        elif is_named_tuple(type(value)):
            return value._replace(**{self.name: inner})
        elif isinstance(value, msgspec.Struct):
            msgspec.structs.force_setattr(value, self.name, inner)
        else:
            object.__setattr__(value, self.name, inner)
        return value


Step: TypeAlias = "MemberStep | None"
"""A member, or None for each item of a list, tuple or set."""


class ReferencePlace(msgspec.Struct, frozen=True):
    """The place of a reference, or of many, inside the values of a type. Example: :func:`rebuilt`."""

    target: Target
    steps: tuple[Step, ...] = ()

    def within(self, step: Step) -> ReferencePlace:
        """The same place, seen from what is around."""
        return msgspec.structs.replace(self, steps=(step, *self.steps))


def items_inside(value: Value, steps: tuple[Step, ...]) -> Iterator[Value]:
    """Yield what stands at the place: references, records, keys, and None. Example: :func:`rebuilt`."""
    for item, _ in placed_inside(value, steps, ""):
        yield item


def placed_inside(value: Value, steps: tuple[Step, ...], path: str) -> Iterator[tuple[Value, str]]:
    """Yield the same, each with its path in JSON from ``path`` on. Example: :func:`rebuilt`."""
    if not steps:
        yield value, path
    elif value is None:
        return
    elif steps[0] is None:
        for number, item in enumerate(value):
            yield from placed_inside(item, steps[1:], f"{path}.{number}")
    else:
        yield from placed_inside(steps[0].get(value), steps[1:], f"{path}.{steps[0].shown}")


def rebuilt(
    value: Value, steps: tuple[Step, ...], change: Callable[[Value], Value], *, in_place: bool = False
) -> Value:
    """Return the value with what ``change`` gives for all that stands at the place; itself where that is the same.

    Objects on the way are copies, unless they are to be changed ``in_place``. ``DROPPED`` leaves out an item of a list.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Line:
    ...     product: int
    >>> place = (None, MemberStep("product", "product"))
    >>> rebuilt([Line(7), Line(8)], place, lambda key: key + 1)
    [Line(product=8), Line(product=9)]
    """
    if not steps:
        return change(value)
    if value is None:
        return None
    step, rest = steps[0], steps[1:]
    if step is None:
        items = list(value)
        made = [rebuilt(item, rest, change, in_place=in_place) for item in items]
        if all(one is other for one, other in zip(made, items, strict=True)):
            return value
        kind = next(each for each in _SEQUENCES if isinstance(value, each))
        return kind([item for item in made if item is not DROPPED])
    inner = step.get(value)
    found = rebuilt(inner, rest, change, in_place=in_place)
    return value if found is inner else step.put(value if in_place else copy(value), found)
