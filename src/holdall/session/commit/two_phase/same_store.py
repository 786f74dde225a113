"""Whether a name still leads to the store that a commit was made over.

Invariant: a part is written to, looked for and undone in the store that voted on it, never in another one that was
given its name. An address may change, as after a failover; the identity that lies with the data does not.
"""

from __future__ import annotations

from holdall.errors import StateError
from holdall.session.commit.two_phase.coordinator import Coordinator
from holdall.session.journal.log_record import Part

__all__ = ["require_same_store"]


async def require_same_store(coordinator: Coordinator, part: Part) -> None:
    """Raise StateError where the part's store is not the one by its identity; one without an identity passes.

    Raises StoreUnavailable or StoreTimeout where the store does not answer.
    """
    store = coordinator.store_named(part.store)
    if store is None or not part.identity:
        return
    found = await coordinator.journal.identity_of(store, makes=False)
    if found != part.identity:
        told = f"it is {found}" if found else "it has none"
        raise StateError(
            f"store {part.store!r} is not the one that the commit was made over, which has the identity"
            f" {part.identity}, and {told}: let the name lead to that file, folder or database again"
        )
