"""The requests that ra-data-simple-rest sends, and the answers that it reads, with and without async."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from holdall.testing.client import Answer
from holdall.web.views import AsyncReactAdminView, ReactAdminView, include_view
from tests.support.bookshop import BOOKS, Book, bookshop, filled
from tests.support.served import Served


class AsyncBooks(AsyncReactAdminView[Book]):
    prefix = "/books"


class Books(ReactAdminView[Book]):
    prefix = "/books"


@pytest.fixture(params=[AsyncBooks, Books], ids=["async", "sync"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    app = bookshop(f"sqlite:///{tmp_path / 'books.db'}", can_write=True)
    service = Served(app)
    include_view(service.service, request.param)
    with service:
        yield filled(service)


def listed(served: Served, **parameters: Any) -> Answer:
    query = "&".join(f"{name}={quote(json.dumps(value))}" for name, value in parameters.items())
    return served.get(f"/books?{query}")


def ids(answer: Answer) -> list[int]:
    assert answer.status == 200, answer.body
    return [book["id"] for book in answer.json()]


def test_get_list(served: Served) -> None:
    answer = listed(served, sort=["pages", "DESC"], range=[1, 2], filter={"pages__gte": 200})
    assert ids(answer) == [4, 3]
    assert answer.headers["content-range"] == "books 1-2/4"
    assert ids(listed(served)) == [book[0] for book in BOOKS]
    assert listed(served, filter={"id": 99}).headers["content-range"] == "books */0"
    assert listed(served, range=[10, 19]).headers["content-range"] == "books */5"


@pytest.mark.parametrize(
    "given, expected",
    [
        ({"id": [1, 5, 99]}, [1, 5]),
        ({"author": 2}, [3, 4]),
        ({"price": None}, [2]),
        ({"title": ["a(b),c", "Beta"]}, [2, 5]),
        ({"author": {"name": "Ada"}}, [1, 2]),
        ({"author.name": "Ada", "pages__gt": 100}, [2]),
        ({"title__icontains": "A"}, [1, 2, 3, 4, 5]),
        ({"id": []}, []),
    ],
)
def test_filters(served: Served, given: Any, expected: list[int]) -> None:
    assert ids(listed(served, filter=given)) == expected


@pytest.mark.parametrize(
    "parameters",
    [
        {"sort": "id"}, {"sort": ["id"]}, {"sort": ["id", "UP"]}, {"sort": ["nothing", "ASC"]}, {"range": [5, 1]},
        {"range": [0, 500]}, {"range": [-1, 5]}, {"range": [0, 2**70]}, {"range": [True, 5]}, {"filter": [1]},
        {"filter": {"nothing": 1}}, {"filter": {"id": "x"}}, {"page": 1},
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused(served: Served, parameters: Any) -> None:
    assert listed(served, **parameters).status == 422


def test_get_one_create_update_and_delete(served: Served) -> None:
    new = {"id": 9, "title": "New", "pages": 9, "price": None, "author": 1, "sold_in": []}
    assert served.post("/books", new).status == 201
    assert served.get("/books/9").json() == new
    changed = served.request("PUT", "/books/9", json=new | {"title": "Newer"})
    assert (changed.status, changed.json()["title"]) == (200, "Newer")
    removed = served.delete("/books/9")
    assert (removed.status, removed.json()["id"]) == (200, 9)
    assert served.get("/books/9").status == 404


def test_the_document_tells_it(served: Served) -> None:
    operations: Any = served.service.openapi()["paths"]
    assert [each["name"] for each in operations["/books"]["get"]["parameters"]] == ["sort", "range", "filter"]
    assert "200" in operations["/books/{key}"]["delete"]["responses"]
