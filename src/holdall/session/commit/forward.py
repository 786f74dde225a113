"""Rolling a part of a decided commit forward: once and for all, however often it is tried and by whomever."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from holdall.errors import Conflict, StoreTimeout, StoreUnavailable
from holdall.session.commit.journal import MARKER, is_marked, marked
from holdall.store import APPLIED, Change, Outcome, Run, Runs, Store, Verb

__all__ = ["roll_forward"]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0  # seconds


async def roll_forward(store: Store, commit: str, changes: Sequence[Change]) -> Sequence[Outcome]:
    """Apply a part together with its marker, and again while the store cannot be reached or its answer is lost.

    Where the marker is there already, the part was done before, whatever it is that the store refuses it for now: a
    record that it added is there, one that it changed has another version. Raises what refuses it for good; bound it
    with ``asyncio.timeout``.
    """
    marker = marked(commit, store.name)
    pause = _FIRST_PAUSE
    while True:
        try:
            try:
                return (await store.apply(_with(changes, marker)))[: len(changes)]
            except Conflict:
                if not await is_marked(store, commit, store.name):
                    raise
                return [APPLIED] * len(changes)
        except (StoreUnavailable, StoreTimeout):
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


def _with(changes: Sequence[Change], marker: Change) -> Sequence[Change]:
    if not isinstance(changes, Runs):
        return [*changes, marker]
    run = Run(Verb.ADD, MARKER.name, marker.fields, [marker.key], [marker.values])
    return Runs([*changes.runs, run], is_linked=changes.is_linked)
