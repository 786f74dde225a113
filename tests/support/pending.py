"""Commits that end pending, as a store is away after the decision, on a machine that may be busy."""

from __future__ import annotations

from holdall.errors import CommitAborted, CommitPending
from holdall.session import Session

__all__ = ["commit_pending"]

_TIMEOUTS = (0.2, 0.5, 2.0, 10.0)  # seconds


async def commit_pending(session: Session) -> CommitPending:
    """Commit, and return the error of a commit that is decided and left to recovery.

    The timeout is short, as the part that cannot be written uses it up. Where a busy machine has not come to the
    decision within it, the commit was aborted and is tried again with a longer one.
    """
    for seconds in _TIMEOUTS:
        try:
            await session.commit(timeout=seconds)
        except CommitPending as error:
            return error
        except CommitAborted as error:
            if "took longer" not in str(error):
                raise
        else:
            break
    raise AssertionError("the commit did not end pending")
