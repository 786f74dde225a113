"""Fields of documents that no model knows: they go with a record that gets another key."""

from __future__ import annotations

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection

from holdall.query import Key
from holdall.stores.mongo.batches import Batch
from holdall.stores.mongo.errors import Misfit, unstorable
from holdall.stores.mongo.layout import GUARD, TOKEN
from holdall.stores.mongo.source import Document

__all__ = ["with_unknown"]


async def with_unknown(
    collection: AsyncCollection[Document],
    session: AsyncClientSession | None,
    batch: Batch,
    documents: list[Document],
) -> list[Document]:
    """The documents of an ADD, each with what the one under the key that its record had holds beside its fields."""
    layout = batch.layout
    try:
        keys = [None if key is None else layout.key.encoded(key) for key in batch.origins]
    except Misfit as misfit:
        raise unstorable(layout.schema.name, layout.schema.key[0], str(misfit)) from misfit
    paths = [place.path for name, place in layout.places.items() if name not in layout.schema.key]
    known = dict.fromkeys((*paths, TOKEN, GUARD), 0)
    wanted = {"_id": {"$in": [key for key in keys if key is not None]}}
    beside: dict[Key, Document] = {}
    async for document in collection.find(wanted, known, session=session):
        beside[layout.key.decoded(document.pop("_id"))] = document
    return [{**document, **beside.get(key, {})} for document, key in zip(documents, batch.origins, strict=True)]
