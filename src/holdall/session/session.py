"""The session: a unit of work over all stores, with one record per key and one commit for everything changed."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from holdall.errors import CommitAborted
from holdall.session.dao_verbs import DaoSession
from holdall.session.freeze import make_plan
from holdall.session.plan import Plan
from holdall.session.result import CommitResult, Guarantee

__all__ = ["Session"]


class Session(DaoSession):
    """A unit of work.

    Within it there is one record per key. Nothing is written before ``commit``, which leaving an ``async with`` block
    does; an exception rolls back instead. Queries see what the stores hold, not what is yet to be committed. With
    ``allow_partial``, a commit may write several stores one after another. A session belongs to one task at a time.

    >>> from holdall import Holdall, Model, field
    >>> class Country(Model):
    ...     code: str = field(pk=True)
    ...     name: str
    >>> async def example() -> str:
    ...     app = Holdall("atlas")
    ...     app.add_store("main", "memory:")
    ...     app.add(Country, store="main")
    ...     async with app.session() as session:
    ...         session.add(Country(code="FR", name="France"))
    ...     async with app.session() as session:
    ...         return (await session.require(Country, "FR")).name
    >>> import asyncio
    >>> asyncio.run(example())
    'France'
    """

    def plan(self) -> Plan:
        """What a commit would write, in which order, and what it could promise; raises what commit would before I/O."""
        self._records.collect()
        return make_plan(self._records, self._bindings, self.user)

    async def commit(self, *, allow_partial: bool | None = None) -> CommitResult:
        """Write all changes.

        One store is written atomically if it can. Several stores are refused with CommitAborted unless
        ``allow_partial``; then they are written one after another, and CommitPartial tells what was applied. Raises
        ValidationError, Forbidden or StateError before anything is sent, CommitAborted where a store refused and
        nothing was written. Records edited while it runs stay changed.
        """
        self._committer.demand_idle()
        plan = self.plan()
        if not plan.steps:
            return CommitResult(Guarantee.NOTHING_TO_DO, 0.0, tuple)
        if len(plan.stores) > 1 and not (self._allow_partial if allow_partial is None else allow_partial):
            names = ", ".join(store.name for store in plan.stores)
            raise CommitAborted(
                f"this commit writes several stores ({names}), which cannot be done atomically; commit for each store,"
                " or pass allow_partial=True",
                CommitResult(plan.guarantee, 0.0, tuple),
            )
        try:
            return await self._committer.run(plan)
        finally:
            self._records.renew(record for step in plan.steps for batch in step.batches for record in batch.records)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._committer.settled()
            if kind is None:
                await self.commit()
        except BaseException:
            if not self._committer.is_running:
                self.rollback()
            raise
        if kind is not None:
            self.rollback()
