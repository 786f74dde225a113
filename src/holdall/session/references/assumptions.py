"""References in records without a version by which a commit goes, and which others may change before it writes.

Such a record is written only while its reference is as it was; else the commit is worked out anew.
"""

from __future__ import annotations

from collections.abc import Hashable

from holdall.model import Field, Record, State, state_of
from holdall.query import Value
from holdall.query.frozen import frozen
from holdall.session.binding import Binding
from holdall.store import Expected

__all__ = ["Assumptions"]


class Assumptions:
    """The references that a commit goes by, as they are known to be stored. Versions say the same of other records."""

    def __init__(self) -> None:
        self._slots: dict[int, tuple[Record, dict[str, Value]]] = {}

    def add(self, binding: Binding, record: Record, field: Field, slot: Value) -> None:
        """Go by this slot of a stored record, where nothing else would tell that it has changed."""
        declaration, is_stored = binding.declaration, state_of(record) is not State.NEW
        if declaration.version is None and is_stored and binding.can_expect and field not in declaration.key:
            self._slots.setdefault(id(record), (record, {}))[1][field.name] = field.encode(slot)

    def records(self) -> list[Record]:
        """The records that the commit is about."""
        return [record for record, _ in self._slots.values()]

    def expected(self) -> dict[int, tuple[Record, Expected]]:
        """By ``id()`` of a record, what its store must still have of it; the same object for the same values."""
        same: dict[tuple[tuple[str, ...], tuple[Hashable, ...]], Expected] = {}
        found: dict[int, tuple[Record, Expected]] = {}
        for number, (record, slots) in self._slots.items():
            names, values = tuple(slots), tuple(slots.values())
            mark = names, tuple(map(frozen, values))
            found[number] = record, same.setdefault(mark, Expected(names, values))
        return found
