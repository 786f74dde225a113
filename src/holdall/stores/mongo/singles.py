"""Writing where the server has no transactions: each change by itself, each with its own outcome.

A change with a token leaves it in the document it changes, so that the same change sent again is recognised: it is
answered as done and not done twice. A record that is gone counts as removed by a removal that has a token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeAlias

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, DuplicateKeyError

from holdall.errors import AlreadyExists, HoldallError, ReferenceViolation, StaleVersion, StoreTimeout, StoreUnavailable
from holdall.query import Key
from holdall.store import Verb
from holdall.stores.mongo.batches import Batch
from holdall.stores.mongo.commands import documents_of, filters_of, updates_of
from holdall.stores.mongo.errors import CODES, DRIVER_ERRORS, Meaning, error_of
from holdall.stores.mongo.layout import TOKEN
from holdall.stores.mongo.passing import Claim, claims_of, disputed_rules
from holdall.stores.mongo.source import Document
from holdall.stores.mongo.writing import violation_of

__all__ = ["Singles"]

_Work: TypeAlias = Callable[[], Awaitable[HoldallError | None]]

_AT_ONCE = 16  # updates or removals under way


class Singles:
    """Carries out batches in order, change by change."""

    def __init__(self, store: str, database: AsyncDatabase[Document]) -> None:
        self._store = store
        self._database = database

    async def apply(self, batches: Sequence[Batch]) -> list[HoldallError | None]:
        """Apply each change; return its error or None for each. Once the server is lost, the rest is not sent."""
        errors: list[HoldallError | None] = []
        with suppress(*DRIVER_ERRORS):  # the changes themselves will tell
            await self._release(batches)
        for batch in batches:
            if errors and isinstance(errors[-1], StoreUnavailable | StoreTimeout):
                lost = StoreUnavailable(self._store, "it was lost before this change was sent")
                errors += [lost] * len(batch.keys)
                continue
            await self._batch(batch, errors)
        return errors

    async def _release(self, batches: Sequence[Batch]) -> None:
        """Let those go of unique values that others are to get, where all of them can have what they are to have."""
        looked: list[tuple[Claim, list[Document]]] = []
        for claim in claims_of(batches):
            collection = self._database[claim.layout.collection]
            asked = dict.fromkeys(("_id", *claim.rule), 1)
            if claim.paths != claim.rule:
                claim = claim.completed(await collection.find({"_id": {"$in": claim.keys}}, asked).to_list())
            found = [found for each in claim.questions() for found in await collection.find(each, asked).to_list()]
            looked.append((claim, found))
        disputed = disputed_rules(looked)
        for claim, found in looked:
            if claim.place not in disputed and (updates := claim.releases(found)):
                await self._database[claim.layout.collection].bulk_write(updates)

    async def _batch(self, batch: Batch, errors: list[HoldallError | None]) -> None:
        if batch.verb is Verb.ADD:
            documents = documents_of(batch)
            if len(documents) > 1 and not any(batch.tokens) and not batch.needs:
                errors += await self._add_many(batch, documents)
                return
            work = [partial(self._add, batch, place, each) for place, each in enumerate(documents)]
        else:
            filters = filters_of(batch, at_once=True)
            updates = updates_of(batch, at_once=True) if batch.verb is Verb.UPDATE else [None] * len(filters)
            work = [
                partial(self._change, batch, place, wanted, update)
                for place, (wanted, update) in enumerate(zip(filters, updates, strict=True))
            ]
        width = _AT_ONCE if batch.verb is not Verb.ADD and _may_overlap(batch) else 1
        for start in range(0, len(work), width):
            places = range(start, min(start + width, len(work)))
            errors += await asyncio.gather(*(self._guarded(batch, place, work[place], errors) for place in places))

    async def _guarded(
        self, batch: Batch, place: int, work: _Work, errors: Sequence[HoldallError | None]
    ) -> HoldallError | None:
        if any(errors[position] is not None for position in batch.needs.get(place, ())):
            return ReferenceViolation(self._store, batch.layout.schema.name, (), batch.first + place)
        try:
            return await work()
        except DRIVER_ERRORS as error:
            ours = error_of(self._store, error, collection=batch.layout.schema.name, is_writing=True)
            ours.__cause__ = error
            return ours

    async def _add(self, batch: Batch, place: int, document: Document) -> HoldallError | None:
        collection = self._database[batch.layout.collection]
        try:
            await collection.insert_one(document)
        except DuplicateKeyError as error:
            ours = violation_of(self._store, batch.layout, error.details or {}, batch.first + place)
            if isinstance(ours, AlreadyExists) and await self._is_ours(batch, place, document["_id"]):
                return None
            ours.__cause__ = error
            return ours
        return None

    async def _add_many(self, batch: Batch, documents: list[Document]) -> list[HoldallError | None]:
        errors: list[HoldallError | None] = [None] * len(documents)
        try:
            await self._database[batch.layout.collection].insert_many(documents, ordered=False)
        except BulkWriteError as error:
            for refused in (error.details or {}).get("writeErrors", ()):
                place = int(refused["index"])
                if CODES.get(int(refused.get("code", 0))) is Meaning.UNIQUE:
                    errors[place] = violation_of(self._store, batch.layout, refused, batch.first + place)
                else:
                    errors[place] = error_of(self._store, error, collection=batch.layout.schema.name, is_writing=True)
        except DRIVER_ERRORS as error:
            ours = error_of(self._store, error, collection=batch.layout.schema.name, is_writing=True)
            ours.__cause__ = error
            return [ours] * len(documents)
        return errors

    async def _change(self, batch: Batch, place: int, wanted: Document, update: Document | None) -> HoldallError | None:
        collection = self._database[batch.layout.collection]
        try:
            if update is not None:
                met = (await collection.update_one(wanted, update)).matched_count
            else:
                met = (await collection.delete_one(wanted)).deleted_count
        except DuplicateKeyError as error:
            ours = violation_of(self._store, batch.layout, error.details or {}, batch.first + place)
            ours.__cause__ = error
            return ours
        if met or await self._is_ours(batch, place, wanted["_id"]):
            return None
        return StaleVersion(self._store, batch.layout.schema.name, batch.keys[place], batch.first + place)

    async def _is_ours(self, batch: Batch, place: int, key: Key) -> bool:
        """Whether this change was made before: the record bears its token, or is gone as it was to be."""
        token = batch.tokens[place]
        if token is None:
            return False
        found = await self._database[batch.layout.collection].find_one({"_id": key}, {TOKEN: 1})
        if batch.verb is Verb.REMOVE:
            return found is None
        return found is not None and found.get(TOKEN) == token


def _may_overlap(batch: Batch) -> bool:
    """Whether the order of these changes makes no difference: every record its own, nothing unique touched."""
    if batch.needs or len(set(batch.keys)) < len(batch.keys):
        return False
    return batch.verb is Verb.REMOVE or not any(set(rule) & set(batch.fields) for rule in batch.layout.schema.unique)
