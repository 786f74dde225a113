"""A whole collection as CSV or lines of JSON: streamed, by right, safe to open, the same over every store."""

from __future__ import annotations

import csv
import json
import os
import tracemalloc
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from holdall import Everyone, Holdall, Model, Policy, Role, field
from holdall.model import csv_columns
from holdall.web import export
from tests.support.bookshop import AUTHORS, BOOKS, bookshop, filled
from tests.support.served import Served
from tests.support.service_of_everything import everything


@pytest.fixture(scope="module", params=["memory", "sqlite", "two stores", "yaml"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("export")
    database = f"sqlite:///{folder / 'books.db'}"
    app = {
        "memory": lambda: bookshop("memory:"),
        "sqlite": lambda: bookshop(database),
        "two stores": lambda: bookshop(database, countries="memory:"),
        "yaml": lambda: bookshop(f"yaml:{folder / 'books'}"),
    }[request.param]()
    with Served(app) as service:
        yield filled(service)


def lines(served: Served, query: str, **headers: str) -> list[dict[str, Any]]:
    answer = served.get(f"/books?{query}", **headers)
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.body.splitlines()]


def table(served: Served, query: str, **headers: str) -> list[list[str]]:
    answer = served.get(f"/books?{query}", **headers)
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    return list(csv.reader(StringIO(answer.body.decode(), newline="")))


@pytest.mark.parametrize("batch", [1, 2, 1_000])
def test_lines_have_what_lists_show(served: Served, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "BATCH", batch)
    monkeypatch.setattr(export, "_LARGE_BATCH", batch)
    listed = served.get("/books?sort=-pages").json()["data"]
    assert lines(served, "format=ndjson&sort=-pages") == listed
    assert lines(served, "sort=-pages", accept="application/x-ndjson") == listed


def test_csv_has_a_header_and_a_row_for_each(served: Served) -> None:
    header, *rows = table(served, "format=csv&sort=id")
    assert header == ["id", "title", "pages", "price", "author", "sold_in"]
    assert rows[0] == ["1", "Alpha", "100", "5.0", "1", '["FR","IT"]']
    assert rows[1] == ["2", "Beta", "200", "", "1", '["IT"]']
    assert len(rows) == len(BOOKS)


def test_fields_filters_and_groups_hold(served: Served) -> None:
    assert table(served, "format=csv&fields=title,id&or=(id=1,id=5)&sort=-id") == [
        ["id", "title"], ["5", "a(b),c"], ["1", "Alpha"],
    ]  # fmt: skip
    assert lines(served, "format=ndjson&author.country.name=Italia&fields=id&sort=id") == [{"id": 3}, {"id": 4}]
    assert table(served, "format=csv&id=99") == [["id", "title", "pages", "price", "author", "sold_in"]]
    assert lines(served, "format=ndjson&id=99") == []


@pytest.mark.parametrize(
    "accept, expected",
    [
        ("text/csv", "text/csv; charset=utf-8; header=present"),
        ("application/jsonl", "application/x-ndjson"),
        ("text/csv;q=0.5, application/json", "application/json"),
        ("text/csv, application/json;q=0.5", "text/csv; charset=utf-8; header=present"),
        ("text/csv;q=0, */*", "application/json"),
        ("text/csv;q=x", "application/json"),
        ("text/html, */*", "application/json"),
        ("", "application/json"),
    ],
)
def test_what_is_accepted(served: Served, accept: str, expected: str) -> None:
    assert served.get("/books", accept=accept).headers["content-type"] == expected
    assert served.get("/books?format=json", accept=accept).headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "query, path, code",
    [
        ("format=xml", "format", "one_of"),
        ("format=", "format", "one_of"),
        ("format=csv&formulas=x", "formulas", "one_of"),
        ("formulas=keep", "formulas", "combination"),
        ("format=ndjson&formulas=keep", "formulas", "combination"),
        ("format=csv&page=1", "page", "combination"),
        ("format=csv&page_size=5", "page_size", "combination"),
        ("format=csv&after=", "after", "combination"),
        ("format=csv&count=none", "count", "combination"),
        ("format=csv&include=author", "include", "combination"),
        ("format=csv&fields=id,author.name", "fields", "combination"),
        ("format=ndjson&fields=author.name", "fields", "combination"),
        ("format=ndjson&group=author", "group", "combination"),
        ("format=csv&nothing=1", "nothing", "unknown"),
    ],
)
def test_what_does_not_go_together_is_refused(served: Served, query: str, path: str, code: str) -> None:
    answer = served.get(f"/books?{query}")
    assert answer.status == 422, answer.body
    assert (path, code) in [(error["path"], error["code"]) for error in answer.json()["errors"]]


