"""States of a record, and when a frozen field may not be written."""

from __future__ import annotations

from enum import Enum, IntFlag

__all__ = ["Frozen", "State"]


class State(Enum):
    """Where a record stands with its session.

    >>> class Country(Model):
    ...     code: str = field(pk=True)
    >>> state_of(Country(code="FR"))
    <State.UNBOUND: 'unbound'>
    """

    UNBOUND = "unbound"  # no session knows it
    NEW = "new"  # to be added at the next commit
    CLEAN = "clean"  # as its store has it
    DIRTY = "dirty"  # changed since
    DELETED = "deleted"  # to be removed at the next commit
    DISCARDED = "discarded"  # removed, rolled back or left by its session; of no further use


class Frozen(IntFlag):
    """When a field may not be written by anyone but its store.

    ``CREATE``: not while the record is new, so it is added with its default. ``UPDATE``: not once the record is
    stored. ``ALWAYS`` is both.

    >>> class Order(Model):
    ...     id: int = field(pk=True)
    ...     customer: str = field(frozen=Frozen.UPDATE)
    """

    NEVER = 0
    UPDATE = 1
    CREATE = 2
    ALWAYS = 3
