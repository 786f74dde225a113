"""Stores that lie, each in one way that real ones have lied in; the suite must catch every one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from math import isfinite
from typing import Any

import msgspec

from holdall.errors import CorruptRecord, HoldallError, StaleVersion, UniqueViolation
from holdall.query import (
    ALWAYS,
    Call,
    Compare,
    Condition,
    Constant,
    Exists,
    Kind,
    Op,
    Or,
    Query,
    Schema,
    SortKey,
    formula,
    is_formula,
    replace,
)
from holdall.query.term import formula_of
from holdall.store import OF_TABLES, Capabilities, Change, CommitClass, Feature, Outcome, Rows, StoreTransaction, Verb
from holdall.stores.memory import MemoryStore
from tests.support.lying_holders import HOLDING_LIARS

__all__ = ["LIARS"]


def _rewritten(query: Query[Any], op: Op, other: Any) -> Query[Any]:
    """The query with every comparison by ``op`` replaced by what ``other`` makes of it."""

    def change(node: Condition) -> Condition:
        return other(node) if isinstance(node, Compare) and node.op is op else node

    return msgspec.structs.replace(query, condition=replace(query.condition, change))


class NullIsUnequal(MemoryStore):
    """NE and NOT_IN are true of missing values."""

    async def fetch(self, query: Query[Any]) -> Rows:
        def with_null(node: Compare) -> Condition:
            return Or((node, Compare(node.path, Op.IS_NULL, True)))

        return await super().fetch(_rewritten(query, Op.NE, with_null))


class NoLimit(MemoryStore):
    """A limit is taken for advice."""

    async def fetch(self, query: Query[Any]) -> Rows:
        return await super().fetch(query.limit(None))


class CaseIsKept(MemoryStore):
    """ICONTAINS respects letter case."""

    async def fetch(self, query: Query[Any]) -> Rows:
        return await super().fetch(
            _rewritten(query, Op.ICONTAINS, lambda node: msgspec.structs.replace(node, op=Op.CONTAINS))
        )


class CaseIsLost(MemoryStore):
    """Text is equal whatever its case, as in a database with the wrong collation."""

    async def fetch(self, query: Query[Any]) -> Rows:
        def folded(node: Compare) -> Condition:
            if not isinstance(node.value, str):
                return node
            return Or((node, *(Compare(node.path, Op.EQ, text) for text in (node.value.lower(), node.value.upper()))))

        return await super().fetch(_rewritten(query, Op.EQ, folded))


class NullsElsewhere(MemoryStore):
    """Where missing values go is not asked."""

    async def fetch(self, query: Query[Any]) -> Rows:
        keys = tuple(SortKey(key.path, key.descending) for key in query.sort_keys)
        return await super().fetch(msgspec.structs.replace(query, sort_keys=keys))


class PositionIncluded(MemoryStore):
    """The rows after a position begin with the row at it."""

    async def fetch(self, query: Query[Any]) -> Rows:
        rows = await super().fetch(query)
        if query.position is None:
            return rows
        before = await super().fetch(msgspec.structs.replace(query, position=None, max_rows=None, skip=0))
        place = before.index(rows[0]) - 1 if rows and rows[0] in before else 0
        return [*before[max(place, 0) : place + 1], *rows]


class TiesAnyhow(MemoryStore):
    """Rows equal in all sort keys come in any order."""

    async def fetch(self, query: Query[Any]) -> Rows:
        if not query.sort_keys or query.position is not None:
            return await super().fetch(query)
        key = {"country": "code", "shelf": "room"}.get(query.collection, "id")
        return await super().fetch(query.sort(*query.sort_keys, SortKey((key,), descending=True)))


class InnerJoins(MemoryStore):
    """Sorting through a reference loses the rows without it."""

    async def fetch(self, query: Query[Any]) -> Rows:
        for key in query.sort_keys:
            if len(key.path) > 1:
                query = query.where(Compare(key.path[:1], Op.IS_NULL, False))
        return await super().fetch(query)


class CountsPages(MemoryStore):
    """Counting counts the page, not the condition."""

    async def count(self, query: Query[Any]) -> int:
        return len(await self.fetch(query))


class HalfApplies(MemoryStore):
    """A refused group leaves behind what came before the refusal."""

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        try:
            return await super().apply(changes)
        except HoldallError:
            for change in changes:
                await super().apply([change])
            raise


class OneByOne(MemoryStore):
    """Each change of a group must be legal by itself, at its moment."""

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        async with self.transaction() as transaction:
            return [(await transaction.apply([change]))[0] for change in changes]


class LosesNulls(MemoryStore):
    """Setting a field to null is forgotten."""

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        return await super().apply([_without_nulls(change) for change in changes])


def _without_nulls(change: Change) -> Change:
    if change.verb is not Verb.UPDATE:
        return change
    kept = [pair for pair in zip(change.fields, change.values, strict=True) if pair[1] is not None]
    fields, values = tuple(name for name, _ in kept), tuple(value for _, value in kept)
    return msgspec.structs.replace(change, fields=fields, values=values)


class TrimsText(MemoryStore):
    """Blanks at the end are cut on the way in."""

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        return await super().apply([_trimmed(change) for change in changes])


def _trimmed(change: Change) -> Change:
    def trim(value: Any) -> Any:
        return value.rstrip() if isinstance(value, str) else value

    return msgspec.structs.replace(change, key=trim(change.key), values=tuple(map(trim, change.values)))


class IgnoresVersions(MemoryStore):
    """The last writer wins."""

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        return await super().apply([msgspec.structs.replace(change, version=None) for change in changes])


class NamesTheWrongOne(MemoryStore):
    """A stale record is refused under another's name."""

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        try:
            return await super().apply(changes)
        except StaleVersion as error:
            raise StaleVersion(error.store, error.collection, changes[0].key, 0) from None


