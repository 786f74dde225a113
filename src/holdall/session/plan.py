"""The plan of a commit, as a value: which records go to which store, in which order."""

from __future__ import annotations

from typing import Any

import msgspec

from holdall.session.binding import Binding
from holdall.session.result import Guarantee, guarantee_of
from holdall.store import Store, Verb

__all__ = ["Batch", "Plan", "Step"]


class Batch(msgspec.Struct):
    """Records of one collection to which the same is done.

    ``fields`` are those to send, the version last where it guards the change; ``keys`` and ``versions`` run in
    parallel to ``records``. A key is None where the store has yet to make it.
    """

    binding: Binding
    verb: Verb
    records: list[Any]
    keys: list[Any]
    fields: tuple[str, ...] = ()
    versions: list[int] | None = None


class Step(msgspec.Struct, frozen=True):
    """Batches that go to one store in one call. ``is_linked`` if records of the commit refer to new ones."""

    store: Store
    batches: tuple[Batch, ...]
    is_linked: bool = False


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
            lines.extend(f"   {batch.verb} {len(batch.records)} {batch.binding.collection}" for batch in step.batches)
        return "\n".join([*lines, f"promise: {self.guarantee.value}"])
