"""The plan of a commit, as a value: which records go to which store, in which order."""

from __future__ import annotations

from typing import Any

import msgspec

from holdall.session.binding import Binding
from holdall.session.result import Guarantee, guarantee_of
from holdall.store import Store, Verb

__all__ = ["Entry", "Plan", "Step"]


class Entry(msgspec.Struct):
    """One record to write. ``fields`` are those to send; ``sent`` keeps their slot values while the commit runs."""

    record: Any
    binding: Binding
    verb: Verb
    fields: tuple[str, ...] = ()
    sent: tuple[Any, ...] = ()
    key: Any = None
    version: int | None = None


class Step(msgspec.Struct, frozen=True):
    """Entries that go to one store in one call."""

    store: Store
    entries: tuple[Entry, ...]


class Plan(msgspec.Struct, frozen=True):
    """The steps of a commit, in order. Printing it shows them.

    >>> print(Plan(()))
    nothing to write
    """

    steps: tuple[Step, ...]

    @property
    def stores(self) -> list[Store]:
        """The stores it writes, each once."""
        return list({id(step.store): step.store for step in self.steps}.values())

    @property
    def guarantee(self) -> Guarantee:
        """What the commit can promise."""
        return guarantee_of([store.capabilities.commit for store in self.stores])

    def __str__(self) -> str:
        if not self.steps:
            return "nothing to write"
        lines = []
        for number, step in enumerate(self.steps, 1):
            lines.append(f"{number}. {step.store.name} ({step.store.capabilities.commit})")
            counts: dict[tuple[Verb, str], int] = {}
            for entry in step.entries:
                group = (entry.verb, entry.binding.collection)
                counts[group] = counts.get(group, 0) + 1
            lines.extend(f"   {verb} {count} {collection}" for (verb, collection), count in counts.items())
        return "\n".join([*lines, f"promise: {self.guarantee.value}"])
