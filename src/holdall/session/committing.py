"""The commits of a session: planned, written, and worked out anew where somebody else was faster."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from functools import partial
from typing import cast

import msgspec

from holdall.errors import CommitAborted, CommitError, CommitPartial, HoldallError, Reserved, StaleVersion, StateError
from holdall.model import Model, State, state_of
from holdall.session.changing import Changing
from holdall.session.collecting import collect_changes, collected, judge_records
from holdall.session.commit.outcome.result import CommitResult
from holdall.session.commit.plan.guarantee import Guarantee
from holdall.session.commit.plan.guards import expected_of, readable_names
from holdall.session.commit.plan.make_plan import make_plan
from holdall.session.commit.plan.plan import Plan
from holdall.session.commit.run.reserve_keys import reserve_keys, reserve_row_keys
from holdall.session.commit.run.run import CommitOptions
from holdall.session.context import SessionContext, demand_record
from holdall.session.expanding import expanded
from holdall.session.learning_of_moves import learn_of_move
from holdall.session.lending import lent
from holdall.session.preview import moved, unmade
from holdall.session.references.list_edits import ListEdits, stale_record
from holdall.session.required_guarantee import demand_guarantee, guarantee_of
from holdall.session.telling import demand_told, told
from holdall.session.turns import Turn, place_of
from holdall.store import spread

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
        collect_changes(self.context)
        with unmade(self.context.records), moved(self.context.records, self.context.bindings):
            return self._plan()

    def _plan(self) -> Plan:
        return make_plan(self.context.records, self.context.bindings, self.context.writer)

    async def expand(self, *, tell: bool = False) -> Plan:
        """Return the plan of a commit with all that references bring along; only functions that it calls write."""
        return await expanded(self.context, self.plan, tell=tell)

    def expect(self, record: Model, names: tuple[str, ...]) -> None:
        """Guard a stored record: commits write it only where its store still has these values as they were read.

        Raises StateError for a record that is not stored, or not of this session, and for a name that is no field.
        """
        context = self.context
        demand_record("expect", record)
        if not context.records.holds(record) or state_of(record) is State.NEW:
            raise StateError(f"only a stored {type(record).__name__} of this session can be expected to be as it was")
        context.records.collect()
        binding = context.bindings.of_model(type(record))
        hidden = binding.policy.hidden(context.user) if names else ()
        if unknown := sorted(name for name in names if name not in binding.all_fields or name in hidden):
            raise StateError(f"{binding.collection} has no stored field {unknown[0]!r}")
        readable = readable_names(binding, context.user, names)
        context.records.guards[id(record)] = record, expected_of(binding, record, readable)

    async def commit(
        self, options: CommitOptions, require: Guarantee | str | None = None, *, raise_for_status: bool = True
    ) -> CommitResult:
        """Write all changes; a commit that failed raises its error, or gives the error with its result."""
        if (instrument := self.context.bindings.instrument) is None or not self.context.records.has_changes():
            return await self._committed(options, require, raise_for_status)
        with instrument.commit() as self.context.commit_act:
            return await self._committed(options, require, raise_for_status)

    async def _committed(self, options: CommitOptions, require: Guarantee | str | None, raises: bool) -> CommitResult:
        wanted = None if require is None else guarantee_of(require)
        context, records = self.context, self.context.records
        context.demand_open()
        context.demand_outside("commit()")
        context.committer.demand_idle()
        if not await collected(context) and context.files is None:
            return CommitResult(Guarantee.NOTHING_TO_DO, 0.0, tuple)
        try:
            result = await told(context, partial(self._lent_commit, options, wanted), options.timeout)
        except CommitError as error:
            if isinstance(error, CommitAborted):
                records.unstamp()
            else:
                records.succeeded.clear()
                records.bulk.clear()
            if raises or not error.result.tasks:
                raise
            result = cast(CommitResult, error.result)
            result.error = error
        if records.backs.is_used:
            records.backs.clear()
        records.forget_guards()
        records.stamped.clear()
        result.affected = tuple(each.number for each in records.bulk)
        records.bulk.clear()
        records.succeeded.clear()
        if records.untold:
            await context.renewal.read_untold(context.bindings)
        if context.files is not None:
            await context.files.settle()
        return result

    async def _lent_commit(self, options: CommitOptions, wanted: Guarantee | None) -> CommitResult:
        async with lent(self.context):
            await self._keep_files()
            return await self._commit_anew(options, wanted)

    async def _keep_files(self) -> None:
        """Keep the contents of files, once everything else is seen to that can be refused without them."""
        files = self.context.files
        if files is not None and files.is_pending():
            await judge_records(self.context)
            self.plan()
            await files.keep()

    async def end_block(self, *, is_failed: bool) -> None:
        """End the session: commit it, or roll it back where its block failed or the commit does."""
        context = self.context
        if context.link.is_over:  # it was left, and has nothing to write or undo any more
            return
        if not is_failed and context.has_only_read:
            context.end()
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
            if context.files is not None and not context.committer.is_running:
                await context.files.discard()
        if is_failed:
            self.changing.rollback()

    async def _commit_anew(self, options: CommitOptions, wanted: Guarantee | None) -> CommitResult:
        """Commit; what references bring along, and members of lists, are worked out anew where others were faster."""
        loop, referential = asyncio.get_running_loop(), self.context.referential
        end, pause, turn = loop.time() + options.timeout, _FIRST_PAUSE, Turn(self.context.bindings.turns)
        try:
            while True:
                try:
                    if not referential.is_needed():
                        return await self._commit(options, wanted)
                    async with referential.induced():
                        return await self._commit(options, wanted)
                except CommitPartial as error:
                    await self._prepare_rest(error)
                    raise
                except CommitAborted as error:
                    remedy = self._remedy(error)
                    if remedy is None or loop.time() + pause > end:
                        raise
                    try:
                        is_first = await turn.take(*place_of(error), end - loop.time())
                    except TimeoutError:
                        raise error from error.__cause__
                    if not await remedy():
                        raise
                if not is_first:  # other processes are there, too
                    await asyncio.sleep(spread(pause))
                    pause = min(pause * 2, _LONGEST_PAUSE)
        finally:
            turn.end()

    async def _prepare_rest(self, error: CommitPartial) -> None:
        """Have the next commit write what is left, where single calls were made and one of them found others faster."""
        remedy = self._remedy(error)
        if remedy is not None:
            with suppress(HoldallError):  # the commit says what is wrong
                await remedy()

    def _remedy(self, error: CommitError) -> Callable[[], Awaitable[bool]] | None:
        """Return the function that takes over the record for which the commit was refused, if the commit can then
        succeed; the function gives False where the store has the record no more.

        The commit can where the record was to be changed only for its references, or had members of its lists come and
        go; where a reference that it went by is another now; and where only one may refer to a record, and another has
        come to. Also where a collection is moving to another store, which the process had not heard of.
        """
        context, cause = self.context, error.__cause__
        if isinstance(cause, Reserved) and cause.is_fence:
            return partial(learn_of_move, context, cause)
        if self._is_guarded(cause):
            return None
        if context.referential.has_come(error):
            return _nothing_to_do
        record = context.referential.derived_record(error)
        if record is not None and not context.records.holds(record):
            return _nothing_to_do  # it only stood in, and is read anew
        assumed = context.referential.assumed_record(error) if record is None else None
        if assumed is not None:
            return partial(context.renewal.rebase, context.bindings.of_model(type(assumed)), assumed)
        edits = None
        if record is None or state_of(record) is State.DIRTY:
            record = stale_record(error, context.records, context.bindings)
            edits = None if record is None else ListEdits.of(record)
            if edits is None:
                return None
        return partial(self._reread, record, edits)

    async def _reread(self, record: Model, edits: ListEdits | None) -> bool:
        """Take over what the store has now, and repeat the edits of its lists."""
        context = self.context
        if not await context.renewal.reread(context.bindings.of_model(type(record)), record):
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
        await judge_records(context)
        if context.bindings.has_late_keys:
            await reserve_keys(context.records, context.bindings)
        if context.files is not None:
            await context.files.keep()
        plan = self._plan()
        if not plan.steps and not plan.bulk:
            return CommitResult(Guarantee.NOTHING_TO_DO, 0.0, tuple)
        if context.bindings.listening is not None:
            demand_told(context, plan)
            await reserve_row_keys(plan)
        if wanted is not None:
            demand_guarantee(plan, wanted)
        if context.bindings.has_replicas:
            context.written.update(plan.sizes)
        if context.commit_act is not None:
            context.commit_act.planned(plan.guarantee.value, plan.sizes)
        try:
            with nullcontext() if context.files is None else context.files.under_way():
                result = await context.committer.run(plan, options)
            if context.bindings.listening is not None:
                context.bindings.listening.written(plan)
        finally:
            context.records.renew(record for step in plan.steps for batch in step.batches for record in batch.records)
        if plan.bulk:
            await context.renewal.after_bulk({each.binding for each in plan.bulk})
        return result


async def _nothing_to_do() -> bool:
    return True
