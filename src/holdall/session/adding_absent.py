"""Records added only where their store has none like them: decided by the commit, one question for each collection."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from holdall.model import State, state_of, track_of
from holdall.session.changing import Changing
from holdall.session.context import M, SessionContext, demand_record

__all__ = ["AddingAbsent"]


class AddingAbsent(msgspec.Struct, eq=False):
    """Adds records to one session that commits leave out where their key or unique values are stored already.

    >>> from holdall import Holdall, Model, field, state_of
    >>> class Word(Model):
    ...     text: str = field(pk=True)
    ...     times: int = 1
    >>> async def example() -> None:
    ...     app = Holdall("words")
    ...     app.add_store("main", "memory:")
    ...     app.add(Word, store="main")
    ...     async with app.session() as session:
    ...         session.add(Word(text="so", times=7))
    ...     async with app.session() as session:
    ...         one = session.add(Word(text="so"), if_absent=True)
    ...         more = session.add_all([Word(text="as"), Word(text="so")], if_absent=True)
    ...         await session.commit()
    ...         print(state_of(one).value, state_of(more[0]).value, more[1] is one)
    ...         print((await session.require(Word, "so")).times)
    >>> import asyncio
    >>> asyncio.run(example())
    discarded clean True
    7
    """

    context: SessionContext
    changing: Changing

    def add(self, record: M) -> M:
        """Make the record new unless one of its key is here, which is returned then."""
        records = self.context.records
        demand_record("add", record)
        self.context.demand_open()
        track = track_of(record)
        if (track is None or track.state is State.UNBOUND) and (key := record.__key__()) is not None:
            held = records.find(type(record), key)
            if held is not None and held is not record and state_of(held) is not State.DELETED:
                found: M = held
                return found
        binding = self.context.bindings.of_model(type(record))
        if binding.record_access is not None:
            binding.record_access.demand("get", binding.collection)
        added = self.changing.add(record)
        if state_of(added) is State.NEW:
            records.if_absent[id(added)] = added
        return added

    def add_all(self, given: Iterable[M]) -> list[M]:
        """The same for each of them, in order."""
        return list(map(self.add, given))
