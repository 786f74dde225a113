"""A flush: the changes of a session, written into the transaction that is open, which lasts or not as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from holdall.session.commit.plan.plan import Plan
from holdall.session.commit.run.bulk_run import BulkRun
from holdall.session.commit.run.context import CommitContext
from holdall.session.commit.run.run import CommitOptions
from holdall.session.open_store import OpenStore
from holdall.store import Outcome, Runs

__all__ = ["InsideRun"]


class InsideRun(BulkRun):
    """All is applied once: nobody waits for others while a transaction is open, and no answer can leave a doubt."""

    def __init__(self, plan: Plan, context: CommitContext, options: CommitOptions, inside: OpenStore) -> None:
        super().__init__(plan, context, options)
        self._inside = inside

    async def apply(self, changes: Runs) -> Sequence[Outcome]:
        """Apply the changes in the transaction, bulk changes before all others."""
        transaction = self._inside.transaction
        if self.plan.bulk:
            await self.change_all(transaction)
        if not changes:
            return ()
        self._inside.last = changes
        return await transaction.apply(changes)
