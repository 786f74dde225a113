"""What lies in the database, what of others' is read, and what the store will not write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from bson.decimal128 import Decimal128

from holdall.errors import (
    AlreadyExists,
    CorruptRecord,
    LimitExceeded,
    SchemaMismatch,
    StaleVersion,
    StoreError,
    Unsupported,
    ValidationError,
)
from holdall.query import Compare, Op, Query, SortKey
from holdall.store import KeyOf
from holdall.stores.mongo import MongoCollection, MongoStore, StandaloneMongoStore
from tests.support.mongo_collections import add, fresh, inside, opened, update

pytestmark = pytest.mark.anyio

_Store = MongoStore | StandaloneMongoStore
_MOMENT = datetime(2024, 5, 6, 7, 8, 9, 123_456, tzinfo=UTC)


@asynccontextmanager
async def created(url: str, **options: Any) -> AsyncIterator[_Store]:
    store = opened(url, **options)

    async with asyncio.timeout(60):
        await store.create()
        try:
            yield store
        finally:
            await store.close()


def ids(rows: list[tuple[Any, ...]]) -> list[Any]:
    return [row[0] for row in rows]


async def test_values_are_native(mongo_url: str) -> None:
    url = fresh(mongo_url)
    extra = {"b": [1, {"$gt": "", "a.b": None}], "a": 2.5}

    async with created(url) as store:
        (outcome,) = await store.apply([add("person", None, name="Ursula")])
        values: dict[str, Any] = {"price": Decimal("1.50"), "bought": _MOMENT, "mark": UUID(int=7), "extra": extra}
        await store.apply([add("book", "x", **values, author=outcome.key, readers=(1, 2))])
        assert (await store.fetch(Query("book")))[0][5] == extra
    with inside(url) as database:
        assert database.book.find_one() == {
            "_id": "x",
            "price": Decimal128("1.50"),
            "bought": "2024-05-06T07:08:09.123456Z",
            "mark": UUID(int=7),
            "extra": {"a": 2.5, "b": [1, {"~$gt": "", "~a~1b": None}]},
            "author": 1,
            "readers": [1, 2],
            "version": 1,
        }


async def test_what_is_set_to_null_is_gone(mongo_url: str) -> None:
    url = fresh(mongo_url)

    async with created(url) as store:
        await store.apply([add("book", "x", isbn="1"), add("book", "y", isbn="2")])
        await store.apply([update("book", "x", isbn=None, version=2), update("book", "y", isbn="1")])
    with inside(url) as database:
        assert database.book.find_one({"_id": "x"}) == {"_id": "x", "readers": [], "version": 2}


async def test_text_and_json_never_become_operators(mongo_url: str) -> None:
    async with created(fresh(mongo_url)) as store:
        texts = ("$ne", '{"$gt": ""}', "$author", ".*")
        await store.apply([add("book", text, isbn=text, extra={"$gt": ""}) for text in texts])
        await store.apply([add("book", "other", extra={"a": 1})])
        for text in texts:
            for op in (Op.EQ, Op.CONTAINS, Op.ICONTAINS, Op.ENDSWITH, Op.STARTSWITH):
                assert ids(await store.fetch(Query("book", Compare(("isbn",), op, text)))) == [text]
        for value, count in (({"$gt": ""}, 4), ({"a": 1}, 1), ("", 0), ([], 0)):
            assert await store.count(Query("book", Compare(("extra",), Op.EQ, value))) == count


async def test_a_collection_may_have_another_name_and_native_dates(mongo_url: str) -> None:
    url = fresh(mongo_url)
    rounded = _MOMENT.replace(microsecond=123_000)

    async with created(url, collections={"book": MongoCollection(name="tomes", native_dates=True)}) as store:
        await store.apply([add("book", "x", bought=rounded)])
        with pytest.raises(ValidationError):
            await store.apply([add("book", "y", bought=_MOMENT)])
        assert (await store.fetch(Query("book")))[0][3] == rounded
        for op, value, count in ((Op.LT, _MOMENT, 1), (Op.EQ, _MOMENT, 0), (Op.NE, _MOMENT, 1), (Op.GE, _MOMENT, 0)):
            assert await store.count(Query("book", Compare(("bought",), op, value))) == count
    with inside(url) as database:
        assert database.tomes.find_one()["bought"] == rounded


async def test_what_others_wrote_is_read_or_told(mongo_url: str) -> None:
    url = fresh(mongo_url)
    with inside(url) as database:
        database.person.insert_many([{"_id": 4.0, "name": "from a shell", "more": True}, {"_id": 9, "name": "b"}])
        database.book.insert_one({"_id": "x", "version": "first"})

    async with created(url) as store:
        assert sorted(await store.fetch(Query("person"))) == [(4, "from a shell", None), (9, "b", None)]
        with pytest.raises(CorruptRecord, match=r"book 'x' .*version is stored as a str") as caught:
            await store.fetch(Query("book"))
        assert (caught.value.key, caught.value.fields, len(caught.value.rows)) == ("x", ("version",), 1)
        (outcome,) = await store.apply([add("person", None, name="c")])
        assert outcome.key == 10


async def test_inspection_tells_what_is_missing_or_wrong(mongo_url: str) -> None:
    url = fresh(mongo_url)
    store = opened(url)

    async def look() -> list[str]:
        return await store.inspect()

    async with asyncio.timeout(60):
        assert await look() == ["collection person is missing", "collection book is missing"]
        with inside(url) as database:
            database.book.create_index([("isbn", 1)])
            database.book.insert_one({"_id": "x", "version": 1, "price": "free"})
        found = " | ".join(await look())
        assert "isbn is not unique" in found
        assert "no index over author" in found
        assert "book 'x' cannot be read: price is stored as a str" in found
        with pytest.raises(SchemaMismatch, match="not unique"):
            await store.apply([add("book", "y")])
        with inside(url) as database:
            database.drop_collection("book")
            database.book.create_index([("isbn", 1)], unique=True)
        assert "takes missing values for equal" in " | ".join(await look())
        with inside(url) as database:
            database.drop_collection("book")
            database.drop_collection("person")
            database.create_collection("person", collation={"locale": "fr"})
        assert "person has a collation" in " | ".join(await look())
        with inside(url) as database:
            database.drop_collection("person")
        with pytest.raises(SchemaMismatch, match="create"):
            await store.apply([add("book", "y")])
        await store.create()
        assert await look() == []
        await store.apply([add("book", "y")])
        await store.close()


async def test_reserved_keys_are_nobody_elses(mongo_url: str) -> None:
    async with created(fresh(mongo_url)) as store:
        first, second = await store.reserve("person", 3), await store.reserve("person", 2)
        (outcome,) = await store.apply([add("person", None, name="a")])
        assert len({*first, *second, outcome.key}) == 6
        with pytest.raises(Unsupported):
            await store.reserve("book", 1)


async def test_byte_strings_sort_by_their_bytes(mongo_url: str) -> None:
    photos = [b"\xff", b"", b"\x01\x02\x03", b"\x01", None, b"\x02"]

    async with created(fresh(mongo_url)) as store:
        await store.apply([add("person", n, name="x", photo=photo) for n, photo in enumerate(photos)])
        rows = await store.fetch(Query("person", sort_keys=(SortKey(("photo",)),), projection=(("photo",),)))
        assert ids(rows) == sorted(photos, key=lambda photo: (photo is not None, photo or b""))
        for op, value, expected in (
            (Op.LT, b"\x02", [1, 2, 3]),
            (Op.GE, b"\x02", [0, 5]),
            (Op.BETWEEN, (b"\x01", b"\x02"), [2, 3, 5]),
        ):
            assert sorted(ids(await store.fetch(Query("person", Compare(("photo",), op, value))))) == expected


async def test_semi_joins_take_the_better_way_and_are_bounded(mongo_url: str) -> None:
    async with created(fresh(mongo_url), max_keys=3, max_rows=5) as store:
        await store.apply([add("person", n, name=f"p{n % 2}") for n in range(10)])
        await store.apply([add("book", f"{n}", author=n, isbn=f"{n}") for n in range(10)])
        even = Compare(("author", "name"), Op.EQ, "p0")
        few = Compare(("isbn",), Op.IN, ("2", "3"))
        assert ids(await store.fetch(Query("book").where(few, even))) == ["2"]
        with pytest.raises(LimitExceeded, match="narrow"):
            await store.fetch(Query("book", even))
        with pytest.raises(LimitExceeded, match="sort"):
            await store.fetch(Query("book", sort_keys=(SortKey(("author", "name")),)))


@pytest.mark.parametrize(
    "change, error",
    [
        (add("book", "x", price=Decimal("1." + "1" * 40)), ValidationError),
        (add("book", "x", version=None), ValidationError),
        (add("book", None), ValidationError),
        (add("book", "x", title="nobody knows it"), StoreError),
        (add("book", "x", author=KeyOf(3)), StoreError),
        (update("book", "x", id="y"), StoreError),
        (update("book", KeyOf(0), version=2), StoreError),
        (add("book", "x", isbn="\ud800"), ValidationError),
        (add("book", "x", isbn="x" * 17_000_000), ValidationError),
    ],
)
async def test_what_cannot_be_written_is_refused(mongo_url: str, change: Any, error: type[Exception]) -> None:
    async with created(fresh(mongo_url)) as store:
        with pytest.raises(error):
            await store.apply([change])
        assert await store.fetch(Query("book")) == []


async def test_groups_too_large_for_one_command_are_written_whole(mongo_url: str) -> None:
    texts = ["é" * 1_000_000 for _ in range(4)]

    async with created(fresh(mongo_url)) as store:
        await store.apply([add("person", number, name=text) for number, text in enumerate(texts)])
        with pytest.raises(AlreadyExists) as caught:
            await store.apply([add("person", number, name=text) for number, text in enumerate(texts, 2)])
        assert caught.value.position == 0
        small = [add("person", number, name="small") for number in (20, 21, 3, 22)]
        with pytest.raises(AlreadyExists) as caught:
            await store.apply(small)
        assert caught.value.position == 2
        assert await store.count(Query("person")) == len(texts)


async def test_an_update_of_nothing_still_asks_for_the_version(mongo_url: str) -> None:
    async with created(fresh(mongo_url)) as store:
        await store.apply([add("book", "x", version=1)])
        before = await store.fetch(Query("book"))
        await store.apply([update("book", "x", 1)])
        with pytest.raises(StaleVersion):
            await store.apply([update("book", "x", 2)])
        assert await store.fetch(Query("book")) == before
