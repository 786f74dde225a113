"""The states that a field may go through: which value may become which other."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from holdall.errors import DeclarationError
from holdall.query import Value

__all__ = ["Transitions"]


class Transitions(msgspec.Struct, frozen=True):
    """The values that may follow each value of a field, and those that a new record may begin with.

    >>> found = Transitions.of({None: ["draft"], "draft": ["published"], "published": ["draft", "archived"]})
    >>> found.allows("draft", "published"), found.allows("draft", "archived"), found.begins("draft")
    (True, False, True)
    >>> sorted(found.states)
    ['archived', 'draft', 'published']
    """

    table: dict[Value, tuple[Value, ...]]

    @classmethod
    def of(cls, given: object) -> Transitions:
        """The transitions of a mapping from values to collections of values; those of None begin.

        Raises DeclarationError for what is none.
        """
        is_table = isinstance(given, Mapping) and bool(given)
        if not is_table or any(isinstance(to, str) or not isinstance(to, Collection) for to in _of(given).values()):
            raise DeclarationError('transitions is a mapping, as {"draft": ["published"], "published": ["draft"]}')
        return cls({state: tuple(following) for state, following in _of(given).items()})

    @property
    def states(self) -> set[Value]:
        """Every value that is named."""
        return {*self.table, *(state for following in self.table.values() for state in following)} - {None}

    def allows(self, old: Value, new: Value) -> bool:
        """Whether a stored record may have the one value after the other; it may always keep its own."""
        return bool(old == new) or new in self.table.get(old, ())

    def begins(self, value: Value) -> bool:
        """Whether a new record may have this value: one of those that follow None, where it is told what does."""
        return value in self.table[None] if None in self.table else value is None or value in self.states


def _of(given: Value) -> Mapping[Value, Value]:
    return dict(given)
