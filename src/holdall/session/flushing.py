"""Flushes: what a session changed is written into its open transaction, and can be taken back in its records."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import partial

import msgspec

from holdall.errors import CommitAborted, StateError
from holdall.model import Record, State, old_of, state_of
from holdall.query import Value
from holdall.session.changing import Changing
from holdall.session.collecting import collected, judge_records
from holdall.session.commit.plan.make_plan import make_plan
from holdall.session.commit.plan.plan import Batch, Plan
from holdall.session.commit.run.run import CommitOptions
from holdall.session.context import SessionContext
from holdall.session.lending import lent
from holdall.session.open_store import OpenStore, Written
from holdall.session.telling import demand_told, told
from holdall.store import Verb

__all__ = ["Flushing"]


class Flushing(msgspec.Struct, eq=False):
    """Writes the changes of one session into its open transaction.

    >>> from holdall import Holdall, Model, field
    >>> class Country(Model):
    ...     code: str = field(pk=True)
    >>> async def example() -> None:
    ...     app = Holdall("atlas")
    ...     app.add_store("main", "memory:")
    ...     app.add(Country, store="main")
    ...     async with app.session() as session, session.transaction():
    ...         session.add(Country(code="FR"))
    ...         await session.flush()
    ...         print(await session.count(Country.where()))
    >>> import asyncio
    >>> asyncio.run(example())
    1
    """

    context: SessionContext
    changing: Changing

    async def flush(self) -> None:
        """Write what was changed so far. Raises StateError outside of a transaction, or what a commit raises."""
        context, records = self.context, self.context.records
        inside = context.bindings.inside
        if inside is None:
            raise StateError(
                "flush() writes into a transaction, async with session.transaction(): without one, commit() writes"
            )
        context.demand_open()
        context.committer.demand_idle()
        await collected(context)
        if not (records.new or records.dirty or records.deleted or records.backs.edits or records.bulk):
            return
        try:
            await told(context, partial(self._lent_flush, inside), CommitOptions().timeout)
        except CommitAborted:
            records.unstamp()
            raise
        if records.backs.is_used:
            records.backs.clear()
        records.stamped.clear()
        records.succeeded.clear()
        records.bulk.clear()

    async def _lent_flush(self, inside: OpenStore) -> None:
        context = self.context
        async with lent(context):
            if not context.referential.is_needed():
                await self._flush(inside, frozenset())
            else:
                async with context.referential.induced() as induced:
                    await self._flush(inside, induced.stubs)

    async def _flush(self, inside: OpenStore, stubs: AbstractSet[int]) -> None:
        context, records = self.context, self.context.records
        waiting = records.guards.keys() - records.idle_guards
        records.idle_guards |= waiting  # what is not written now may be written later
        try:
            await judge_records(context)
            if context.files is not None:
                await context.files.keep()
            plan = make_plan(records, context.bindings, context.writer)
            if not plan.steps and not plan.bulk:
                return
            if context.bindings.listening is not None:
                demand_told(context, plan)
            _demand_of(inside, plan)
            batches = plan.steps[0].batches if plan.steps else ()
            written = [each for batch in batches for each in _written(batch, stubs, records.moving)]
            replaced = context.files.replaced() if context.files is not None else []
            try:
                await context.committer.run(plan, CommitOptions(context.strategy))
            finally:
                records.renew(record for batch in batches for record in batch.records)
            if context.files is not None:
                context.files.inside += replaced
            inside.written += written
            if plan.bulk:
                touched = {each.binding: None for each in plan.bulk}
                inside.touched |= touched
                await context.renewal.after_bulk(touched)
            for each in written:
                records.guards.pop(id(each.record), None)
        finally:
            records.idle_guards -= waiting

    def take_back(self, inside: OpenStore, number: int = 0) -> None:
        """Let the session's records be as they were after ``number`` writes; what was not written is undone."""
        records = self.context.records
        self.changing.undo()
        while len(inside.written) > number:
            written = inside.written.pop()
            record = written.record
            if written.verb is Verb.REMOVE and state_of(record) is State.DISCARDED:
                records.states.put_back(record, records.states.link)
                records.of(type(record))[record.__key__()] = record
            if not records.holds(record):
                continue
            if written.verb is Verb.ADD:
                records.discard(record)
                continue
            records.of(type(record)).pop(record.__key__(), None)
            for name, value in written.before.items():
                type(record).__holdall__.by_name[name].put(record, value)
            records.mark_clean(record, record.__key__())
        records.backs.clear()
        records.renew()


def _demand_of(inside: OpenStore, plan: Plan) -> None:
    """Refuse to write other stores than the one that has the transaction."""
    bindings = [each.binding for each in plan.bulk]
    bindings += [batch.binding for step in plan.steps for batch in step.batches]
    for binding in bindings:
        if binding.store is not inside.store:
            raise StateError(
                f"{binding.collection} is in store {binding.store.name!r}, and this transaction writes"
                f" {inside.store.name!r} alone: change it outside of the block, where a commit writes all stores"
            )


def _written(batch: Batch, stubs: AbstractSet[int], moving: Mapping[int, dict[str, Value]]) -> list[Written]:
    """The writes of a batch to records that are here, each with the values that are to be put back."""
    version, found = batch.binding.declaration.version, list[Written]()
    for place, record in enumerate(batch.records):
        if id(record) in stubs:
            continue
        if id(record) in moving:  # it is removed and added, and is one that gets another key
            found.append(Written(Verb.UPDATE, record, dict(moving[id(record)])))
            continue
        before = {} if batch.verb is Verb.ADD else _before(record)
        if batch.versions is not None and version is not None:
            before[version.name] = batch.versions[place]
        found.append(Written(batch.verb, record, before))
    return found


def _before(record: Record) -> dict[str, Value]:
    return {} if state_of(record) is State.NEW else dict(old_of(record))
