"""Inspecting a database: missing collections and indexes, unique rules that are not kept, documents that do not fit."""

from __future__ import annotations

from collections.abc import Collection

from bson.errors import InvalidBSON
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

from holdall.errors import CorruptRecord
from holdall.store import Difference
from holdall.stores.mongo.documents import MISSING, column_of, refuse_damaged
from holdall.stores.mongo.layout import Layout
from holdall.stores.mongo.provision import Index, found_indexes, indexes_of, plain_instead
from holdall.stores.mongo.raw_documents import as_raw, decoded_document
from holdall.stores.mongo.source import Document

__all__ = ["SAMPLE", "differences", "index_differences", "sample_of"]

SAMPLE = 100
"""Documents of each collection that are looked at."""


async def differences(
    store: str, database: AsyncDatabase[Document], layouts: Collection[Layout], *, are_records_told: bool = True
) -> list[str]:
    """A sentence for each difference; of single documents only if ``are_records_told``."""
    found: list[str] = []
    there = {each["name"]: each for each in await (await database.list_collections()).to_list()}
    for layout in layouts:
        name = layout.schema.name
        if layout.collection not in there:
            found.append(Difference(f"collection {layout.collection} is missing", "missing-table", name))
            continue
        if "collation" in there[layout.collection].get("options", {}):
            told = f"{layout.collection} has a collation, so that texts compare otherwise than everywhere else"
            found.append(Difference(told, "collation", name))
        found += index_differences(layout, await found_indexes(database, layout))
        looked_at = await sample_of(database[layout.collection], SAMPLE)
        found += _lacking(layout, looked_at)
        if are_records_told:
            found += _misfits(store, layout, looked_at)
    return found


async def sample_of(collection: AsyncCollection[Document], size: int) -> list[Document]:
    """This many documents of a collection, ``Undecodable`` in them for what the driver cannot decode."""
    stages = [{"$sample": {"size": size}}]
    try:
        return await (await collection.aggregate(stages)).to_list()
    except InvalidBSON:
        documents = await (await as_raw(collection).aggregate(stages)).to_list()
        return [decoded_document(document, collection.codec_options) for document in documents]


def index_differences(layout: Layout, there: Collection[Document]) -> list[str]:
    """Return the rules and sorts that the existing indexes do not keep or serve, a sentence each."""
    by_paths = {tuple(each["key"]): each for each in there}
    return [
        Difference(sentence, "unique" if index.is_unique else "index", layout.schema.name, ", ".join(index.paths))
        for index in indexes_of(layout)
        if (sentence := _difference(layout, index, by_paths.get(index.paths))) is not None
    ]


def _difference(layout: Layout, wanted: Index, there: Document | None) -> str | None:
    over = f"over {', '.join(wanted.paths)}"
    if there is None:
        return f"{layout.collection} has no {'unique ' if wanted.is_unique else ''}index {over}"
    name = there.get("name")
    if plain_instead(layout, wanted, there) is not None:
        return f"{layout.collection}: the index {name} {over} is not unique; create() makes it so"
    if wanted.is_unique and not there.get("unique"):
        return f"{layout.collection}: the index {name} {over} is not unique; drop it, and create() makes the right one"
    partial = there.get("partialFilterExpression")
    if wanted.is_unique and partial is not None and (not wanted.is_partial or partial != wanted.options[_PARTIAL]):
        return f"{layout.collection}: the unique index {name} {over} passes some records by"
    if not wanted.is_unique and there.get("unique"):
        return f"{layout.collection}: the index {name} {over} is unique, which the model does not say"
    if wanted.is_partial and partial is None and not there.get("sparse"):
        return f"{layout.collection}: the unique index {name} {over} takes missing values for equal"
    return None


_PARTIAL = "partialFilterExpression"


def _lacking(layout: Layout, documents: list[Document]) -> list[str]:
    """A sentence for each field that must have a value and has none in any document: the models have changed."""
    return [
        Difference(
            f"no document of {layout.collection} has {place.path}, which must have a value",
            "null",
            layout.schema.name,
            place.path,
        )
        for place in layout.places.values()
        if documents and not place.field.nullable and column_of(documents, place)[0] == [MISSING] * len(documents)
    ]


def _misfits(store: str, layout: Layout, documents: list[Document]) -> list[str]:
    """A sentence for each field of which a document cannot be read, with the first such document."""
    found: list[str] = []
    for place in layout.places.values():
        column, is_damaged = column_of(documents, place)
        try:
            if is_damaged:
                refuse_damaged(store, layout, documents, [place.field.name], [(value,) for value in column])
        except CorruptRecord as error:
            told = f"{error.place} cannot be read: {error.reason}"
            found.append(Difference(told, "values", layout.schema.name, place.path))
    return found
