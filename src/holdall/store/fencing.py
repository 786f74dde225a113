"""Fences: whole collections that no writer changes past, while they are moved to another store and after that."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Protocol, runtime_checkable

import msgspec

from holdall.store.reservation import Reservation

__all__ = ["MOVE_NOTES", "MOVE_POSITIONS", "Fence", "Fencing", "passing_of"]

MOVE_NOTES = "holdall_move_note"
"""How the names of collections begin in which writers note what they change of a collection that moves."""

MOVE_POSITIONS = "holdall_move_position"
"""The collection in which the one that moves a collection keeps how far that is."""


class Fence(msgspec.Struct, frozen=True):
    """A collection that is moving. Changes pass with which a row of a collection named as ``passing`` says is written.

    Without that nothing passes.

    >>> Fence("song", MOVE_NOTES).refuses({"song"}), Fence("song", MOVE_NOTES).refuses({"song", MOVE_NOTES})
    (True, False)
    >>> Fence("song").refuses({"song", MOVE_NOTES}), Fence("song").refuses({"book"})
    (True, False)
    """

    collection: str
    passing: str = ""

    def refuses(self, collections: Collection[str]) -> bool:
        """Whether changes that write these collections together must not be written. Example: :class:`Fence`."""
        return self.collection in collections and (not self.passing or passing_of(collections) != self.passing)


def passing_of(collections: Iterable[str]) -> str:
    """Return which fences changes to these collections pass, by the rows among them. Example: :class:`Fence`."""
    found = [each for each in (MOVE_NOTES, MOVE_POSITIONS) if any(name.startswith(each) for name in collections)]
    return found[0] if found else ""


@runtime_checkable
class Fencing(Protocol):
    """A store whose writers look at fences, in the step that writes. In its absence no collection moves away from it.

    A fence is a reservation, of a commit whose name begins with ``move-``: ``prepared`` lists it,
    ``roll_back_prepared`` takes it away, and changes that it refuses raise Reserved. Parts that were prepared before
    pass.

    Example: :class:`Fence`.
    """

    async def fence(self, reservation: Reservation, fence: Fence) -> None:
        """Set a fence, in place of what is held under its commit. All changes that are being written end before."""
        ...
