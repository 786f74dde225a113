"""Collections that are only read have no methods that write, in answers and in the document."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from holdall import Everyone, Holdall, Model, Policy, field
from tests.support.served import Served


class Land(Model, read_only=True):
    code: str = field(pk=True)
    name: str


class Letter(Model, read_only=True):
    first: str
    number: int


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    database = apsw.Connection(str(tmp_path / "it.db"))
    database.execute("CREATE TABLE land (code TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL)")
    database.executemany("INSERT INTO land VALUES (?, ?)", [("FR", "France"), ("FI", "Finland"), ("XK", "Kosovo")])
    database.execute(
        "CREATE VIEW letter AS SELECT substr(code, 1, 1) AS first, count(*) AS number FROM land GROUP BY 1"
    )
    database.close()
    app = Holdall("lands")
    app.add_store("main", f"sqlite:///{tmp_path}/it.db")
    app.add(Land, Letter, store="main", policy=Policy(read=Everyone, write=Everyone))
    with Served(app) as client:
        yield client


def test_it_is_read(served: Served) -> None:
    assert served.get("/land/FR").json() == {"code": "FR", "name": "France"}
    assert served.get("/letter?sort=first").json()["data"] == [
        {"first": "F", "number": 2},
        {"first": "X", "number": 1},
    ]
    assert served.get("/letter?sort=first&page=2&page_size=1").json()["data"] == [{"first": "X", "number": 1}]
    assert served.get("/letter?number__gt=1").json()["total_count"] == 1


@pytest.mark.parametrize("method, path", [("POST", "/land"), ("PATCH", "/land/FR"), ("DELETE", "/land/FR")])
def test_no_method_writes(served: Served, method: str, path: str) -> None:
    answer = served.request(method, path)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    options = served.request("OPTIONS", path)
    assert (options.status, "accept-patch" in options.headers) == (204, False)


def test_without_a_key_there_is_no_single_record(served: Served) -> None:
    assert served.get("/letter/F").status == 404
    assert served.request("DELETE", "/letter/F").status == 404


@pytest.mark.parametrize("query, parameter", [("after=", "after"), ("page=2", "page")])
def test_without_a_key_pages_need_a_sort(served: Served, query: str, parameter: str) -> None:
    answer = served.get(f"/letter?{query}")
    assert (answer.status, answer.json()["errors"][0]["path"]) == (422, parameter)


def test_the_document(served: Served) -> None:
    document = served.get("/openapi.json").json()
    assert set(document["paths"]["/land"]) == {"get"}
    assert set(document["paths"]["/land/{key}"]) == {"get", "parameters"}
    assert "/letter/{key}" not in document["paths"]
    names = set(document["components"]["schemas"])
    assert {"Land.Record", "Letter.Record"} <= names
    assert not {"Land.Create", "Land.Patch", "Letter.Create"} & names
    assert "after" not in [each["name"] for each in document["paths"]["/letter"]["get"]["parameters"]]
