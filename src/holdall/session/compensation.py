"""How calls of a collection are undone where the commit they are part of is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TypeAlias

from holdall.session.journal.log_record import Operation

__all__ = ["Compensate", "Compensation"]


class Compensate(StrEnum):
    """How calls of a collection are undone where a commit they are part of is refused.

    >>> class Booking(Model):
    ...     id: str = field(pk=True)
    >>> app = Holdall("travel")
    >>> app.add_store("partner", "memory:")
    >>> app.add(Booking, store="partner", compensation=Compensate.INVERSE)
    """

    INVERSE = "inverse"
    """By the opposite change: what was added is removed, what was changed or removed gets its old values back."""


Compensation: TypeAlias = Compensate | Callable[[Operation], Awaitable[None]]
"""``Compensate.INVERSE``, or an async function that undoes one operation however that is done there.

The function is also called for operations that are PLANNED, of which nobody knows whether they were carried out, and
again where it ended by StoreUnavailable or StoreTimeout: it looks first. What it cannot undo, it raises an error for.
"""
