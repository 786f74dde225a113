"""Phase one: every participant is given its changes and votes.

Invariant: a commit is decided only after each participant has checked everything that it would check when it applies
the changes, and holds what they touch (Gray and Reuter, chapter 10.3: the prepare phase).
"""

from __future__ import annotations

from collections.abc import Sequence

from holdall.session.commit.plan.modes import Mode
from holdall.session.commit.two_phase.known_keys import shifted, with_keys
from holdall.session.commit.two_phase.participants import Participant, TwoPhaseCommit
from holdall.session.commit.two_phase.precheck import precheck
from holdall.store import APPLIED, Change, Outcome, Runs

__all__ = ["prepare"]


async def prepare(commit: TwoPhaseCommit, participant: Participant, changes: Sequence[Change]) -> Sequence[Outcome]:
    """Let a participant vote on more changes; one outcome for each, with the keys that were made.

    Raises what refuses them, Reserved or LockConflict where another commit is in the way. The home store's changes are
    applied in its open transaction, which ``decide`` commits.
    """
    match participant.mode:
        case Mode.PREPARED | Mode.RESERVED:
            return await _hold(commit, participant, changes)
        case Mode.CHECKED:
            await precheck(commit.coordinator.bindings, changes)
            participant.sent = [*participant.sent, *changes] if participant.sent else changes
            return [APPLIED] * len(changes)
    transaction = await commit.transactions.of(participant.store)
    outcomes = await transaction.apply(changes)
    participant.sent = [*participant.sent, *with_keys(changes, outcomes)]
    return outcomes


async def _hold(commit: TwoPhaseCommit, participant: Participant, changes: Sequence[Change]) -> Sequence[Outcome]:
    """Prepare everything the store was given so far; what it held before is replaced."""
    store, earlier = participant.holder, participant.sent
    participant.is_held = True  # from now on: the answer may be lost
    reservation = commit.lasting if participant.mode is Mode.PREPARED else commit.reservation
    if not earlier:
        outcomes = await store.prepare(reservation, changes)
        has_keys = isinstance(changes, Runs) and not changes.is_linked and not any(item.key for item in outcomes)
        participant.sent = changes if has_keys else with_keys(changes, outcomes)
        return outcomes
    every = await store.prepare(reservation, [*earlier, *shifted(changes, len(earlier))])
    outcomes = every[len(earlier) :]
    participant.sent = [*earlier, *with_keys(changes, outcomes)]
    return outcomes
