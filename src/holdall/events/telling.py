"""Functions called for events within a commit, with the session in which that commit is made."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable

import msgspec

from holdall.errors import CommitAborted
from holdall.events.event import LiveEvent, python_values
from holdall.events.handler import Handler, TookTooLong, call, is_async
from holdall.model import EventKind, Record
from holdall.query import Key, Value
from holdall.service import Registry, active_core
from holdall.service.place import waiting_for
from holdall.session import Binding, CommitResult, Guarantee, SyncSession
from holdall.session.context import SessionContext
from holdall.session.occurrences import Occurrence
from holdall.session.session_over import session_over

__all__ = ["News", "identity_of", "tell_all"]


class News(msgspec.Struct, eq=False):
    """Something that a function is still to be delivered; ``mark`` and ``values`` are noted once it was."""

    handler: Handler
    occurrence: Occurrence
    mark: Hashable
    values: Value
    old: dict[str, Value]
    new: dict[str, Value]

    @classmethod
    def of(cls, handler: Handler, occurrence: Occurrence) -> News:
        """The news of an occurrence, with its values as they are now."""
        mark, values, binding = (handler, *identity_of(occurrence)), None, occurrence.binding
        old, new = occurrence.old, occurrence.new
        if occurrence.kind is EventKind.CHANGED:
            stamps = {field.name for field in binding.declaration.stamps}  # each plan has other ones
            names = [name for name in handler.watched(occurrence) if name not in stamps]
            values = [(name, old.get(name), new.get(name)) for name in names]
        new = {name: None if value is occurrence.record else value for name, value in new.items()}
        return cls(handler, occurrence, mark, values, python_values(binding, old), python_values(binding, new))

    def __str__(self) -> str:
        return f"{self.occurrence.binding.model.__name__}.{self.occurrence.kind.value}"


def identity_of(occurrence: Occurrence) -> tuple[str, str, Hashable]:
    """The identity of a record within a commit, however often that is worked out anew."""
    key = occurrence.key
    if key is None:
        key = ("new", id(occurrence.record))
    return occurrence.binding.collection, occurrence.kind.value, key


async def tell_all(
    registry: Registry, request_id: str | None, context: SessionContext, news: list[News], seconds: float
) -> None:
    """Call functions, one after the other, each for at most ``seconds``; raises their errors."""
    session, own = session_over(context), await _own_records(context, news)
    core, wait = active_core(registry), waiting_for(asyncio.get_running_loop())
    for each in news:
        occurrence, on_loop = each.occurrence, is_async(each.handler.function)
        binding = occurrence.binding
        event = LiveEvent(
            occurrence.kind,
            binding.model,
            binding.collection,
            occurrence.key,
            own.get(id(occurrence.record), occurrence.record),
            each.old,
            each.new,
            context.user,
            session if on_loop else SyncSession(session, wait),
            None if core is None else core.on_loop if on_loop else core.in_thread,
            request_id,
        )
        try:
            await call(each.handler, event, seconds)
        except TookTooLong as error:
            result = CommitResult(Guarantee.NOTHING_TO_DO, 0.0, tuple)
            raise CommitAborted(f"nothing was written: {error}", result) from error
        context.records.told[each.mark] = each.values, occurrence.record


async def _own_records(context: SessionContext, news: list[News]) -> dict[int, Record]:
    """The session's own records for those that only stood in for them, by the id of these; others would lose changes.

    A record stands in where a query means it, or a rule of a reference, and the session has not read it.
    """
    missing: dict[Binding, dict[Key, Record]] = {}
    for each in news:
        occurrence = each.occurrence
        if occurrence.kind is EventKind.CHANGED and not context.records.holds(occurrence.record):
            missing.setdefault(occurrence.binding, {})[occurrence.key] = occurrence.record
    found = dict[int, Record]()
    for binding, stand_ins in missing.items():
        for key, record in (await context.reader.fetch_keys(binding, list(stand_ins))).items():
            found[id(stand_ins[key])] = record
    return found
