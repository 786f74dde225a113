"""The verbs of a session that write more than its records: transactions, and what is done where the records lie."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Literal

from holdall.model import Model
from holdall.query import AnyQuery
from holdall.session.changing import Changing
from holdall.session.context import M, SessionContext
from holdall.session.flushing import Flushing
from holdall.session.in_bulk import InBulk
from holdall.session.key_changing import KeyChanging
from holdall.session.ordering import Ordering
from holdall.session.transactions import Transactions
from holdall.session.upserting import Upserted, Upserting
from holdall.store import Isolation

__all__ = ["StoreVerbs"]


class StoreVerbs:
    """The part of :class:`Session` for transactions and for changes of what is not here."""

    context: SessionContext
    _changing: Changing

    def transaction(
        self, store: str | None = None, *, isolation: Isolation | str | None = None
    ) -> AbstractAsyncContextManager[None]:
        """Open a transaction of one store: queries see what was changed here, leaving the block commits.

        ``store`` is a name, of the only store with transactions where none is given; ``isolation`` a level by name. An
        exception undoes all of it, in the records as well. Raises Unsupported where the store has no transactions or no
        such level, StateError for changes of other stores, and CommitAborted or CommitUnknown where the COMMIT fails.
        Example: :class:`Transactions`.
        """
        return Transactions(self.context, self._flushing).transaction(store, isolation)

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """Open a part of a transaction, which an exception undoes by itself. Example: :class:`Transactions`.

        Raises StateError outside of a transaction, Unsupported where the store has no savepoints.
        """
        return Transactions(self.context, self._flushing).savepoint()

    async def flush(self) -> None:
        """Write what was changed so far into the open transaction; queries in it do so by themselves.

        Raises what a commit raises, and StateError outside of a transaction. Example: :class:`Flushing`.
        """
        await self._flushing.flush()

    async def update(
        self,
        query: AnyQuery,
        values: Mapping[str, object] | None = None,
        /,
        *,
        max_affected: int | None = 10_000,
        **fields: object,
    ) -> int:
        """Give values to all stored records that a query means, without loading them; how many it means now.

        ``await session.update(Book.where(Book.pages == 0).limit(100), shelf="empty")``; values may be given as a
        mapping, too. The commit makes the change, before what was changed here, of all that the query means then;
        within a transaction it is made at once. Records that are here take it over, but for fields that were changed
        here. Raises ValidationError and Forbidden, and LimitExceeded where it means more than ``max_affected`` records.
        Example: :class:`InBulk`.
        """
        return await self._in_bulk.update(
            self.context.bindings.asked(query), {**(values or {}), **fields}, max_affected
        )

    async def delete(self, query: AnyQuery, *, max_affected: int | None = 10_000, final: bool = False) -> int:
        """Remove all stored records that a query means, without loading them; how many it means now.

        The same holds as for ``update``; what refers to them is treated as by ``remove``, and so is ``final``. Raises
        Forbidden, and LimitExceeded where it means more than ``max_affected`` records. Example: :class:`InBulk`.
        """
        return await self._in_bulk.delete(self.context.bindings.asked(query), max_affected, is_final=final)

    async def move(
        self,
        record: Model,
        *,
        before: Model | None = None,
        after: Model | None = None,
        to: Literal["first", "last"] | None = None,
    ) -> None:
        """Move a record of an ordered list before or after another, or to its beginning or end, at the next commit.

        Nothing but the record is written. Raises StateError for a model without an order, a record of another list,
        and unless there is one place; LimitExceeded where no place is left between two, until ``respace`` makes room.
        Example: :class:`Ordering`.
        """
        await Ordering(self.context).move(record, before, after, to)

    async def respace(self, query: AnyQuery) -> int:
        """Put the records of a query evenly apart in their order, at the next commit; how many.

        Raises QueryError for records without an order, LimitExceeded for more than 10,000. Example: :class:`Ordering`.
        """
        return await Ordering(self.context).respace(query)

    def change_key(self, record: Model, *key: object) -> None:
        """Give a stored record another key at the next commit, and have all that refers to it follow.

        ``session.change_key(france, "FRA")``; a key of several fields is given part by part, or as a tuple. Until then
        the record is found here by both keys, afterwards by the new one alone. In any store follow: references, lists
        of them, stored other ends, and records whose own keys hold the reference; of those that hand-written code
        keeps, the ones that are here. Raises ValidationError for what cannot be the key, StateError where another
        record is here under it, and Unsupported where the store takes one call at a time; the commit is refused with
        CommitAborted from UniqueViolation where the store has it. Example: :class:`KeyChanging`.
        """
        KeyChanging(self.context).change_key(record, key)

    async def get_or_create(
        self, model: type[M], by: Mapping[str, object], values: Mapping[str, object] | None = None, /, **fields: object
    ) -> Upserted[M]:
        """Return the record that has these key or unique values, and make it with the others where there is none.

        ``await session.get_or_create(Word, {"text": "so"}, times=1)`` writes at once, in a commit of its own or into
        the open transaction: of several who do the same at the same time, one adds the record and all get it. Raises
        what a commit raises, QueryError for values that need not be unique, StateError for a record that the next
        commit removes, and NotFound where the user may not read it. Example: :class:`Upserting`.
        """
        return await Upserting(self.context).get_or_create(model, by, {**(values or {}), **fields})

    async def upsert(
        self, model: type[M], by: Mapping[str, object], values: Mapping[str, object] | None = None, /, **fields: object
    ) -> Upserted[M]:
        """Give the other values to the record that has these key or unique values, and make it where there is none.

        The same holds as for ``get_or_create``. Example: :class:`Upserting`.
        """
        return await Upserting(self.context).upsert(model, by, {**(values or {}), **fields})

    @property
    def _in_bulk(self) -> InBulk:
        return InBulk(self.context, self._flushing)

    @property
    def _flushing(self) -> Flushing:
        return Flushing(self.context, self._changing)
