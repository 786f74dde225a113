"""Records that must still be as expected: read and compared here, then changed only while they are as they were read.

They are compared as they are read, whatever the form they are stored in; what is sent with the change is the stored
form itself, so that MongoDB compares it in the step that writes.
"""

from __future__ import annotations

from collections.abc import Iterable

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase

from holdall.errors import StaleVersion
from holdall.stores.mongo.batches import Batch
from holdall.stores.mongo.documents import columns_of, projection_of
from holdall.stores.mongo.source import Document

__all__ = ["look_at_expected"]

_DOCUMENTS = 500  # read at once


async def look_at_expected(
    store: str, database: AsyncDatabase[Document], session: AsyncClientSession | None, batches: Iterable[Batch]
) -> None:
    """Give each batch that expects something its conditions.

    Raises StaleVersion for a record that has other values now, and the driver's errors.
    """
    for batch in batches:
        expected, layout = batch.expected, batch.layout
        if expected is None:
            continue
        collection, asked = database[layout.collection], projection_of(layout, expected.fields)
        there: dict[str, Document] = {}
        keys = [layout.key.encoded(key) for key in batch.keys]
        for start in range(0, len(keys), _DOCUMENTS):
            wanted = {"_id": {"$in": keys[start : start + _DOCUMENTS]}}
            async for document in collection.find(wanted, asked, session=session):
                there[repr(document["_id"])] = document
        conditions = []
        for index, key in enumerate(batch.keys):
            found = there.get(repr(keys[index]))
            if found is None:  # or its key is spelled otherwise, as 1.0
                found = await collection.find_one({"_id": keys[index]}, asked, session=session)
            values = (
                () if found is None else [column[0] for column in columns_of(layout, [found], expected.fields).values]
            )
            if found is None or not expected.is_met_by(values):
                raise StaleVersion(store, layout.schema.name, key, batch.first + index)
            conditions.append(_as_it_is(found, [layout.path(name) for name in expected.fields]))
        batch.conditions = conditions


def _as_it_is(document: Document, paths: Iterable[str]) -> Document:
    """Return the filter that a document with the same values at these paths meets; a missing one is null, as it is
    read.
    """
    same = [{"$eq": [{"$ifNull": [f"${path}", None]}, {"$literal": document.get(path)}]} for path in paths]
    return {"$expr": {"$and": same}}
