"""Phase two of a decided commit: every other participant writes its part, side by side.

Invariant: a part is applied at most once, and only if the commit is decided. A participant that holds its part writes
it and lets go in one atomic step; that nothing is held any more means that the part was written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from holdall.errors import HoldallError
from holdall.session.commit.failpoint import Failpoint, reached
from holdall.session.commit.plan.modes import Mode
from holdall.session.commit.two_phase.idempotent_apply import apply_once, is_refusal, until_answered
from holdall.session.commit.two_phase.participants import Participant, TwoPhaseCommit
from holdall.store import Outcome, Store

__all__ = ["End", "PartEnd", "roll_forward"]


class End(StrEnum):
    """How a part ended for now."""

    APPLIED = "applied"
    PENDING = "pending"  # its store is away, or answers with an error that is no refusal: a helper goes on
    REFUSED = "refused"  # by somebody who does not respect reservations


class PartEnd(msgspec.Struct):
    """The end of one participant's part. ``is_ours`` if it was not a helper who wrote it."""

    store: Store
    end: End = End.APPLIED
    outcomes: Sequence[Outcome] | None = None
    error: Exception | None = None
    is_ours: bool = True


async def roll_forward(commit: TwoPhaseCommit, *, seconds: float) -> list[PartEnd]:
    """Write every part that is left, each for at most ``seconds`` seconds. Raises nothing that a store answers."""
    others = commit.others
    if len(others) == 1:
        return [await _part(commit, others[0], seconds)]
    return list(await asyncio.gather(*[_part(commit, participant, seconds) for participant in others]))


async def _part(commit: TwoPhaseCommit, participant: Participant, seconds: float) -> PartEnd:
    end = PartEnd(participant.store)
    reached(Failpoint.ROLLING_FORWARD)
    try:
        async with asyncio.timeout(seconds):
            await _apply(commit, participant, end)
        reached(Failpoint.ROLLED_FORWARD)
    except TimeoutError as error:
        end.end, end.error = End.PENDING, error
    except Exception as error:
        end.end, end.error = End.REFUSED if is_refusal(error) else End.PENDING, error
    return end


async def _apply(commit: TwoPhaseCommit, participant: Participant, end: PartEnd) -> None:
    store = participant.store
    if participant.mode.votes:
        end.is_ours = await _commit_held(commit, participant)
        return
    is_kept = commit.is_kept and store.capabilities.is_durable
    if participant.mode is Mode.OPEN:
        try:
            await commit.transactions.commit(store)
        except HoldallError:
            if not is_kept:
                raise
            await apply_once(store, commit.id, participant.sent)
        return
    if is_kept:
        end.outcomes = await apply_once(store, commit.id, participant.sent)
    else:
        end.outcomes = await store.apply(participant.sent)


async def _commit_held(commit: TwoPhaseCommit, participant: Participant) -> bool:
    tries = 0

    async def attempt() -> bool:
        nonlocal tries
        tries += 1
        return await participant.holder.commit_prepared(commit.id, participant.sent)

    is_written = await until_answered(attempt)
    participant.is_held = False
    return is_written or tries > 1  # an answer of ours may have been lost
