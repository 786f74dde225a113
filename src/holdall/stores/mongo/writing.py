"""Writing all or nothing: batches carried out one after the other inside a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pymongo import DeleteOne, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, DuplicateKeyError

from holdall.errors import AlreadyExists, Conflict, StaleVersion, UniqueViolation
from holdall.store import Verb
from holdall.stores.mongo.batches import Batch
from holdall.stores.mongo.commands import (
    as_expected,
    departures_of,
    documents_of,
    filters_of,
    guards_of,
    is_light,
    updates_of,
)
from holdall.stores.mongo.errors import CODES, Meaning, code_of
from holdall.stores.mongo.layout import Layout
from holdall.stores.mongo.passing import claims_of
from holdall.stores.mongo.source import Document
from holdall.stores.mongo.unknown_fields import with_unknown

__all__ = ["Mismatch", "Steps", "violation", "violation_of"]

_DOCUMENTS = 500  # asked for at once


class Mismatch(Exception):
    """Fewer records were met than were to be changed; which one was not is still to be found out."""


class Steps:
    """The batches of one ``apply``, encoded once, to be carried out as often as the transaction has to be tried."""

    def __init__(self, store: str, batches: Sequence[Batch]) -> None:
        self._store = store
        self._claims = claims_of(batches)
        self._steps: list[tuple[Batch, list[Document], list[Document]]] = []
        self._departures: dict[int, list[UpdateOne]] = {}  # by the number of the step
        for number, batch in enumerate(batches):
            if batch.verb is Verb.ADD:
                self._steps.append((batch, [], documents_of(batch)))
                continue
            is_update = batch.verb is Verb.UPDATE
            self._steps.append((batch, filters_of(batch), updates_of(batch) if is_update else []))
            if is_update and (departures := departures_of(batch)):
                self._departures[number] = departures

    @property
    def is_single(self) -> bool:
        """Whether it is one change to one document, which MongoDB makes atomic by itself."""
        return len(self._steps) == 1 and len(self._steps[0][0]) == 1 and not self._departures

    async def carry_out(
        self, database: AsyncDatabase[Document], session: AsyncClientSession | None, *, is_careful: bool
    ) -> None:
        """Send every batch.

        Raises UniqueViolation, AlreadyExists and StaleVersion, the driver's errors, and Mismatch; ``is_careful`` looks
        before it changes, so that it can name the record that is stale.
        """
        if session is not None:
            await self._demand_expected(database, session)
        for claim in self._claims:
            collection = database[claim.layout.collection]
            for question in claim.held():
                found = await collection.find(
                    question, dict.fromkeys(("_id", *claim.paths), 1), session=session
                ).to_list()
                if updates := claim.releases(found):
                    await collection.bulk_write(updates, session=session)
        for number, (batch, filters, documents) in enumerate(self._steps):
            if session is None:
                filters = as_expected(batch, filters)
            collection = database[batch.layout.collection]
            try:
                if batch.verb is Verb.ADD:
                    await self._insert(database, session, batch, documents)
                    continue
                if is_careful:
                    await self._look(database, session, batch, filters)
                if number in self._departures:
                    await collection.bulk_write(self._departures[number], session=session)
                if batch.is_check and session is not None:
                    met = (await collection.bulk_write(list(guards_of(filters)), session=session)).matched_count // 2
                elif len(filters) == 1:
                    met = await self._change_one(database, session, batch, filters[0], documents)
                elif batch.verb is Verb.UPDATE:
                    changes = [UpdateOne(wanted, update) for wanted, update in zip(filters, documents, strict=True)]
                    met = (await collection.bulk_write(changes, session=session)).matched_count
                else:
                    met = (await collection.bulk_write(list(map(DeleteOne, filters)), session=session)).deleted_count
            except (BulkWriteError, DuplicateKeyError) as error:
                if CODES.get(code_of(error) or 0) is Meaning.UNIQUE:
                    raise violation(self._store, batch, error) from error
                raise
            if met < len(filters):
                if len(filters) == 1 or is_careful:
                    raise self._stale(batch, 0)
                raise Mismatch

    async def _demand_expected(self, database: AsyncDatabase[Document], session: AsyncClientSession) -> None:
        """Raise StaleVersion for a record that is not as expected; the transaction fails if one becomes another later.

        That is before anything is released or taken from lists, which would be another then.
        """
        for batch, filters, _ in self._steps:
            collection, wanted = database[batch.layout.collection], as_expected(batch, filters)
            for start in range(0, len(wanted) if batch.conditions else 0, _DOCUMENTS):
                piece = wanted[start : start + _DOCUMENTS]
                if await collection.count_documents({"$or": piece}, session=session) == len(piece):
                    continue
                for index, each in enumerate(piece, start):
                    if await collection.find_one(each, {"_id": 1}, session=session) is None:
                        raise self._stale(batch, index)

    async def _insert(
        self,
        database: AsyncDatabase[Document],
        session: AsyncClientSession | None,
        batch: Batch,
        documents: list[Document],
    ) -> None:
        collection = database[batch.layout.collection]
        if batch.origins:
            documents = await with_unknown(collection, session, batch, documents)
        if len(documents) == 1:
            await collection.insert_one(documents[0], session=session)
        elif session is None or not is_light(batch):
            await collection.insert_many(documents, session=session)
        else:  # what insert_many does beside has been done, or needs no doing: it looks at each document three times
            command = {"insert": collection.name, "ordered": True, "documents": documents}
            answer = await database.command(command, session=session, codec_options=database.codec_options)
            if answer.get("writeErrors"):
                raise BulkWriteError(answer)

    async def _change_one(
        self,
        database: AsyncDatabase[Document],
        session: AsyncClientSession | None,
        batch: Batch,
        wanted: Document,
        updates: list[Document],
    ) -> int:
        collection = database[batch.layout.collection]
        if batch.verb is Verb.UPDATE:
            return (await collection.update_one(wanted, updates[0], session=session)).matched_count
        return (await collection.delete_one(wanted, session=session)).deleted_count

    async def _look(
        self,
        database: AsyncDatabase[Document],
        session: AsyncClientSession | None,
        batch: Batch,
        filters: Sequence[Document],
    ) -> None:
        """Raise StaleVersion for the first change that its record, as it will then be, does not meet."""
        version = batch.layout.schema.version
        path = "" if version is None else batch.layout.path(version)
        asked = {"_id": 1} if version is None else {"_id": 1, path: 1}
        keys = [wanted["_id"] for wanted in filters]
        found = database[batch.layout.collection].find({"_id": {"$in": keys}}, asked, session=session)
        decode = batch.layout.key.decoded
        held = {decode(document["_id"]): document.get(path) for document in await found.to_list()}
        place = batch.fields.index(version) if version in batch.fields else None
        for index, (key, expected) in enumerate(zip(batch.keys, batch.versions, strict=True)):
            if key not in held or (expected is not None and version is not None and held[key] != expected):
                raise self._stale(batch, index)
            if batch.verb is Verb.REMOVE:
                del held[key]
            elif place is not None:
                held[key] = batch.rows[index][place]

    def _stale(self, batch: Batch, index: int) -> StaleVersion:
        return StaleVersion(self._store, batch.layout.schema.name, batch.keys[index], batch.first + index)


def violation(store: str, batch: Batch, error: BulkWriteError | DuplicateKeyError) -> Conflict:
    """The rule that a duplicate key broke, by the index that the server names."""
    details: Any = error.details or {}
    if isinstance(error, BulkWriteError):
        details = details["writeErrors"][0]
    return violation_of(store, batch.layout, details, batch.first + int(details.get("index", 0)))


def violation_of(store: str, layout: Layout, details: Any, position: int | None) -> Conflict:
    """The same from one write error of the server's answer."""
    paths = list(details.get("keyPattern") or ())
    if paths == ["_id"]:
        return AlreadyExists(store, layout.schema.name, layout.schema.key, position)
    names = {place.path: name for name, place in layout.places.items()}
    return UniqueViolation(store, layout.schema.name, [names.get(path, path) for path in paths], position)
