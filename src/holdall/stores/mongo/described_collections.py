"""Collections that others made, as models would declare them: by a sample of their documents, and their indexes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec
from bson.binary import OLD_UUID_SUBTYPE, Binary
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from bson.objectid import ObjectId

from holdall.query import FieldSchema, Generated, Kind, Schema, Value
from holdall.store import Described, SampledField, columns_of_sample, sampled_field
from holdall.stores.mongo.collection import MongoCollection
from holdall.stores.mongo.errors import Misfit
from holdall.stores.mongo.json_value import json_to_value
from holdall.stores.mongo.layout import TOKEN, is_safe_name
from holdall.stores.mongo.raw_documents import Undecodable
from holdall.stores.mongo.source import Document

__all__ = ["Sampled", "described_collection"]

_WHOLE: set[type] = {int, Int64}
_KINDS: tuple[tuple[set[type], Kind], ...] = (
    ({bool}, Kind.BOOL),
    (_WHOLE, Kind.INT),
    ({float, *_WHOLE}, Kind.FLOAT),
    ({Decimal128, *_WHOLE}, Kind.DECIMAL),
    ({str}, Kind.STR),
    ({bytes}, Kind.BYTES),
    ({datetime}, Kind.DATETIME),
    ({UUID}, Kind.UUID),
)
_OLD_UUIDS = "UUIDs of subtype 3: their bytes are taken to be in the order of Python's; see uuids="


class Sampled(msgspec.Struct, frozen=True):
    """One collection as it was seen: documents, indexes, and the fields that some document lacks."""

    name: str
    documents: Sequence[Document]
    indexes: Sequence[Document]
    lacking: frozenset[str] = frozenset()


def described_collection(sampled: Sampled) -> Described:
    """The collection without references, which only a look at the others can show."""
    name, notes = sampled.name, list[str]()
    if not sampled.documents:
        return Described(Schema(name, (), ()), ("it has no documents, which alone tell its fields",))
    columns = columns_of_sample(sampled.documents)
    found: list[SampledField] = []
    keys = _key_fields(columns.pop("_id"), notes)
    if len(keys) > 1 and any(each.field.name in columns for each in keys):
        keys = []
        notes.append("its _id has parts that are called as other fields are")
    for field_name, values in columns.items():
        field = _field(field_name, values)
        if field_name == TOKEN:
            continue
        if not is_safe_name(field_name):
            notes.append(f"field {field_name!r} has a name that MongoDB's own paths do not lead to, and is left out")
        elif isinstance(field, str):
            notes.append(f"field {field_name} {field}, and is left out")
        elif field_name in sampled.lacking and not field.field.nullable:
            found.append(msgspec.structs.replace(field, field=msgspec.structs.replace(field.field, nullable=True)))
        else:
            found.append(field)
    found = [*keys, *found]
    fields = [each.field for each in found]
    schema = Schema(
        name,
        tuple(fields),
        tuple([each.field.name for each in keys]),
        unique=tuple(_rules(sampled, {field.name: field for field in fields}, notes)),
        indexes=tuple(_plain_indexes(sampled, fields)),
    )
    return Described(
        schema,
        tuple(notes),
        {each.field.name: each.annotation for each in found if each.annotation},
        {each.field.name: each.remark for each in found if each.remark},
        _option(found, sampled.documents),
    )


def _key_fields(values: Sequence[Value], notes: list[str]) -> list[SampledField]:
    """The fields of the key; none, with a note, where documents are named in a way that no key is."""
    kinds = {type(value) for value in values}
    if kinds == {ObjectId}:
        key = FieldSchema("_id", Kind.STR, generated=Generated.CLIENT, columns=("_id",), is_object_id=True)
        return [SampledField(key)]
    if kinds == {dict}:
        return _parts(values, notes)
    made = _field("_id", values)
    if isinstance(made, str) or made.field.kind in (Kind.JSON, Kind.FLOAT):
        words = ", ".join(sorted(_word(kind) for kind in kinds))
        notes.append(f"its _id has values of several types, or of one that is no key: {words}")
        return []
    return [made]


def _parts(values: Sequence[dict[str, Value]], notes: list[str]) -> list[SampledField]:
    if len({tuple(value) for value in values}) > 1:
        notes.append("its _id has documents whose parts differ, or stand in another order")
        return []
    found = {name: _field(name, [value[name] for value in values]) for name in values[0]}
    fields = [each for each in found.values() if not isinstance(each, str) and each.field.kind is not Kind.JSON]
    if len(fields) < len(found) or len(fields) < 2 or any(each.field.nullable for each in fields):
        notes.append("its _id has a part that is no part of a key")
        return []
    return fields


def _field(name: str, values: Sequence[Value]) -> SampledField | str:
    """The field for these values, or why there is none."""
    there = [value for value in values if value is not None]
    kinds = {type(value) for value in there}
    is_null = len(there) < len(values)
    if Undecodable in kinds:
        return "has a value that the driver cannot decode"
    if kinds == {ObjectId}:
        return SampledField(FieldSchema(name, Kind.STR, is_null, columns=(name,), is_object_id=True))
    if kinds == {Binary} and all(value.subtype == OLD_UUID_SUBTYPE and len(value) == 16 for value in there):
        return SampledField(FieldSchema(name, Kind.UUID, is_null, columns=(name,)), remark=_OLD_UUIDS)
    for fitting, kind in _KINDS:
        if kinds and kinds <= fitting and (kind is not Kind.DECIMAL or Decimal128 in kinds):
            if kind is Kind.DECIMAL and not all(_is_finite(value) for value in there):
                return "has a decimal that is no finite number"
            if kind is Kind.STR or kind in (Kind.INT, Kind.FLOAT):
                return sampled_field(name, [int(value) if type(value) is Int64 else value for value in values])
            return SampledField(FieldSchema(name, kind, is_null, columns=(name,)))
    try:
        return sampled_field(name, [json_to_value(value, is_extended=True) for value in values])
    except Misfit:
        words = ", ".join(sorted({_word(kind) for kind in kinds}))
        return f"has values of a BSON type that no field has ({words})"


def _is_finite(value: object) -> bool:
    decimal = value.to_decimal() if isinstance(value, Decimal128) else Decimal(str(value))
    return bool(decimal.is_finite())


def _word(kind: type) -> str:
    words = {dict: "document", list: "array", str: "text", int: "int", Int64: "int", float: "double"}
    return words.get(kind, kind.__name__)


def _option(found: Sequence[SampledField], documents: Sequence[Document]) -> MongoCollection | None:
    kinds = {each.field.kind for each in found}
    is_old = any(each.remark == _OLD_UUIDS for each in found)
    option = MongoCollection(
        native_dates=Kind.DATETIME in kinds,
        uuids="python_legacy" if is_old else "standard",
        extended_json=any(_is_extended(each, documents) for each in found),
    )
    return option if option != MongoCollection() else None


def _is_extended(field: SampledField, documents: Sequence[Document]) -> bool:
    """Whether values of a field hold what JSON has not."""
    if field.field.kind is not Kind.JSON:
        return False
    try:
        for document in documents:
            json_to_value(document.get(field.field.column))
    except Misfit:
        return True
    return False


def _rules(sampled: Sampled, fields: Mapping[str, FieldSchema], notes: list[str]) -> list[tuple[str, ...]]:
    """The unique rules that indexes keep, for the fields that are there."""
    found = []
    for index in sampled.indexes:
        names = tuple(index["key"])
        if not index.get("unique") or names == ("_id",) or not set(names) <= fields.keys():
            continue
        if any(fields[name].kind in (Kind.JSON, Kind.MANY) for name in names):
            notes.append(f"the unique index {index.get('name')} is over lists or nested values")
            continue
        is_null = any(fields[name].nullable for name in names)
        partial = index.get("partialFilterExpression")
        is_for_present = is_null and partial == {name: {"$exists": True} for name in names}
        if is_for_present or (partial is None and (not is_null or index.get("sparse"))):
            found.append(names)
        else:
            notes.append(f"the unique index {index.get('name')} treats missing values otherwise than unique=True does")
    return found


def _plain_indexes(sampled: Sampled, fields: Sequence[FieldSchema]) -> list[tuple[str, ...]]:
    known = {field.name for field in fields if field.kind not in (Kind.JSON, Kind.MANY)}
    return [
        names
        for index in sampled.indexes
        if not index.get("unique")
        and len(names := tuple(index["key"])) == 1
        and names[0] in known - {"_id"}
        and not isinstance(index["key"][names[0]], str)
        and "partialFilterExpression" not in index
    ]
