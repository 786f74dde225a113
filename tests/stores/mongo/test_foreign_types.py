"""Values in the types that other programs use: ObjectIds, UUIDs of old drivers, what JSON has not inside documents."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pymongo
import pytest
from bson import Binary, Decimal128, ObjectId, Timestamp
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from pymongo.database import Database

from holdall.errors import CorruptRecord, ValidationError
from holdall.query import Compare, FieldSchema, Kind, ManyForm, Op, Query, Schema, Some, SortKey
from holdall.store import Change, Verb
from holdall.stores.mongo import MongoCollection, MongoStore, StandaloneMongoStore, extended_json, open_mongo
from holdall.stores.mongo.codec import codec_of
from holdall.stores.mongo.errors import Misfit
from holdall.stores.mongo.json_value import extended_to_document, extended_to_value
from tests.support.mongo_collections import fresh

pytestmark = pytest.mark.anyio

_ID = FieldSchema("id", Kind.STR, is_object_id=True)
_POST = Schema(
    "post",
    (
        _ID,
        FieldSchema("mark", Kind.UUID, nullable=True),
        FieldSchema("extra", Kind.JSON, nullable=True),
        FieldSchema("parent", Kind.REF, nullable=True, target="post", target_key=(_ID,)),
        FieldSchema("see", Kind.MANY, target="post", target_key=(_ID,), form=ManyForm.LIST),
    ),
    ("id",),
)
_KEYS = tuple(f"{n:024x}" for n in range(1, 5))
_MOMENT = datetime(2024, 5, 6, 7, 8, 9, 120_000, tzinfo=UTC)
_UUIDS = [UUID(int=n) for n in (7, 2**64, 2**120 + 1)]


@pytest.fixture
def place(mongo_url: str) -> Iterator[tuple[str, Database[Any]]]:
    url = fresh(mongo_url)
    with pymongo.MongoClient[Any](url) as client:
        yield url, client.get_default_database(codec_options=CodecOptions(tz_aware=True, uuid_representation=4))


def _store(url: str, **options: Any) -> MongoStore | StandaloneMongoStore:
    store = open_mongo("m", url, collections={"post": MongoCollection(**options)})
    store.bind([_POST])
    return store


def _add(key: str, **values: Any) -> Change:
    return Change(Verb.ADD, "post", key, tuple(values), tuple(values.values()))


async def test_object_ids_are_kept_as_such_in_keys_references_and_lists(place: tuple[str, Database[Any]]) -> None:
    url, database = place
    store = _store(url)
    await store.apply([_add(_KEYS[0], see=()), _add(_KEYS[1], parent=_KEYS[0], see=(_KEYS[0], _KEYS[1]))])
    found = list(database["post"].find({}, sort=[("_id", 1)]))
    assert found == [
        {"_id": ObjectId(_KEYS[0]), "see": []},
        {"_id": ObjectId(_KEYS[1]), "parent": ObjectId(_KEYS[0]), "see": [ObjectId(_KEYS[0]), ObjectId(_KEYS[1])]},
    ]
    whole = await store.fetch(Query("post", sort_keys=(SortKey(("id",), True),)))
    assert whole == [(_KEYS[1], None, None, _KEYS[0], (_KEYS[0], _KEYS[1])), (_KEYS[0], None, None, None, ())]
    some: Query[Any] = Query("post", Some(("see",), Compare(("id",), Op.EQ, _KEYS[0])), projection=(("id",),))
    assert await store.fetch(some) == [(_KEYS[1],)]
    behind: Query[Any] = Query("post", Compare(("parent", "id"), Op.LT, _KEYS[1]), projection=(("id",),))
    assert await store.fetch(behind) == [(_KEYS[1],)]
    await store.close()


async def test_text_where_an_object_id_is_expected_is_reported(place: tuple[str, Database[Any]]) -> None:
    url, database = place
    database["post"].insert_many([{"_id": _KEYS[0]}, {"_id": ObjectId(_KEYS[1]), "parent": "x"}])
    store = _store(url)
    with pytest.raises(CorruptRecord) as caught:
        await store.fetch(Query("post"))
    assert len(caught.value.rows) == 2
    assert [sentence.partition(" ")[0] for sentence in await store.inspect()][-2:] == ["post", "post"]
    await store.close()


@pytest.mark.parametrize("form", ["python_legacy", "java_legacy", "csharp_legacy"])
async def test_uuids_of_old_drivers(place: tuple[str, Database[Any]], form: str) -> None:
    url, database = place
    representation = getattr(UuidRepresentation, form.upper())
    stored = [Binary.from_uuid(each, representation) for each in _UUIDS]
    database["post"].insert_many([{"_id": ObjectId(key), "mark": m} for key, m in zip(_KEYS, stored, strict=False)])
    store = _store(url, uuids=form)
    rows = await store.fetch(Query("post", sort_keys=(SortKey(("mark",)),), projection=(("mark",),)))
    assert rows == [(each,) for each in _UUIDS]
    for op, count in ((Op.EQ, 1), (Op.LT, 1), (Op.GE, 2)):
        assert await store.count(Query("post", Compare(("mark",), op, _UUIDS[1]))) == count
    await store.apply([_add(_KEYS[3], mark=_UUIDS[1], see=())])
    assert database["post"].find_one({"_id": ObjectId(_KEYS[3])})["mark"] == stored[1]  # type: ignore[index]
    database["post"].update_one({"_id": ObjectId(_KEYS[3])}, {"$set": {"mark": UUID(int=1)}})
    with pytest.raises(CorruptRecord):
        await store.fetch(Query("post"))
    await store.close()


_EXTENDED = [
    (ObjectId(_KEYS[0]), {"$oid": _KEYS[0]}),
    (_MOMENT, {"$date": "2024-05-06T07:08:09.120Z"}),
    (datetime(1, 1, 1, tzinfo=UTC), {"$date": "0001-01-01T00:00:00.000Z"}),
    (Decimal128("12.50"), {"$numberDecimal": "12.50"}),
    (b"ab", {"$binary": {"base64": "YWI=", "subType": "00"}}),
    (Binary(b"ab", 128), {"$binary": {"base64": "YWI=", "subType": "80"}}),
    (UUID(int=7), {"$binary": {"base64": "AAAAAAAAAAAAAAAAAAAABw==", "subType": "04"}}),
]


@pytest.mark.parametrize("stored, shown", _EXTENDED)
def test_extended_json_says_what_json_has_not(stored: object, shown: Any) -> None:
    assert extended_to_value({"a": [stored]}) == {"a": [shown]}
    made = extended_to_document({"a": [shown]})
    assert made == {"a": [stored]}
    assert type(made["a"][0]) is type(stored)


@pytest.mark.parametrize("wrong", [{"$oid": "x"}, {"$oid": 5}, {"$date": "x"}, {"$date": "2024-01-01"}, {"$binary": 1}])
def test_wrong_extended_json_is_refused(wrong: Any) -> None:
    with pytest.raises(Misfit):
        extended_to_document(wrong)


async def test_documents_with_such_values_are_changed_without_losing_them(place: tuple[str, Database[Any]]) -> None:
    url, database = place
    extra = {"by": ObjectId(_KEYS[2]), "at": _MOMENT, "lines": [{"price": Decimal128("1.5")}]}
    database["post"].insert_one({"_id": ObjectId(_KEYS[0]), "extra": extra, "see": []})
    strict = _store(url)
    with pytest.raises(CorruptRecord):
        await strict.fetch(Query("post"))
    await strict.close()
    store = _store(url, extended_json=True)
    ((_, _, value, _, _),) = await store.fetch(Query("post"))
    await store.apply([Change(Verb.UPDATE, "post", _KEYS[0], ("extra",), ({**value, "n": 1},))])
    assert database["post"].find_one()["extra"] == {**extra, "n": 1}  # type: ignore[index]
    with pytest.raises(ValidationError):
        await store.apply([Change(Verb.UPDATE, "post", _KEYS[0], ("extra",), ({"$oid": "x"},))])
    await store.close()


def test_a_timestamp_is_refused_by_name() -> None:
    for kind in (Kind.INT, Kind.DATETIME, Kind.JSON):
        with pytest.raises(Misfit, match="Timestamp"):
            codec_of(FieldSchema("x", kind), MongoCollection(native_dates=True, extended_json=True)).decoded(
                Timestamp(1, 1)
            )


def test_a_writer_that_forgets_a_type_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault."""
    monkeypatch.delitem(extended_json._READERS, "$date")
    with pytest.raises(AssertionError):
        test_extended_json_says_what_json_has_not(*_EXTENDED[1])
