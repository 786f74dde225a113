"""Changes that a store is asked to make, and the outcome of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, Self

import msgspec

from holdall.errors import HoldallError
from holdall.query import Key, Value
from holdall.store.expected import Expected

__all__ = ["APPLIED", "Change", "KeyOf", "Members", "Outcome", "Verb"]


class Verb(StrEnum):
    """The act of a change: add, update or remove. Example: :class:`Store`."""

    ADD = "add"
    UPDATE = "update"
    REMOVE = "remove"


class KeyOf(msgspec.Struct, frozen=True):
    """Stands in a change's key or values for the key of an earlier ADD of the same ``apply``, which the store makes.

    Also inside the tuples of composite keys and of a Many.

    >>> from holdall.store import Change, KeyOf, Verb
    >>> author = Change(Verb.ADD, "author", None, ("name",), ("Jane",))
    >>> book = Change(Verb.ADD, "book", 1, ("id", "author"), (1, KeyOf(0)))
    >>> book.values
    (1, KeyOf(position=0))
    """

    position: int  # that ADD's index in the sequence given to apply


class Members(tuple[Any, ...]):
    """The keys of a stored Many as a change wants them, which also keeps what they were.

    Members that stay keep their order; new ones come at the end. A store with Feature.MEMBERS writes what came and
    went: what others add or take away meanwhile stays so.

    Example: :func:`Members.inverse`.
    """

    before: tuple[Value, ...]

    @classmethod
    def of(cls, keys: Iterable[Key], before: Iterable[Value]) -> Self:
        """These keys, where there were those before."""
        members = cls(keys)
        members.before = tuple(before)
        return members

    @property
    def come(self) -> list[Any]:
        """The keys that are to be there and were not before."""
        before = set(self.before)
        return [key for key in self if key not in before]

    @property
    def gone(self) -> list[Key]:
        """The keys that were there before and are to be no more."""
        now = set(self)
        return [key for key in self.before if key not in now]

    @property
    def is_in_order(self) -> bool:
        """Whether those that stay are in their order, and those that come at the end."""
        gone = set(self.gone)
        return [*(key for key in self.before if key not in gone), *self.come] == [*self]

    def applied_to(self, keys: Iterable[Key]) -> tuple[Value, ...]:
        """These stored keys without those that go and with those that come."""
        gone = set(self.gone)
        return tuple(dict.fromkeys([*(key for key in keys if key not in gone), *self.come]))

    def is_applied_to(self, keys: Iterable[Key]) -> bool:
        """Whether all that come are among these stored keys, and none that go is."""
        there = set(keys)
        return there.issuperset(self.come) and there.isdisjoint(self.gone)

    def mapped(self, replace: Callable[[Any], Any]) -> Self:
        """The same with another key in the place of each that is to be there."""
        return type(self).of(map(replace, self), self.before)

    def inverse(self) -> Self:
        """Return the members that undo this change and leave the changes of others; those that return are at the end.

        >>> Members.of((1, 3, 4), (1, 2, 3)).inverse()
        (1, 3, 2)
        """
        back = type(self).of(self.before, self)
        return type(self).of(back.applied_to(self), self)


class Change(msgspec.Struct, gc=False):
    """One change to one record.

    ``fields`` and ``values`` run in parallel: all given fields of a new record, only the changed ones of an update.
    Changes of one kind share one ``fields`` tuple, so a store can batch by identity. ``key`` is None where the store
    makes it. ``version`` is the version the record must still have; the new version is among the values.

    An ADD may give a key that the store would have made; the store then keeps clear of it. An UPDATE never changes key
    fields. An UPDATE or REMOVE of a record that is not there is refused with StaleVersion, with or without a version.
    ``expected`` are values that the record of an UPDATE or REMOVE must still have, compared in the step that writes it;
    what differs is refused with StaleVersion. Only stores with Feature.EXPECTED are given any. An UPDATE of no fields
    compares and writes nothing; only stores with Feature.CHECKS are given any.
    ``origin`` is, for an ADD, the key that the record had until now, whose REMOVE comes later in the same ``apply``: a
    store that keeps more of a record than its model says (other fields, comments) takes that over, too.
    ``token`` names the change wherever it may be sent again: a store that can passes it on, so that it counts once.

    Example: :class:`Store`.
    """

    verb: Verb
    collection: str
    key: Key = None
    fields: tuple[str, ...] = ()
    values: tuple[Value, ...] = ()
    version: int | None = None
    token: str | None = None
    expected: Expected | None = None
    origin: Key = None

    @property
    def is_check(self) -> bool:
        """Whether it compares and writes nothing."""
        return self.verb is Verb.UPDATE and not self.fields


class Outcome(msgspec.Struct, frozen=True):
    """The store's answer to one change: the key that the store made, if any; the error, if it refused the change.

    ``given`` has the values of fields that the store gives, by name, once the change was applied. ``answer`` is what
    hand-written code returned. ``places`` is how many of its own places the store wrote or freed for
    it; only a store with several places for a record says.

    Example: :class:`Store`.
    """

    key: Key = None
    error: HoldallError | None = None
    answer: Value = None
    places: int = 1
    given: Mapping[str, Value] | None = None


APPLIED = Outcome()
"""The outcome of a change that went well and had nothing to report."""
