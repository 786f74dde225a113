"""Aggregates over HTTP: values of all records or of groups, over stores that group by themselves and others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from holdall import Everyone, Holdall, Model, Policy, Role, field
from tests.support.bookshop import bookshop, filled
from tests.support.served import Served


@pytest.fixture(scope="module", params=["memory", "sqlite", "two stores", "yaml"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("aggregates")
    database = f"sqlite:///{folder / 'books.db'}"
    app = {
        "memory": lambda: bookshop("memory:"),
        "sqlite": lambda: bookshop(database),
        "two stores": lambda: bookshop(database, countries="memory:"),
        "yaml": lambda: bookshop(f"yaml:{folder / 'books'}"),
    }[request.param]()
    with Served(app) as service:
        yield filled(service)


def rows(served: Served, query: str) -> list[dict[str, Any]]:
    answer = served.get(f"/books?{query}")
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


@pytest.mark.parametrize(
    "query, expected",
    [
        ("aggregate=rows", [{"rows": 5}]),
        ("aggregate=pages.avg", [{"pages.avg": 300.0}]),
        ("aggregate=pages.sum,pages.min,pages.max", [{"pages.sum": 1500, "pages.min": 100, "pages.max": 500}]),
        ("aggregate=price.count,rows,price.avg", [{"price.count": 4, "rows": 5, "price.avg": 16.25}]),
        ("aggregate=author.count_distinct", [{"author.count_distinct": 3}]),
        ("aggregate=title.max", [{"title.max": "a(b),c"}]),
        ("aggregate=rows&pages__gt=1000", [{"rows": 0}]),
        ("aggregate=pages.max&pages__gt=1000", [{"pages.max": None}]),
        ("aggregate=rows&or=(id=1,id=5)", [{"rows": 2}]),
        (
            "aggregate=pages.sum&group=author",
            [{"author": 1, "pages.sum": 300}, {"author": 2, "pages.sum": 700}, {"author": 3, "pages.sum": 500}],
        ),
        ("group=author&having=rows__gt=1", [{"author": 1}, {"author": 2}]),
        ("group=author&having=(rows__gt=1,pages.sum__gt=300)", [{"author": 2}]),
        ("group=author&having=or=(pages.sum=300,author=3)", [{"author": 1}, {"author": 3}]),
        ("group=author&having=author__in=(1,3)&having=not=(author=1)", [{"author": 3}]),
        ("group=author&sort=-pages.sum", [{"author": 2}, {"author": 3}, {"author": 1}]),
        ("group=author&sort=-rows,-author&page_size=2", [{"author": 2}, {"author": 1}]),
        ("group=author&sort=author&page_size=2&page=2", [{"author": 3}]),
        (
            "aggregate=pages.avg,rows&group=author.country&sort=-pages.avg",
            [
                {"author.country": None, "pages.avg": 500.0, "rows": 1},
                {"author.country": "IT", "pages.avg": 350.0, "rows": 2},
                {"author.country": "FR", "pages.avg": 150.0, "rows": 2},
            ],
        ),
        (
            "aggregate=rows&group=author.country.name",
            [
                {"author.country.name": None, "rows": 1},
                {"author.country.name": "France", "rows": 2},
                {"author.country.name": "Italia", "rows": 2},
            ],
        ),
    ],
)
def test_aggregates(served: Served, query: str, expected: list[dict[str, Any]]) -> None:
    found = rows(served, query)
    if "sort" not in query:
        found, expected = sorted(found, key=repr), sorted(expected, key=repr)
    assert found == expected
    assert [list(row) for row in found] == [list(row) for row in expected]


def test_pages_of_groups(served: Served) -> None:
    first = served.get("/books?group=author&page_size=2").json()
    assert first | {"data": 0} == {"data": 0, "total_count": None, "page": 1, "page_size": 2, "total_pages": None}
    last = served.get("/books?group=author&page_size=2&page=2").json()
    assert last | {"data": 0} == {"data": 0, "total_count": 3, "page": 2, "page_size": 2, "total_pages": 2}


def test_groups_have_a_tag(served: Served) -> None:
    tag = served.get("/books?aggregate=pages.avg").headers["etag"]
    assert served.get("/books?aggregate=pages.avg", if_none_match=tag).status == 304


@pytest.mark.parametrize(
    "query, path, code",
    [
        ("aggregate=", "aggregate", "unknown"),
        ("aggregate=pages", "aggregate", "unknown"),
        ("aggregate=pages.median", "aggregate", "unknown"),
        ("aggregate=nothing.sum", "aggregate", "unknown"),
        ("aggregate=title.sum", "aggregate", "function"),
        ("aggregate=sold_in.max", "aggregate", "unknown"),
        ("aggregate=author.max", "aggregate", "function"),
        ("aggregate=pages.sum,pages.sum", "aggregate", "repeated"),
        ("group=nothing", "group", "unknown"),
        ("group=sold_in", "group", "unknown"),
        ("group=", "group", "unknown"),
        ("having=rows__gt=1", "having", "combination"),
        ("group=author&having=title=1", "having.title", "unknown"),
        ("group=author&having=rows__gt=x", "having.rows__gt", "value"),
        ("group=author&having=rows__contains=1", "having.rows__contains", "operator"),
        ("group=author&having=(rows", "having", "syntax"),
        ("group=author&sort=title", "sort", "unknown"),
        ("group=author&fields=id", "fields", "combination"),
        ("group=author&include=author", "include", "combination"),
        ("group=author&after=", "after", "combination"),
        ("group=author&count=exact", "count", "combination"),
        ("group=author&page=0", "page", "range"),
    ],
)
def test_wrong_aggregates_are_refused(served: Served, query: str, path: str, code: str) -> None:
    answer = served.get(f"/books?{query}")
    assert answer.status == 422, answer.body
    assert (path, code) in [(error["path"], error["code"]) for error in answer.json()["errors"]]


def test_they_need_the_right_to_read_what_they_look_into() -> None:
    with Served(bookshop("memory:", read_countries=Role("librarian"))) as service:
        filled(service)
        for query in (
            "aggregate=rows&group=author.country.name",
            "aggregate=author.country.name.max",
            "group=author&having=author.country.name.max__gt=A",
            "group=author&sort=author.country.name.max",
        ):
            answer = service.get(f"/books?{query}")
            assert answer.status == 422, answer.body
            assert {error["code"] for error in answer.json()["errors"]} == {"unknown"}
        assert service.get("/books?aggregate=rows&group=author").status == 200


class Account(Model, collection="accounts"):
    id: int = field(pk=True)
    token: SecretStr


def test_secrets_are_not_grouped_and_not_aggregated() -> None:
    app = Holdall("accounts")
    app.add_store("main", "memory:")
    app.add(Account, store="main", policy=Policy(read=Everyone))
    with Served(app) as service:
        for query in ("aggregate=token.max", "aggregate=token.count_distinct", "group=token"):
            assert service.get(f"/accounts?{query}").status == 422
        assert service.get("/accounts?aggregate=rows").json()["data"] == [{"rows": 0}]
