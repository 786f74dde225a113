"""A commit of one store with bulk changes: in one transaction, they first and then what was changed here."""

from __future__ import annotations

from collections.abc import Sequence

from holdall.errors import StateError
from holdall.session.commit.outcome.result import CommitResult
from holdall.session.commit.run.one_store import OneStoreRun
from holdall.store import BulkChanging, Outcome, Runs, Store, StoreTransaction, Transactional

__all__ = ["BulkRun"]


class BulkRun(OneStoreRun):
    """A step at most, after the bulk changes of the plan."""

    async def finish(self) -> CommitResult:
        """Make the bulk changes and apply the step, if there is one. Raises as ``OneStoreRun.finish``."""
        if self.plan.steps:
            return await super().finish()
        self.context.begin()
        nothing = Runs([], is_linked=False)
        try:
            await self.apply(nothing)
            self.is_in_doubt = False
        except Exception as error:
            raise self.failed(error, nothing) from error
        finally:
            self.context.end()
        return self.outcome()

    async def send(self, store: Store, changes: Runs) -> Sequence[Outcome]:
        """Make all changes in one transaction: one that the store makes by itself, where there is but one change.

        Raises StateError for all others in a store without transactions.
        """
        if not changes and len(self.plan.bulk) == 1 and isinstance(store, BulkChanging):
            (only,) = self.plan.bulk
            only.number = await store.change_all(only.change(only.query))
            return ()
        if not isinstance(store, Transactional):
            raise StateError(f"the store {store.name!r} has no transactions")
        async with store.transaction() as transaction:
            await self.change_all(transaction)
            return await transaction.apply(changes) if changes else ()

    async def change_all(self, transaction: StoreTransaction) -> None:
        """Make the bulk changes of the plan. Raises StateError for a transaction that makes no bulk changes."""
        if not isinstance(transaction, BulkChanging):
            raise StateError(f"a transaction of {self.plan.bulk[0].binding.store.name!r} makes no bulk changes")
        for each in self.plan.bulk:
            each.number = await transaction.change_all(each.change(each.query))
