"""Reading commands: each bounded in time and with its errors translated, inside a transaction or outside."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TypeAlias

import pymongo
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.command_cursor import AsyncCommandCursor
from pymongo.asynchronous.cursor import AsyncCursor
from pymongo.asynchronous.database import AsyncDatabase

from holdall.query import Value
from holdall.stores.mongo.errors import translating

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
            return await self._cursor(collection, wanted, projection, sort, skip, limit).to_list()

    async def aggregate(self, collection: str, pipeline: list[Document]) -> list[Document]:
        """The documents of an aggregation."""
        with translating(self.store), pymongo.timeout(self.timeout):
            return await (await self._aggregation(collection, pipeline)).to_list()

    async def count(self, collection: str, wanted: Document) -> int:
        """How many documents the filter means."""
        with translating(self.store), pymongo.timeout(self.timeout):
            return await self.database[collection].count_documents(wanted, session=self.session)

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
        cursor = self._cursor(collection, wanted, projection, sort, skip, limit).batch_size(batch)
        async for documents in self._batches(cursor, batch):
            yield documents

    async def aggregated_batches(
        self, collection: str, pipeline: list[Document], batch: int
    ) -> AsyncGenerator[list[Document]]:
        """The documents of an aggregation, at most ``batch`` at a time."""
        with translating(self.store), pymongo.timeout(self.timeout):
            cursor = await self._aggregation(collection, pipeline, batch)
        async for documents in self._batches(cursor, batch):
            yield documents

    async def _batches(
        self, cursor: AsyncCursor[Document] | AsyncCommandCursor[Document], batch: int
    ) -> AsyncGenerator[list[Document]]:
        try:
            while True:
                with translating(self.store), pymongo.timeout(self.timeout):
                    documents = await cursor.to_list(batch)
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
    ) -> AsyncCursor[Document]:
        return self.database[collection].find(
            wanted,
            projection,
            skip=skip,
            limit=limit,
            sort=list(sort) or None,
            allow_disk_use=True if sort else None,
            session=self.session,
        )

    async def _aggregation(
        self, collection: str, pipeline: list[Document], batch: int | None = None
    ) -> AsyncCommandCursor[Document]:
        options: Document = {"allowDiskUse": True} if batch is None else {"allowDiskUse": True, "batchSize": batch}
        return await self.database[collection].aggregate(pipeline, session=self.session, **options)
