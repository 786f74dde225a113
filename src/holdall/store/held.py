"""Records and values that commits under way hold in a store, and the refusal of changes that collide with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from holdall.errors import Reserved
from holdall.query import Schema
from holdall.store.change import Change, Outcome
from holdall.store.fencing import Fence
from holdall.store.footprint import Footprint, footprint_of
from holdall.store.reservation import Reservation

__all__ = ["Held", "demand_unreserved"]


class Held(msgspec.Struct, frozen=True):
    """A commit's reservation and what it covers; a footprint that cannot be read is None and covers everything.

    Example: :class:`Reserved`.
    """

    reservation: Reservation
    footprint: Footprint | None

    def collides(self, footprint: Footprint) -> bool:
        """Whether changes with this footprint must not be written while it is held."""
        return self.footprint is None or self.footprint.collides(footprint)

    @property
    def fence(self) -> Fence | None:
        """The fence that it is, if it is one."""
        found = None if self.footprint is None else self.footprint.fence
        return None if found is msgspec.UNSET else found


def demand_unreserved(
    store: str,
    changes: Sequence[Change],
    schemas: Mapping[str, Schema],
    held: Collection[Held],
    outcomes: Sequence[Outcome] | None = None,
) -> None:
    """Raise Reserved, naming the first change concerned, where changes collide with what other commits hold.

    Its reservations are all that these changes collide with. Nothing is computed where nothing is held.

    Example: :class:`Reserved`.
    """
    if not held:
        return
    _demand_unfenced(store, changes, held)
    footprint = footprint_of(changes, schemas, outcomes)
    met = [item for item in held if item.collides(footprint)]
    if not met:
        return
    for position, change in enumerate(changes):
        own = footprint_of([change], schemas, outcomes[position : position + 1] if outcomes is not None else None)
        if any(item.collides(own) for item in met):
            raise Reserved(store, [item.reservation for item in met], change.collection, position)
    raise Reserved(store, [item.reservation for item in met])


def _demand_unfenced(store: str, changes: Sequence[Change], held: Collection[Held]) -> None:
    """Raise Reserved for the first change past a fence."""
    fences = [(item.reservation, item.fence) for item in held if item.fence is not None]
    if not fences:
        return
    names = {change.collection for change in changes}
    met = [reservation for reservation, fence in fences if fence.refuses(names)]
    if met:
        fenced = {fence.collection for _, fence in fences}
        place, name = next((place, each.collection) for place, each in enumerate(changes) if each.collection in fenced)
        raise Reserved(store, met, name, place)
