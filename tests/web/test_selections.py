"""Selections over HTTP: rows, totals, pages by number and by cursor, files; in one store and over two."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall, desc, expr, param
from holdall.testing.client import Answer, Client
from tests.support.bookstore import Author, Book, bookstore, filled, who

pytestmark = pytest.mark.anyio


class Asking:
    """A service with many books."""

    def __init__(self, app: Holdall, **options: Any) -> None:
        self.app = app
        self.client = Client(app.asgi(authenticate=who, docs=False, secret=b"s" * 32, **options))

    async def get(self, path: str, user: str = "ann", **headers: str) -> Answer:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.request("GET", f"/books/selections/{path}", headers={"x-user": user} | given)

    async def post(self, path: str, body: Any, user: str = "ann") -> Answer:
        headers = {"x-user": user, "content-type": "application/json"}
        sent = json.dumps(body).encode()
        return await self.client.request("POST", f"/books/selections/{path}", body=sent, headers=headers)


LAYOUTS: dict[str, Callable[[Path], tuple[str, str | None]]] = {
    "memory": lambda folder: ("memory:", None),
    "sqlite": lambda folder: (f"sqlite:///{folder / 'books.db'}", None),
    "scattered": lambda folder: (f"sqlite:///{folder / 'books.db'}", "memory:"),
}


@pytest.fixture(params=LAYOUTS)
async def asking(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Asking]:
    app = bookstore(*LAYOUTS[request.param](tmp_path))
    app.add_selection(
        "by-writer",
        Book.where(Book.pages >= param("pages", int, 0)).sort(Book.author.name).only(Book.title, Book.author.name),
        columns=["title", "writer"],
    )
    service = Asking(app)
    await app.create()
    await filled(app, 40)
    yield service
    await app.close()


def codes(answer: Answer) -> list[tuple[str, str]]:
    return [(error["path"], error["code"]) for error in answer.json().get("errors", [])]


async def test_a_page_of_rows_with_its_total(asking: Asking) -> None:
    answer = await asking.get("french-books?pages=3000&page_size=2")
    assert answer.json() == {
        "data": [{"title": "b38", "author.name": "Hugo"}, {"title": "b34", "author.name": "Hugo"}],
        "total_count": 3,
        "page": 1,
        "page_size": 2,
        "total_pages": 2,
    }
    again = await asking.get("french-books?pages=3000&page_size=2", if_none_match=answer.headers["etag"])
    assert again.status == 304
    second = await asking.get("french-books?pages=3000&page_size=2&page=2&rows=list")
    assert (second.json()["data"], second.json()["total_count"]) == ([["b30", "Hugo"]], 3)


async def test_parameters_in_a_body_mean_the_same(asking: Asking) -> None:
    posted = await asking.post("french-books?page_size=2", {"pages": 3000})
    assert posted.json() == (await asking.get("french-books?pages=3000&page_size=2")).json()
    assert (await asking.post("french-books", {})).json()["total_count"] == 10
    wrong = await asking.post("french-books", {"pages": "x", "more": 1})
    assert (wrong.status, codes(wrong)) == (422, [("pages", "type"), ("more", "unknown")])
    twice = await asking.post("french-books?pages=1", {"pages": 1})
    assert (twice.status, codes(twice)) == (422, [("pages", "body")])


async def test_the_callers_sort_goes_before_its_own(asking: Asking) -> None:
    answer = await asking.get("by-writer?sort=-title&page_size=3")
    assert [row["title"] for row in answer.json()["data"]] == ["b39", "b38", "b37"]
    own = await asking.get("by-writer?sort=-author.name&page_size=500")
    assert (await asking.get("by-writer?sort=-writer&page_size=500")).json() == own.json(), "by the name of a column"
    writers = [row["writer"] for row in own.json()["data"]]
    assert writers == sorted(writers, reverse=True)
    plain = [row["writer"] for row in (await asking.get("by-writer?page_size=500")).json()["data"]]
    assert plain == sorted(plain)


async def test_filters_narrow_it(asking: Asking) -> None:
    answer = await asking.get("french-books?title__in=b02,b06,b07")
    assert ([row["title"] for row in answer.json()["data"]], answer.json()["total_count"]) == (["b06", "b02"], 2)


@pytest.mark.parametrize("sort", ["", "title", "-title", "-writer,title", "pages", "author.name"])
async def test_cursors_give_each_row_once(asking: Asking, sort: str) -> None:
    query = f"by-writer?page_size=7&count=none&{f'sort={sort}&' if sort else ''}"
    found, after = list[str](), ""
    while after is not None:
        answer = (await asking.get(f"{query}after={after}")).json()
        found += [row["title"] for row in answer["data"]]
        after = answer["next"]
    whole = (await asking.get(f"by-writer?page_size=500&{f'sort={sort}' if sort else ''}")).json()["data"]
    assert found == [row["title"] for row in whole]
    assert len(found) == len(set(found)) == 30


async def test_pages_are_right_at_any_size(asking: Asking) -> None:
    chance = random.Random(7)
    whole = (await asking.get("by-writer?page_size=500")).json()["data"]
    for _ in range(12):
        size, pages = chance.randrange(1, 35), chance.randrange(0, 4500, 100)
        rows = list[Any]()
        number = 1
        wanted = [row for row in whole if int(row["title"][1:]) * 100 >= pages]
        while True:
            answer = (await asking.get(f"by-writer?pages={pages}&page_size={size}&page={number}")).json()
            assert answer["total_count"] == len(wanted)
            rows += answer["data"]
            number += 1
            if len(answer["data"]) < size:
                break
        assert rows == wanted


async def test_a_page_has_a_size(tmp_path: Path) -> None:
    asking = Asking(bookstore(), max_page=100)
    await filled(asking.app, 20)
    first = (await asking.get("french-books")).json()
    assert first["truncated"]
    found, after = first["data"], first["next"]
    while after is not None:
        page = (await asking.get(f"french-books?after={after}")).json()
        found, after = found + page["data"], page["next"]
    assert [row["title"] for row in found] == ["b18", "b14", "b10", "b06", "b02"]


async def test_a_cursor_is_of_one_selection_and_sort(asking: Asking) -> None:
    cursor = (await asking.get("by-writer?page_size=2&after=")).json()["next"]
    for path in (f"by-writer?sort=title&after={cursor}", f"french-books?after={cursor}", "by-writer?after=zzzz"):
        refused = await asking.get(path)
        assert (refused.status, codes(refused)) == (422, [("after", "cursor")])
    both = await asking.get(f"by-writer?page=2&after={cursor}")
    assert (both.status, codes(both)) == (422, [("page", "combination")])


async def test_files_have_all_rows(asking: Asking) -> None:
    whole = (await asking.get("by-writer?page_size=500&rows=list")).json()["data"]
    answer = await asking.get("by-writer?format=csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="by-writer.csv"'
    assert list(csv.reader(io.StringIO(answer.body.decode()))) == [["title", "writer"], *whole]
    lines = (await asking.get("by-writer", accept="application/x-ndjson")).body.splitlines()
    assert [list(json.loads(line).values()) for line in lines] == whole
    records = (await asking.get("drafts?format=ndjson")).body.splitlines()
    assert [json.loads(line)["title"] for line in records] == ["b01", "b02", "b03"]
    assert b"7777" not in b"".join(records)


async def test_its_rule_is_for_rows_totals_and_counts_alike(asking: Asking) -> None:
    answer = (await asking.get("drafts")).json()
    assert ([row["id"] for row in answer["data"]], answer["total_count"]) == ([1, 2, 3], 3)
    assert "margin" not in answer["data"][0]
    counted = (await asking.get("drafts?page_size=1")).json()
    assert (counted["total_count"], counted["total_pages"]) == (3, 3)
    keyset = (await asking.get("drafts?page_size=1&after=&count=exact")).json()
    assert (keyset["total_count"], keyset["next"] is not None) == (3, True)
    librarian = (await asking.get("drafts", user="lib")).json()
    assert [row["id"] for row in librarian["data"]] == [1, 2, 3, 4]


async def test_selections_that_may_not_be_seen_are_as_those_that_are_not_there(asking: Asking) -> None:
    absent = await asking.get("zzz", user="eve")
    for path in ("drafts", "margins", "drafts?page=x"):
        hidden = await asking.get(path, user="eve")
        assert (hidden.status, hidden.body) == (404, absent.body)
    assert (await asking.get("margins", user="lib")).json()["total_count"] == 40
    assert (await asking.get("margins")).status == 404  # speaks of what ann may not read


@pytest.mark.parametrize(
    "path, wrong",
    [
        ("french-books?zzz=1&pages=x", [("pages", "type"), ("zzz", "unknown")]),
        ("french-books?pages=1&pages=2", [("pages", "repeated")]),
        ("french-books?fields=title&include=author", [("fields", "unknown"), ("include", "unknown")]),
        ("french-books?fields=title&pages=x&zzz=1", [("fields", "unknown"), ("pages", "type"), ("zzz", "unknown")]),
        ("french-books?rows=table", [("rows", "one_of")]),
        ("french-books?margin=1", [("margin", "unknown")]),
        ("french-books?sort=margin", [("sort", "unknown")]),
        ("french-books?page_size=9999", [("page_size", "range")]),
        ("french-books?pages=99999999999999999999", [("pages", "range")]),
        ("french-books?pages=", [("pages", "type")]),
        ("french-books?format=xml", [("format", "one_of")]),
    ],
)
async def test_what_is_wrong_is_told_at_once(path: str, wrong: list[tuple[str, str]]) -> None:
    asking = Asking(bookstore())
    await filled(asking.app, 3)
    answer = await asking.get(path)
    assert answer.status == 422
    assert [place for place, _ in codes(answer)] == [place for place, _ in wrong], answer.body


async def test_other_methods_are_refused(asking: Asking) -> None:
    for method in ("PUT", "PATCH", "DELETE"):
        answer = await asking.client.request(method, "/books/selections/french-books", headers={"x-user": "ann"})
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")
    head = await asking.client.request("HEAD", "/books/selections/french-books", headers={"x-user": "ann"})
    assert (head.status, head.body) == (200, b"")


async def test_values_that_no_field_can_have_are_not_found() -> None:
    asking = Asking(bookstore())
    asking.app.add_selection("of", Book.where(expr(Book.author).in_(param("authors", list[int], [1]))).only(Book.title))
    service = Asking(asking.app)
    await filled(asking.app, 6)
    assert [row["title"] for row in (await service.get("of")).json()["data"]] == ["b02", "b06"]
    both = await service.get("of?authors=[1,2]")
    assert len(both.json()["data"]) == 5
    wrong = await service.get("of?authors=7")
    assert (wrong.status, codes(wrong)) == (422, [("authors", "type")])


async def test_anybody_sees_what_anybody_may_read() -> None:
    app = bookstore()
    app.add_selection("names", Author.where().sort(desc(Author.name)).only(Author.name))
    asking = Asking(app)
    await filled(app, 1)
    answer = await asking.client.request("GET", "/authors/selections/names")
    assert [row["name"] for row in answer.json()["data"]] == ["Hugo", "Austen"]
