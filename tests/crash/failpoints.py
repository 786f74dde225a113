"""The one place from which these tests take the failpoints of a commit."""

from __future__ import annotations

from holdall.session.commit.failpoint import Failpoint, arm

__all__ = ["RECOVERING", "Failpoint", "arm"]

RECOVERING = tuple(
    Failpoint[name]
    for name in ("CLAIMED", "REPLAYING", "REPLAYED", "RECOVERED", "UNDOING")
    if name in Failpoint.__members__
)
"""Those that only a recovery, or a helper of another commit, passes."""
