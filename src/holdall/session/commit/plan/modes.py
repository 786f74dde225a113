"""How each store takes part in a commit over several stores: who decides, and how the others hold their parts.

The home store decides last, by its own COMMIT: the *last resource* of Gray and Reuter, *Transaction Processing* (1993).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from holdall.store import CommitClass, Hold, Store, Transactional

__all__ = ["Mode", "home_of", "is_kept", "mode_of"]


class Mode(StrEnum):
    """The part of a store in a commit, and against whom its part is protected between vote and decision."""

    HOME = "decides"
    """Its COMMIT is the decision."""
    PREPARED = "held by a prepared transaction"
    """It votes, and its server keeps the part and its locks, whoever dies: nobody can get in between."""
    RESERVED = "reserved"
    """It votes, and reserves the part, whoever dies: no Holdall writer can get in between. What another program
    changes is noticed, and the whole commit is taken back."""
    OPEN = "held by an open transaction"
    """Its transaction stays open until the decision. If the process dies in between, anybody can get in between; then
    the whole commit is taken back."""
    CHECKED = "only checked before"
    """Anybody can get in between; then the whole commit is taken back."""

    @property
    def votes(self) -> bool:
        """Whether the store holds its part on its own, past the end of the process."""
        return self is Mode.RESERVED or self is Mode.PREPARED


def is_kept(stores: Sequence[Store]) -> bool:
    """Whether a commit over these stores has a journal: more than one of them outlives the process."""
    return sum(store.capabilities.is_durable for store in stores) > 1


def home_of(stores: Sequence[Store]) -> Store | None:
    """The store whose COMMIT decides a commit over these stores, or None: then the local journal does.

    A store that cannot hold a part comes first, as the home store need not hold any; then the one to which holding is
    dearest (``Capabilities.hold_cost``); then by name, so that all commits over the same stores have the same home.
    Where one store alone outlives the process, that one decides.
    """
    needed = (CommitClass.TX,) if is_kept(stores) else (CommitClass.TX, CommitClass.BATCH)
    able = [store for store in stores if store.capabilities.commit in needed]
    if is_kept(stores):
        able = [store for store in able if store.capabilities.is_durable]
    return min(able, key=_preference, default=None)


def _preference(store: Store) -> tuple[bool, bool, int, str]:
    able = store.capabilities
    return not able.is_durable, able.hold is not Hold.NONE, -able.hold_cost, store.name


def mode_of(store: Store, hold: Hold) -> Mode:
    """How a store that does not decide takes part."""
    match hold:
        case Hold.PREPARED:
            return Mode.PREPARED
        case Hold.RESERVED:
            return Mode.RESERVED
    return Mode.OPEN if isinstance(store, Transactional) else Mode.CHECKED
