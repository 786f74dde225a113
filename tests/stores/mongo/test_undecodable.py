"""Documents that the driver cannot decode: told by key and field, the rest is answered, and they can be mended."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import bson
import pymongo
import pytest
from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from holdall import JSON, Holdall, Model, field
from holdall.stores.mongo.raw_documents import Undecodable, decoded_document

pytestmark = pytest.mark.anyio

_NO_UUID = Binary(b"xy", 4)


class Visit(Model, collection="visits"):
    id: int = field(pk=True)
    name: str | None = field(default=None)
    notes: JSON = field(default=None)


@pytest.fixture
async def app(mongo_url: str, fresh_database: Callable[[str], str]) -> AsyncIterator[tuple[Holdall, Any]]:
    url = fresh_database(mongo_url)
    made = Holdall("undecodable")
    made.add_store("main", url)
    made.add(Visit, store="main")
    await made.create()
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        yield made, client.get_default_database()["visits"]
    await made.close()


async def test_of_a_field_that_the_model_does_not_know_it_is_no_damage(app: tuple[Holdall, Any]) -> None:
    made, documents = app
    documents.insert_many([{"_id": 1, "name": "a"}, {"_id": 2, "name": "b", "extra": _NO_UUID}])
    async with made.session() as session:
        assert [visit.name for visit in await session.query(Visit.where().sort(Visit.id))] == ["a", "b"]
    assert await made.inspect() == {}


@pytest.mark.parametrize("value", [_NO_UUID, {"inside": [_NO_UUID]}], ids=["itself", "inside"])
@pytest.mark.parametrize("name", ["name", "notes"])
async def test_it_is_told_by_key_and_field_and_mended(app: tuple[Holdall, Any], name: str, value: Any) -> None:
    made, documents = app
    documents.insert_many([{"_id": number, "name": "a"} for number in range(1, 8)])
    documents.update_one({"_id": 5}, {"$set": {name: value}})
    async with made.session() as session:
        found = await session.readable(Visit.where().sort(Visit.id))
        assert [record.id for record in found.records] == [1, 2, 3, 4, 6, 7]
        assert [(broken.key, broken.fields) for broken in found.broken] == [(5, (name,))]
    assert any(name in sentence for sentence in (await made.inspect())["main"])
    assert "1 unreadable" in str(await made.fsck())
    async with made.session() as session:
        setattr(await session.mend(Visit, 5), name, "mended")
    async with made.session() as session:
        assert getattr(await session.require(Visit, 5), name) == "mended"


async def test_a_stream_gives_all_the_others_once(app: tuple[Holdall, Any]) -> None:
    made, documents = app
    documents.insert_many([{"_id": number, "extra": _NO_UUID if number > 5 else 1} for number in range(1, 10)])
    async with made.session() as session:
        assert [visit.id async for visit in session.stream(Visit.where().sort(Visit.id), batch=2)] == [*range(1, 10)]


def test_every_type_of_value_is_passed_by() -> None:
    values = [1.5, "a", {"a": 1}, [1, "b"], Binary(b"x"), Binary(b"y", 2), ObjectId(), True, None, Regex("a", "i")]
    values += [DBRef("c", 1), Code("f()"), Code("f()", {"a": 1}), 1, Timestamp(1, 2), Int64(2**40), Decimal128("1.5")]
    values += [MinKey(), MaxKey()]
    document = {f"v{number}": value for number, value in enumerate(values)} | {"bad": _NO_UUID, "last": 1}
    options = CodecOptions[dict[str, Any]](uuid_representation=4)
    found = decoded_document(RawBSONDocument(bson.encode(document)), options)
    assert isinstance(found.pop("bad"), Undecodable)
    expected = bson.decode(bson.encode({name: value for name, value in document.items() if name != "bad"}), options)
    assert found == expected
