"""The session: a unit of work over all stores, with one record per key and one commit for everything changed."""

from __future__ import annotations

import asyncio
import random
from types import TracebackType
from typing import Self, cast

from holdall.errors import CommitAborted, CommitError, StaleVersion, StateError
from holdall.model import Model, State, state_of
from holdall.session.commit.calls.ready_set import Strategy
from holdall.session.commit.outcome.result import CommitResult
from holdall.session.commit.plan.guarantee import Guarantee
from holdall.session.commit.plan.guards import expected_of
from holdall.session.commit.plan.make_plan import make_plan
from holdall.session.commit.plan.plan import Plan
from holdall.session.commit.run.reserve_keys import reserve_keys
from holdall.session.commit.run.run import CommitOptions
from holdall.session.dao_verbs import DaoSession
from holdall.session.foreign import take_keys_of_others
from holdall.session.preview import unmade
from holdall.session.references.list_edits import ListEdits, stale_record

__all__ = ["Session"]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.1  # seconds


class Session(DaoSession):
    """A unit of work.

    Within it there is one record per key. Nothing is written before ``commit``, which leaving an ``async with`` block
    does; an exception rolls back instead. Queries see what the stores hold, not what is yet to be committed. A session
    belongs to one task at a time.

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
        """What a commit would write, in which order, and what it could promise; raises what commit would before I/O.

        Nothing is changed by it: what a commit would stamp or make is put in while planning only.
        """
        self._records.collect()
        take_keys_of_others(self._records)
        with unmade(self._records):
            return self._plan()

    def _plan(self) -> Plan:
        return make_plan(self._records, self._bindings, self.user)

    def expect(self, record: Model, *names: str) -> None:
        """Have commits refuse to change or remove a record that its store no longer has as it was read here.

        All its stored values are compared, or those of the named fields, in the step that writes it. Another value is
        refused as a version that has moved on is: CommitAborted, from StaleVersion. It holds until a commit goes well
        or ``rollback``. A store that cannot compare goes by the model's version; raises Unsupported where it has none.
        Raises StateError for a record that is not of this session or yet to be added.
        """
        if not self._records.holds(record) or state_of(record) is State.NEW:
            raise StateError(f"only a stored {type(record).__name__} of this session can be expected to be as it was")
        self._records.collect()
        binding = self._bindings.of_model(type(record))
        unknown = sorted(set(names) - set(binding.all_fields))
        if unknown:
            raise StateError(f"{binding.collection} has no stored field {unknown[0]!r}")
        self._records.guards[id(record)] = record, expected_of(binding, record, names or None)

    async def commit(
        self,
        *,
        require: Guarantee | str | None = None,
        strategy: Strategy | None = None,
        timeout: float = 20.0,  # noqa: ASYNC109 - each phase has its own, and a decided commit goes on
        raise_for_status: bool = True,
    ) -> CommitResult:
        """Write all changes.

        One store is written atomically if it can. What a commit over several stores promises is told by
        ``plan().guarantee``; with ``require``, a guarantee or its name in lower case, a weaker one is refused.
        ``timeout`` is how long, in seconds, each of the phases before and after its decision may take. ``strategy`` is
        for stores that take one record at a time; without it, that of the session holds. A commit that did not end as
        asked gives its result all the same with ``raise_for_status=False``.

        Raises ValidationError, Forbidden or StateError before anything is sent, CommitAborted where nothing was
        written, CommitPartial, CommitPending and CommitUnknown as they say. Records edited while it runs stay changed.
        """
        options = CommitOptions(strategy or self._strategy, timeout)
        wanted = None if require is None else _guarantee(require)
        self._demand_open()
        self._committer.demand_idle()
        self._records.collect()
        take_keys_of_others(self._records)
        try:
            result = await self._commit_anew(options, wanted)
        except CommitError as error:
            if isinstance(error, CommitAborted):
                self._records.unstamp()
            else:
                self._records.succeeded.clear()
            if raise_for_status or not error.result.tasks:
                raise
            result = cast(CommitResult, error.result)
            result.error = error
        if self._records.backs.is_used:
            self._records.backs.clear()
        self._records.guards.clear()
        self._records.stamped.clear()
        if self._records.succeeded:
            self._records.succeeded.clear()
        return result

    @staticmethod
    def raise_for_status(result: CommitResult) -> None:
        """Raise the CommitError that ``commit(raise_for_status=False)`` did not raise, if there was one."""
        result.raise_for_status()

    async def expand(self) -> Plan:
        """The plan of a commit with all that references bring along; nothing is changed by it.

        It shows what goes with removed records, which references are emptied and which other ends change, and raises
        what commit would before it writes.
        """
        self._committer.demand_idle()
        self._records.collect()
        take_keys_of_others(self._records)
        if not self._referential.is_needed():
            return self.plan()
        async with self._referential.induced():
            return self.plan()

    async def _commit_anew(self, options: CommitOptions, wanted: Guarantee | None) -> CommitResult:
        """Commit; what references bring along, and members of lists, are worked out anew where others were faster."""
        loop = asyncio.get_running_loop()
        end, pause = loop.time() + options.timeout, _FIRST_PAUSE
        while True:
            try:
                if not self._referential.is_needed():
                    return await self._commit(options, wanted)
                async with self._referential.induced():
                    return await self._commit(options, wanted)
            except CommitAborted as error:
                if loop.time() + pause > end or not await self._catch_up(error):
                    raise
            await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311 - a pause is no secret
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _catch_up(self, error: CommitAborted) -> bool:
        """Have the record that the commit was refused for as its store has it by now, if the commit can then go well.

        It can where the record was to be changed only for its references, or had members of its lists come and go;
        and where only one may refer to a record, and another has come to.
        """
        if self._is_guarded(error.__cause__):
            return False
        if self._referential.takes_over(error):
            return True
        record = self._referential.derived_record(error)
        if record is not None and not self._records.holds(record):
            return True  # it only stood in, and is read anew
        edits = None
        if record is None or state_of(record) is State.DIRTY:
            record = stale_record(error, self._records, self._bindings)
            edits = None if record is None else ListEdits.of(record)
            if edits is None:
                return False
        if not await self._reader.reread(self._bindings.of_model(type(record)), record):
            return False
        if edits is not None:
            edits.repeat(record)
            self._records.collect()
        return True

    def _is_guarded(self, cause: BaseException | None) -> bool:
        """Whether something was expected of the record that was not as it was, which no further try makes true."""
        return isinstance(cause, StaleVersion) and any(
            self._bindings.of_model(type(record)).collection == cause.collection
            and self._records.stored_key(record) == cause.key
            for record, _ in self._records.guards.values()
        )

    async def _commit(self, options: CommitOptions, wanted: Guarantee | None) -> CommitResult:
        if self._bindings.has_late_keys:
            await reserve_keys(self._records, self._bindings)
        plan = self._plan()
        if not plan.steps:
            return CommitResult(Guarantee.NOTHING_TO_DO, 0.0, tuple)
        if wanted is not None:
            _demand(plan, wanted)
        try:
            return await self._committer.run(plan, options)
        finally:
            self._records.renew(record for step in plan.steps for batch in step.batches for record in batch.records)

    async def __aenter__(self) -> Self:
        self._demand_open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_over:  # it was left, and has nothing to write or undo any more
            return
        try:
            await self._committer.wait_idle()
            if kind is None:
                await self.commit()
        except BaseException:
            if not self._committer.is_running:
                self.rollback()
            raise
        finally:
            self._end()
        if kind is not None:
            self.rollback()


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
