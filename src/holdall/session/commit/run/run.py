"""The common part of all ways to carry out a commit."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import msgspec

from holdall.errors import HoldallError, StateError
from holdall.session.commit.calls.ready_set import Strategy
from holdall.session.commit.outcome.result import CommitResult, Ended
from holdall.session.commit.outcome.tasks import Report, make_tasks
from holdall.session.commit.plan.plan import Plan
from holdall.session.commit.run.context import CommitContext
from holdall.session.commit.run.undisturbed import Undisturbed
from holdall.store import APPLIED, Outcome

__all__ = ["CommitOptions", "CommitRun", "refusals"]


class CommitOptions(msgspec.Struct, frozen=True):
    """How a commit is to be carried out.

    ``timeout`` is how long each of its two phases, before and after the decision, may take, in seconds.
    """

    strategy: Strategy = Strategy.INTERRUPT_ON_ERROR
    timeout: float = 20.0

    def __post_init__(self) -> None:
        seconds: Any = self.timeout
        if not isinstance(seconds, int | float) or not seconds > 0:
            raise StateError("the timeout of a commit is a number of seconds above zero")


class CommitRun(Undisturbed[CommitResult]):
    """One commit, and what happened so far."""

    def __init__(self, plan: Plan, context: CommitContext, options: CommitOptions) -> None:
        self.plan = plan
        self.context = context
        self.options = options
        super().__init__()
        self.reports: list[Report] = []
        self.began = time.perf_counter()
        self.is_in_doubt = False  # nobody knows whether its changes were written

    def outcome(self) -> CommitResult:
        """The result, as far as it is known."""
        return self._outcome()

    def _outcome(self, unresolved: Ended | None = None) -> CommitResult:
        reports, began = self.reports, self.began
        duration = time.perf_counter() - began
        return CommitResult(self.plan.guarantee, duration, lambda: make_tasks(reports, began), unresolved)


def refusals(outcomes: Sequence[Outcome | None]) -> list[HoldallError]:
    """The errors among outcomes."""
    return [item.error for item in outcomes if item is not APPLIED and item is not None and item.error is not None]
