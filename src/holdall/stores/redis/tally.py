"""Faults that a look at the records of a collection has found, counted."""

from __future__ import annotations

from collections import Counter

from holdall.stores.redis.errors import MISSING
from holdall.stores.redis.layout import Layout
from holdall.stores.redis.looking import Seen

__all__ = ["Tally"]

_TOLD = 3
"""How many records that cannot be read are told by name."""


class Tally:
    """Counts of records that differ, by how they do."""

    def __init__(self) -> None:
        self.stale = self.gone = 0
        self._seen = self._unlisted = 0
        self._missing: Counter[str] = Counter()
        self._unreadable: list[Seen] = []

    def add(self, seen: Seen) -> None:
        """Count one record."""
        self._seen += 1
        self._unlisted += not seen.is_listed
        self.stale += seen.is_listed and not seen.is_indexed
        if seen.damaged:
            self._unreadable.append(seen)
            self._missing.update(name for name, reason in seen.damaged.items() if reason == MISSING)

    def lacking(self) -> list[str]:
        """The fields that must have a value and are missing in every record: the models have changed."""
        return [name for name, count in self._missing.items() if count == self._seen]

    def told(self, layout: Layout, *, is_built: bool) -> list[str]:
        """A sentence for each kind of difference."""
        found = []
        for seen in self._unreadable[:_TOLD]:
            reasons = "; ".join(f"{name} {reason}" for name, reason in seen.damaged.items())
            found.append(f"{layout.record}{seen.text} cannot be read: {reasons}")
        if len(self._unreadable) > _TOLD:
            found.append(f"{len(self._unreadable)} records of {layout.base} cannot be read")
        if self._unlisted:
            found.append(f"{self._unlisted} records of {layout.base} are not listed; create() takes them in")
        if is_built and self.stale:
            stale = f"{self.stale} records of {layout.base} are not indexed as they are now"
            found.append(f"{stale}; create() indexes them")
        if self.gone:
            gone = f"{self.gone} records of {layout.base} are listed or indexed, and gone"
            found.append(f"{gone}; create() forgets them")
        return found