class ExpectsNothing(MemoryStore):
    """What is expected of a record is not looked at."""

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        return await super().apply([msgspec.structs.replace(change, expected=None) for change in changes])


class ChecksNothing(MemoryStore):
    """A change that writes nothing is taken for done."""

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        outcomes = iter(await super().apply([change for change in changes if not change.is_check]))
        return [Outcome() if change.is_check else next(outcomes) for change in changes]


class ChecksEachAlone(MemoryStore):
    """What is compared may be another by the time that the rest is written."""

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        await super().apply([change for change in changes if change.is_check])
        await asyncio.sleep(0)
        outcomes = iter(await super().apply([change for change in changes if not change.is_check]))
        return [Outcome() if change.is_check else next(outcomes) for change in changes]


class LooksBeforeItWrites(MemoryStore):
    """What is expected is compared with what was read before, not in the step that writes."""

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        for change in changes:
            if change.expected is not None:
                projection = tuple((name,) for name in change.expected.fields)
                schema = self._data.schemas[change.collection]
                rows = await self.fetch(Query(change.collection, projection=tuple((name,) for name in schema.key)))
                place = next(
                    (n for n, row in enumerate(rows) if (row[0] if len(row) == 1 else row) == change.key), None
                )
                found = await self.fetch(Query(change.collection, projection=projection))
                if place is None or not change.expected.is_met_by(found[place]):
                    raise StaleVersion(self.name, change.collection, change.key)
        await asyncio.sleep(0)
        return await super().apply([msgspec.structs.replace(change, expected=None) for change in changes])


class NotUnique(MemoryStore):
    """Unique rules are declared and not kept."""

    def bind(self, schemas: Sequence[Schema]) -> None:
        super().bind([msgspec.structs.replace(schema, unique=()) for schema in schemas])


class OneNull(MemoryStore):
    """Only one record may have no value in a unique field."""

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        held = await super().fetch(Query("book", Compare(("isbn",), Op.IS_NULL, True)))
        for change in changes:
            if change.collection == "book" and change.verb is Verb.ADD and held:
                raise UniqueViolation(self.name, "book", ("isbn",))
        return await super().apply(changes)


class KeysTwice(MemoryStore):
    """Generated keys are counted without looking at those that were given."""

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        counted = self._data.tables["author"].last_key
        outcomes = await super().apply(changes)
        if any(change.key is not None and change.verb is Verb.ADD for change in changes):
            self._data.tables["author"].last_key = counted
        return outcomes


class NoRollBack(MemoryStore):
    """A transaction is a name for several applies."""

    @asynccontextmanager
    async def _plain(self) -> AsyncIterator[StoreTransaction]:
        yield self

    def transaction(self) -> AbstractAsyncContextManager[StoreTransaction]:
        return self._plain()


class FloatsForDecimals(MemoryStore):
    """Decimals come back as floats."""

    async def fetch(self, query: Query[Any]) -> Rows:
        rows = await super().fetch(query)
        return [tuple(float(value) if type(value).__name__ == "Decimal" else value for value in row) for row in rows]


class RefusesNothing(MemoryStore):
    """It does not declare what it does all the same, so nobody can rely on its refusals."""

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            CommitClass.TX,
            frozenset(Feature) - OF_TABLES - {Feature.KEYSET},
            frozenset(Op) - {Op.ICONTAINS},
            frozenset(Kind) - {Kind.TIMEDELTA},
        )


class TakesEverything(MemoryStore):
    """Its limits are wider than what it answers for: a list too long is cut."""

    async def fetch(self, query: Query[Any]) -> Rows:
        def cut(node: Compare) -> Condition:
            return msgspec.structs.replace(node, value=node.value[:10_000])

        return await super().fetch(_rewritten(query, Op.IN, cut))


class AddsFloatsUp(MemoryStore):
    """Whether floats are finite is seen by their sum, which need not be where all of them are."""

    async def fetch(self, query: Query[Any]) -> Rows:
        rows = await super().fetch(query)
        if not isfinite(sum(value for row in rows for value in row if type(value) is float)):
            raise CorruptRecord(self.name, query.collection, "a number is not finite")
        return rows


