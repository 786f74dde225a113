"""Values that a user may not read, lent to his records while they are written: rules of the model look at them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from holdall.model import Field, OnDelete, Record, State, old_of, state_of
from holdall.policy import SYSTEM
from holdall.query import Query
from holdall.session.binding import Binding
from holdall.session.context import SessionContext
from holdall.session.damage import records_of
from holdall.session.references.key_conditions import chunks, having_keys
from holdall.session.references.semi_joins import SemiJoins
from holdall.session.withholding import blank_of

__all__ = ["lent"]


def lent(context: SessionContext) -> AbstractAsyncContextManager[None]:
    """Within the block, changed records have the stored values of fields that are withheld from the user.

    Those at hand that may refer to what is removed have them as well: what they refer to is looked at.
    """
    is_withheld = not context.user.unrestricted and context.bindings.has_field_rights
    return _lent(context) if is_withheld else nullcontext()


@asynccontextmanager
async def _lent(context: SessionContext) -> AsyncIterator[None]:
    borrowed: list[tuple[Record, Field]] = []
    groups: dict[Binding, list[Record]] = {}
    for record in [*context.records.dirty.values(), *context.records.deleted.values()]:
        groups.setdefault(context.bindings.of_model(type(record)), []).append(record)
    for binding in _referring(context):
        held = [each for each in context.records.of(binding.model).values() if state_of(each) is State.CLEAN]
        groups.setdefault(binding, []).extend(held)
    for binding, group in groups.items():
        borrowed += await _lend(context, binding, group)
    try:
        yield
    finally:
        for record, field in borrowed:
            if state_of(record) is not State.DIRTY or field.name not in old_of(record):
                field.put(record, blank_of(field))


def _referring(context: SessionContext) -> set[Binding]:
    """The collections whose records may refer to what is removed by what is withheld from the user."""
    records, found, seen = context.records, set[Binding](), set[Binding]()
    pending = [context.bindings.of_model(type(each)) for each in records.deleted.values()]
    pending += [context.bindings.of_model(type(each)) for each in records.dirty.values()]
    pending = [*(each for each in pending if each.bound_by), *(each.binding for each in records.bulk)]
    while pending:
        binding = pending.pop()
        if binding in seen:
            continue
        seen.add(binding)
        for relationship in binding.bound_by:
            if relationship.field.root.name in relationship.source.hidden(context.user):
                found.add(relationship.source)
            if relationship.on_delete is OnDelete.CASCADE:
                pending.append(relationship.source)
    return found


async def _lend(context: SessionContext, binding: Binding, group: list[Record]) -> list[tuple[Record, Field]]:
    hidden = binding.hidden(context.user)
    fields = [field for field in binding.declaration.stored if field.name in hidden]
    is_looked_at = binding.is_watched or bool(binding.declaration.checks)
    is_looked_at = is_looked_at or any(field.target is not None or _holds_references(field) for field in fields)
    if not fields or not is_looked_at or binding.record_access is not None:
        return []
    borrowed, access = list[tuple[Record, Field]](), SemiJoins(context.bindings, SYSTEM).access(binding)
    by_key = {context.records.stored_key(record): record for record in group}
    for part in chunks(binding, list(by_key)):
        rows = await access.fetch(Query(binding.collection, having_keys(binding, part)))
        for row, fresh in zip(rows, records_of(binding, rows), strict=True):
            record = by_key[binding.row_key(row)]
            old = old_of(record) if state_of(record) is State.DIRTY else {}
            for field in fields:
                if field.name in old:
                    old[field.name] = field.get(fresh)
                else:
                    field.put(record, field.get(fresh))
                    borrowed.append((record, field))
    return borrowed


def _holds_references(field: Field) -> bool:
    return field.type is not None and bool(field.type.references)
