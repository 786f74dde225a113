"""Words and headers beside a list that tell of more than is there, or of an error, are not overlooked."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest

from holdall.errors import StoreError
from holdall.query import Query
from holdall.stores.rest import Cursor, LinkHeader, PageSize, RestCollection
from holdall.testing.fault_server import Reply, Request
from tests.support.rest_customers import DECLARED, customer, served

pytestmark = pytest.mark.anyio

_NUMBERS = {"total", "totalcount", "numfound"}
_PAGED = PageSize(size="size", most=10)


def _with(**options: Any) -> RestCollection:
    return msgspec.structs.replace(DECLARED, **{"list_at": "data", **options})


async def _ids(declared: RestCollection, api: Callable[[Request], Reply]) -> list[int]:
    async with served(otherwise=api, declared=declared) as (store, _):
        return [row[0] for row in await store.fetch(Query[Any]("customer"))]


async def _refused(declared: RestCollection, api: Callable[[Request], Reply], match: str) -> None:
    with pytest.raises(StoreError, match=match):
        await _ids(declared, api)


def _is_number(told: dict[str, Any]) -> bool:
    return not set(re.findall("[a-z]+", str(told).lower())).isdisjoint(_NUMBERS)


@pytest.mark.parametrize(
    "told",
    [
        {"next": "/customers?page=2"},
        {"next_cursor": "b"},
        {"nextPageToken": "b"},
        {"has_more": True},
        {"hasMore": True},
        {"last": False},
        {"isLast": False},
        {"@odata.nextLink": "https://x"},
        {"meta": {"next_page_url": "/x"}},
        {"_links": {"next": {"href": "/x"}}},
        {"links": [{"rel": "next", "href": "/x"}]},
        {"metadata": {"continue": "token"}},
        {"page_info": {"has_next_page": True}},
        {"next_offset": 10},
        {"incomplete_results": True},
        {"total": 2},
        {"meta": {"totalCount": 2}},
        {"total": "2"},
        {"hits": {"total": {"value": 2}}},
        {"numFound": 2},
        {"total_pages": 2},
        {"page": 1, "pages": 2},
        {"meta": {"pagination": {"pageCount": 2}}},
        {"current_page": 1, "last_page": 2},
        {"page": {"number": 0, "totalPages": 2}},
        {"nbPages": 2, "page": 0},
        {"isLastPage": False, "nextPageStart": 25},
        {"done": False, "nextRecordsUrl": "/x"},
        {"offset": "itr123"},
        {"__next": "/x"},
        {"pages": {"next": "/x"}},
        {"LastEvaluatedKey": {"id": 1}},
        {"metadata": {"remainingItemCount": 1}},
        {"moreResultsAvailable": True},
        {"partial": True},
    ],
    ids=str,
)
async def test_a_list_whose_answer_says_that_it_goes_on_is_no_whole_list(told: dict[str, Any]) -> None:
    answer = {"data": [customer(1)], **told}
    for declared in (
        _with(),
        _with(total_at="meta.total"),
        _with(paging=msgspec.structs.replace(_PAGED, short_page_ends=True)),
        _with(list_at="", unwrap=lambda body: body["data"]),
    ):
        if _is_number(told) and (declared.total_at or declared.paging):
            continue  # another total, or another end, is declared
        await _refused(declared, lambda _: Reply.json(answer), "declare how it pages")
    nested = {"found": answer}
    await _refused(_with(list_at="found.data"), lambda _: Reply.json(nested), "declare how it pages")


@pytest.mark.parametrize(
    "told",
    [
        {"next": None},
        {"next": ""},
        {"has_more": False},
        {"last": True},
        {"_links": {"self": {"href": "/x"}, "next": None}},
        {"links": [{"rel": "self", "href": "/x"}]},
        {"links": []},
        {"metadata": {"continue": "", "resourceVersion": "7"}},
        {"meta": "text"},
        {"next_offset": -1},
        {"paging": {}},
        {"total": 1},
        {"count": 99},
        {"page": 1, "pages": 1},
        {"current_page": 1, "last_page": 1},
        {"done": True},
        {"offset": 0},
        {"offset": "0"},
        {"error": None, "errors": [], "success": True, "status": "ok"},
    ],
    ids=str,
)
async def test_a_list_whose_answer_says_that_it_ends_is_whole(told: dict[str, Any]) -> None:
    answer = {"data": [customer(1)], **told}
    for declared in (_with(), _with(total_at="meta.total"), _with(list_at="", unwrap=lambda body: body["data"])):
        if not (isinstance(told.get("meta"), str) and declared.total_at):
            assert await _ids(declared, lambda _: Reply.json(answer)) == [1]


async def test_what_records_say_of_themselves_is_not_taken_for_paging() -> None:
    record = customer(1, next="/lesson/2", has_more=True, links={"next": "/x"})
    assert await _ids(_with(), lambda _: Reply.json({"data": [record]})) == [1]


_NEXT = '<?page=2>; rel="next"'


async def test_a_link_to_a_next_page_is_not_overlooked() -> None:
    for declared in (DECLARED, _with(), _with(paging=msgspec.structs.replace(_PAGED, short_page_ends=True))):
        rows: Any = {"data": [customer(1)]} if declared.list_at else [customer(1)]
        await _refused(declared, lambda _, rows=rows: Reply.json(rows, Link=_NEXT), "declare how it pages")  # type: ignore[misc]


@pytest.mark.parametrize(
    "headers",
    [{"X_Total_Count": "2"}, {"Content_Range": "items 0-0/2"}, {"X_WP_Total": "2"}, {"X_Pagination": '{"total": 2}'}],
    ids=str,
)
async def test_a_header_that_tells_of_more_records_is_not_overlooked(headers: dict[str, Any]) -> None:
    await _refused(DECLARED, lambda _: Reply.json([customer(1)], **headers), "declare how it pages")
    assert await _ids(DECLARED, lambda _: Reply.json([customer(1), customer(2)], **headers)) == [1, 2]


@pytest.mark.parametrize(
    "headers, end",
    [
        ({"X_Next_Page": "2"}, {"X_Next_Page": ""}),
        ({"X_Total_Pages": "2"}, {"X_Total_Pages": "1"}),
        ({"X_WP_TotalPages": "2"}, {"X_WP_TotalPages": "0"}),
        ({"X_Has_More": "true"}, {"X_Has_More": "false"}),
        ({"x_ms_continuation": "abc"}, {"x_ms_version": "2020-01-01"}),
        ({"X_Pagination": '{"next": "/x"}'}, {"X_Pagination": '{"next": null}'}),
        ({"X_Pagination": '{"total_pages": 2}'}, {"X_Pagination": "2"}),
    ],
    ids=str,
)
async def test_a_header_that_tells_of_a_next_page_is_not_overlooked(headers: Any, end: Any) -> None:
    cursor = _with(paging=Cursor(next_at="next"))
    for declared in (DECLARED, cursor, msgspec.structs.replace(DECLARED, paging=LinkHeader())):
        rows: Any = {"data": [customer(1)]} if declared.list_at else [customer(1)]
        await _refused(declared, lambda _, rows=rows: Reply.json(rows, **headers), "declare how it pages")  # type: ignore[misc]
        assert await _ids(declared, lambda _, rows=rows: Reply.json(rows, **end)) == [1]  # type: ignore[misc]


@pytest.mark.parametrize(
    "told",
    [
        {"errors": [{"message": "a shard is away"}]},
        {"error": "timeout"},
        {"success": False},
        {"ok": False},
        {"status": "error"},
        {"meta": {"errors": ["x"]}},
    ],
    ids=str,
)
async def test_a_list_beside_an_error_is_no_whole_list(told: dict[str, Any]) -> None:
    for rows in ([customer(1)], [], None):
        for declared in (_with(), _with(paging=_PAGED), _with(list_at="", unwrap=lambda body: body["data"] or [])):
            await _refused(declared, lambda _, rows=rows: Reply.json({"data": rows, **told}), "error")  # type: ignore[misc]


async def test_a_list_that_ends_before_the_pages_it_tells_is_refused() -> None:
    def api(pages: int, most: int, end: Reply) -> Callable[[Request], Reply]:
        def answer(request: Request) -> Reply:
            number = int(dict(parse_qsl(urlsplit(request.path).query))["page"])
            told = Reply.json({"data": [customer(number)], "total_pages": pages})
            return told if number <= most else end

        return answer

    empty = Reply.json({"data": [], "total_pages": 3})
    one = PageSize(size="size", most=1)
    for end in (empty, Reply(status=404), Reply(status=204, body=b"", media_type="")):
        assert await _ids(_with(paging=one), api(3, 3, end)) == [1, 2, 3]
        await _refused(_with(paging=one), api(3, 2, end), "declare how it pages")
    short = PageSize(size="size", most=10, short_page_ends=True)
    await _refused(_with(paging=short), api(3, 3, empty), "declare how it pages")
    assert await _ids(_with(paging=short), api(1, 1, empty)) == [1]
    nothing = Reply.json({"data": [], "total_pages": 1})
    assert await _ids(_with(paging=one), api(1, 0, nothing)) == []


async def test_a_list_by_cursors_that_tells_none_is_held_against_its_own_total() -> None:
    for paging in (Cursor(next_at="next"), LinkHeader()):
        answer = Reply.json({"data": [customer(1)], "cursor": "b", "total": 2})
        await _refused(_with(paging=paging), lambda _, answer=answer: answer, "declare how it pages")  # type: ignore[misc]
