"""The one place from which these tests take the failpoints of a commit."""

from __future__ import annotations

from holdall.session.commit.failpoint import Failpoint, arm

__all__ = ["DULL", "RECOVERING", "SETTLING", "Failpoint", "arm"]


def _known(*names: str) -> tuple[Failpoint, ...]:
    return tuple([Failpoint[name] for name in names if name in Failpoint.__members__])


SETTLING = _known("CLAIMED", "REPLAYING", "REPLAYED", "RECOVERED")
"""Those that a recovery, or a helper of another commit, passes where nothing was called."""

RECOVERING = (*SETTLING, *_known("UNDOING"))
"""Those that only a recovery or a helper passes."""

DULL = _known("STARTED", "FINISHED")
"""Those at which a death leaves nothing to settle."""
