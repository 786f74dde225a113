"""The memory of compiled texts: the least recently used go first."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

__all__ = ["Plans"]

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
