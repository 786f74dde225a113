"""A mixin for models whose records have an order that people give them: each has a place between two others."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from itertools import count
from threading import Lock
from typing import ClassVar, Self

from holdall.model.model import Model
from holdall.model.options import field
from holdall.query import Condition, Query, SortKey

__all__ = ["LONGEST_PLACE", "Ordered", "place_between", "places"]

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"  # in this order by every collation
_WIDTH = 11  # of microseconds, far beyond this century
LONGEST_PLACE = 250
_lock = Lock()
_last = 0


class Ordered(Model, abstract=True):
    """Records in an order of their own: new ones come last, and ``session.move`` puts one before or after another.

    ``position`` is a fraction, written in digits and small letters: between two of them there is always another, so
    that a move writes nothing but the record that is moved, and moves of different records never conflict. Of those
    at the same position, the key decides. New records have the moment of their making, by the clock of their program.

    ``__within__`` names the fields that make a list: with ``__within__ = ("project",)`` each project has its own, and
    a record is moved among those of its project. ``Task.in_order(...)`` is the query in that order.

    >>> from holdall import Holdall, Ordered, field
    >>> class Task(Ordered):
    ...     id: int = field(pk=True)
    >>> async def example() -> None:
    ...     app = Holdall("tasks")
    ...     app.add_store("main", "memory:")
    ...     app.add(Task, store="main")
    ...     async with app.session() as session:
    ...         one, two, three = session.add_all([Task(id=1), Task(id=2), Task(id=3)])
    ...         await session.commit()
    ...         await session.move(three, before=two)
    ...         await session.move(one, to="last")
    ...         await session.commit()
    ...         print([task.id for task in await session.query(Task.in_order())])
    >>> import asyncio
    >>> asyncio.run(example())
    [3, 2, 1]
    """

    __within__: ClassVar[tuple[str, ...]] = ()

    position: str = field(
        default_factory=lambda: place_at_end(), length=(1, LONGEST_PLACE), pattern="[0-9a-z]*[1-9a-z]", index=True
    )

    @classmethod
    def in_order(cls, *conditions: Condition | bool) -> Query[Self]:
        """Return the query for the records that meet these conditions, in their order. Example: :class:`Ordered`."""
        keys = [SortKey(("position",)), *[SortKey((each.name,)) for each in cls.__holdall__.key]]
        return cls.where(*conditions).sort(*keys)


def place_at_end() -> str:
    """A place after all that this program has made before, and after those of others by their clocks."""
    global _last
    with _lock:
        _last = max(_last + 1, time.time_ns() // 1_000)
        moment = _last
    digits = [_DIGITS[moment // 36**power % 36] for power in reversed(range(_WIDTH))]
    return "".join(digits) + _jitter()


def place_between(low: str, high: str | None) -> str:
    """A place after one, and before another if there is one; of two that are the same, after both.

    Different callers get different places, so that two moves to the same place do not end at one.

    >>> "a" < place_between("a", "b") < "b", "az" < place_between("az", "b") < "b"
    (True, True)
    >>> place_between("", "1") < "1", "zz" < place_between("zz", None)
    (True, True)
    """
    found = list[str]()
    if high is not None and high <= low:
        high = None
    for place in count():
        below = _DIGITS.index(low[place]) if place < len(low) else 0
        above = len(_DIGITS)
        if high is not None:
            above = _DIGITS.index(high[place]) if place < len(high) else 0
        if above - below > 1:
            found.append(_DIGITS[(below + above) // 2])
            break
        found.append(_DIGITS[below])
        if above > below:
            high = None  # whatever follows is before it
    return "".join(found) + _jitter()


def places(number: int) -> Iterator[str]:
    """Places in order, this many and evenly apart.

    >>> list(places(3))
    ['90i', 'i0i', 'r0i']
    """
    width = 1
    while 36**width < (number + 1) * 36:
        width += 1
    step = 36**width // (number + 1)
    for which in range(1, number + 1):
        value = which * step
        yield "".join([_DIGITS[value // 36**power % 36] for power in reversed(range(width))]) + "i"


def _jitter() -> str:
    return random.choice(_DIGITS) + random.choice(_DIGITS[1:])  # noqa: S311 - nothing secret


def _begin_anew() -> None:
    global _lock  # another thread may have held it when the process forked
    _lock = Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
