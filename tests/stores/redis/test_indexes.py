from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from holdall.errors import Conflict, LimitExceeded, SchemaMismatch, UniqueViolation, Unsupported
from holdall.query import (
    And,
    Condition,
    FieldSchema,
    Kind,
    ManyForm,
    Not,
    Op,
    Or,
    Query,
    Schema,
    SortKey,
    Table,
    evaluate,
)
from holdall.store import Change, Verb
from holdall.stores.redis import fetch
from holdall.stores.redis.access import access_of
from holdall.stores.redis.asked import ByKeys, ByRanges
from holdall.stores.redis.layout import Layout
from holdall.stores.redis.looking import Looker
from holdall.stores.redis.provision import Provision
from holdall.testing.pool import POOL
from tests.support.redis_collections import BOOK, apply, beside, book, keys, raw_client, remove, store_at, update, where

pytestmark = pytest.mark.anyio

_SCALARS = [kind for kind in POOL if kind is not Kind.JSON]
_MEASURES = Schema(
    "measure",
    (FieldSchema("id", Kind.INT), *(FieldSchema(f"by_{kind}", kind, nullable=True) for kind in _SCALARS)),
    ("id",),
    indexes=tuple((f"by_{kind}",) for kind in _SCALARS),
)
_MORE: dict[Kind, tuple[Any, ...]] = {
    Kind.INT: (2**63 - 1, -(2**63) + 1, 10, 9),
    Kind.FLOAT: (-0.0, 5e-324, -5e-324, 1.7e308, -1.7e308, 3),
    Kind.DECIMAL: tuple(map(Decimal, ("1E+400", "-1E+400", "0.10", "10", "9.99", "1.00000000000000000000001"))),
    Kind.STR: ("x" * 300, "x" * 300 + "y", "x" * 199, "\U0010ffff", "\U0010ffff\U0010ffff", "\ud7ff", "\ue000", "\x01"),
    Kind.BYTES: (b"x" * 300, b"x" * 300 + b"y", b"\xff\xff"),
    Kind.DATETIME: (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
    Kind.DATE: (date.min, date.max),
    Kind.TIME: (time.min, time.max, time(1), time(12)),
    Kind.TIMEDELTA: (timedelta.min, timedelta.max, timedelta(-1), timedelta(1)),
}


async def test_every_operator_on_every_kind_by_its_index(redis_url: str) -> None:
    chance = random.Random(4)
    values = {kind: [*POOL[kind], *_MORE.get(kind, ()), None] for kind in _SCALARS}
    table = Table(_MEASURES, [(number, *(chance.choice(values[kind]) for kind in _SCALARS)) for number in range(120)])
    store = store_at(redis_url, _MEASURES)  # which may not read through all of it
    fields = tuple(field.name for field in _MEASURES.fields)
    ops = (Op.EQ, Op.IN, Op.LT, Op.LE, Op.GT, Op.GE, Op.BETWEEN, Op.STARTSWITH, Op.IS_NULL)

    async with raw_client(redis_url, store):
        await apply(store, *(Change(Verb.ADD, "measure", row[0], fields, row) for row in table.rows))
        for kind in _SCALARS:
            for op in ops:
                if (op is Op.STARTSWITH and kind is not Kind.STR) or (kind is Kind.BOOL and op not in (Op.EQ, Op.IN)):
                    continue
                for value in values[kind][:-1]:
                    other = chance.choice(values[kind][:-1])
                    asked = {Op.IN: (value, other), Op.BETWEEN: (value, other), Op.IS_NULL: value == other}
                    query: Query[Any] = Query("measure", where(f"by_{kind}", op, asked.get(op, value)))
                    found = sorted(row[0] for row in await store.fetch(query))
                    assert found == sorted(row[0] for row in evaluate(query, {"measure": table})), query


async def test_what_no_index_answers_is_refused_by_name(redis_url: str) -> None:
    store = store_at(redis_url)
    refused: list[tuple[Query[Any], str]] = [
        (Query("book", where("note", Op.EQ, "x")), "note"),
        (Query("book", where("pages", Op.NE, 1)), "pages"),
        (Query("book", Not(where("pages", Op.EQ, 1))), "pages"),
        (Query("book", Or((where("pages", Op.EQ, 1), where("note", Op.EQ, "x")))), "pages"),
        (Query("book", where("title", Op.CONTAINS, "x")), "title"),
        (Query("plain", where("value", Op.EQ, 1)), "value"),
        (Query("book").sort(SortKey(("note",))).limit(1), "sort by note"),
    ]

    async with raw_client(redis_url, store):
        await apply(store, book(1, note="x", pages=1))
        for query, named in refused:
            with pytest.raises(Unsupported, match=rf"{named}.*field\(index=True\).*scan_limit"):
                await store.fetch(query)
        with pytest.raises(Unsupported):
            await store.count(refused[0][0])
        # together with what an index answers, any condition is looked at again
        assert await keys(store, And((where("pages", Op.EQ, 1), where("note", Op.EQ, "x")))) == [1]
        assert await keys(store, And((where("note", Op.EQ, "y"), where("id", Op.IN, (1, 2))))) == []
        assert [row[0] for row in await store.fetch(Query("book").sort(SortKey(("note",))))] == [1], "all are wanted"


async def test_reading_through_is_bounded(redis_url: str) -> None:
    store = store_at(redis_url, scan_limit=3)

    async with raw_client(redis_url, store):
        await apply(store, *(book(number, f"t{number}", note="x") for number in range(3)))
        assert await keys(store, where("note", Op.EQ, "x")) == [0, 1, 2]
        by_note: Query[Any] = Query("book", where("note", Op.EQ, "x"))
        assert [len(batch) async for batch in store.stream(by_note, 2)] == [2, 1]
        await apply(store, book(3, "one more", note="y"))
        with pytest.raises(LimitExceeded):
            await anext(store.stream(by_note, 2))
        with pytest.raises(LimitExceeded) as caught:
            await store.fetch(Query("book", where("note", Op.EQ, "x")))
        assert caught.value.maximum == 3


async def test_an_index_that_finds_too_much_is_no_way_to_a_part(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_at(redis_url)
    monkeypatch.setattr(fetch, "SIEVED", 3)
    few = where("pages", Op.LT, 3)
    wide: list[Query[Any]] = [
        Query("book", And((where("pages", Op.GE, 0), where("note", Op.EQ, "x")))),
        Query("book", where("pages", Op.GE, 0)).limit(1),
    ]

    async with raw_client(redis_url, store):
        await apply(store, *(book(number, f"t{number}", pages=number) for number in range(4)))
        for query in wide:
            with pytest.raises(LimitExceeded):
                await store.fetch(query)
        assert len(await store.fetch(Query("book", where("pages", Op.GE, 0)))) == 4, "all of them are wanted"
        assert len(await store.fetch(Query("book", And((few, where("pages", Op.GE, 0)))))) == 3


def test_the_index_that_finds_the_fewest_is_taken() -> None:
    store = store_at("redis://localhost:1")
    layout = store._layouts["book"]
    access = access_of(layout, Query("book", And((where("pages", Op.GT, 1), where("isbn", Op.EQ, "x")))))
    assert isinstance(access.where, ByRanges)
    assert [alternative.kind for alternative in access.where.alternatives] == ["sorted", "unique"]
    by_key = access_of(layout, Query("book", And((where("pages", Op.GT, 1), where("id", Op.EQ, 7)))))
    assert by_key.where == ByKeys("keys", ["7"])


async def test_pages_in_the_order_of_the_keys_read_no_more_than_the_page(redis_url: str) -> None:
    place = Schema(
        "place", (FieldSchema("room", Kind.STR), FieldSchema("number", Kind.INT), FieldSchema("x", Kind.INT)),
        ("room", "number"),
    )  # fmt: skip
    store = store_at(redis_url, BOOK, place)
    rooms = [(room, number) for room in ("", "a", "a\x01", "ab", "b:%") for number in (-5, 3, 20)]

    async with raw_client(redis_url, store):
        await apply(store, *(book(number, f"t{number}") for number in (5, -3, 10, 7)))
        add = ("room", "number", "x")
        await apply(store, *(Change(Verb.ADD, "place", key, add, (*key, 0)) for key in reversed(rooms)))

        async def ids(query: Query[Any]) -> list[Any]:
            return [row[0] for row in await store.fetch(query)]

        by_id, last = SortKey(("id",)), SortKey(("id",), descending=True)
        assert await ids(Query("book").limit(2)) == [-3, 5]
        assert await ids(Query("book").offset(1).limit(2)) == [5, 7]
        assert await ids(Query("book").sort(last).limit(3)) == [10, 7, 5]
        assert await ids(Query("book").sort(by_id).after(5).limit(9)) == [7, 10]
        assert await ids(Query("book").sort(last).after(7)) == [5, -3]
        assert [row[:2] for row in await store.fetch(Query("place").limit(99))] == sorted(rooms)
        both = (SortKey(("room",)), SortKey(("number",)))
        for number, key in enumerate(sorted(rooms)):
            found = await store.fetch(Query("place").sort(*both).after(*key))
            assert [row[:2] for row in found] == sorted(rooms)[number + 1 :]
        after_room = await store.fetch(Query("place").sort(both[0]).after("a"))
        assert [row[:2] for row in after_room] == [key for key in sorted(rooms) if key[0] > "a"]
        strange: Query[Any]
        for strange in (
            Query("place").sort(both[0], SortKey(("number",), descending=True)).limit(1),
            Query("place").sort(both[1]).limit(1),
            Query("place").sort(SortKey(("room",), descending=True)).limit(1),
        ):
            with pytest.raises(Unsupported):
                await store.fetch(strange)
        batches = [batch async for batch in store.stream(Query("place"), 4)]
        assert [len(batch) for batch in batches] == [4, 4, 4, 3]
        assert [row[:2] for batch in batches for row in batch] == sorted(rooms)
        with pytest.raises(Unsupported):
            await anext(store.stream(Query("place", where("x", Op.EQ, 0)), 4))


async def test_an_index_holds_what_is_stored_and_nothing_else(redis_url: str) -> None:
    store = store_at(redis_url, BOOK)

    async with raw_client(redis_url, store) as raw:
        await apply(store, book(1, "a", isbn="i", pages=5, price=Decimal("1.50")), book(2, "b"))
        await apply(store, update("book", 1, pages=None, isbn="j"), remove("book", 2), update("book", 1, title="c"))
        found = await beside(raw, store)
        assert found["book#index:title"] == [b"=c\x001"]
        assert found["book#index:pages"] == [b"-\x001"]
        assert len(found["book#index:price"]) == len(found["book#keys"]) == len(found["book#entries"]) == 1
        assert found["book#unique:isbn"] == {b"j": b"1"}
        assert found["book#unique:title,price"] == {b"c\x0015E-1": b"1"}
        await apply(store, remove("book", 1))
        mark = found["book#indexes"].replace(b"|1111111", b"|0000000")
        assert await beside(raw, store) == {"book#indexes": mark, "book#counter": b"2"}


async def test_unique_values_are_judged_at_the_end_of_the_batch(redis_url: str) -> None:
    store = store_at(redis_url, BOOK)

    async with raw_client(redis_url, store) as raw:
        await apply(store, book(1, "a", isbn="i"), book(2, "b", isbn="j"))
        await apply(store, update("book", 1, isbn="j"), update("book", 2, isbn="i"))
        assert await keys(store, where("isbn", Op.EQ, "j")) == [1]
        before = await beside(raw, store)
        for changes, position in (
            ([update("book", 1, isbn="x"), book(3, "c", isbn="i")], 1),
            ([book(3, "c", isbn="n"), book(4, "d", isbn="n")], 1),
            ([book(3, "c", price=Decimal("1.0")), book(4, "c", price=Decimal("1.00"))], 1),
            ([update("book", 2, isbn="j"), update("book", 1, pages=1)], 0),
        ):
            with pytest.raises(UniqueViolation) as caught:
                await apply(store, *changes)
            assert caught.value.position == position
            assert await beside(raw, store) == before


async def test_records_indexed_otherwise_are_not_found_wrongly_but_refused(redis_url: str) -> None:
    old = Schema("book", BOOK.fields, BOOK.key, BOOK.version)
    first = store_at(redis_url, old)
    second = store_at(redis_url, BOOK, prefix=first._prefix)

    async with raw_client(redis_url, second, first):
        await apply(first, book(1, "a", pages=5), book(2, "b", pages=7, isbn="i"))
        asked = Query[Any]("book", where("pages", Op.EQ, 5))
        assert await second.inspect() == [
            f"the {kind} of {first._prefix}:book are not those that are declared; create() builds them"
            for kind in ("indexes", "unique rules")
        ]
        for call in (second.fetch(asked), apply(second, book(3, "c"))):
            with pytest.raises(SchemaMismatch, match=r"create\(\) builds"):
                await call
        assert len(await second.fetch(Query("book"))) == 2, "what needs no index is read"
        await second.create()
        assert await second.inspect() == []
        assert [row[0] for row in await second.fetch(asked)] == [1]
        await apply(second, book(3, "c", pages=5))
        assert await keys(second, where("pages", Op.EQ, 5)) == [1, 3]
        with pytest.raises(UniqueViolation):
            await apply(second, book(4, "d", isbn="i"))
        await second.create()
        await apply(first, book(5, "written without the index", pages=5))
        with pytest.raises(SchemaMismatch):
            await second.fetch(asked)
        await second.create()
        assert await keys(second, where("pages", Op.EQ, 5)) == [1, 3, 5]


async def test_indexes_are_built_again_if_somebody_wrote_past_them(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = store_at(redis_url, Schema("book", BOOK.fields, BOOK.key, BOOK.version))
    second = store_at(redis_url, BOOK, prefix=first._prefix)
    taken_in, times = Provision._taken_in, 0

    async def interrupted(self: Provision, layout: Layout, *, is_anew: bool) -> AsyncIterator[str]:
        nonlocal times
        async for text in taken_in(self, layout, is_anew=is_anew):
            yield text
        times += 1
        if times in disturbed:
            await apply(first, update("book", 1, pages=times))

    disturbed = {1, 2}
    monkeypatch.setattr(Provision, "_taken_in", interrupted)
    async with raw_client(redis_url, second, first):
        await apply(first, book(1, "a", pages=9), book(2, "b", pages=9))
        await second.create()
        assert (times, await keys(second, where("pages", Op.LT, 9))) == (3, [1])
        await apply(first, update("book", 1, pages=8))
        disturbed.update(range(100))
        with pytest.raises(Conflict, match="written all the time"):
            await second.create()


async def test_create_refuses_values_that_should_be_unique(redis_url: str) -> None:
    first = store_at(redis_url, Schema("book", BOOK.fields, BOOK.key, BOOK.version))
    second = store_at(redis_url, BOOK, prefix=first._prefix)

    async with raw_client(redis_url, second, first):
        await apply(first, book(1, "a", isbn="i"), book(2, "b", isbn="i"))
        with pytest.raises(SchemaMismatch, match="1 records"):
            await second.create()
        assert await second.inspect() != []
        await apply(first, update("book", 2, isbn="j"))
        await second.create()
        assert await keys(second, where("isbn", Op.EQ, "j")) == [2]


def test_what_cannot_be_indexed() -> None:
    many = FieldSchema("m", Kind.MANY, target="t", target_key=(FieldSchema("id", Kind.INT),), form=ManyForm.LIST)
    for field in (FieldSchema("m", Kind.JSON), many):
        schema = Schema("t", (FieldSchema("id", Kind.INT), field), ("id",), indexes=(("m",),))
        with pytest.raises(Unsupported, match=r"t\.m asks for one"):
            store_at("redis://localhost:1", schema)
    with pytest.raises(Unsupported, match="keys of kind json"):
        store_at("redis://localhost:1", Schema("t", (FieldSchema("id", Kind.JSON),), ("id",)))


async def test_creating_what_is_there_keeps_no_writer_out(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look while others write may see half of what they do: then it is taken again, and nothing is built anew."""
    store = store_at(redis_url)
    await store.create()
    await apply(store, *(book(key, f"title {key}") for key in range(1, 30)))
    consistent, built = Looker.is_consistent, list[str]()
    looks = iter((False, True, False, False, True))

    async def once_in_between(self: Looker, layout: Layout) -> bool:
        return await consistent(self, layout) and next(looks, True)

    async def is_built(self: Provision, layout: Layout) -> bool:
        built.append(layout.base)
        return True

    monkeypatch.setattr(Looker, "is_consistent", once_in_between)
    monkeypatch.setattr(Provision, "_is_built", is_built)
    await store.create()
    await store.create()
    assert built == []
    monkeypatch.setattr(Looker, "is_consistent", lambda *_: _no())
    await store.create()
    assert built, "what is never whole is built anew"
    await store.close()


async def _no() -> bool:
    return False


_SEAT = Schema(
    "seat",
    (
        FieldSchema("id", Kind.INT),
        FieldSchema("room", Kind.STR, nullable=True),
        FieldSchema("number", Kind.INT, nullable=True),
        FieldSchema("row", Kind.INT),
        FieldSchema("code", Kind.STR),
    ),
    ("id",),
    indexes=(("row",),),
    unique=(("code",), ("room", "number")),
)


async def test_indexes_find_what_meets_one_of_several_conditions(redis_url: str) -> None:
    rows = [(n, None if n == 7 else f"r{n % 3}", None if n == 8 else n, n % 4, f"c{n}") for n in range(12)]
    table = Table(_SEAT, list(rows))
    store = store_at(redis_url, _SEAT)  # which may not read through all of it
    fields = tuple(field.name for field in _SEAT.fields)

    def seat(room: str, number: int) -> And:
        return And((where("room", Op.EQ, room), where("number", Op.EQ, number)))

    found: list[Condition] = [
        Or((where("code", Op.EQ, "c3"), where("code", Op.EQ, "c4"), where("code", Op.EQ, "none"))),
        Or((And((where("code", Op.EQ, "c3"),)), And((where("code", Op.IN, ("c4", "c5")), where("row", Op.EQ, 1))))),
        Or((where("row", Op.LT, 2), where("row", Op.LT, 1), where("row", Op.EQ, 3))),
        Or((where("id", Op.EQ, 3), where("id", Op.IN, (4, 99)), And((where("id", Op.EQ, 5), where("row", Op.EQ, 0))))),
        And((Or((where("id", Op.EQ, 3), where("id", Op.EQ, 4))), where("row", Op.EQ, 3))),
        seat("r0", 3),
        And((seat("r0", 3).items[0], where("row", Op.EQ, 3), seat("r0", 3).items[1])),
        Or((seat("r0", 3), seat("r1", 4), seat("r1", 3))),
        Or((And((*seat("r0", 3).items, where("row", Op.EQ, 3))), And((where("id", Op.EQ, 4), *seat("r1", 4).items)))),
    ]  # fmt: skip
    refused: list[Condition] = [
        Or((where("code", Op.EQ, "c3"), where("row", Op.EQ, 1))),  # by two indexes
        Or((where("code", Op.EQ, "c3"), where("room", Op.EQ, "r1"))),
        Or((where("id", Op.EQ, 3), where("row", Op.EQ, 1))),
        And((where("room", Op.EQ, "r1"), where("number", Op.GT, 1))),
    ]
    async with raw_client(redis_url, store):
        await apply(store, *(Change(Verb.ADD, "seat", row[0], fields, row) for row in rows))
        for condition in found:
            query: Query[Any] = Query("seat", condition)
            assert sorted(await store.fetch(query)) == sorted(evaluate(query, {"seat": table})), condition
        for condition in refused:
            with pytest.raises(Unsupported):
                await store.fetch(Query("seat", condition))
