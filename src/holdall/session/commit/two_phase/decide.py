"""The decision: one atomic write in the home store, from which there is no way back but a new commit.

Invariant: at most one of a decided row and a tombstone ever exists for a commit's id, since the row is inserted where
there is none, or moved on from the version this commit has seen. An acknowledged commit is decided.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from holdall.errors import Conflict, StaleVersion, StateError, StoreTimeout, StoreUnavailable, UniqueViolation
from holdall.session.commit.plan.modes import Mode
from holdall.session.commit.two_phase.participants import TwoPhaseCommit
from holdall.session.journal.log_record import LogRecord
from holdall.session.journal.markers import marker_of
from holdall.session.journal.schema import JOURNAL
from holdall.store import Change, Outcome, Run, Runs

__all__ = ["InDoubt", "decide"]


class InDoubt(Exception):
    """Nobody answers whether the decision took place."""


async def decide(
    commit: TwoPhaseCommit,
    record: LogRecord,
    *,
    deferred: Sequence[Change] = (),
    beside: Sequence[Change] = (),
    seconds: float,
) -> Sequence[Outcome]:
    """Decide the commit; returns the outcomes of ``deferred``, changes of the home store that were not sent before.

    ``beside`` are changes of journal rows that are to last with the decision. ``seconds`` bounds, in seconds, how long
    the store is asked after its answer was lost. Raises InDoubt where that stays unknown, Conflict where a helper has
    taken the commit for abandoned; any other error is a refusal, and the commit is not decided.

    Cancelled while the decision is on its way, the commit is in doubt: ``handle.is_in_doubt`` says so.
    """
    handle = commit.handle
    if commit.is_kept and commit.is_lease_over:
        raise StateError(f"commit {commit.id} was interrupted for longer than its lease; repeat it")
    rows = [*([handle.decision(record)] if commit.is_kept else []), *beside]
    await _leave_markers(commit)
    try:
        outcomes = await _write(commit, rows, deferred)
    except (StoreUnavailable, StoreTimeout) as error:
        if not error.is_outcome_unknown or not await _took_place(commit, error, seconds):
            raise
        outcomes = ()
    except asyncio.CancelledError:
        handle.is_in_doubt = commit.is_kept  # the decision may be on its way: what is held must stay
        raise
    except (UniqueViolation, StaleVersion) as error:
        if error.collection != JOURNAL.name:
            raise
        raise Conflict(
            error.store, f"commit {commit.id} was taken for abandoned by another process, and aborted; repeat it"
        ) from error
    handle.confirm()
    return outcomes


async def _write(commit: TwoPhaseCommit, rows: list[Change], deferred: Sequence[Change]) -> Sequence[Outcome]:
    if commit.home is None:
        if rows:
            await (await commit.handle.place()).apply(rows)
        return ()
    if not commit.transactions.is_open(commit.home):
        return (await commit.home.apply(_together(deferred, rows)))[: len(deferred)]
    transaction = await commit.transactions.of(commit.home)
    outcomes = await transaction.apply(deferred) if deferred else ()
    if rows:
        await transaction.apply(rows)
    await commit.transactions.commit(commit.home)
    return outcomes


async def _leave_markers(commit: TwoPhaseCommit) -> None:
    """In the transactions that stay open until after the decision."""
    for participant in commit.others:
        store = participant.store
        if participant.mode is Mode.OPEN and commit.is_kept and store.capabilities.is_durable:
            await (await commit.transactions.of(store)).apply([marker_of(commit.id, store.name)])


def _together(changes: Sequence[Change], rows: list[Change]) -> Sequence[Change]:
    if not isinstance(changes, Runs):
        return [*changes, *rows]
    runs = [
        Run(
            row.verb,
            row.collection,
            row.fields,
            [row.key],
            [row.values],
            None if row.version is None else [row.version],
        )
        for row in rows
    ]
    return Runs([*changes.runs, *runs], is_linked=changes.is_linked)


async def _took_place(commit: TwoPhaseCommit, error: Exception, seconds: float) -> bool:
    unresolved: Exception = error
    try:
        async with asyncio.timeout(seconds):
            took_place = await commit.handle.settle_doubt() if commit.is_kept else None
        if took_place is not None:
            return took_place
    except (TimeoutError, StateError, StoreUnavailable, StoreTimeout) as silence:
        unresolved = silence
    await commit.transactions.roll_back()
    raise InDoubt from unresolved
