"""An open transaction of a MongoDB store: reads and changes in it, and its end where a change is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pymongo

from holdall.errors import HoldallError, LimitExceeded, StoreError
from holdall.query import AnyQuery
from holdall.store import BulkChange, Change, Outcome, Rows, changes_of_rows, demand_at_most, demand_settable
from holdall.stores.mongo.bulk import change_at_once, is_at_once
from holdall.stores.mongo.errors import DRIVER_ERRORS, Meaning, error_of, meaning_of
from holdall.stores.mongo.expectations import look_at_expected
from holdall.stores.mongo.layout import Layouts
from holdall.stores.mongo.preparation import Preparation
from holdall.stores.mongo.reading import Reader
from holdall.stores.mongo.sessions import ServerSessions
from holdall.stores.mongo.source import Source
from holdall.stores.mongo.writing import Steps

__all__ = ["MongoTransaction"]


class MongoTransaction:
    """An open transaction of a MongoStore."""

    def __init__(
        self,
        source: Source,
        reader: Reader,
        preparation: Preparation,
        demand: Callable[[AnyQuery], None],
        sessions: ServerSessions,
        layouts: Layouts,
    ) -> None:
        self.is_over = False
        self._source = source
        self._reader = reader
        self._preparation = preparation
        self._demand = demand
        self._sessions = sessions
        self._layouts = layouts

    async def fetch(self, query: AnyQuery) -> Rows:
        """As ``MongoStore.fetch``, this transaction's own changes included."""
        self.require_open()
        self._demand(query)
        with pymongo.timeout(self._source.timeout):
            return await self._reader.fetch(query)

    async def count(self, query: AnyQuery) -> int:
        """As ``MongoStore.count``, this transaction's own changes included."""
        self.require_open()
        self._demand(query)
        with pymongo.timeout(self._source.timeout):
            return await self._reader.count(query)

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """As ``MongoStore.apply``, lasting only if the transaction ends well; a refused change ends it."""
        self.require_open()
        source = self._source
        try:
            with pymongo.timeout(source.timeout), self._sessions.watching():
                batches, outcomes = await self._preparation.prepared(changes)
                await look_at_expected(source.store, source.database, source.session, batches)
                await Steps(source.store, batches).carry_out(source.database, source.session, is_careful=True)
        except DRIVER_ERRORS as error:
            self.is_over = True
            if meaning_of(error) is Meaning.RETRY:
                await self._sessions.look()  # so that it is worth trying again
            raise error_of(source.store, error) from error
        except HoldallError:
            self.is_over = True
            raise
        return outcomes

    async def change_all(self, change: BulkChange) -> int:
        """Change every document that a query means; a refused change ends the transaction.

        Values that the server cannot compute as they are defined are computed of the rows that are read here.
        """
        self.require_open()
        self._demand(change.query)
        source, layout = self._source, self._layouts.of(change.query.collection)
        if is_at_once(change, layout):
            with self._changing(), pymongo.timeout(source.timeout), self._sessions.watching():
                return await change_at_once(source, self._reader, layout, change)
        demand_settable(source.store, layout.schema, change.fields)
        most = change.most
        query = change.query if most is None else change.query.limit(min(change.query.max_rows or most + 1, most + 1))
        rows = await self.fetch(query)
        demand_at_most(change, len(rows))
        await self.apply(changes_of_rows(change, layout.schema, rows))
        return len(rows)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Around a change, which ends the transaction where it is refused."""
        try:
            yield
        except DRIVER_ERRORS as error:
            self.is_over = True
            raise error_of(self._source.store, error) from error
        except LimitExceeded:
            raise
        except HoldallError:
            self.is_over = True
            raise

    def require_open(self) -> None:
        """Raise StoreError if the transaction is over, perhaps because MongoDB has undone it."""
        if self.is_over:
            raise StoreError(self._source.store, "this transaction is over; open another")
