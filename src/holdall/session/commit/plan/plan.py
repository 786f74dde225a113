"""The plan of a commit, as a value: which records go to which stores, in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

import msgspec

from holdall.model import Record
from holdall.query import Key
from holdall.session.binding import Binding
from holdall.session.commit.plan.guarantee import Guarantee, guarantee_of
from holdall.session.commit.plan.modes import Mode, home_of, mode_of
from holdall.session.pending_bulk import PendingBulk
from holdall.store import CommitClass, Disclosing, Expected, Store, Verb

__all__ = ["Batch", "Plan", "Role", "Step"]


class Role(StrEnum):
    """The kind of part that a store has in a commit."""

    TRANSACTION = "transaction"  # applied at once, lasting once it is committed
    BATCH = "batch"  # applied in one go
    CALLS = "calls"  # one call for each record


# by names of their own: to look up a member of an enumeration, or its hash, is a call, and each step is asked often
_TX, _BATCH = CommitClass.TX, CommitClass.BATCH
_TRANSACTION, _AT_ONCE, _CALLS = Role.TRANSACTION, Role.BATCH, Role.CALLS


class Batch(msgspec.Struct):
    """Records of one collection to which the same is done.

    ``fields`` are those to send, the version last where it guards the change; ``keys`` and ``versions`` run in
    parallel to ``records``. A key is None where the store has yet to make it. ``expected`` is what the store must still
    have of each record. ``origins`` are the keys of records that get others, in parallel, None for new ones. ``awaits``
    names fields in which a record may stand for its key, which is yet to be made. Of new records that are ``is_untold``
    nobody keeps hold: they are not taken over, and their store need not tell the keys that it makes.

    Example: :class:`Plan`.
    """

    binding: Binding
    verb: Verb
    records: list[Record]
    keys: list[Key]
    fields: tuple[str, ...] = ()
    versions: list[int] | None = None
    expected: Expected | None = None
    origins: list[Key] | None = None
    awaits: tuple[str, ...] = ()
    is_untold: bool = False

    @property
    def is_check(self) -> bool:
        """Whether its records are compared and not written."""
        return self.verb is Verb.UPDATE and not self.fields


class Step:
    """Batches that go to one store together, or calls of any stores. ``is_linked`` if records refer to new ones.

    ``store`` is the store, or that of the first call; ``role`` says how the step is carried out.

    Example: :class:`Plan`.
    """

    __slots__ = ("batches", "is_linked", "role", "store")

    def __init__(self, batches: tuple[Batch, ...], is_linked: bool = False) -> None:
        self.batches = batches
        self.is_linked = is_linked
        self.store: Store = batches[0].binding.store
        commit = self.store.capabilities.commit
        self.role = _TRANSACTION if commit is _TX else _AT_ONCE if commit is _BATCH else _CALLS


class Plan(msgspec.Struct, frozen=True):
    """The steps of a commit, in order. Printing it shows them.

    >>> print(Plan(()))
    nothing to write
    """

    steps: tuple[Step, ...]
    bulk: tuple[PendingBulk, ...] = ()
    """Changes of all that a query means, made before the steps."""

    @property
    def stores(self) -> list[Store]:
        """The stores that the plan writes, each once."""
        if len(self.steps) == 1 and len(self.steps[0].batches) == 1 and not self.bulk:
            return [self.steps[0].store]
        bindings = [each.binding for each in self.bulk]
        bindings += [batch.binding for step in self.steps for batch in step.batches]
        return list({id(binding.store): binding.store for binding in bindings}.values())

    @property
    def guarantee(self) -> Guarantee:
        """The promise of the commit, see ``Guarantee``."""
        if len(self.steps) == 1 and not self.bulk:
            return Guarantee.PER_RECORD if self.steps[0].role is _CALLS else Guarantee.ATOMIC
        calls = [batch for step in self.steps if step.role is _CALLS for batch in step.batches]
        is_compensated = all(batch.binding.compensation is not None for batch in calls)
        return guarantee_of([store.capabilities.commit for store in self.stores], is_compensated=is_compensated)

    @property
    def modes(self) -> dict[str, Mode]:
        """By store, how it takes part where several stores are written, as far as is known unconnected.

        Stores that are called record by record are not among them.
        """
        stores = [store for store in self.stores if store.capabilities.commit in (_TX, _BATCH)]
        if len(self.steps) < 2 and (not self.bulk or len(stores) < 2):
            return {}
        home = home_of(self.stores)
        return {store.name: Mode.HOME if store is home else mode_of(store, store.capabilities.hold) for store in stores}

    @property
    def sizes(self) -> dict[str, int]:
        """By the name of a store, how many records are written there."""
        found: dict[str, int] = {}
        for step in self.steps:
            for batch in step.batches:
                found[batch.binding.store.name] = found.get(batch.binding.store.name, 0) + len(batch.records)
        return found

    @property
    def shortfalls(self) -> dict[str, str]:
        """By the name of a store, the gap in durability that its own settings leave, as far as they were read."""
        found = {store.name: store.shortfall for store in self.stores if isinstance(store, Disclosing)}
        return {name: sentence for name, sentence in found.items() if sentence}

    def __str__(self) -> str:
        if not self.steps and not self.bulk:
            return "nothing to write"
        lines = [f"{each.binding.store.name}: {each}" for each in self.bulk]
        for number, step in enumerate(self.steps, 1):
            names = dict.fromkeys(batch.binding.store.name for batch in step.batches)
            lines.append(f"{number}. {', '.join(names)} ({step.role.value})")
            lines.extend(_lines(step.batches))
        lines.extend(f"{name}: {mode.value}" for name, mode in self.modes.items())
        lines.extend(f"{name}: {sentence}" for name, sentence in self.shortfalls.items())
        return "\n".join([*lines, f"promise: {self.guarantee.value}"])


def _lines(batches: Sequence[Batch]) -> Iterator[str]:
    """A line for each thing that is done in a collection, however many batches it takes."""
    numbers: dict[tuple[str, str], int] = {}
    for batch in batches:
        schema, sent = batch.binding.schema, set(batch.fields)
        targets = {field.target for field in schema.stored if field.target is not None and field.name in sent}
        after = f" -> {', '.join(sorted(targets))}" if targets else ""
        told = "check" if batch.is_check else batch.verb.value, f"{batch.binding.collection}{after}"
        numbers[told] = numbers.get(told, 0) + len(batch.records)
    return (f"   {verb} {number} {rest}" for (verb, rest), number in numbers.items())
