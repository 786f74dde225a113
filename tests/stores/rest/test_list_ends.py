"""A list is given whole or refused, whatever the API makes of sizes, totals, ends, cursors and links."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from holdall.errors import StoreError, StoreUnavailable
from holdall.query import Compare, Op, Query, SortKey
from holdall.stores.rest import ApiKey, Cursor, Filters, LinkHeader, Offset, PageSize, RestCollection, Sorting
from holdall.stores.rest.links import next_link
from holdall.stores.rest.pages import Lister
from holdall.testing.fault_server import FaultServer, Reply, Request
from tests.support.draws import draws
from tests.support.rest_customers import DECLARED, customer, opened, served

pytestmark = pytest.mark.anyio

_ALL = Query[Any]("customer")
_BY_ID = _ALL.sort(SortKey(("id",)))


def _with(**options: Any) -> RestCollection:
    return msgspec.structs.replace(DECLARED, **{"list_at": "data", **options})


def _asked(request: Request) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(request.path).query))


async def _ids(declared: RestCollection, api: Callable[[Request], Reply], query: Query[Any] = _ALL) -> list[int]:
    async with served(otherwise=api, declared=declared) as (store, _):
        return [row[0] for row in await store.fetch(query)]


async def _refused(
    declared: RestCollection, api: Callable[[Request], Reply], match: str, query: Query[Any] = _ALL
) -> None:
    with pytest.raises(StoreError, match=match):
        await _ids(declared, api, query)


# --- every combination ------------------------------------------------------------------------------------------------


class _Behaviour(msgspec.Struct, frozen=True):
    """How an API pages; ``size`` is the one it keeps to, if it does not do as it is asked."""

    records: int
    style: str  # page, offset
    sizes: str  # as asked, fixed, at least, at most, all at once
    size: int
    total: str  # right, none, text
    end: str  # empty, 404, 204

    def __call__(self, request: Request) -> Reply:
        asked = _asked(request)
        wanted = int(asked["size"])
        size = {
            "as asked": wanted,
            "fixed": self.size,
            "at least": max(wanted, self.size),
            "at most": min(wanted, self.size),
            "all at once": max(1, self.records),
        }[self.sizes]
        start = int(asked["from"]) if self.style == "offset" else (int(asked["page"]) - 1) * size
        if self.sizes == "all at once":
            start = 0
        rows = [customer(number) for number in range(self.records)[start : start + size]]
        if not rows and start and self.end != "empty":
            return Reply(status=int(self.end), body=b"", media_type="")
        told: dict[str, Any] = {"right": self.records, "text": str(self.records)}
        return Reply.json({"data": rows, **({"total": told[self.total]} if self.total in told else {})})

    @property
    def declared(self) -> RestCollection:
        paging = PageSize(size="size", most=10) if self.style == "page" else Offset(offset="from", size="size", most=10)
        total_at = "" if self.total == "none" else "total"
        return _with(paging=paging, sort=Sorting(), total_at=total_at)


_BEHAVIOURS = st.builds(
    _Behaviour,
    records=st.integers(0, 45),
    style=st.sampled_from(["page", "offset"]),
    sizes=st.sampled_from(["as asked", "fixed", "at least", "at most", "all at once"]),
    size=st.integers(1, 20),
    total=st.sampled_from(["right", "none", "text"]),
    end=st.sampled_from(["empty", "404", "204"]),
)
_WINDOWS = st.tuples(st.none() | st.integers(1, 12), st.integers(0, 50))


async def _wrong(behaviour: _Behaviour, windows: Sequence[tuple[int | None, int]]) -> list[str]:
    """Where what is given is neither refused nor what was asked for, of one store that is asked again and again."""
    wrong = []
    async with FaultServer(behaviour) as server:
        store = opened(server.url, declared=behaviour.declared)
        for limit, skip in windows:
            query = _BY_ID.offset(skip) if limit is None else _BY_ID.limit(limit).offset(skip)
            try:
                rows = await store.fetch(query)
            except StoreError:
                continue
            end = None if limit is None else skip + limit
            if [row[0] for row in rows] != list(range(behaviour.records))[skip:end]:
                wrong.append(f"{behaviour}, limit {limit}, skip {skip}: {len(rows)} rows")
        await store.close()
    return wrong


@settings(max_examples=draws(40, 80), suppress_health_check=[HealthCheck.too_slow])
@given(_BEHAVIOURS, st.lists(_WINDOWS, min_size=1, max_size=4))
def test_a_window_of_a_list_is_the_right_one_or_refused(
    behaviour: _Behaviour, windows: list[tuple[int | None, int]]
) -> None:
    # an API that takes no notice of where it is to begin, and tells no total, cannot be found out
    assume(not (behaviour.style == "offset" and behaviour.sizes == "all at once"))
    assert asyncio.run(_wrong(behaviour, windows)) == []


async def test_an_api_that_does_as_it_is_asked_is_never_refused() -> None:
    for style in ("page", "offset"):
        for end in ("empty", "404", "204"):
            for total in ("right", "none", "text"):
                behaviour = _Behaviour(records=24, style=style, sizes="as asked", size=1, total=total, end=end)
                for limit, skip in ((None, 0), (4, 8), (5, 22), (6, 24), (3, 40), (7, 13)):
                    query = _BY_ID.offset(skip) if limit is None else _BY_ID.limit(limit).offset(skip)
                    wanted = list(range(24))[skip : None if limit is None else skip + limit]
                    assert await _ids(behaviour.declared, behaviour, query) == wanted


@pytest.mark.parametrize("planted", ["proof", "end"])
async def test_the_property_finds_a_list_that_is_taken_on_trust(planted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def trusting(*_: Any) -> None:
        """Prove nothing."""

    windows: Sequence[tuple[int | None, int]]
    if planted == "proof":
        monkeypatch.setattr(Lister, "_prove", trusting)
        behaviour = _Behaviour(records=45, style="page", sizes="fixed", size=20, total="none", end="empty")
        windows = [(5, 10)]
    else:
        monkeypatch.setattr("holdall.stores.rest.pages._End.after", lambda self, page: True)
        behaviour = _Behaviour(records=45, style="page", sizes="as asked", size=1, total="none", end="empty")
        windows = [(None, 0)]
    assert await _wrong(behaviour, windows)


# --- ends -------------------------------------------------------------------------------------------------------------


def _pages_of(rows: int, size: int, **told: Any) -> Callable[[Request], Reply]:
    def answer(request: Request) -> Reply:
        page = int(_asked(request)["page"])
        found = [customer(number) for number in range(rows)][(page - 1) * size : page * size]
        return Reply.json({"data": found, **told})

    return answer


_PAGED = PageSize(size="size", most=10)


async def test_an_end_before_the_total_is_refused() -> None:
    def with_a_gap(request: Request) -> Reply:
        page = int(_asked(request)["page"])
        rows = [] if page == 2 else [customer(number) for number in range(60)][(page - 1) * 10 : page * 10]
        return Reply.json({"data": rows, "total": 60})

    await _refused(_with(paging=_PAGED, total_at="total"), with_a_gap, "total")
    short = msgspec.structs.replace(_PAGED, most=100, short_page_ends=True)
    await _refused(_with(paging=short, total_at="total"), _pages_of(57, 10, total=57), "total")
    for paging in (Cursor(next_at="next"), LinkHeader()):
        await _refused(_with(paging=paging, total_at="total"), lambda _: Reply.json({"data": [], "total": 3}), "total")


async def test_a_total_that_falls_while_the_list_is_read_is_told() -> None:
    def shrinking(request: Request) -> Reply:
        page = int(_asked(request)["page"])
        rows = [customer(number) for number in range(20)][(page - 1) * 10 : page * 10]
        return Reply.json({"data": rows, "total": 20 - page})

    with pytest.raises(StoreUnavailable, match="try again"):
        await _ids(_with(paging=_PAGED, total_at="total"), shrinking)


async def test_records_that_come_twice_instead_of_others_are_found_out() -> None:
    def unsorted(request: Request) -> Reply:
        rows = {"1": [1, 2, 3], "2": [3, 1, 4]}.get(_asked(request)["page"], [])
        return Reply.json({"data": [customer(number) for number in rows], "total": 6})

    await _refused(_with(paging=PageSize(size="size", most=3), total_at="total"), unsorted, "twice")


async def test_an_answer_without_content_is_an_empty_list_and_no_record() -> None:
    nothing = Reply(status=204, body=b"", media_type="")
    assert await _ids(_with(), lambda _: nothing) == []
    assert await _ids(_with(), lambda _: nothing, _ALL.where(Compare(("id",), Op.EQ, 1))) == []


async def test_a_list_that_is_null_is_empty_and_one_that_is_left_out_is_refused() -> None:
    assert await _ids(_with(), lambda _: Reply.json({"data": None})) == []
    await _refused(_with(), lambda _: Reply.json({"found": []}), "data")


async def test_a_404_of_what_is_on_the_way_is_no_end() -> None:
    def ending(end: Reply) -> Callable[[Request], Reply]:
        page = Reply.json({"data": [customer(number) for number in range(10)]})
        return lambda request: page if _asked(request)["page"] == "1" else end

    declared = _with(paging=_PAGED)
    for end in (Reply(status=404), Reply(status=404, body=b"", media_type=""), Reply(status=410)):
        assert await _ids(declared, ending(end)) == list(range(10))
    gateway = Reply(status=404, body=b"<html>no route</html>", media_type="text/html")
    await _refused(declared, ending(gateway), "not JSON")


async def test_a_path_that_is_not_there_is_no_empty_list() -> None:
    for paging in (None, _PAGED, Offset(), Cursor(next_at="next"), LinkHeader()):
        await _refused(_with(paging=paging), lambda _: Reply(status=404), "404")


async def test_a_redirect_that_leaves_out_what_was_asked_for_is_not_followed() -> None:
    def moved(target: str) -> Callable[[Request], Reply]:
        rows = Reply.json({"data": [customer(1)], "total": 1})
        return lambda request: rows if "/new" in request.path else Reply(status=301, headers={"Location": target})

    declared = _with(paging=_PAGED, total_at="total")
    await _refused(declared, moved("/new"), "parameters")
    await _refused(declared, moved("/new?page=1"), "parameters")
    assert await _ids(declared, moved("/new?size=10&more=1&page=1")) == [1]


# --- cursors and links ------------------------------------------------------------------------------------------------


def _chain(following: dict[str, str | None], rows: dict[str, list[int]]) -> Callable[[Request], Reply]:
    def answer(request: Request) -> Reply:
        cursor = _asked(request).get("cursor", "")
        found = [customer(number) for number in rows.get(cursor, [])]
        return Reply.json({"data": found, "next": following.get(cursor)})

    return answer


_CURSOR = _with(paging=Cursor(next_at="next"))


async def test_cursors_in_a_circle_are_found_out() -> None:
    for rows in ({}, {"": [1], "a": [2], "b": [3]}):
        await _refused(_CURSOR, _chain({"": "a", "a": "b", "b": "a"}, rows), "again")


async def test_a_cursor_that_is_never_null_ends_with_an_empty_page() -> None:
    assert await _ids(_CURSOR, _chain({"": "a", "a": "b", "b": "b"}, {"": [1], "a": [2]})) == [1, 2]


async def test_one_cursor_for_all_pages_is_followed_to_the_empty_one() -> None:
    left = iter(([1, 2], [3], []))
    scroll = await _ids(_CURSOR, lambda _: Reply.json({"data": list(map(customer, next(left))), "next": "scroll"}))
    assert scroll == [1, 2, 3]


async def test_empty_pages_between_others_are_passed_and_empty_pages_for_ever_are_refused() -> None:
    assert await _ids(_CURSOR, _chain({"": "a", "a": "b", "b": None}, {"": [1], "b": [2]})) == [1, 2]
    count = iter(range(10_000))
    await _refused(_CURSOR, lambda _: Reply.json({"data": [], "next": f"c{next(count)}"}), "empty pages")
    link = _with(paging=LinkHeader())
    await _refused(
        link, lambda _: Reply.json({"data": []}, Link=f'</customers?page={next(count)}>; rel="next"'), "empty pages"
    )


async def test_a_cursor_under_a_name_with_a_dot() -> None:
    declared = _with(paging=Cursor(next_at=r"@odata\.nextLink", is_url=True))

    def answer(request: Request) -> Reply:
        if "page=2" in request.path:
            return Reply.json({"data": [customer(2)]})
        return Reply.json({"data": [customer(1)], "@odata.nextLink": "?page=2"})

    assert await _ids(declared, answer) == [1, 2]


@pytest.mark.parametrize(
    "url", ["mailto:a@b", "http://[", "https://127.0.0.1/customers", "http://127.0.0.1:1/customers"]
)
@pytest.mark.parametrize("way", ["body", "link"])
async def test_a_next_page_that_is_nowhere_or_elsewhere_is_refused(url: str, way: str) -> None:
    paging = Cursor(next_at="next", is_url=True) if way == "body" else LinkHeader()
    answer = Reply.json({"data": [customer(1)], "next": url}, Link=f'<{url}>; rel="next"')
    await _refused(_with(paging=paging), lambda _: answer, "URL|scheme|port|host")


@pytest.mark.parametrize(
    "header, target",
    [
        ('</c?page=2>; title="a, b"; rel="next"', "/c?page=2"),
        ('<a,b>; rel=first, <c>; rel="last next"', "c"),
        ("<x>;rel=next", "x"),
        ('<x>; rel="prev"; rel="next"', None),
        ('<x>; rel="next"; anchor="#part", <y> ; REL = NEXT', "y"),
        (r'<x>; title="a\"; rel=next, <q>"; rel="prev", <z>; rel="next"', "z"),
        ("<x>;; rel=next", "x"),
        ("<x>; title*=UTF-8''a%2cb; rel=next", "x"),
        ('<x>; rel="https://example.com/next"', None),
        (",, <x>; rel=next", "x"),
        ("<x> rel=prev, <y>; rel=next", "y"),
        ('<x>; rel="next', "x"),
        ("", None),
    ],
)
def test_links_are_read_as_the_standard_says(header: str, target: str | None) -> None:
    assert next_link(header) == target


@pytest.mark.parametrize(
    "link", ["/p?c=a%2Bb%2Fc%3D%3D", "/p?sig=AbC%3d&&x", "/p?c=a+b&c", "/p/%2F?c=%20", "/p", "/p?c=é", "/p?c=%zz"]
)
@pytest.mark.parametrize("auth", [None, ApiKey("s+e", name="key", place="query")], ids=["bare", "keyed"])
async def test_a_link_is_followed_as_it_is_written(link: str, auth: ApiKey | None) -> None:
    def answer(request: Request) -> Reply:
        is_first = request.path.startswith("/customers")
        return Reply.json({"data": [customer(1 if is_first else 2)], "next": link if is_first else None})

    declared = _with(paging=Cursor(next_at="next", is_url=True))
    async with served(otherwise=answer, declared=declared, auth=auth) as (store, server):
        assert [row[0] for row in await store.fetch(_ALL)] == [1, 2]
        sign = "&" if "?" in link else "?"
        written = link.replace("é", "%C3%A9").replace("%zz", "%25zz")
        assert server.requests[-1].path == written + (f"{sign}key=s%2Be" if auth else "")


async def test_a_key_in_a_link_is_not_given_twice() -> None:
    def answer(request: Request) -> Reply:
        is_first = request.path.startswith("/customers")
        return Reply.json({"data": [customer(1 if is_first else 2)], "next": "/p?key=old&c=1" if is_first else None})

    declared = _with(paging=Cursor(next_at="next", is_url=True))
    async with served(otherwise=answer, declared=declared, auth=ApiKey("new", name="key", place="query")) as (
        store,
        server,
    ):
        await store.fetch(_ALL)
        assert dict(parse_qsl(urlsplit(server.requests[-1].path).query)) == {"key": "new", "c": "1"}


async def test_a_link_that_cannot_be_read_is_no_end() -> None:
    answer = Reply.json({"data": [customer(1)]}, Link='/c?page=2; rel="next"')
    await _refused(_with(paging=LinkHeader()), lambda _: answer, "RFC 8288")


@given(st.text('<>;,="\\ relnxtab*'))
def test_no_header_is_too_hard_to_read(header: str) -> None:
    with suppress(ValueError):
        target = next_link(header)
        assert target is None or target in header


# --- counting ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("total", [0, 1, 10**30, "many", -1, "-1"])
async def test_a_total_that_cannot_be_true_is_refused(total: Any) -> None:
    answer = Reply.json({"data": [customer(1), customer(2)], "total": total})
    async with served(otherwise=lambda _: answer, declared=_with(paging=_PAGED, total_at="total")) as (store, _):
        with pytest.raises(StoreError):
            await store.count(_ALL)


async def test_a_total_of_other_records_than_were_asked_for_is_refused() -> None:
    declared = _with(paging=_PAGED, total_at="total", filters=Filters(operators={Op.EQ: "{field}"}))
    answer = Reply.json({"data": [customer(1)], "total": 1})
    async with served(otherwise=lambda _: answer, declared=declared) as (store, _):
        with pytest.raises(StoreError, match="is_exact"):
            await store.count(_ALL.where(Compare(("name",), Op.EQ, "nobody")))
