"""The verbs of a sync session for transactions and for changes of what is not here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Literal, TypeVar

from holdall.model import Model
from holdall.query import AnyQuery
from holdall.session.session import Session
from holdall.session.upserting import Upserted
from holdall.session.waiting import Wait
from holdall.store import Isolation

__all__ = ["SyncStoreVerbs"]

M = TypeVar("M", bound=Model)


class SyncStoreVerbs:
    """The part of :class:`SyncSession` that is that of the same verbs of ``Session``. Example: :class:`SyncSession`."""

    _session: Session
    _call: Wait

    def update(
        self,
        query: AnyQuery,
        values: Mapping[str, object] | None = None,
        /,
        *,
        max_affected: int | None = 10_000,
        **fields: object,
    ) -> int:
        """Give values to all stored records that a query means, without loading them. Example: :class:`InBulk`."""
        given = {**(values or {}), **fields}
        return self._call(lambda: self._session.update(query, given, max_affected=max_affected))

    def delete(self, query: AnyQuery, *, max_affected: int | None = 10_000, final: bool = False) -> int:
        """Remove all stored records that a query means, without loading them. Example: :class:`InBulk`."""
        return self._call(lambda: self._session.delete(query, max_affected=max_affected, final=final))

    def move(
        self,
        record: Model,
        *,
        before: Model | None = None,
        after: Model | None = None,
        to: Literal["first", "last"] | None = None,
    ) -> None:
        """Move a record of an ordered list before or after another, or to an end. Example: :class:`Ordering`."""
        self._call(lambda: self._session.move(record, before=before, after=after, to=to))

    def respace(self, query: AnyQuery) -> int:
        """Put the records of a query evenly apart in their order; how many. Example: :class:`Ordering`."""
        return self._call(lambda: self._session.respace(query))

    def change_key(self, record: Model, *key: object) -> None:
        """Give a stored record another key, with all that refers to it. Example: :class:`KeyChanging`."""
        self._session.change_key(record, *key)

    def get_or_create(
        self, model: type[M], by: Mapping[str, object], values: Mapping[str, object] | None = None, /, **fields: object
    ) -> Upserted[M]:
        """Return the record that has these values, and make it where there is none. Example: :class:`Upserting`."""
        return self._call(lambda: self._session.get_or_create(model, by, values, **fields))

    def upsert(
        self, model: type[M], by: Mapping[str, object], values: Mapping[str, object] | None = None, /, **fields: object
    ) -> Upserted[M]:
        """Give the other values to the record that has these, and make it if need be. Example: :class:`Upserting`."""
        return self._call(lambda: self._session.upsert(model, by, values, **fields))

    @contextmanager
    def transaction(self, store: str | None = None, *, isolation: Isolation | str | None = None) -> Iterator[None]:
        """Open a transaction of one store: leaving the block commits. Example: :class:`Transactions`."""
        with self._waited(self._session.transaction(store, isolation=isolation)):
            yield

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Open a part of a transaction, which an exception undoes by itself. Example: :class:`Transactions`."""
        with self._waited(self._session.savepoint()):
            yield

    def flush(self) -> None:
        """Write what was changed so far into the open transaction. Example: :class:`Flushing`."""
        self._call(self._session.flush)

    @contextmanager
    def _waited(self, block: AbstractAsyncContextManager[None]) -> Iterator[None]:
        self._call(block.__aenter__)
        try:
            yield
        except BaseException as error:
            failure = error
            if not self._call(lambda: block.__aexit__(type(failure), failure, failure.__traceback__)):
                raise
        else:
            self._call(lambda: block.__aexit__(None, None, None))
