"""What a session does with a table: records added with and without keys, changed and removed, rules kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from holdall.errors import HoldallError, UniqueViolation
from holdall.query import Query
from holdall.store import Change, Outcome, Row, Verb
from holdall.stores.sql.store import SqlStore

__all__ = ["Exercise"]

_FIELDS = ("name", "code", "size")
_NAMES = ("size_is_small", "(428c9): id")  # what a refusal must name, if it does not name a field


class Exercise:
    """Does it all with ``box``, and keeps what does not come out as it should."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._wanted: dict[Any, Row] = {}
        self.faults: list[str] = []

    async def run(self) -> list[str]:
        """A sentence for each fault."""
        await self._add([(None, ("one", "a", 1))])
        await self._add([(None, ("two", "A", 2)), (None, ("three", "a ", 3))])
        await self._add([(1000, ("four", None, 4)), (1001, ("five", None, None))])
        await self._add([(None, ("six", "é", 5))])
        await self._add([(None, ("seven", "x" * 20, 2**40))])
        await self._look()
        for key, row in list(self._wanted.items()):
            await self._change(Verb.UPDATE, key, (row[0] + "!", row[1], row[2]))
        await self._look()
        await self._refused((None, ("eight", "a", 8)))
        if self._wanted:
            await self._change(Verb.REMOVE, next(iter(self._wanted)), ())
        await self._look()
        return self.faults

    async def _add(self, records: Sequence[tuple[Any, Row]]) -> None:
        outcomes = await self._apply([_addition(key, row) for key, row in records])
        for (key, row), outcome in zip(records, outcomes, strict=False):
            made = key if key is not None else outcome.key
            if made is None or made in self._wanted:
                self.faults.append(f"no key of its own was made for {row[0]}")
            self._wanted[made] = row

    async def _change(self, verb: Verb, key: Any, row: Row) -> None:
        fields = _FIELDS if verb is Verb.UPDATE else ()
        if await self._apply([Change(verb, "box", key, fields, row)]):
            if verb is Verb.UPDATE:
                self._wanted[key] = row
            else:
                del self._wanted[key]

    async def _refused(self, record: tuple[Any, Row]) -> None:
        try:
            await self._store.apply([_addition(*record)])
        except UniqueViolation as error:
            if error.fields != ("code",):
                self.faults.append(f"a unique value was refused without its field: {error}")
        else:
            self.faults.append("a value that must be unique was taken twice")

    async def _apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        try:
            return await self._store.apply(changes)
        except HoldallError as error:
            named = f"{error} {[each.path for each in getattr(error, 'errors', ())]}".lower()
            if not any(name in named for name in (*_NAMES, *_FIELDS)):
                self.faults.append(f"{changes[0].verb.value} was refused without a name: {error}")
            return ()

    async def _look(self) -> None:
        found = {row[0]: row[1:] for row in await self._store.fetch(Query("box"))}
        if found != self._wanted:
            self.faults.append(f"stored is {found}, wanted {self._wanted}")
            self._wanted = dict(found)


def _addition(key: Any, row: Row) -> Change:
    if key is None:
        return Change(Verb.ADD, "box", None, _FIELDS, row)
    return Change(Verb.ADD, "box", key, ("id", *_FIELDS), (key, *row))
