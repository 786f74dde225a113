"""Bounds of calculations with whole numbers: beside a constant the other number is compared, not calculated with."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from operator import add, mul, sub

import sqlalchemy as sa

from holdall.query.term_values import WHOLE_BOUND
from holdall.stores.sql.dialect import Element
from holdall.stores.sql.formula_signs import ACTS

__all__ = ["as_float", "float_literal", "stays_whole", "whole_range"]

_LEAST, _MOST = -(2**63), 2**63 - 1
_SIGNS: dict[str, Callable[[float, float], float]] = {"add": add, "sub": sub, "mul": mul}


def as_float(element: Element) -> Element:
    """The expression as a float."""
    return sa.cast(element, sa.Double())


def float_literal(value: float) -> Element:
    """A float as SQL has it."""
    return sa.cast(sa.literal_column(repr(value)), sa.Double())


def stays_whole(name: str, elements: tuple[Element, Element], constants: tuple[int | None, int | None]) -> Element:
    """The condition under which a sum, difference or product is within its bounds, one of ``constants`` being known."""
    place = 0 if constants[1] is None else 1
    known = constants[place]
    found = None if known is None else whole_range(name, known, is_first=place == 0)
    if found is None:
        return sa.func.abs(ACTS[name](as_float(elements[0]), as_float(elements[1]))) < float_literal(WHOLE_BOUND)
    return elements[1 - place].between(sa.literal_column(str(found[0])), sa.literal_column(str(found[1])))


@lru_cache(maxsize=1000)
def whole_range(name: str, constant: int, *, is_first: bool) -> tuple[int, int] | None:
    """The first and the last number of 64 bits that stay nearer to 0 than ``WHOLE_BOUND``; None if none does.

    They are told by floats, whose sums and products only rise, or only fall, while the number rises.

    >>> whole_range("mul", 2, is_first=False)
    (-4599999999999999743, 4599999999999999743)
    """
    act = _SIGNS[name]

    def is_fit(number: int) -> bool:
        one, two = (constant, number) if is_first else (number, constant)
        return abs(act(float(one), float(two))) < WHOLE_BOUND

    middle = 0 if name == "mul" else constant if name == "sub" else -constant
    middle = min(max(middle, _LEAST), _MOST)
    if not is_fit(middle):
        return None
    return _last(is_fit, middle, _LEAST), _last(is_fit, middle, _MOST)


def _last(is_fit: Callable[[int], bool], inside: int, end: int) -> int:
    """The number that fits and is nearest to ``end``, where all between it and ``inside`` do."""
    if is_fit(end):
        return end
    while abs(end - inside) > 1:
        between = (inside + end) // 2
        inside, end = (between, end) if is_fit(between) else (inside, between)
    return inside
