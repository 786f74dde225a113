"""How stores take part in commits over them, worked out once for each set of stores.

Only what the stores are by themselves decides it, and how each of them can hold a part now.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast
from weakref import WeakKeyDictionary

import msgspec

from holdall.errors import StateError
from holdall.session.commit.plan import modes
from holdall.session.commit.plan.modes import Mode
from holdall.session.journal.journal import Journal
from holdall.store import CommitClass, Hold, Preparable, Store

__all__ = ["Seats", "hold_of", "seats_of"]


class Seats(msgspec.Struct, frozen=True):
    """The same for all commits over the same stores: the ``home`` that decides, and the mode of each participant.

    ``home`` is None where the local journal decides. Without ``is_kept`` no journal is written. ``has_votes`` if any
    participant holds its part on its own.
    """

    stores: tuple[Store, ...]
    home: Store | None
    is_kept: bool
    modes: list[tuple[Store, Mode]]
    has_votes: bool


_known: WeakKeyDictionary[Journal, dict[tuple[object, ...], Seats]] = WeakKeyDictionary()


async def seats_of(
    journal: Journal, stores: Sequence[Store], home: Store | None = None, is_kept: bool | None = None
) -> Seats:
    """The seats of these stores; ``home`` forces the store that decides, ``is_kept`` whether a journal is written.

    Raises StateError for two stores in one place.
    """
    holds = [await hold_of(store) for store in stores]
    if home is not None or is_kept is not None:
        return _seats(journal, stores, holds, home, is_kept)
    known = _known.setdefault(journal, {})
    place = (*map(id, stores), *holds)
    found = known.get(place)
    if found is None:
        found = known[place] = _seats(journal, stores, holds, None, None)  # which keeps the stores, so ids stay theirs
    return found


async def hold_of(store: Store) -> Hold:
    """How a store holds its part of a commit."""
    return await cast(Preparable, store).hold() if hasattr(store, "hold") else Hold.NONE


def _seats(
    journal: Journal, stores: Sequence[Store], holds: Sequence[Hold], home: Store | None, is_kept: bool | None
) -> Seats:
    _require_places_of_their_own(stores)
    place = home or modes.home_of(stores)
    if place is not None and journal.is_local(place):
        place = None
    taken = [
        (store, Mode.HOME if store is place else modes.mode_of(store, hold))
        for store, hold in zip(stores, holds, strict=True)
        if store.capabilities.commit in (CommitClass.TX, CommitClass.BATCH)
    ]
    kept = modes.is_kept(stores) if is_kept is None else is_kept
    return Seats(tuple(stores), place, kept, taken, any(mode.votes for _, mode in taken))


def _require_places_of_their_own(stores: Sequence[Store]) -> None:
    """Raise StateError for two stores in one place: what one holds there would be taken for what the other holds."""
    seen: dict[str, str] = {}
    for store in stores:
        place = getattr(store, "place", None)  # of a Placed store; looking at the whole protocol takes microseconds
        if place is not None:
            other = seen.setdefault(place, store.name)
            if other != store.name:
                raise StateError(
                    f"the stores {other!r} and {store.name!r} are one place; keep the collections of both in {other!r}"
                )
