"""The commits of a session: planned, written, and worked out anew where somebody else was faster."""

from __future__ import annotations

import asyncio
import random
from typing import cast

import msgspec

from holdall.errors import CommitAborted, CommitError, StaleVersion, StateError
from holdall.model import Model, State, state_of
from holdall.session.changing import Changing
from holdall.session.commit.outcome.result import CommitResult
from holdall.session.commit.plan.guarantee import Guarantee
from holdall.session.commit.plan.guards import expected_of
from holdall.session.commit.plan.make_plan import make_plan
from holdall.session.commit.plan.plan import Plan
from holdall.session.commit.plan.rights import demand_sight
from holdall.session.commit.run.reserve_keys import reserve_keys
from holdall.session.commit.run.run import CommitOptions
from holdall.session.context import SessionContext, demand_record
from holdall.session.foreign import take_keys_of_others
from holdall.session.preview import unmade
from holdall.session.references.list_edits import ListEdits, stale_record

__all__ = ["Committing"]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.1  # seconds


class Committing(msgspec.Struct, eq=False):
    """Plans and commits the changes of one session.

    >>> from holdall import Holdall, Model, field
    >>> class Country(Model):
    ...     code: str = field(pk=True)
    ...     name: str
    >>> async def example() -> None:
    ...     app = Holdall("atlas")
    ...     app.add_store("main", "memory:")
    ...     app.add(Country, store="main")
    ...     async with app.session() as session:
    ...         session.add(Country(code="FR", name="France"))
    ...         print(session.plan().guarantee.value, len((await session.expand()).steps))
    ...         result = await session.commit(require="atomic", timeout=5.0, raise_for_status=False)
    ...         session.raise_for_status(result)
    ...         country = await session.require(Country, "FR")
    ...         session.expect(country, "name")
    ...         country.name = "République française"
    ...         print([task.state.value for task in (await session.commit()).tasks])
    >>> import asyncio
    >>> asyncio.run(example())
    all or nothing 1
    ['applied']
    """

    context: SessionContext
    changing: Changing

    def plan(self) -> Plan:
        """Return what a commit would write; planning changes nothing."""
        self._collect()
        with unmade(self.context.records):
            return self._plan()

    def _collect(self) -> None:
        """Note all changes; refuse those that the user may not make."""
        context = self.context
        context.records.collect()
        take_keys_of_others(context.records)
        if not context.user.unrestricted:
            demand_sight(context.records, context.bindings, context.user)

    def _plan(self) -> Plan:
        return make_plan(self.context.records, self.context.bindings, self.context.user)

    async def expand(self) -> Plan:
        """Return the plan of a commit with all that references bring along; nothing is changed by it."""
        context = self.context
        context.committer.demand_idle()
        self._collect()
        if not context.referential.is_needed():
            return self.plan()
        async with context.referential.induced():
            return self.plan()

    def expect(self, record: Model, names: tuple[str, ...]) -> None:
        """Guard a stored record: commits write it only where its store still has these values as they were read."""
        context = self.context
        demand_record("expect", record)
        if not context.records.holds(record) or state_of(record) is State.NEW:
            raise StateError(f"only a stored {type(record).__name__} of this session can be expected to be as it was")
        context.records.collect()
        binding = context.bindings.of_model(type(record))
        unknown = sorted(set(names) - set(binding.all_fields))
        if unknown:
            raise StateError(f"{binding.collection} has no stored field {unknown[0]!r}")
        context.records.guards[id(record)] = record, expected_of(binding, record, names or None)

    async def commit(
        self, options: CommitOptions, require: Guarantee | str | None = None, *, raise_for_status: bool = True
    ) -> CommitResult:
        """Write all changes; a commit that failed raises its error, or gives the error with its result."""
        wanted = None if require is None else _guarantee(require)
        context = self.context
        records = context.records
        context.demand_open()
        context.committer.demand_idle()
        self._collect()
        try:
            result = await self._commit_anew(options, wanted)
        except CommitError as error:
            if isinstance(error, CommitAborted):
                records.unstamp()
            else:
                records.succeeded.clear()
            if raise_for_status or not error.result.tasks:
                raise
            result = cast(CommitResult, error.result)
            result.error = error
        if records.backs.is_used:
            records.backs.clear()
        records.forget_guards()
        records.stamped.clear()
        if records.succeeded:
            records.succeeded.clear()
        return result

    async def end_block(self, *, is_failed: bool) -> None:
        """End the session: commit it, or roll it back where its block failed or the commit does."""
        context = self.context
        if context.link.is_over:  # it was left, and has nothing to write or undo any more
            return
        try:
            await context.committer.wait_idle()
            if not is_failed:
                await self.commit(CommitOptions(context.strategy))
        except BaseException:
            if not context.committer.is_running:
                self.changing.rollback()
            raise
        finally:
            context.end()
        if is_failed:
            self.changing.rollback()

    async def _commit_anew(self, options: CommitOptions, wanted: Guarantee | None) -> CommitResult:
        """Commit; what references bring along, and members of lists, are worked out anew where others were faster."""
        loop, referential = asyncio.get_running_loop(), self.context.referential
        end, pause = loop.time() + options.timeout, _FIRST_PAUSE
        while True:
            try:
                if not referential.is_needed():
                    return await self._commit(options, wanted)
                async with referential.induced():
                    return await self._commit(options, wanted)
            except CommitAborted as error:
                if loop.time() + pause > end or not await self._catch_up(error):
                    raise
            await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311 - a pause is no secret
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _catch_up(self, error: CommitAborted) -> bool:
        """Take the record that the commit was refused for as its store has it now, if the commit can then succeed.

        The commit can where the record was to be changed only for its references, or had members of its lists come and
        go; and where only one may refer to a record, and another has come to.
        """
        context = self.context
        if self._is_guarded(error.__cause__):
            return False
        if context.referential.takes_over(error):
            return True
        record = context.referential.derived_record(error)
        if record is not None and not context.records.holds(record):
            return True  # it only stood in, and is read anew
        edits = None
        if record is None or state_of(record) is State.DIRTY:
            record = stale_record(error, context.records, context.bindings)
            edits = None if record is None else ListEdits.of(record)
            if edits is None:
                return False
        if not await context.reader.reread(context.bindings.of_model(type(record)), record):
            return False
        if edits is not None:
            edits.repeat(record)
            context.records.collect()
        return True

    def _is_guarded(self, cause: BaseException | None) -> bool:
        """Whether something was expected of the record that was not as it was, which no further try makes true."""
        context = self.context
        return isinstance(cause, StaleVersion) and any(
            context.bindings.of_model(type(record)).collection == cause.collection
            and context.records.stored_key(record) == cause.key
            for record, _ in context.records.guards.values()
        )

    async def _commit(self, options: CommitOptions, wanted: Guarantee | None) -> CommitResult:
        context = self.context
        if context.bindings.has_late_keys:
            await reserve_keys(context.records, context.bindings)
        plan = self._plan()
        if not plan.steps:
            return CommitResult(Guarantee.NOTHING_TO_DO, 0.0, tuple)
        if wanted is not None:
            _demand(plan, wanted)
        try:
            return await context.committer.run(plan, options)
        finally:
            context.records.renew(record for step in plan.steps for batch in step.batches for record in batch.records)


def _guarantee(given: Guarantee | str) -> Guarantee:
    """The guarantee that is meant. Raises StateError where there is none of this name."""
    names = {guarantee.name.lower(): guarantee for guarantee in Guarantee}
    found = given if isinstance(given, Guarantee) else names.get(given)
    if found is None:
        raise StateError(f"there is no guarantee {given!r}; choose one of {', '.join(names)}")
    return found


def _demand(plan: Plan, wanted: Guarantee) -> None:
    """Raise CommitAborted where the plan promises less than is required."""
    if not plan.guarantee.is_at_least(wanted):
        stores = ", ".join(store.name for store in plan.stores)
        raise CommitAborted(
            f"nothing was written: {stores} can promise {plan.guarantee.value!r}, not {wanted.value!r}; commit for each"
            " store, or require less",
            CommitResult(plan.guarantee, 0.0, tuple),
        )