def test_a_file_is_saved_and_not_kept_by_anybody_else(served: Served) -> None:
    answer = served.get("/books?format=csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="books.csv"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-store"
    assert "etag" not in answer.headers
    assert served.get("/books?format=csv", if_match='"x"').status == 412


def test_head_is_asked_for_nothing(served: Served) -> None:
    answer = served.request("HEAD", "/books?format=csv")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-type"].startswith("text/csv")


class Cell(Model, collection="cells"):
    id: int = field(pk=True)
    text: str
    number: int = 0


DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx"]


def cells(**policy: Any) -> Holdall:
    app = Holdall("cells")
    app.add_store("main", "memory:")
    app.add(Cell, store="main", policy=Policy(**policy))
    return app


def test_text_is_no_formula() -> None:
    async def fill() -> None:
        async with service.app.session() as session:
            texts = [*DANGEROUS, "a=1", "'=1", ""]
            session.add_all([Cell(id=place, text=text, number=-place) for place, text in enumerate(texts)])

    with Served(cells(read=Everyone)) as service:
        service.run(fill())
        escaped = [row[1:] for row in csv.reader(StringIO(service.get("/cells?format=csv").body.decode(), newline=""))][
            1:
        ]
        assert escaped == [
            *[[f"'{text}", str(-place)] for place, text in enumerate(DANGEROUS)],
            ["a=1", "-7"], ["''=1", "-8"], ["", "-9"],  # so that an import tells both apart
        ]  # fmt: skip
        kept = csv.reader(StringIO(service.get("/cells?format=csv&formulas=keep").body.decode(), newline=""))
        assert [row[1] for row in kept][1 : len(DANGEROUS) + 1] == DANGEROUS


def test_it_needs_the_right_to_read() -> None:
    with Served(cells(read=Role("accounting"))) as served:
        assert served.get("/cells?format=csv").status == 401
        assert served.get("/cells", accept="text/csv").status == 401
    with Served(bookshop("memory:", read_countries=Role("librarian"))) as served:
        assert served.get("/books?format=csv&author.country.name=x").status == 422


def test_a_value_of_every_kind_is_in_it() -> None:
    with Served(everything("memory:")) as served:
        served.fill()
        [record] = served.get("/things").json()["data"]
        [line] = served.get("/things?format=ndjson").body.splitlines()
        assert json.loads(line) == record
        header, row = csv.reader(StringIO(served.get("/things?format=csv&formulas=keep").body.decode(), newline=""))
        for name, cell in zip(header, row, strict=True):
            value = record[name]
            assert cell == ("" if value is None else value if isinstance(value, str) else cell)
            assert isinstance(value, str | None) or json.loads(cell) == value


_MANY = 1_000_000 if "LARGE_TRANSFERS" in os.environ else 20_000


def test_it_takes_the_memory_of_a_batch(tmp_path: Path) -> None:
    """Each part is let go before the next is made: ten times the records take no more memory."""

    async def fill(first: int, number: int) -> None:
        async with service.app.session() as session:
            session.add_all([Cell(id=first + place, text="x" * 100) for place in range(number)])

    def peak() -> int:
        parts = 0

        async def taken(message: Any) -> None:
            nonlocal parts
            parts += 1

        async def received() -> dict[str, Any]:
            return {"type": "http.request"}

        scope = {
            "type": "http", "method": "GET", "path": "/cells", "raw_path": b"/cells", "query_string": b"format=ndjson",
            "root_path": "", "headers": [],
        }  # fmt: skip
        tracemalloc.start()
        service.run(service.service(scope, received, taken))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert parts > 2
        return most

    app = Holdall("cells")
    app.add_store("main", f"sqlite:///{tmp_path / 'cells.db'}")
    app.add(Cell, store="main", policy=Policy(read=Everyone))
    with Served(app) as service:
        service.run(fill(0, 2_000))
        peak()
        few = peak()
        for first in range(2_000, _MANY, 18_000):
            service.run(fill(first, min(18_000, _MANY - first)))
        many = peak()
        print(f"{_MANY} records are exported in {many} bytes, 2000 in {few}")
        assert many < few * 2


def test_a_failure_on_the_way_ends_it_unfinished(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("planted")
        yield []

    async def broken_later(*_: Any, **__: Any) -> Any:
        yield []
        raise RuntimeError("planted")

    monkeypatch.setattr(export.Exports, "_batches", broken)
    assert served.get("/books?format=ndjson").status == 500
    monkeypatch.setattr(export.Exports, "_batches", broken_later)
    with pytest.raises(RuntimeError, match="planted"):
        served.get("/books?format=ndjson")


def test_a_planted_cell_that_is_not_escaped_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_columns, "starts_formula", lambda texts: False)
    with pytest.raises(AssertionError):
        test_text_is_no_formula()


def test_every_author_is_there(served: Served) -> None:
    found = served.get("/authors?format=ndjson&sort=id").body.splitlines()
    assert [json.loads(line)["name"] for line in found] == [name for _, name, _ in AUTHORS]
