"""How an action is run: who may, on which records, in which context, and written in one commit or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext, suppress
from typing import TypeAlias

import msgspec

from holdall.actions.action import AnyAction, copied, inputs_of
from holdall.actions.declared_action import DeclaredAction
from holdall.actions.on import On
from holdall.errors import (
    ActionUnavailable,
    CommitAborted,
    CommitError,
    FieldError,
    LimitExceeded,
    NotFound,
    StateError,
    Unsupported,
    ValidationError,
)
from holdall.model import NestedReference, Record, State, placed_items, state_of
from holdall.policy import Right, User
from holdall.query import ALWAYS, AnyQuery, Key, Path, Value
from holdall.service import Meta, Registry, active_core, new_context
from holdall.session import Binding, Guarantee, OpenAct, Session, keys_meeting

__all__ = ["End", "Running"]

End: TypeAlias = Callable[[], Awaitable[object]]
"""What is done once an action has run: its session is committed, or only rehearsed."""


class Running:
    """Runs the actions of one application. Example: :class:`Action`."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def run(
        self,
        session: Session,
        declared: DeclaredAction,
        action: AnyAction,
        records: Sequence[Record],
        core: Value = None,
        end: End | None = None,
        meta: Mapping[str, Value] | None = None,
        into: list[Value] | None = None,
    ) -> list[Value]:
        """Run an action on these records of a session, and write it: a result for each record, or one for all.

        Results are put ``into`` a list before they are written. Without ``core``, in the context of the session, or in
        one of its own.

        Raises StateError where the session has other changes, or where an action within failed.
        """
        context, outer = session.context, session.context.act
        if outer is None:
            _demand_no_other_changes(session, declared)
        await self._demand_available(declared, session, records)
        fresh = await _with_references(session, declared, action)
        if outer is not None:
            return await self._within(session, declared, fresh, records, outer)
        self._guard(session, declared, records)
        context.act = act = OpenAct(declared.name, is_trusted=not declared.policy.as_user, model=declared.model)
        ends = _Ending(session, act, end, is_several=len(records) > 1)
        results: list[Value] = [] if into is None else into
        try:
            async with nullcontext() if context.bindings.inside is None else session.savepoint():
                try:
                    found = core or active_core(self._registry)
                    if found is not None and found.has(session):
                        results += await _called(found, declared, fresh, records)
                        await ends()
                    else:
                        made = new_context(self._registry, _meta_of(declared) if meta is None else meta, session.user)
                        made.lend(session, ends)
                        async with made.on_loop:
                            results += await _called(made, declared, fresh, records)
                except BaseException as error:
                    _undo(session, act, error)
                    raise
                if not act.is_ending:  # middleware suppressed an exception
                    _undo(session, act, None)
        finally:
            context.act = None
        return results

    async def judge(
        self, session: Session, declared: DeclaredAction, action: AnyAction, records: Sequence[Record]
    ) -> None:
        """Raise what ``run`` would raise before it calls the action: for the user, these records and the inputs."""
        await self._demand_available(declared, session, records)
        await _with_references(session, declared, action)

    async def _within(
        self, session: Session, declared: DeclaredAction, action: AnyAction, records: Sequence[Record], outer: OpenAct
    ) -> list[Value]:
        """Run an action that another one calls, as a part of that."""
        if not declared.policy.as_user and not outer.is_trusted:
            raise StateError(
                f"{declared.name} writes by a right of its own, and {outer.name}, which calls it, by the user's: let"
                " the outer one have a policy of its own, too"
            )
        core = active_core(self._registry)
        if core is None or not core.has(session):
            raise StateError(f"{declared.name} is called in the context of {outer.name}: await context.act(...)")
        try:
            return await _called(core, declared, action, records)
        except BaseException:
            outer.has_failed = True
            raise

    def _guard(self, session: Session, declared: DeclaredAction, records: Sequence[Record]) -> None:
        """Have the commit refused where somebody else changes the records meanwhile."""
        is_versioned = bool(records) and type(records[0]).__holdall__.version is not None
        if is_versioned and declared.policy.is_plain:
            return
        with suppress(Unsupported):  # such a store cannot compare, and has no version that would
            for record in records:
                session.expect(record)
                session.context.let_pass_unwritten(record)

    # --- rights -------------------------------------------------------------------------------------------------------

    def demand_right(self, declared: DeclaredAction, user: User, binding: Binding) -> None:
        """Raise NotFound, or ActionUnavailable, where the user may not execute the action on any record."""
        if not declared.is_for(user):
            raise NotFound(f"action of {declared.collection}", declared.name)
        if not declared.policy.may_execute(user):
            raise ActionUnavailable(declared.name, declared.collection, self.reason(declared, user, binding))

    def reason(self, declared: DeclaredAction, user: User, binding: Binding) -> str:
        """The reason why the user may not execute the action, without what he may not read."""

        def can_read(path: Path) -> bool:
            at = binding
            for name in path:
                if not at.policy.allows(Right.READ, user) or name in at.hidden(user):
                    return False
                target = at.schema.field(name).target
                if target is None:
                    return True
                at = bindings.of_name(target)
            return True

        bindings = self._registry.bindings
        return declared.policy.reason_for(can_read)

    async def _demand_available(self, declared: DeclaredAction, session: Session, records: Sequence[Record]) -> None:
        """Raise NotFound, or ActionUnavailable, where the user may not execute the action on one of these records."""
        user, context = session.user, session.context
        binding = context.bindings.of_model(declared.model)
        self.demand_right(declared, user, binding)
        seen, executable = declared.policy.seen(user), declared.policy.executable(user)
        if (seen == ALWAYS and executable == ALWAYS) or not records:
            return
        stored = [record for record in records if state_of(record) is not State.NEW]
        keys = [context.records.stored_key(record) for record in stored]
        bindings, dao = context.bindings, context.dao_records
        if len(await keys_meeting(bindings, dao, binding, seen, keys)) < len(keys):
            raise NotFound(f"action of {declared.collection}", declared.name)
        met = await keys_meeting(bindings, dao, binding, executable, keys)
        refused: list[Key] = [key for key in keys if key not in met]
        if refused or len(stored) < len(records):
            raise ActionUnavailable(declared.name, declared.collection, self.reason(declared, user, binding), refused)

    # --- records ------------------------------------------------------------------------------------------------------

    async def meant(self, session: Session, declared: DeclaredAction, query: AnyQuery, most: int) -> list[Record]:
        """The records that a query means, by key. Raises LimitExceeded before they are read where they are too many."""
        binding = session.context.bindings.of_query(query)
        if binding.model is not declared.model:
            raise StateError(
                f"{declared.name} is done on records of {declared.collection}, not of {binding.collection}"
            )
        if query.grouping is not None:
            raise StateError(f"{declared.name} is done on records, and this query asks for groups")
        whole: Value = msgspec.structs.replace(query, projection=())
        advice = "narrow what is meant, or raise the bound"
        what = f"{declared.collection} for {declared.name} at once"
        if whole.max_rows is None and whole.position is None and await session.count(whole) - whole.skip > most:
            raise LimitExceeded(what, most, advice)
        bounded = whole if whole.max_rows is not None and whole.max_rows <= most else whole.limit(most + 1)
        records = await session.query(bounded)
        if len(records) > most:
            raise LimitExceeded(what, most, advice)
        return records


