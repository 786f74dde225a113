"""The memory of compiled texts: the least recently used go first."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from holdall.query import Value

__all__ = ["Plans", "plans_of"]

P = TypeVar("P")


class Plans(Generic[P]):
    """At most ``size`` plans by shape, in two generations, so that a hit costs one look-up and no reordering."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._young: dict[Hashable, P] = {}
        self._old: dict[Hashable, P] = {}

    def get(self, shape: Hashable) -> P | None:
        """The plan of this shape, if it is remembered."""
        plan = self._young.get(shape)
        if plan is None and self._old:
            plan = self._old.pop(shape, None)
            if plan is not None:
                self.put(shape, plan)
        return plan

    def put(self, shape: Hashable, plan: P) -> None:
        """Remember it."""
        if len(self._young) >= self._size // 2:
            self._old, self._young = self._young, {}
        self._young[shape] = plan

    def clear(self) -> None:
        """Forget all."""
        self._young, self._old = {}, {}


_MOST = 50  # sets of tables whose plans are shared
_shared: dict[Hashable, Plans[Value]] = {}


def plans_of(signature: Hashable, limits: Hashable, size: int) -> Plans[Value]:
    """The plans that all stores with tables of this signature share in this process; new ones without a signature."""
    try:
        key = None if signature is None or limits is None else (signature, limits, size)
        found = _shared.pop(key, None)
    except TypeError:  # of a value that has no hash
        return Plans(size)
    if found is None:
        found = Plans(size)
    if key is not None:
        _shared[key] = found  # as the last that was asked for
        if len(_shared) > _MOST:
            del _shared[next(iter(_shared))]
    return found
