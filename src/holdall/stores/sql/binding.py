"""Parameters of one statement: which of the query's values each one takes, and how it is encoded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import sqlalchemy as sa

__all__ = ["Binding", "NeedsRewrite", "Slot"]

Slot: TypeAlias = tuple[int, Callable[[Any], Any] | None]
"""The place of a value among the query's values, and what is made of it."""


class NeedsRewrite(Exception):
    """Raised while values are encoded: this query's text comparisons must be said in another way first."""


class Binding:
    """Hands out parameters while a statement is built, in the order in which the query's values are met."""

    def __init__(self) -> None:
        self._slots: dict[str, Slot] = {}
        self._next_value = 0
        self.statements: list[tuple[int, sa.Select[Any]]] = []
        self.tests: list[tuple[int, Callable[[Any], bool]]] = []

    def take(self, test: Callable[[Any], bool] | None = None) -> int:
        """The place of the next value of the query, and what tells whether a later value may stand there."""
        index = self._next_value
        self._next_value += 1
        if test is not None:
            self.tests.append((index, test))
        return index

    def parameter(
        self, index: int, kind: sa.types.TypeEngine[Any], convert: Callable[[Any], Any] | None = None
    ) -> sa.BindParameter[Any]:
        """A parameter for the value at this place."""
        name = f"p{len(self._slots)}"
        self._slots[name] = (index, convert)
        return sa.bindparam(name, type_=kind, required=True)

    def embed(self, index: int, statement: sa.Select[Any]) -> None:
        """Let a statement with parameters of its own be part of this one; its values are at this place."""
        self.statements.append((index, statement))

    def slot(self, name: str) -> Slot | None:
        """Return the slot of the parameter with this name; None if the name was not handed out here."""
        return self._slots.get(name)
