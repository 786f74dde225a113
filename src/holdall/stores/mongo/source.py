"""Reading commands: each bounded in time and with its errors translated, inside a transaction or outside."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, TypeAlias

import pymongo
from bson.errors import InvalidBSON
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.command_cursor import AsyncCommandCursor
from pymongo.asynchronous.cursor import AsyncCursor
from pymongo.asynchronous.database import AsyncDatabase

from holdall.query import Value
from holdall.stores.mongo.errors import translating
from holdall.stores.mongo.raw_documents import as_raw, decoded_document

__all__ = ["Document", "Source"]

Document: TypeAlias = dict[str, Value]
Sorting: TypeAlias = Sequence[tuple[str, int]]


class Source:
    """One database as seen from outside or, with ``session``, from inside a transaction."""

    def __init__(
        self, store: str, database: AsyncDatabase[Document], timeout: float, session: AsyncClientSession | None = None
    ) -> None:
        self.store = store
        self.database = database
        self.session = session
        self.timeout = timeout

    async def find(
        self,
        collection: str,
        wanted: Document,
        projection: Mapping[str, int] | None = None,
        sort: Sorting = (),
        skip: int = 0,
        limit: int = 0,
    ) -> list[Document]:
        """The documents of a find; a limit of 0 is none."""
        with translating(self.store), pymongo.timeout(self.timeout):
            try:
                return await self._cursor(collection, wanted, projection, sort, skip, limit).to_list()
            except InvalidBSON:
                raw = self._cursor(collection, wanted, projection, sort, skip, limit, is_raw=True)
                return self._decoded(await raw.to_list())

    async def aggregate(self, collection: str, pipeline: list[Document]) -> list[Document]:
        """The documents of an aggregation."""
        with translating(self.store), pymongo.timeout(self.timeout):
            try:
                return await (await self._aggregation(collection, pipeline)).to_list()
            except InvalidBSON:
                return self._decoded(await (await self._aggregation(collection, pipeline, is_raw=True)).to_list())

    async def count(self, collection: str, wanted: Document) -> int:
        """How many documents the filter means."""
        with translating(self.store), pymongo.timeout(self.timeout):
            return await self.database[collection].count_documents(wanted, session=self.session)

    async def noted_count(self, collection: str) -> int:
        """About how many documents the metadata of a collection speaks of."""
        with translating(self.store), pymongo.timeout(self.timeout):
            return await self.database[collection].estimated_document_count()

    async def found_batches(
        self,
        collection: str,
        wanted: Document,
        projection: Mapping[str, int] | None,
        sort: Sorting,
        skip: int,
        limit: int,
        batch: int,
    ) -> AsyncGenerator[list[Document]]:
        """The documents of a find, at most ``batch`` at a time, each batch bounded in time."""
        given, is_raw = 0, False
        while True:
            rest = limit - given if limit else 0
            cursor = self._cursor(collection, wanted, projection, sort, skip + given, rest, is_raw=is_raw)
            try:
                async for documents in self._batches(cursor.batch_size(batch), batch):
                    given += len(documents)
                    yield self._decoded(documents) if is_raw else documents
            except _UndecodableBatch:
                is_raw = True
                continue
            return

    async def aggregated_batches(
        self, collection: str, pipeline: list[Document], batch: int
    ) -> AsyncGenerator[list[Document]]:
        """The documents of an aggregation, at most ``batch`` at a time."""
        with translating(self.store), pymongo.timeout(self.timeout):
            cursor = await self._aggregation(collection, pipeline, batch)
        given = 0
        try:
            async for documents in self._batches(cursor, batch):
                given += len(documents)
                yield documents
        except _UndecodableBatch:
            with translating(self.store), pymongo.timeout(self.timeout):
                cursor = await self._aggregation(collection, [*pipeline, {"$skip": given}], batch, is_raw=True)
            async for documents in self._batches(cursor, batch):
                yield self._decoded(documents)

    async def _batches(
        self, cursor: AsyncCursor[Document] | AsyncCommandCursor[Document], batch: int
    ) -> AsyncGenerator[list[Document]]:
        try:
            while True:
                with translating(self.store), pymongo.timeout(self.timeout):
                    try:
                        documents = await cursor.to_list(batch)
                    except InvalidBSON as error:
                        raise _UndecodableBatch from error
                if documents:
                    yield documents
                if len(documents) < batch:
                    return
        finally:
            with translating(self.store), pymongo.timeout(self.timeout):
                await cursor.close()

    def _cursor(
        self,
        collection: str,
        wanted: Document,
        projection: Mapping[str, int] | None,
        sort: Sorting,
        skip: int,
        limit: int,
        *,
        is_raw: bool = False,
    ) -> AsyncCursor[Any]:
        return self._collection(collection, is_raw=is_raw).find(
            wanted,
            projection,
            skip=skip,
            limit=limit,
            sort=list(sort) or None,
            allow_disk_use=True if sort else None,
            session=self.session,
        )

    async def _aggregation(
        self, collection: str, pipeline: list[Document], batch: int | None = None, *, is_raw: bool = False
    ) -> AsyncCommandCursor[Any]:
        options: Document = {"allowDiskUse": True} if batch is None else {"allowDiskUse": True, "batchSize": batch}
        asked = self._collection(collection, is_raw=is_raw)
        return await asked.aggregate(pipeline, session=self.session, **options)

    def _collection(self, name: str, *, is_raw: bool) -> AsyncCollection[Any]:
        """The collection; ``is_raw`` to be given documents for ``_decoded``, as the driver could not decode them."""
        return as_raw(self.database[name]) if is_raw else self.database[name]

    def _decoded(self, documents: Sequence[Any]) -> list[Document]:
        return [decoded_document(document, self.database.codec_options) for document in documents]


class _UndecodableBatch(Exception):
    """The driver cannot decode all documents of a batch."""
