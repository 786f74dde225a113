"""The commit of one new record that is in no session: sent to its store, and how that ended."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from holdall.errors import CommitAborted, CommitError, LockConflict, Reserved
from holdall.model import Record
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.commit.outcome.acceptance import require_outcomes, take_keys
from holdall.session.commit.outcome.result import CommitResult, told_refused
from holdall.session.commit.outcome.tasks import Report, make_tasks
from holdall.session.commit.plan.additions import additions_alike
from holdall.session.commit.plan.changes import changes_of
from holdall.session.commit.plan.guarantee import Guarantee
from holdall.session.commit.plan.plan import Step
from holdall.session.commit.run.one_store import failure_of, leaves_in_doubt
from holdall.session.commit.run.undisturbed import Undisturbed
from holdall.store import Runs

__all__ = ["LoneCommit", "asked"]

_R = TypeVar("_R")


class LoneCommit:
    """A record on its way to its store; ``began`` is when, by ``time.perf_counter``. Example: :class:`ReadyCreates`."""

    def __init__(self, bindings: Bindings, binding: Binding, record: Record, began: float) -> None:
        self._bindings = bindings
        self._store = binding.store
        self._step = Step(tuple(additions_alike(binding, [record])))
        self._report = Report(self._step)
        self._began = began
        self._changes: Runs | None = None
        self._is_answered = False

    async def apply(self) -> None:
        """Have the store apply it, and put the key that was made into the record.

        Raises Reserved and LockConflict where another commit is in the way, CommitAborted and CommitUnknown.
        """
        step = self._step
        try:
            self._changes = changes = changes_of(step, as_difference=True, is_alone=True)
            outcomes = await asked(lambda: self._store.apply(changes))
            self._is_answered = True
            require_outcomes(step, changes, outcomes)
        except (Reserved, LockConflict):
            raise
        except Exception as error:
            raise self.failed(error) from error
        self._report.outcomes = outcomes
        if (refusal := outcomes[0].error) is not None:
            raise CommitAborted(f"{told_refused(1, 0)}: {refusal}", self._known()) from refusal
        take_keys(step, outcomes)

    def failed(self, error: Exception) -> CommitError:
        """The error of this commit, where that is what its store has raised."""
        self._report.failure = error
        is_in_doubt = self._is_answered or leaves_in_doubt(error)
        if is_in_doubt and self._changes is None:
            self._changes = changes_of(self._step, as_difference=True, is_alone=True)
        known, changes = self._known(), self._changes
        return failure_of(error, self._store, changes, known, self._bindings, is_in_doubt=is_in_doubt)

    def _known(self) -> CommitResult:
        report, began = self._report, self._began
        report.span = began, time.perf_counter() - began
        return CommitResult(Guarantee.ATOMIC, report.span[1], lambda: make_tasks([report], began))


def asked(ask: Callable[[], Awaitable[_R]]) -> Awaitable[_R]:
    """The answer to what is asked of a store, now. Being cancelled does not stop it: once it has come, CancelledError
    is raised.
    """
    question = _Question(ask)
    return question.ended(question.start())


class _Question(Undisturbed[_R]):
    def __init__(self, ask: Callable[[], Awaitable[_R]]) -> None:
        super().__init__()
        self._ask = ask

    def finish(self) -> Awaitable[_R]:
        return self._ask()
