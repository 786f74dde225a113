"""Stopping a commit, or recovery, at a named place: what a crash would do, wherever a test wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from holdall.session.commit.failpoint import Failpoint, arm

__all__ = ["Failpoint", "armed"]


@contextmanager
def armed(point: Failpoint, action: Callable[[], None], *, after: int = 0) -> Iterator[None]:
    """Within the block, run ``action`` once when the place ``point`` is reached after ``after`` earlier times.

    An exception of the action comes out of the commit at that place; an action that ends the process is a crash. One
    process has one armed place at a time.

    >>> from holdall.session.commit.failpoint import reached
    >>> with armed(Failpoint.DECIDED, lambda: print("here"), after=1):
    ...     reached(Failpoint.STARTED)
    ...     reached(Failpoint.DECIDED)
    ...     reached(Failpoint.DECIDED)
    ...     reached(Failpoint.DECIDED)
    here
    """
    left = after

    def look(reached: Failpoint) -> None:
        nonlocal left
        if reached is point:
            left -= 1
            if left == -1:
                action()

    arm(look)
    try:
        yield
    finally:
        arm(None)