class ZeroForNothing(MemoryStore):
    """Calculations with missing values give 0, and divisions by zero, too."""

    async def fetch(self, query: Query[Any]) -> Rows:
        rows = await super().fetch(query)
        computed = [is_formula(path) and str(path[0])[:4] in ("add(", "div(", "mod(") for path in query.projection]
        if not any(computed):
            return rows
        return [
            tuple([0 if value is None and is_made else value for value, is_made in zip(row, computed, strict=True)])
            for row in rows
        ]


class FoldsNothing(MemoryStore):
    """Letter case counts in comparisons that shall know none."""

    async def fetch(self, query: Query[Any]) -> Rows:
        def change(node: Condition) -> Condition:
            if not isinstance(node, Compare) or str(node.path[0])[:5] != "fold(" or node.op is Op.IS_NULL:
                return node
            return Compare((formula(Call("trim", formula_of(node.path).term.arguments)),), node.op, node.value)

        return await super().fetch(msgspec.structs.replace(query, condition=replace(query.condition, change)))


class StemsWords(MemoryStore):
    """A word that is searched for is found in longer ones, as by a stemmer."""

    async def fetch(self, query: Query[Any]) -> Rows:
        def change(node: Condition) -> Condition:
            if not isinstance(node, Compare) or str(node.path[0])[:7] != "search(":
                return node
            words, *texts = formula_of(node.path).term.arguments
            begun = Constant(" ".join(f"{word}*" for word in words.value.rstrip("*").split()))
            return Compare((formula(Call("search", (begun, *texts))),), node.op, node.value)

        return await super().fetch(msgspec.structs.replace(query, condition=replace(query.condition, change)))


class LooksNowhere(MemoryStore):
    """Every query within a query has rows."""

    async def fetch(self, query: Query[Any]) -> Rows:
        def change(node: Condition) -> Condition:
            return ALWAYS if isinstance(node, Exists) else node

        return await super().fetch(msgspec.structs.replace(query, condition=replace(query.condition, change)))


class DanglingReferences(MemoryStore):
    """Foreign keys are declared and not kept."""

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        for table in self._data.tables.values():
            table.references = ()
        return await super().apply(changes)


class Forgets(MemoryStore):
    """What it held is gone once it is closed."""

    async def close(self) -> None:
        await self.drop()


class StaysInTransaction(MemoryStore):
    """What follows a write that was broken off goes into its transaction, of which nobody knows."""

    _is_begun = False

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        if self._is_begun:
            self._is_begun = False
            return [Outcome()] * len(changes)
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self._is_begun = True
            raise
        return await super().apply(changes)


class IgnoresConditions(MemoryStore):
    """Every record meets every condition."""

    async def fetch(self, query: Query[Any]) -> Rows:
        return await super().fetch(msgspec.structs.replace(query, condition=ALWAYS))


LIARS: dict[type[MemoryStore], str] = {
    ZeroForNothing: "test_every_function",
    FoldsNothing: "test_letter_case",
    StemsWords: "test_words",
    LooksNowhere: "test_values_among_rows",
    NullIsUnequal: "test_operator",
    CaseIsKept: "test_operator",
    CaseIsLost: "test_operator",
    FloatsForDecimals: "test_whole_collections",
    IgnoresConditions: "test_any_condition",
    CountsPages: "test_any_count",
    NoLimit: "test_limits_and_offsets",
    NullsElsewhere: "test_every_field",
    PositionIncluded: "test_paging_by_position",
    TiesAnyhow: "test_every_field",
    InnerJoins: "test_through_references",
    HalfApplies: "test_all_or_none",
    LosesNulls: "test_add_update_remove",
    TrimsText: "test_any_sample",
    IgnoresVersions: "test_versions",
    NamesTheWrongOne: "test_one_stale_among_many",
    ExpectsNothing: "test_what_was_read_isexpected_of",
    LooksBeforeItWrites: "test_one_of_several_at_once",
    ChecksNothing: "test_a_check_holds_where_the_record_is_as_expected",
    ChecksEachAlone: "test_what_is_checked_stays_so_until_what_is_written_beside_it_lasts",
    NotUnique: "test_unique",
    OneNull: "test_unique_together",
    DanglingReferences: "test_foreign_keys",
    OneByOne: "test_unique_values_change_hands",
    KeysTwice: "test_given_instead_of_generated",
    NoRollBack: "test_roll_back",
    **HOLDING_LIARS,
    StaysInTransaction: "test_writes_broken_off_spoil_no_later_ones",
    Forgets: "test_close_and_open_again",
    RefusesNothing: "test_operator",
    TakesEverything: "test_long_lists",
    AddsFloatsUp: "test_extreme_values",
}
"""Each liar with the test of the suite that must catch it."""
