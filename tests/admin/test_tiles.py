"""The first page: numbers, bars and lines over aggregates; and lists, none of which is read without an end."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import pytest

from holdall.admin import Admin, Chart, Counter, Note
from holdall.admin.inner import Answer, Inner
from holdall.errors import DeclarationError
from tests.support.back_office import Book, library, visitor

pytestmark = pytest.mark.anyio

_DASHBOARD: list[Counter | Chart] = [
    Counter("Books", "books"),
    Chart("By status", "books", group="status"),
    Chart("By margin", "books", group="margin", aggregate="weight.sum", shape="line", most=3),
]


async def test_aggregates_are_numbers_bars_and_lines() -> None:
    app, service, _ = await library(admin=Admin(dashboard=_DASHBOARD))
    async with app.session() as session:
        for number in range(8, 13):
            session.add(Book(title=f"M{number}", margin=number, weight=float(number), status="new"))
    page = await (await visitor(service, "ann")).open("/admin/")
    assert page.html.count("<polyline") == 1
    line = page.html.partition("<polyline")[2].partition("</table>")[0]
    assert [number in line for number in (">9<", ">10<", ">11<", ">12<")] == [False, True, True, True]
    page = await (await visitor(service, "eve")).open("/admin/")
    assert "By margin" not in page.text  # a field that she may not read
    assert "By status" in page.text


async def test_a_note_has_words_and_links() -> None:
    note = Note("Begin <here>", "Two\nlines", {"Drafts <all>": "data/books?status=new", "Programs": "/docs"})
    _, service, _ = await library(admin=Admin(path="/office", dashboard=[note]))
    page = await (await visitor(service, "eve")).open("/office/")
    assert "Begin <here> Two lines" in page.text
    assert ("/office/data/books?status=new", "Drafts <all>") in page.links
    assert ("/docs", "Programs") in page.links
    for path in ("", "//example.com/x", "javascript:alert(1)"):
        with pytest.raises(DeclarationError, match="a path on this host"):
            Note("Away", links={"There": path})


def test_a_shape_that_is_none_is_refused() -> None:
    with pytest.raises(DeclarationError, match="bars, line"):
        Chart("By status", "books", group="status", shape="pie")


async def test_no_page_reads_a_list_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    app, service, _ = await library(admin=Admin(dashboard=_DASHBOARD))
    async with app.session() as session:
        session.add_all([Book(title=f"Many {number:03}", author="UKL") for number in range(250)])
    asked, real = list[tuple[str, str]](), Inner.call

    async def call(self: Inner, user: Any, method: str, path: str, **given: Any) -> Answer:
        asked.append((path, str(given.get("query", ""))))
        return await real(self, user, method, path, **given)

    monkeypatch.setattr(Inner, "call", call)
    ann = await visitor(service, "ann")
    pages = ("", "data/books?page_size=200", "data/authors/UKL", "edit/books/7", "lookup/books?q=Many", "new/books")
    for address in pages:
        page = await ann.open(f"/admin/{address}")
        assert page.status == 200
        assert len(page.html.encode()) <= 300_000, address
    lists = [parse_qs(query) for path, query in asked if path in ("/books", "/authors")]
    assert len(lists) >= 5
    for given in lists:
        is_one_number = "aggregate" in given and "group" not in given
        assert is_one_number or int(given["page_size"][0]) <= 200, given
    inner = [query for path, query in asked if path == "/authors/UKL" and "include" in query]
    assert inner
    assert all("page_size%3D10" in query for query in inner if "books" in query)
