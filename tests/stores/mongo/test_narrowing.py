"""Formulas that the server narrows: records that cannot meet them are not read, and none that does is left out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pymongo
import pytest
from bson import Int64

from holdall import Holdall, Model, expr, field
from holdall.errors import LimitExceeded
from holdall.functions import concat, length, lower

pytestmark = pytest.mark.anyio


class Visit(Model, collection="visits", search=("place",)):
    id: int = field(pk=True)
    place: str | None = field(default=None)
    other: str | None = field(default=None)
    length: int | None = field(default=None)
    read: int | None = field(default=None)
    score: float | None = field(default=None)


_LENGTH, _READ, _SCORE = expr(Visit.length), expr(Visit.read), expr(Visit.score)


@pytest.fixture
async def app(mongo_url: str, fresh_database: Callable[[str], str]) -> AsyncIterator[tuple[Holdall, Any]]:
    url = fresh_database(mongo_url)
    made = Holdall("visits")
    made.add_store("main", url, max_keys=3)
    made.add(Visit, store="main")
    await made.create()
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        yield made, client.get_default_database()["visits"]
    await made.close()


async def found(made: Holdall, condition: Any) -> list[int]:
    async with made.session() as session:
        return [visit.id for visit in await session.query(Visit.where(condition).sort(Visit.id))]


async def test_more_records_than_may_be_read_are_narrowed(app: tuple[Holdall, Any]) -> None:
    made, documents = app
    documents.insert_many(
        [
            {"_id": number, "place": f"p{number}", "other": "p7", "length": number, "read": 7, "score": number / 2}
            for number in range(20)
        ]
    )
    assert await found(made, _LENGTH == _READ) == [7]
    assert await found(made, expr(Visit.place) == expr(Visit.other)) == [7]
    assert await found(made, (_LENGTH * 2 - _READ) > 28) == [18, 19]
    assert await found(made, (_LENGTH / _READ).between(1.0, 1.2)) == [7, 8]
    assert await found(made, (_LENGTH / (_READ - 7)) > 1) == []
    assert await found(made, (abs(_LENGTH - 10)).in_([0, 9])) == [1, 10, 19]
    assert await found(made, _SCORE * 2 + _LENGTH == 12.0) == [6]
    assert await found(made, (length(Visit.place) == 2) & (_LENGTH > 7)) == [8, 9]
    assert await found(made, concat(Visit.place, "-", Visit.other) == "p3-p7") == [3]
    assert await found(made, Visit.search("P7")) == [7]
    assert await found(made, Visit.search('"p11"') | Visit.search("p12 -p7")) == [11, 12]
    with pytest.raises(LimitExceeded):
        await found(made, Visit.search("p*"))
    with pytest.raises(LimitExceeded):
        await found(made, lower(Visit.place) == "p7")  # whose letter case the server knows otherwise


async def test_words_that_others_fold_to_are_found(app: tuple[Holdall, Any]) -> None:
    made, documents = app
    for number, (text, words) in enumerate(
        [("Straße", "strasse"), ("ﬁn", "FIN"), ("\u212aelvin", "kelvin"), ("\u017fo LEFT", "so left")]
    ):
        documents.insert_one({"_id": number, "place": text})
        others = [] if number < 2 else [{"_id": 100 * number + more, "place": "x"} for more in range(5)]
        documents.insert_many([*others, {"_id": 50 + number, "place": "x"}])
        assert await found(made, Visit.search(words)) == [number], text
        documents.delete_many({})


async def test_values_of_others_are_no_harm(app: tuple[Holdall, Any]) -> None:
    made, documents = app
    documents.insert_many(
        [
            {"_id": 1, "length": Int64(2**63 - 1), "read": 1, "place": "a"},
            {"_id": 2, "length": "text", "read": 1, "place": 5},
            {"_id": 3, "length": None, "read": 0},
            {"_id": 4, "length": Int64(-(2**63)), "read": 3},
            {"_id": 5, "length": 4, "read": 4, "place": "ab"},
            {"_id": 6, "length": [4], "read": 4, "place": ["ab"]},
        ]
    )
    assert await found(made, _LENGTH * _LENGTH == 16) == [5]
    assert await found(made, abs(_LENGTH) == _READ) == [5]
    assert await found(made, _LENGTH / _READ == 1.0) == [5]
    assert await found(made, length(Visit.place) == 2) == [5]
    assert await found(made, _LENGTH > _READ) == [1]
