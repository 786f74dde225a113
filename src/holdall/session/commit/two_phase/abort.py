"""Abort: let go of everything a commit holds before it is decided.

Invariant: an aborted commit has changed nothing. Parts that cannot be reached now are let go of by the next commit that
meets them: no decision can be there, as this function is called only where none was written, or where a tombstone
forbids one.
"""

from __future__ import annotations

import logging

from holdall.errors import HoldallError
from holdall.session.commit.two_phase.participants import TwoPhaseCommit
from holdall.store import Preparable

__all__ = ["release"]

_log = logging.getLogger("holdall.commit")


async def release(commit: TwoPhaseCommit) -> bool:
    """Roll back open transactions and let go of every part that is held.

    Returns whether every store has confirmed it: only then may the commit be tried anew under its id, as a request to
    let go that is still on its way would take away what the next try holds.
    """
    is_confirmed = True
    await commit.transactions.roll_back()
    if commit.handle.is_in_doubt:
        return False  # the row may be there: whoever meets what is held settles it by the row
    for participant in commit.participants.values():
        participant.sent = ()
        if participant.is_held and isinstance(participant.store, Preparable):
            try:
                await participant.store.roll_back_prepared(commit.id)
            except HoldallError as error:
                is_confirmed = False
                _log.warning(
                    "store %r may hold a part of commit %s until somebody meets it: %s",
                    participant.store.name,
                    commit.id,
                    error,
                )
            participant.is_held = False
    return is_confirmed
