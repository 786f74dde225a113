"""Named places in a commit and in recovery where a test may make the process stop; they do nothing otherwise."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

__all__ = ["Failpoint", "arm", "reached"]


class Failpoint(StrEnum):
    """Every boundary between two steps of a commit over several stores, in the order they are passed.

    Example: :func:`armed`.
    """

    STARTED = "started"
    BEGUN = "journal says begun"
    PREPARED = "transactions hold their changes"
    CALLING = "before a call"
    CALLED = "after a call"
    CALLS_DONE = "all calls done"
    DECIDING = "before the decision"
    DECIDED = "after the decision"
    ROLLING_FORWARD = "before a part is rolled forward"
    ROLLED_FORWARD = "after a part is rolled forward"
    FINISHING = "before the journal forgets"
    FINISHED = "after the journal forgot"
    UNDOING = "before a call is undone"
    UNDONE = "after a call is undone"
    CLAIMED = "recovery claimed a commit"
    REPLAYING = "before recovery replays a part"
    REPLAYED = "after recovery replayed a part"
    RECOVERED = "recovery finished a commit"


_action: Callable[[Any], None] | None = None


def arm(action: Callable[[Any], None] | None) -> None:
    """Call this at every failpoint, of commits and of moves, from now on; None disarms."""
    global _action  # one switch for the process, as a kill is
    _action = action


def reached(point: StrEnum) -> None:
    """Say that this place was reached."""
    if _action is not None:
        _action(point)
