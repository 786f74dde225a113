"""What can happen next: a step that goes well or badly, time that goes on, or everybody standing still."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from tests.session.interleaving.stepping import Fate, Step

__all__ = ["Choice", "Kind", "Limits", "choices"]


class Kind(StrEnum):
    """What can be chosen."""

    STEP = "step"
    WAIT = "wait"
    STAND_STILL = "stand still"


class Choice(msgspec.Struct, frozen=True):
    """One of the things that can happen next."""

    kind: Kind
    step: Step | None = None
    fate: Fate = Fate.GO

    def __str__(self) -> str:
        if self.step is None:
            return self.kind.value
        return f"{self.step}{'' if self.fate is Fate.GO else f' - {self.fate.value}'}"


class Limits(msgspec.Struct):
    """How much more may go wrong in this schedule."""

    deaths: int = 1
    troubles: int = 1
    stalls: int = 1
    is_calm: bool = True  # every store has answered at once so far

    def allow(self, fate: Fate) -> bool:
        """Whether a step may end so."""
        return self.deaths > 0 if fate in (Fate.DIE, Fate.GHOST) else self.troubles > 0

    def note(self, choice: Choice) -> None:
        """Take account of a choice."""
        if choice.kind is Kind.STAND_STILL:
            self.stalls -= 1
        elif choice.fate in (Fate.DIE, Fate.GHOST):
            self.deaths -= 1
        elif choice.fate is not Fate.GO:
            self.troubles -= 1
            self.is_calm = False


def choices(enabled: Sequence[Step], limits: Limits, *, has_timer: bool) -> list[Choice]:
    """Everything that can happen next, the plain course first."""
    found = [Choice(Kind.STEP, step) for step in enabled]
    found += [Choice(Kind.STEP, step, fate) for step in enabled for fate in step.fates if limits.allow(fate)]
    if has_timer:
        found.append(Choice(Kind.WAIT))
        if limits.stalls > 0:
            found.append(Choice(Kind.STAND_STILL))
    return found
