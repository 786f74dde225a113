"""Lists: what is asked of the API and what is done here, and how an API is caught that does not do as declared."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from hypothesis import given, settings

from holdall.errors import CorruptRecord, LimitExceeded, StoreError, Unsupported
from holdall.query import And, Compare, Not, Op, Or, Query, SortKey, Table, evaluate
from holdall.store import Feature
from holdall.stores.rest import (
    ApiKey,
    Cursor,
    Filters,
    LinkHeader,
    Offset,
    PageSize,
    RestCollection,
    Sorting,
)
from holdall.stores.rest.keys import demanded_keys
from holdall.testing.fault_server import Reply, Request
from holdall.testing.strategies import conditions
from tests.support.rest_customers import CUSTOMER, DECLARED, customer, served

pytestmark = pytest.mark.anyio

_ALL = Query[Any]("customer")
_NAME = SortKey(("name",))
_PEOPLE = [customer(number, f"n{number % 5}") for number in range(1, 24)]
_ROWS = [(person["id"], person["name"], None) for person in _PEOPLE]
_SORT = Sorting(fields=frozenset({"id", "name"}))
_FILTERS = Filters(operators={Op.EQ: "{field}", Op.GE: "{field}__ge", Op.IN: "{field}__in"})


def _with(**options: Any) -> RestCollection:
    return msgspec.structs.replace(DECLARED, **{"list_at": "data", **options})


class _People:
    """An API that knows the people; ``most`` is how many it gives at once, whatever it is asked for."""

    def __init__(self, paging: str = "none", *, most: int = 100, has_total: bool = False, ignores: str = "") -> None:
        self.paging, self.most, self.has_total, self.ignores = paging, most, has_total, ignores

    def __call__(self, request: Request) -> Reply:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}
        people = [person for person in _PEOPLE if self._meets(person, asked)]
        for key in reversed(asked.get("sort", "").split(",")):
            if key and "sort" not in self.ignores:
                people.sort(key=lambda person, key=key: person[key.lstrip("-")], reverse=key.startswith("-"))  # type: ignore[misc]
        start, size = self._window(asked)
        end = len(people) if self.paging == "none" else min(start + size, start + self.most)
        body: dict[str, Any] = {"data": people[start:end]}
        headers: dict[str, Any] = {}
        if self.has_total:
            body["total"] = len(people)
        if self.paging == "cursor":
            body["next"] = f"from {end}" if end < len(people) else None
        if self.paging == "link" and end < len(people):
            again = f"per_page={size}&sort={asked.get('sort', '')}"
            headers["Link"] = f'</customers?{again}>; rel=first, <?{again}&start={end}>; rel="last next"'
        return Reply.json(body, **headers)

    def _meets(self, person: dict[str, Any], asked: dict[str, str]) -> bool:
        name, least, some = asked.get("name"), asked.get("id__ge"), asked.get("id__in")
        if "filters" in self.ignores:
            return True
        return (
            name in (None, person["name"])
            and person["id"] >= int(least or 0)
            and (some is None or str(person["id"]) in some.split(","))
        )

    def _window(self, asked: dict[str, str]) -> tuple[int, int]:
        match self.paging:
            case "page":
                size = int(asked["page_size"])
                return (int(asked["page"]) - 1) * min(size, self.most), size
            case "offset":
                return int(asked["offset"]), int(asked["limit"])
            case "cursor":
                return int(asked.get("cursor", "from 0").split()[1]), int(asked["limit"])
            case "link":
                return int(asked.get("start", 0)), int(asked["per_page"])
        return 0, 100


async def _fetched(query: Query[Any], declared: RestCollection, api: Any) -> tuple[list[Any], list[str]]:
    """The rows, and what was asked."""

    async with served(otherwise=api, declared=declared) as (store, server):
        rows = await store.fetch(query)
        return rows, [request.path for request in server.requests]


_WAYS: dict[str, Any] = {
    "page": PageSize(most=10),
    "offset": Offset(most=10),
    "cursor": Cursor(next_at="next", most=10),
    "link": LinkHeader(most=10),
}


@pytest.mark.parametrize("has_total", [False, True])
@pytest.mark.parametrize("way", list(_WAYS))
async def test_all_pages_are_read_to_the_end(way: str, has_total: bool) -> None:
    declared = _with(paging=_WAYS[way], total_at="total" if has_total else "")
    rows, asked = await _fetched(_ALL, declared, _People(way, has_total=has_total))
    assert rows == _ROWS
    assert len(asked) == (4 if way in ("page", "offset") and not has_total else 3)


@pytest.mark.parametrize("way", list(_WAYS))
async def test_no_more_pages_are_read_than_are_needed(way: str) -> None:
    query = _ALL.sort(_NAME).limit(4)
    rows, asked = await _fetched(query, _with(paging=_WAYS[way], sort=_SORT), _People(way))
    assert rows == evaluate(query, {"customer": Table(CUSTOMER, _ROWS)})
    assert len(asked) == 1
    assert "=4" in asked[0]
    assert "sort=name%2Cid" in asked[0]


@pytest.mark.parametrize("way", list(_WAYS))
@pytest.mark.parametrize("skip", [3, 8, 20, 30])
async def test_an_offset_is_asked_for_where_the_paging_allows_it(way: str, skip: int) -> None:
    query = _ALL.sort(_NAME).limit(4).offset(skip)
    rows, asked = await _fetched(query, _with(paging=_WAYS[way], sort=_SORT), _People(way))
    assert rows == evaluate(query, {"customer": Table(CUSTOMER, _ROWS)})
    if way in ("page", "offset"):
        assert len(asked) <= (3 if way == "page" else 2)  # the first page shows how large the API's pages are


@pytest.mark.parametrize("way", list(_WAYS))
async def test_smaller_pages_than_asked_for_lose_nothing(way: str) -> None:
    rows, _ = await _fetched(_ALL, _with(paging=_WAYS[way]), _People(way, most=7))
    assert rows == _ROWS


async def test_smaller_pages_than_declared_are_found_out_where_records_would_be_missed() -> None:
    query = _ALL.sort(_NAME).limit(9).offset(10)
    with pytest.raises(StoreError, match="most="):
        await _fetched(query, _with(paging=PageSize(most=10), sort=_SORT), _People("page", most=4))


async def test_a_list_that_is_only_a_part_is_found_out() -> None:
    with pytest.raises(StoreError, match="pages"):
        await _fetched(_ALL, _with(total_at="total"), lambda request: Reply.json({"data": _PEOPLE[:5], "total": 23}))


async def test_a_list_without_end_is_found_out() -> None:
    def same(request: Request) -> Reply:
        return Reply.json({"data": _PEOPLE[:5], "next": "again"})

    for paging in (PageSize(most=5), Offset(most=5), Cursor(next_at="next", most=5)):
        with pytest.raises(StoreError, match="again"):
            await _fetched(_ALL, _with(paging=paging), same)


async def test_a_page_on_another_host_is_not_read() -> None:
    def elsewhere(request: Request) -> Reply:
        return Reply.json({"data": _PEOPLE[:5], "next": "http://192.0.2.1/next"})

    with pytest.raises(StoreError, match="another host"):
        await _fetched(_ALL, _with(paging=Cursor(next_at="next", is_url=True)), elsewhere)


async def test_a_list_is_bounded() -> None:
    with pytest.raises(LimitExceeded, match="10 records"):
        await _fetched(_ALL, _with(row_limit=10), _People())
    with pytest.raises(LimitExceeded):
        await _fetched(_ALL.where(Compare(("name",), Op.NE, "x")), _with(scan_limit=10), _People())


# --- conditions and sorts ---------------------------------------------------------------------------------------------


async def test_what_the_api_takes_is_asked_of_it_and_the_rest_is_done_here() -> None:
    asked_for = And((Compare(("name",), Op.EQ, "n1"), Not(Compare(("id",), Op.LE, 6)), Compare(("id",), Op.GE, 3)))
    rows, asked = await _fetched(_ALL.where(asked_for), _with(filters=_FILTERS, scan_limit=100), _People())
    assert [row[0] for row in rows] == [11, 16, 21]
    assert asked == ["/customers?name=n1&id__ge=3"]


async def test_what_the_api_does_not_take_is_refused_without_a_scan() -> None:
    declared = _with(filters=_FILTERS)
    unanswerable = [
        _ALL.where(Or((Compare(("name",), Op.EQ, "n1"), Compare(("id",), Op.GE, 3)))),
        _ALL.where(Not(Compare(("name",), Op.EQ, "n1"))),
        _ALL.where(Compare(("name",), Op.STARTSWITH, "n")),
        _ALL.where(Compare(("name",), Op.EQ, "n1"), Compare(("name",), Op.EQ, "n2")),
        _ALL.sort(_NAME),
        _ALL.limit(3),
    ]

    async with served(declared=declared) as (store, server):
        assert Feature.SORT not in store.capabilities.features
        for query in unanswerable:
            with pytest.raises(Unsupported):
                await store.fetch(query)
        assert not server.requests


async def test_more_than_was_asked_for_does_no_harm() -> None:
    query = _ALL.where(Compare(("name",), Op.EQ, "n1")).sort(SortKey(("id",))).limit(2)
    declared = _with(filters=_FILTERS, sort=_SORT, paging=PageSize(most=10))
    rows, _ = await _fetched(query, declared, _People("page", ignores="filters"))
    assert [row[0] for row in rows] == [1, 6]
    with pytest.raises(StoreError, match="is_exact"):
        await _fetched(query.offset(1), declared, _People("page", ignores="filters"))
    loose = _with(filters=msgspec.structs.replace(_FILTERS, is_exact=False), sort=_SORT, paging=PageSize(most=10))
    rows, _ = await _fetched(query.offset(1), loose, _People("page", ignores="filters"))
    assert [row[0] for row in rows] == [6, 11]


async def test_a_sort_that_is_not_done_is_found_out() -> None:
    query = _ALL.sort(SortKey(("name",), descending=True)).limit(3)
    with pytest.raises(StoreError, match="sorts otherwise"):
        await _fetched(query, _with(sort=_SORT), _People(ignores="sort"))


async def test_a_list_may_come_in_an_order_of_its_own() -> None:
    declared = _with(order=("id",), paging=PageSize(most=10))
    rows, asked = await _fetched(_ALL.limit(2), declared, _People("page"))
    assert (rows, asked) == (_ROWS[:2], ["/customers?page=1&page_size=2"])


async def test_missing_values_are_sorted_by_only_where_their_place_is_known() -> None:
    query = _ALL.sort(SortKey(("born",))).limit(2)

    for sort in (Sorting(), Sorting(nulls="largest")):
        async with served(declared=_with(sort=sort)) as (store, _):
            with pytest.raises(Unsupported):
                await store.fetch(query)
    rows, asked = await _fetched(query, _with(sort=Sorting(nulls="smallest")), lambda request: Reply.json({"data": []}))
    assert (rows, asked) == ([], ["/customers?sort=born%2Cid"])


async def test_the_rows_after_a_position_begin_near_it() -> None:
    query = _ALL.sort(SortKey(("id",))).after(20)
    declared = _with(filters=_FILTERS, sort=_SORT)
    assert Feature.KEYSET not in await _features(declared)
    both = msgspec.structs.replace(_FILTERS, operators={**_FILTERS.operators, Op.LE: "{field}__le"})
    rows, asked = await _fetched(query.limit(2), _with(filters=both, sort=_SORT), _People())
    assert [row[0] for row in rows] == [21, 22]
    assert asked == ["/customers?id__ge=20&sort=id"]


async def _features(declared: RestCollection) -> frozenset[Feature]:
    async with served(declared=declared) as (store, _):
        return store.capabilities.features


async def test_records_by_key_come_in_lists_where_the_api_takes_them_or_one_by_one() -> None:
    query = _ALL.where(Compare(("id",), Op.IN, (3, 1, 99, 3)))
    rows, asked = await _fetched(query, _with(filters=msgspec.structs.replace(_FILTERS, most_values=2)), _People())
    assert sorted(row[0] for row in rows) == [1, 3]
    assert asked == ["/customers?id__in=3%2C1", "/customers?id__in=99"]

    def single(request: Request) -> Reply:
        number = int(request.path.rpartition("/")[2])
        return Reply.json(customer(number)) if number < 50 else Reply(status=404)

    rows, asked = await _fetched(query, DECLARED, single)
    assert sorted(row[0] for row in rows) == [1, 3]
    assert sorted(asked) == ["/customers/1", "/customers/3", "/customers/99"]


async def test_one_failed_look_up_fails_the_whole() -> None:
    def single(request: Request) -> Reply:
        return Reply(status=403) if request.path.endswith("/2") else Reply.json(customer(1))

    with pytest.raises(StoreError, match="403"):
        await _fetched(_ALL.where(Compare(("id",), Op.IN, (1, 2))), DECLARED, single)


async def test_a_long_condition_is_refused_or_scanned() -> None:
    query = _ALL.where(Compare(("name",), Op.EQ, "x" * 300))
    schema = msgspec.structs.replace(CUSTOMER, fields=(CUSTOMER.fields[0], _text(), CUSTOMER.fields[2]))

    async with served(schema=schema, declared=_with(filters=_FILTERS, url_limit=200)) as (store, _):
        with pytest.raises(Unsupported, match="url_limit"):
            await store.fetch(query)
    async with served(
        schema=schema, declared=_with(filters=_FILTERS, url_limit=200, scan_limit=50), otherwise=_People()
    ) as (store, server):
        assert await store.fetch(query) == []
        assert [request.path for request in server.requests] == ["/customers"]


def _text() -> Any:
    return msgspec.structs.replace(CUSTOMER.fields[1], max_length=None)


# --- counting, streaming, shapes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "declared, calls",
    [
        (_with(total_at="total", filters=_FILTERS, paging=PageSize(most=10)), 1),
        (_with(total_at="total", filters=msgspec.structs.replace(_FILTERS, is_exact=False)), 1),
        (_with(filters=_FILTERS, paging=PageSize(most=2)), 4),
        (_with(scan_limit=100), 1),
    ],
)
async def test_counting(declared: RestCollection, calls: int) -> None:
    api = _People("page" if declared.paging else "none", has_total=bool(declared.total_at))

    async with served(otherwise=api, declared=declared) as (store, server):
        assert await store.count(_ALL.where(Compare(("name",), Op.EQ, "n1")).limit(1)) == 5
        assert len(server.requests) == calls
        assert await store.count(_ALL.where(Compare(("id",), Op.IN, ()))) == 0


async def test_streaming_holds_no_more_than_a_page() -> None:
    query = _ALL.sort(_NAME).limit(18).offset(2)

    async with served(otherwise=_People("cursor"), declared=_with(sort=_SORT, paging=_WAYS["cursor"], row_limit=3)) as (
        store,
        server,
    ):
        rows, asked = [], []
        async for batch in store.stream(query, 4):
            rows += batch
            asked.append(len(server.requests))
            assert len(batch) <= 4
        assert rows == evaluate(query, {"customer": Table(CUSTOMER, _ROWS)})
        assert asked[0] < asked[-1]


@pytest.mark.parametrize("pages", [[[1, 3, 2]], [[1, 2], [4, 3]], [[3], [1]]], ids=str)
async def test_a_stream_that_is_sorted_otherwise_is_found_out(pages: list[list[int]]) -> None:
    def answer(request: Request) -> Reply:
        number = int(parse_qs(urlsplit(request.path).query).get("cursor", ["0"])[0])
        following = str(number + 1) if number + 1 < len(pages) else None
        return Reply.json({"data": list(map(customer, pages[number])), "next": following})

    async with served(otherwise=answer, declared=_with(sort=_SORT, paging=_WAYS["cursor"])) as (store, _):
        with pytest.raises(StoreError, match="sorts otherwise"):
            async for _ in store.stream(_ALL.sort(SortKey(("id",))), 2):
                pass


async def test_lists_of_other_shapes() -> None:
    bare = msgspec.structs.replace(DECLARED, paging=None, total_header="X-Total")
    assert (await _fetched(_ALL, bare, lambda request: Reply.json(_PEOPLE[:2])))[0] == _ROWS[:2]
    with pytest.raises(StoreError, match="pages"):
        await _fetched(_ALL, bare, lambda request: Reply.json(_PEOPLE[:2], X_Total="3"))
    wrapped = msgspec.structs.replace(DECLARED, unwrap=lambda body: [entry["customer"] for entry in body["found"]])
    found = {"found": [{"customer": person} for person in _PEOPLE[:2]]}
    assert (await _fetched(_ALL, wrapped, lambda request: Reply.json(found)))[0] == _ROWS[:2]
    with pytest.raises(CorruptRecord, match="unwrap"):
        await _fetched(_ALL, wrapped, lambda request: Reply.json({"found": None}))


async def test_a_broken_record_among_others_is_told_by_its_place() -> None:
    people: Sequence[Any] = [customer(1), customer(2, born="0001-01-01T00:00:00+10:00"), {"id": 3}]
    with pytest.raises(CorruptRecord, match=r"data\[1\]\.born"):
        await _fetched(_ALL, _with(), lambda request: Reply.json({"data": people[:2]}))
    with pytest.raises(CorruptRecord, match=r"data\[2\]"):
        await _fetched(_ALL, _with(), lambda request: Reply.json({"data": people}))


# --- keys -------------------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(conditions({"customer": Table(CUSTOMER, _ROWS)}, "customer", depth=0, with_many=False))
def test_demanded_keys_leave_nothing_out(condition: Any) -> None:
    keys = demanded_keys(condition, CUSTOMER)
    if keys is not None:
        found = evaluate(_ALL.where(condition), {"customer": Table(CUSTOMER, _ROWS)})
        assert {row[0] for row in found} <= set(keys)


async def test_many_reads_at_once_share_one_client() -> None:
    async with served(otherwise=_People(), declared=_with()) as (store, _):
        found = await asyncio.gather(*(store.fetch(_ALL) for _ in range(20)))
        assert all(rows == _ROWS for rows in found)


async def test_a_total_that_is_cut_off_ends_no_list() -> None:
    def cut_off(request: Request) -> Reply:
        body = msgspec.json.decode(_People("page", has_total=True)(request).body)
        return Reply.json({**body, "total": 10})

    rows, _ = await _fetched(_ALL, _with(paging=PageSize(most=10), total_at="total"), cut_off)
    assert rows == _ROWS


async def test_a_key_among_the_parameters_goes_to_every_page() -> None:
    declared = _with(paging=LinkHeader(most=10))
    async with served(otherwise=_People("link"), declared=declared, auth=ApiKey("k", "secret", "query")) as (
        store,
        server,
    ):
        assert await store.fetch(_ALL) == _ROWS
        assert all("secret=k" in request.path for request in server.requests)
