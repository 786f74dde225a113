"""The guarantee of a commit, known before anything is sent."""

from __future__ import annotations

from enum import StrEnum

from holdall.store import CommitClass

__all__ = ["Guarantee", "guarantee_of"]


class Guarantee(StrEnum):
    """The promise of a commit, known before it begins; the strongest first.

    >>> Guarantee.ATOMIC.is_at_least(Guarantee.RECOVERED)
    True
    """

    NOTHING_TO_DO = "nothing to do"
    ATOMIC = "all or nothing"
    RECOVERED = "all or nothing after recovery"
    COMPENSATED = "all or nothing after recovery, calls being undone"
    LISTED = "calls at most once; what is left over is listed"
    PER_RECORD = "each record by itself"

    def is_at_least(self, other: Guarantee) -> bool:
        """Whether this promise is as strong."""
        return _STRONGEST_FIRST.index(self) <= _STRONGEST_FIRST.index(other)


_STRONGEST_FIRST = list(Guarantee)


def guarantee_of(classes: list[CommitClass], *, is_compensated: bool = False) -> Guarantee:
    """Return the guarantee of one commit that writes stores of these commit classes."""
    if not classes:
        return Guarantee.NOTHING_TO_DO
    calls = [item for item in classes if item in (CommitClass.IDEMP, CommitClass.ONCE)]
    if len(classes) == 1:
        return Guarantee.PER_RECORD if calls else Guarantee.ATOMIC
    if not calls:
        return Guarantee.RECOVERED
    return Guarantee.COMPENSATED if is_compensated and CommitClass.ONCE not in calls else Guarantee.LISTED
