"""Collections and indexes: what must be there, made where it is missing, dropped with the records."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import CollectionInvalid, OperationFailure

from holdall.errors import SchemaMismatch
from holdall.query import Kind, Value
from holdall.stores.mongo.layout import Layout
from holdall.stores.mongo.source import Document

__all__ = ["Index", "create", "drop", "found_indexes", "indexes_of", "plain_instead"]

_EXISTS, _DUPLICATE = 48, 11000  # NamespaceExists, DuplicateKey


class Index(msgspec.Struct, frozen=True):
    """An index as it should be. ``is_partial``: documents without one of the fields are passed by."""

    name: str
    paths: tuple[str, ...]
    is_unique: bool = False
    is_partial: bool = False

    @property
    def options(self) -> dict[str, Value]:
        """The options of the index beside its fields."""
        options: dict[str, Value] = {"name": self.name}
        if self.is_unique:
            options["unique"] = True
        if self.is_partial:
            options["partialFilterExpression"] = {path: {"$exists": True} for path in self.paths}
        return options


def indexes_of(layout: Layout) -> list[Index]:
    """Unique rules, declared indexes, and one for each Ref and stored Many, which are searched by the other end."""
    schema = layout.schema
    found: dict[tuple[str, ...], Index] = {}
    for names in dict.fromkeys(schema.unique):
        paths = tuple(layout.path(name) for name in names)
        if paths != ("_id",):
            is_partial = any(schema.by_name[name].nullable for name in names)
            found[paths] = Index(_name("unique", names), paths, is_unique=True, is_partial=is_partial)
    references = [(field.name,) for field in schema.stored if field.kind in (Kind.REF, Kind.MANY)]
    for names in dict.fromkeys((*schema.indexes, *references)):
        paths = tuple(layout.path(name) for name in names)
        if paths != ("_id",):
            found.setdefault(paths, Index(_name("index", names), paths))
    return list(found.values())


def _name(what: str, names: Iterable[str]) -> str:
    return "_".join(("holdall", what, *names))


async def create(store: str, database: AsyncDatabase[Document], layouts: Collection[Layout]) -> None:
    """Create collections and indexes that are missing; an index of ours becomes unique where its rule is new.

    Raises SchemaMismatch for values that must be unique and are not.
    """
    there = set(await database.list_collection_names())
    for layout in layouts:
        if layout.collection not in there:
            try:
                await database.create_collection(layout.collection)
            except (CollectionInvalid, OperationFailure) as error:  # another process was quicker
                if isinstance(error, OperationFailure) and error.code != _EXISTS:
                    raise
        known = await found_indexes(database, layout)
        for index in indexes_of(layout):
            same = [each for each in known if _covers(each, index)]
            plain = plain_instead(layout, index, same[0]) if same else None
            if not same or plain is not None:
                await _make(store, database, layout, index, plain)


async def _make(
    store: str, database: AsyncDatabase[Document], layout: Layout, index: Index, instead_of: Index | None
) -> None:
    """Make an index. One over the same fields cannot stand beside it, so that one goes, and returns if this cannot."""
    collection = database[layout.collection]
    if instead_of is not None:
        await collection.drop_index(instead_of.name)
    try:
        await collection.create_index([(path, 1) for path in index.paths], **index.options)
    except OperationFailure as error:
        if instead_of is not None:
            await collection.create_index([(path, 1) for path in instead_of.paths], **instead_of.options)
        if error.code != _DUPLICATE:
            raise
        names = ", ".join(index.paths)
        message = (
            f"{layout.collection} has documents with the same {names}, which is unique: change or remove all but one"
        )
        raise SchemaMismatch(store, [message]) from error


async def drop(database: AsyncDatabase[Document], layouts: Collection[Layout]) -> None:
    """Drop the collections, their records and indexes."""
    for layout in layouts:
        await database.drop_collection(layout.collection)


async def found_indexes(database: AsyncDatabase[Document], layout: Layout) -> list[Document]:
    """The indexes the collection has, as the server tells them."""
    return list(map(dict, await (await database[layout.collection].list_indexes()).to_list()))


def plain_instead(layout: Layout, wanted: Index, there: Document) -> Index | None:
    """The index of ours that is there from before a rule made these fields unique; None where there is another."""
    names = [next(place.field.name for place in layout.places.values() if place.path == path) for path in wanted.paths]
    plain = Index(_name("index", names), wanted.paths)
    return plain if wanted.is_unique and there.get("name") == plain.name and not there.get("unique") else None


def _covers(found: Document, wanted: Index) -> bool:
    """Whether an index that is there is over the same fields, whatever else it says."""
    return tuple(found["key"]) == wanted.paths