def _meta_of(declared: DeclaredAction) -> Meta:
    return Meta.trusted({"action": f"{declared.collection}.{declared.name}"})


def _demand_no_other_changes(session: Session, declared: DeclaredAction) -> None:
    """Raise StateError for a session that has ended, is committing, or has changes that are none of the action."""
    context = session.context
    context.demand_open()
    context.committer.demand_idle()
    if context.bindings.inside is None and context.records.has_changes():
        raise StateError(
            f"{declared.name} is a commit of its own, and this session has changes that are none of its:"
            " commit() or rollback() them first"
        )


class _Ending(msgspec.Struct, frozen=True, eq=False):
    """Ends an action that has run: what it changed is committed, or flushed within a transaction, or as ``end`` does.

    Calls raise StateError where an action within it failed, and what the end of the session raises.
    """

    session: Session
    act: OpenAct
    end: End | None
    is_several: bool

    async def __call__(self) -> None:
        act, session = self.act, self.session
        act.is_ending = True
        if act.has_failed:
            raise StateError(f"an action within {act.name} failed, so that nothing of it is written")
        if session.context.bindings.inside is not None:
            await session.flush()
        elif self.end is not None:
            await self.end()
        else:
            await session.commit(require=Guarantee.RECOVERED if self.is_several else None)


def _undo(session: Session, act: OpenAct, error: BaseException | None) -> None:
    """Undo all that an action did in its session; a transaction does so by itself, a commit in doubt tells how."""
    is_open = isinstance(error, CommitError) and not isinstance(error, CommitAborted)
    if is_open or session.context.bindings.inside is not None or session.context.committer.is_running:
        return
    act.is_ending = True
    session.rollback()


async def _called(core: Value, declared: DeclaredAction, action: Value, records: Sequence[Record]) -> list[Value]:
    """The results of an action that was called in a context, each of the type that is promised."""
    results: list[Value] = []
    calls: list[tuple[object, ...]] = [(record,) for record in records]
    if declared.on is On.NOTHING:
        calls = [()]
    elif declared.on is On.ALL:
        calls = [(list(records),)]
    for arguments in calls:
        result = await core.run(action.run, *arguments, is_async=declared.is_async)
        declared.result.demand(type(action).__name__, result)
        results.append(result)
    return results


async def _with_references(session: Session, declared: DeclaredAction, action: AnyAction) -> AnyAction:
    """The action with inputs of its own, its references loaded. Raises ValidationError for those that lead nowhere."""
    inputs = declared.inputs
    references = inputs.model.__holdall__.outgoing
    if not references:
        return copied(action, {})
    errors, found = list[FieldError](), dict[str, Value]()
    for field in references:
        value = found.get(field.root.name, field.root.get(inputs_of(action)))
        items = placed_items(field, value)
        target, keys = field.target(), [getattr(item, "key", item) for item, _ in items]
        binding = session.context.bindings.of_model(target)
        may_read = binding.policy.allows(Right.READ, session.user)
        records = (
            await asyncio.gather(*[_got(session, target, key) for key in keys]) if may_read else [None] * len(keys)
        )
        for (_, path), record in zip(items, records, strict=True):
            if record is None:
                told = "refers to a record that does not exist"
                errors.append(FieldError(path, "reference", told))
        if isinstance(field, NestedReference):
            found[field.root.name] = field.replaced(value, _one_by_one(records), in_place=False)
        elif records:
            found[field.name] = records[0] if field.form is None else tuple(records)
    if errors:
        raise ValidationError(inputs.name, errors)
    return copied(action, found)


def _one_by_one(records: Iterable[Record]) -> Callable[[Value], Value]:
    """The function that gives one record after the other, whatever it is given."""
    following = iter(records)
    return lambda _: next(following)


async def _got(session: Session, model: Value, key: Key) -> Record:
    return await session.get(model, *(key if isinstance(key, tuple) else (key,)))
