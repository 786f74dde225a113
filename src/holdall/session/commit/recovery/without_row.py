"""Commits of which only what stores hold is left: their journal is lost or elsewhere, or their form is not known."""

from __future__ import annotations

import logging
from collections.abc import Collection

from holdall.errors import HoldallError
from holdall.session.commit.recovery.unfinished import Unfinished
from holdall.session.commit.two_phase.coordinator import Coordinator
from holdall.session.journal.row import JournalState
from holdall.store import Preparable, Reservation, Store

__all__ = ["ACCEPTABLE_BY_FORCE", "unknown_form", "without_row"]

_log = logging.getLogger("holdall.recovery")

ACCEPTABLE_BY_FORCE = "accept it by force to let go of what it holds"
"""The end of the reason of a commit that nobody can settle any more."""


async def without_row(coordinator: Coordinator, listed: Collection[str] = ()) -> list[Unfinished]:
    """Return what stores hold for dead commits of this application whose journal is gone, and for commits of whatever
    application in a form that this version does not know; without those that are ``listed`` already.
    """
    found: dict[str, Unfinished] = {}
    for store in coordinator.bindings.stores():
        for item in await _prepared_in(store):
            reason = "" if item.commit in found or item.commit in listed else await _reason(coordinator, store, item)
            if reason:
                found[item.commit] = Unfinished(
                    item.commit, JournalState.UNKNOWN, item.expires, (), item.application, item.place, reason=reason
                )
    return list(found.values())


def unknown_form(store: Store, item: Reservation) -> str:
    """Why what a store holds for a commit is left alone; empty where this version knows its form."""
    if item.is_readable:
        return ""
    form = f"format {item.format}" if item.format else "a form that cannot be read"
    return f"store {store.name!r} holds a part of it in {form}; use the version of Holdall that wrote it"


async def _reason(coordinator: Coordinator, store: Store, item: Reservation) -> str:
    """Why nobody here can go on with a commit; empty where somebody can, or it is none of this application."""
    if unknown := unknown_form(store, item):
        return unknown
    journal = coordinator.journal
    if not item.home or item.application != journal.application or not coordinator.is_abandoned(item):
        return ""
    try:
        if await journal.home_with(item.home) is not None:
            return ""
    except HoldallError:
        return ""  # a journal that cannot be read is listed already
    known = [journal.place_of(home) for home in await journal.homes()]
    if item.place.startswith("store ") and item.place not in known:
        return f"its journal is in {item.place}, which this application does not have; add that store"
    return f"its journal was lost: {item.place}; {ACCEPTABLE_BY_FORCE}"


async def _prepared_in(store: Store) -> list[Reservation]:
    """All that is held in a store; nothing where it cannot say."""
    try:
        return await store.prepared() if isinstance(store, Preparable) else []
    except HoldallError as error:
        _log.warning("what store %r holds for commits was not looked at: %s", store.name, error)
        return []
