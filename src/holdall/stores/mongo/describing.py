"""Looking at a database that others made: what its collections hold, and which fields hold keys of which collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from bson.objectid import ObjectId
from pymongo.asynchronous.database import AsyncDatabase

from holdall.errors import HoldallError
from holdall.query import FieldSchema, Kind, ManyForm, Schema, Value
from holdall.store import Described, Description, Look
from holdall.stores.mongo.collection import MongoCollection
from holdall.stores.mongo.described_collections import Sampled, described_collection
from holdall.stores.mongo.inspection import index_differences, sample_of
from holdall.stores.mongo.layout import Layouts
from holdall.stores.mongo.source import Document

__all__ = ["describe"]

_OURS = "holdall_"


async def describe(store: str, database: AsyncDatabase[Document], look: Look) -> Description:
    """Describe the collections that are wanted; the driver's errors go through."""
    described: dict[str, Described] = {}
    sampled: dict[str, Sampled] = {}
    for there in sorted(await (await database.list_collections()).to_list(), key=lambda each: str(each["name"])):
        name = str(there["name"])
        if name.startswith(("system.", _OURS)) or not look.is_wanted(name):
            continue
        if there.get("type", "collection") != "collection":
            described[name] = Described(Schema(name, (), ()), (f"it is a {there['type']}",))
            continue
        sampled[name] = await _sampled(database, name, look.sample)
        described[name] = described_collection(sampled[name])
        if "collation" in there.get("options", {}):
            note = "it has a collation, so that texts compare otherwise than everywhere else"
            described[name] = msgspec.structs.replace(described[name], notes=(*described[name].notes, note))
    targets = [each for each in described.values() if len(each.schema.key) == 1]
    found = [
        await _with_references(database, each, targets, sampled[name]) if name in sampled else each
        for name, each in described.items()
    ]
    return Description(tuple([_fitting(store, each, sampled.get(each.schema.name)) for each in found]))


async def _sampled(database: AsyncDatabase[Document], name: str, size: int) -> Sampled:
    collection = database[name]
    documents = await sample_of(collection, size)
    indexes = list(map(dict, await (await collection.list_indexes()).to_list()))
    lacking = set()
    if await collection.estimated_document_count() > len(documents):
        for path in set.intersection(*map(set, documents)) - {"_id"} if documents else ():
            if "." not in path and not path.startswith("$"):
                lacking |= {path} if await collection.find_one({path: None}, {"_id": 1}) else set()
    return Sampled(name, documents, indexes, frozenset(lacking))


async def _with_references(
    database: AsyncDatabase[Document], each: Described, targets: Sequence[Described], sampled: Sampled
) -> Described:
    """The collection with references where all values that were seen are keys of one collection, and of no other."""
    fields, remarks, annotations = list[FieldSchema](), dict(each.remarks), dict(each.annotations)
    for field in each.schema.fields:
        target = None if field.name in each.schema.key else await _target(database, field, targets, sampled)
        if target is None:
            fields.append(field)
            continue
        is_many = field.kind is Kind.JSON
        many = f"Many[…] of {target.name}" if is_many else f"a Ref to {target.name}"
        if any(tuple(index["key"]) == (field.column,) for index in sampled.indexes):
            remarks[field.name] = f"every key that was seen is one of {target.name}"
            annotations.pop(field.name, None)
            fields.append(_reference(field, target, is_many=is_many))
        else:
            remarks[field.name] = f"every key that was seen is one of {target.name}: could be {many}, with an index"
            fields.append(field)
    schema = msgspec.structs.replace(each.schema, fields=tuple(fields))
    return msgspec.structs.replace(each, schema=schema, remarks=remarks, annotations=annotations)


def _reference(field: FieldSchema, target: Schema, *, is_many: bool) -> FieldSchema:
    kind, form = (Kind.MANY, ManyForm.LIST) if is_many else (Kind.REF, None)
    key = (target.field(target.key[0]),)
    is_null = field.nullable and not is_many
    return FieldSchema(field.name, kind, is_null, target=target.name, target_key=key, form=form, columns=field.columns)


async def _target(
    database: AsyncDatabase[Document], field: FieldSchema, targets: Sequence[Described], sampled: Sampled
) -> Schema | None:
    """The only collection of which all these values are keys; None for values that might mean something else."""
    values: dict[Value, None] = {}
    for document in sampled.documents:
        value = document.get(field.column)
        items = value if isinstance(value, list) else [value]
        if isinstance(value, list) and len({repr(item) for item in items}) < len(items):
            return None  # a list of references holds none twice
        values |= dict.fromkeys(item for item in items if isinstance(item, ObjectId | UUID))
        if any(not isinstance(item, ObjectId | UUID) for item in items if item is not None or isinstance(value, list)):
            return None
    if not values:
        return None
    found = [
        target.schema
        for target in targets
        if _may_lead_to(target.schema, next(iter(values)))
        and await database[target.schema.name].count_documents({"_id": {"$in": list(values)}}) == len(values)
    ]
    return found[0] if len(found) == 1 else None


def _may_lead_to(target: Schema, value: object) -> bool:
    key = target.field(target.key[0])
    return key.is_object_id if isinstance(value, ObjectId) else key.kind is Kind.UUID


def _fitting(store: str, each: Described, sampled: Sampled | None) -> Described:
    """The collection, with what keeps it from fitting among its notes; left out where a store could not bind it."""
    if sampled is None or not each.schema.key:
        return each
    options: Mapping[str, MongoCollection] = {}
    if isinstance(each.option, MongoCollection):
        options = {each.schema.name: each.option}
    layouts = Layouts(store, options)
    try:
        layouts.bind(each.schema)
    except HoldallError as error:
        left = msgspec.structs.replace(each.schema, key=())
        return msgspec.structs.replace(each, schema=left, notes=(*each.notes, str(error)))
    told = index_differences(layouts.of(each.schema.name), sampled.indexes)
    return msgspec.structs.replace(each, notes=(*each.notes, *told))
