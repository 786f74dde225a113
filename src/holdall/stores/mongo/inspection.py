"""Inspecting a database: missing collections and indexes, unique rules that are not kept, documents that do not fit."""

from __future__ import annotations

from collections.abc import Collection

from pymongo.asynchronous.database import AsyncDatabase

from holdall.errors import CorruptRecord
from holdall.stores.mongo.documents import column_of
from holdall.stores.mongo.layout import Layout
from holdall.stores.mongo.provision import Index, found_indexes, indexes_of
from holdall.stores.mongo.source import Document

__all__ = ["SAMPLE", "differences", "index_differences"]

SAMPLE = 100
"""Documents of each collection that are looked at."""


async def differences(store: str, database: AsyncDatabase[Document], layouts: Collection[Layout]) -> list[str]:
    """A sentence for each difference."""
    found: list[str] = []
    there = {each["name"]: each for each in await (await database.list_collections()).to_list()}
    for layout in layouts:
        if layout.collection not in there:
            found.append(f"collection {layout.collection} is missing")
            continue
        if "collation" in there[layout.collection].get("options", {}):
            found.append(f"{layout.collection} has a collation, so that texts compare otherwise than everywhere else")
        found += index_differences(layout, await found_indexes(database, layout))
        documents = await database[layout.collection].aggregate([{"$sample": {"size": SAMPLE}}])
        found += _misfits(store, layout, await documents.to_list())
    return found


def index_differences(layout: Layout, there: Collection[Document]) -> list[str]:
    """What the indexes that are there do not keep or serve."""
    by_paths = {tuple(each["key"]): each for each in there}
    return [
        sentence
        for index in indexes_of(layout)
        if (sentence := _difference(layout, index, by_paths.get(index.paths))) is not None
    ]


def _difference(layout: Layout, wanted: Index, there: Document | None) -> str | None:
    over = f"over {', '.join(wanted.paths)}"
    if there is None:
        return f"{layout.collection} has no {'unique ' if wanted.is_unique else ''}index {over}"
    name = there.get("name")
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


def _misfits(store: str, layout: Layout, documents: list[Document]) -> list[str]:
    found = []
    for place in layout.places.values():
        try:
            column_of(store, layout, documents, place)
        except CorruptRecord as error:
            found.append(f"{error.place}: {error.reason}")
    return found
