"""The commits of a session: one at a time, each in a task of its own, never left halfway."""

from __future__ import annotations

import asyncio

from holdall.errors import StateError
from holdall.model import SessionLink
from holdall.session.bindings import Bindings
from holdall.session.commit.outcome.result import CommitResult
from holdall.session.commit.plan.plan import Plan, Role
from holdall.session.commit.run.bulk_run import BulkRun
from holdall.session.commit.run.calls_run import CallsRun
from holdall.session.commit.run.context import CommitContext
from holdall.session.commit.run.inside_run import InsideRun
from holdall.session.commit.run.one_store import OneStoreRun
from holdall.session.commit.run.run import CommitOptions, CommitRun
from holdall.session.commit.run.several_stores import SeveralStoresRun
from holdall.session.dao.dao_records import DaoRecords
from holdall.session.identity import IdentityMap

__all__ = ["Committer"]

_DEFAULT = CommitOptions()


class Committer:
    """The commits of one session, one at a time.

    ``is_in_doubt`` while nobody knows whether the changes of the last one were written.
    """

    def __init__(self, records: IdentityMap, link: SessionLink, bindings: Bindings, dao_records: DaoRecords) -> None:
        self._context = CommitContext(records, link, bindings, dao_records)
        self._running: asyncio.Task[None] | None = None
        self.is_in_doubt = False
        self.is_telling = False  # functions are called for what a commit is about to do

    @property
    def is_running(self) -> bool:
        """Whether a commit is under way."""
        return self._running is not None

    def demand_idle(self) -> None:
        """Raise StateError while a commit is under way."""
        if self._running is not None:
            raise StateError("a commit of this session is already running; await it first")
        if self.is_telling:
            raise StateError(
                "a commit of this session is calling functions for its events: changes go into that commit, an error"
                " refuses it; open another session for a commit of its own"
            )

    async def wait_idle(self) -> None:
        """Wait until no commit is under way."""
        while self._running is not None:
            await asyncio.wait([self._running])
            await asyncio.sleep(0)  # the task that committed goes first

    async def run(self, plan: Plan, options: CommitOptions = _DEFAULT) -> CommitResult:
        """Carry out the plan.

        Raises CommitAborted where nothing lasting happened, CommitPartial where some of it did, CommitPending where
        recovery will do the rest, CommitUnknown where nobody knows. In every case the records take over the outcomes;
        those edited meanwhile stay changed. Being cancelled aborts a commit over several stores that is not decided
        yet, and does not stop any other: it ends, the records take over its outcome, and then CancelledError is raised.
        """
        self.demand_idle()
        if self.is_in_doubt:
            raise StateError(
                "the outcome of the last commit is unknown: call rollback(), which lets go of its records, and"
                " load them again"
            )
        run = self._run_of(plan, options)
        task = self._running = run.start()
        try:
            return await run.ended(task)
        finally:
            self._running = None
            self.is_in_doubt = run.is_in_doubt

    def _run_of(self, plan: Plan, options: CommitOptions) -> CommitRun:
        inside = self._context.bindings.inside
        if inside is not None:
            return InsideRun(plan, self._context, options, inside)
        if plan.bulk:
            return BulkRun(plan, self._context, options)
        if len(plan.steps) > 1:
            return SeveralStoresRun(plan, self._context, options)
        if plan.steps[0].role is Role.CALLS:
            return CallsRun(plan, self._context, options)
        return OneStoreRun(plan, self._context, options)
