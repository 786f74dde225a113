"""Markers: the proof, written with a part in one batch, that a store which cannot hold a part has applied it.

Stores that are ``Preparable`` need none: there the reservation that is gone is the proof. A marker goes with its row.
"""

from __future__ import annotations

import datetime as dt

from holdall.query import AnyQuery, Compare, Op, Query
from holdall.session.journal.row import now
from holdall.session.journal.schema import MARKER
from holdall.store import Change, Store, Verb

__all__ = ["has_marker", "marker_of", "remove_markers", "sweep_markers"]

_AT_ONCE = 500  # markers


def marker_of(commit: str, part: str) -> Change:
    """The change that leaves a marker with a part; ``part`` is its store's name."""
    return Change(Verb.ADD, MARKER.name, f"{commit}:{part}", ("id", "made"), (f"{commit}:{part}", now()))


async def has_marker(store: Store, commit: str, part: str) -> bool:
    """Whether a part was applied."""
    return bool(await store.fetch(Query(MARKER.name, Compare(("id",), Op.EQ, f"{commit}:{part}"))))


async def remove_markers(store: Store, commits: list[str]) -> None:
    """Remove the markers of these commits, where they are still there."""
    wanted = tuple([f"{commit}:{store.name}" for commit in commits])
    query: AnyQuery = Query(MARKER.name, Compare(("id",), Op.IN, wanted))
    found = [row[0] for row in await store.fetch(query)]
    if found:
        await store.apply([Change(Verb.REMOVE, MARKER.name, key) for key in found])


async def sweep_markers(store: Store, older_than: dt.timedelta) -> int:
    """Remove markers, at most 500, that somebody left behind whose row is long gone. Returns how many."""
    query: AnyQuery = Query(MARKER.name, Compare(("made",), Op.LT, now() - older_than), max_rows=_AT_ONCE)
    ids = [row[0] for row in await store.fetch(query)]
    if ids:
        await store.apply([Change(Verb.REMOVE, MARKER.name, key) for key in ids])
    return len(ids)
