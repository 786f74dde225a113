"""Records within records: nested, batched, bounded, paged, with fields, filters and a sort of their own; by right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdall import Role
from holdall.stores.memory import MemoryStore
from holdall.web import including
from tests.support.bookshop import Author, Book, bookshop, filled
from tests.support.served import Served


@pytest.fixture(scope="module", params=["memory", "sqlite", "two stores"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("including")
    database = f"sqlite:///{folder / 'books.db'}"
    app = {
        "memory": lambda: bookshop("memory:"),
        "sqlite": lambda: bookshop(database),
        "two stores": lambda: bookshop(database, countries="memory:"),
    }[request.param]()
    with Served(app) as service:
        yield filled(service)


def data(served: Served, url: str) -> Any:
    answer = served.get(url)
    assert answer.status == 200, answer.body
    found = answer.json()
    return found["data"] if isinstance(found.get("data"), list) else found


FRANCE, ITALIA = {"code": "FR", "name": "France"}, {"code": "IT", "name": "Italia"}


def test_a_reference_is_shown_as_its_record(served: Served) -> None:
    assert data(served, "/authors?include=country") == [
        {"id": 1, "name": "Ada", "country": FRANCE},
        {"id": 2, "name": "Bo, Jr", "country": ITALIA},
        {"id": 3, "name": "Cy", "country": None},
    ]


def test_inclusions_go_on_by_dots_and_in_parentheses(served: Served) -> None:
    author = {"id": 1, "name": "Ada", "country": FRANCE}
    for text in ("author.country", "author(include=country)", "author,author.country"):
        book = data(served, f"/books/1?include={text}")
        assert book["author"] == author
        assert book["sold_in"] == ["FR", "IT"]


@pytest.mark.parametrize(
    "query, expected",
    [
        ("fields=title,author.name", {"title": "Alpha", "author": {"name": "Ada"}}),
        ("fields=title&include=author(fields=name)", {"title": "Alpha", "author": {"name": "Ada"}}),
        (
            "fields=title,author.name&include=author.country(fields=name)",
            {"title": "Alpha", "author": {"name": "Ada", "country": {"name": "France"}}},
        ),
        ("fields=id,author.country.code", {"id": 1, "author": {"id": 1, "name": "Ada", "country": {"code": "FR"}}}),
    ],
)
def test_sparse_fields_of_included_records(served: Served, query: str, expected: dict[str, Any]) -> None:
    assert data(served, f"/books/1?{query}") == expected
    assert data(served, f"/books?id=1&{query}") == [expected]


def test_lists_are_pages(served: Served) -> None:
    first = data(served, "/authors?include=books(sort=-pages;page_size=1;fields=title)&fields=id")
    assert first == [
        {"id": 1, "books": {"data": [{"title": "Beta"}], "page": 1, "page_size": 1, "more": True}},
        {"id": 2, "books": {"data": [{"title": "Delta"}], "page": 1, "page_size": 1, "more": True}},
        {"id": 3, "books": {"data": [{"title": "a(b),c"}], "page": 1, "page_size": 1, "more": False}},
    ]
    second = data(served, "/authors/2?include=books(sort=-pages;page_size=1;page=2)&fields=id")
    assert [book["id"] for book in second["books"]["data"]] == [3]
    assert second["books"] | {"data": 0} == {"data": 0, "page": 2, "page_size": 1, "more": False}


def test_lists_that_records_keep(served: Served) -> None:
    book = data(served, "/books/1?include=sold_in(sort=-name)")
    assert book["sold_in"]["data"] == [ITALIA, FRANCE]
    assert data(served, "/books/1?include=sold_in(page_size=1)")["sold_in"] == {
        "data": [FRANCE], "page": 1, "page_size": 1, "more": True,
    }  # fmt: skip
    assert data(served, "/books/1?include=sold_in(name__startswith=I)")["sold_in"]["data"] == [ITALIA]
    assert data(served, "/books/3?include=sold_in")["sold_in"]["data"] == []


def test_lists_have_filters_and_groups_of_their_own(served: Served) -> None:
    found = data(served, r"/authors?fields=id&include=books(or=(pages__lt=150,title__in=(Delta,a\(b\)\,c));fields=id)")
    assert [[book["id"] for book in author["books"]["data"]] for author in found] == [[1], [4], [5]]


def test_each_list_is_read_by_itself_where_all_are_too_many(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "/authors?include=books(sort=-pages;page_size=2;fields=title)"
    together = data(served, url)
    monkeypatch.setattr(including, "_AT_ONCE", 1)
    assert data(served, url) == together


def test_pages_by_cursor_include_as_well(served: Served) -> None:
    first = served.get("/books?sort=-pages&page_size=2&after=&include=author(fields=name)").json()
    assert [book["author"] for book in first["data"]] == [{"name": "Cy"}, {"name": "Bo, Jr"}]
    url = f"/books?sort=-pages&page_size=2&include=author(fields=name)&after={first['next']}"
    assert [book["author"] for book in served.get(url).json()["data"]] == [{"name": "Bo, Jr"}, {"name": "Ada"}]


@pytest.mark.parametrize(
    "query, path, code",
    [
        ("include=title", "include", "unknown"),
        ("include=nothing", "include", "unknown"),
        ("include=", "include", "unknown"),
        ("include=author,", "include", "unknown"),
        ("include=author(", "include", "syntax"),
        ("include=author(name)", "include", "syntax"),
        ("include=author(sort=name)", "include.author.sort", "unknown"),
        ("include=author(fields=nothing)", "include.author.fields", "unknown"),
        ("fields=author.nothing", "include.author.fields", "unknown"),
        ("fields=title.name", "fields", "unknown"),
        ("include=sold_in(after=)", "include.sold_in.after", "unknown"),
        ("include=sold_in(page_size=501)", "include.sold_in.page_size", "range"),
        ("include=sold_in(nothing=1)", "include.sold_in.nothing", "unknown"),
        ("include=author.books.author.books.author.books", "include.author.include", "length"),
    ],
)
def test_wrong_inclusions_are_refused(served: Served, query: str, path: str, code: str) -> None:
    for url in (f"/books?{query}", f"/books/1?{query}"):
        answer = served.get(url)
        assert answer.status == 422, answer.body
        [error] = answer.json()["errors"]
        assert error["path"].startswith(path)
        assert error["code"] == code


def test_a_collection_that_may_not_be_read_is_unknown() -> None:
    with Served(bookshop("memory:", read_countries=Role("librarian"))) as service:
        filled(service)
        for query in ("include=author.country", "fields=author.country.name", "include=sold_in"):
            assert service.get(f"/books/1?{query}").status == 422
            answer = service.get(f"/books?{query}")
            assert answer.status == 422
            assert {error["code"] for error in answer.json()["errors"]} == {"unknown"}
        assert service.get("/books?include=author").status == 200


def test_one_question_for_each_collection_of_a_level(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    fetch = MemoryStore.fetch

    async def counted(self: MemoryStore, query: Any) -> Any:
        asked.append(query.collection)
        return await fetch(self, query)

    with Served(bookshop("memory:")) as service:
        filled(service)
        monkeypatch.setattr(MemoryStore, "fetch", counted)
        assert service.get("/authors?include=books.sold_in,country").status == 200
    assert sorted(asked) == ["authors", "books", "countries"]


def test_how_many_are_included_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    with Served(bookshop("memory:")) as service:
        filled(service)
        monkeypatch.setattr(including, "MAX_INCLUDED", 4)
        assert service.get("/authors?include=books").json()["type"] == "urn:holdall:limit"
        assert service.get("/authors?include=books(page_size=1)").status == 200


def test_how_many_bytes_are_included_is_bounded() -> None:
    async def fill() -> None:
        async with service.app.session() as session:
            session.add(Author(id=9, name="Long"))
            session.add_all([Book(id=90 + number, title="x" * 400, author=9, sold_in=[]) for number in range(9)])

    with Served(bookshop("memory:"), max_page=2_000) as service:
        service.run(fill())
        assert service.get("/authors/9?include=books").json()["type"] == "urn:holdall:limit"
        assert service.get("/authors/9?include=books(page_size=3)").status == 200


def test_a_planted_mix_up_of_lists_is_found(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    right = data(served, "/authors?include=books")
    plain = including._keys
    monkeypatch.setattr(including, "_keys", lambda value, *, is_many: [1 for _ in plain(value, is_many=is_many)])
    assert data(served, "/authors?include=books") != right
