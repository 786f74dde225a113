"""Applying a part of a decided commit once, however often it is tried and by whomever.

For stores that hold a part, ``commit_prepared`` is idempotent by itself; for others a marker goes with the part.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from holdall.errors import (
    Conflict,
    HoldallError,
    LockConflict,
    Reserved,
    SchemaMismatch,
    StoreError,
    StoreTimeout,
    StoreUnavailable,
    Unsupported,
)
from holdall.session.cancelling import heed_cancellation
from holdall.session.journal.markers import has_marker, marker_of
from holdall.session.journal.schema import MARKER
from holdall.store import APPLIED, Change, Outcome, Run, Runs, Store, Verb, has_checks

__all__ = ["apply_once", "is_refusal", "until_answered"]

_T = TypeVar("_T")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0  # seconds


def is_refusal(error: BaseException) -> bool:
    """Whether a store said for good that it does not take a part, so that it has not written it.

    Every other error, such as missing rights or a folder that cannot be opened, says nothing of what was written before
    and may be gone tomorrow: the part stays to be written.
    """
    if isinstance(error, StoreError):
        is_passing = isinstance(error, Reserved | LockConflict)
        return isinstance(error, Conflict | SchemaMismatch | Unsupported) and not is_passing
    return isinstance(error, HoldallError)


async def until_answered(attempt: Callable[[], Awaitable[_T]]) -> _T:
    """The result of an attempt that may be repeated, made again while the store is away, silent or locked.

    Bound it with ``asyncio.timeout``. Raises what refuses the attempt for good.
    """
    pause = _FIRST_PAUSE
    while True:
        try:
            return await attempt()
        except (StoreUnavailable, StoreTimeout, Reserved, LockConflict):
            heed_cancellation()
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


async def apply_once(store: Store, commit: str, changes: Sequence[Change]) -> Sequence[Outcome]:
    """Apply a part together with its marker, and again while the store cannot be reached or its answer is lost.

    Where the marker is there already, the part was applied before, whatever it is that the store refuses it for now.
    """
    marker = marker_of(commit, store.name)
    if has_checks(changes):  # they stand behind all others, and were for the vote
        written = [change for change in changes if not change.is_check]
        return [*await apply_once(store, commit, written), *[APPLIED] * (len(changes) - len(written))]

    async def attempt() -> Sequence[Outcome]:
        try:
            return (await store.apply(_with(changes, marker)))[: len(changes)]
        except (Reserved, LockConflict):
            raise
        except Conflict:
            if not await has_marker(store, commit, store.name):
                raise
            return [APPLIED] * len(changes)

    return await until_answered(attempt)


def _with(changes: Sequence[Change], marker: Change) -> Sequence[Change]:
    if not isinstance(changes, Runs):
        return [*changes, marker]
    run = Run(Verb.ADD, MARKER.name, marker.fields, [marker.key], [marker.values])
    return Runs([*changes.runs, run], is_linked=changes.is_linked)
