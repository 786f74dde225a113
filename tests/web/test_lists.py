"""The list dialect: filters, sort, pages, sparse fields and cursors, over one store and over two."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.served import Served
from tests.support.service_of_everything import everything

COUNTRIES = [("AT", "Austria"), ("FR", "France"), ("IT", "Italy")]
CITIES = [
    ("Wien", "AT", 2_000_000),
    ("Graz", "AT", 300_000),
    ("Paris", "FR", 2_100_000),
    ("Lyon", "FR", 500_000),
    ("Nice", "FR", 340_000),
    ("Roma", "IT", 2_800_000),
    ("Atlantis", None, 0),
    ("a, b\\c", None, 1),
]


@pytest.fixture(scope="module", params=["memory", "sqlite", "two stores"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("lists")
    database = f"sqlite:///{folder / 'cities.db'}"
    app = {
        "memory": lambda: everything("memory:"),
        "sqlite": lambda: everything(database),
        "two stores": lambda: everything(database, countries="memory:"),
    }[request.param]()
    with Served(app) as service:
        for code, name in COUNTRIES:
            assert service.post("/countries", {"code": code, "name": name}).status == 201
        for name, country, people in CITIES:
            assert service.post("/cities", {"name": name, "country": country, "people": people}).status == 201
        yield service


def names(served: Served, query: str) -> list[str]:
    answer = served.get(f"/cities?{query}")
    assert answer.status == 200, answer.body
    return [city["name"] for city in answer.json()["data"]]


@pytest.mark.parametrize(
    "query, expected",
    [
        ("name=Paris", ["Paris"]),
        ("name=paris", []),
        ("name__eq=Paris", ["Paris"]),
        ("name__ne=Paris&country=FR", ["Lyon", "Nice"]),
        ("name__in=Paris,Roma,Nowhere", ["Paris", "Roma"]),
        (f"name__in={quote('a%5C, b%5C%5Cc', safe='%')},Roma", ["Roma", "a, b\\c"]),
        ("people__gt=2000000", ["Paris", "Roma"]),
        ("people__gte=2000000&people__lt=2800000", ["Wien", "Paris"]),
        ("people__lte=1", ["Atlantis", "a, b\\c"]),
        ("people__gt=-5&people__lt=1", ["Atlantis"]),
        ("name__contains=ri", ["Paris"]),
        ("name__icontains=A", ["Graz", "Paris", "Roma", "Atlantis", "a, b\\c"]),
        ("name__startswith=P", ["Paris"]),
        ("name__endswith=s", ["Paris", "Atlantis"]),
        ("name__contains=%25", []),
        ("country__isnull=true", ["Atlantis", "a, b\\c"]),
        ("country__isnull=false&people__gt=2500000", ["Roma"]),
        ("country=FR&country=IT", []),
        ("country__in=AT,IT", ["Wien", "Graz", "Roma"]),
        ("country.name=France", ["Paris", "Lyon", "Nice"]),
        ("country.name__startswith=I", ["Roma"]),
        ("country.name__isnull=true", ["Atlantis", "a, b\\c"]),
        ("country.code__ne=FR", ["Wien", "Graz", "Roma"]),
        ("", [name for name, _, _ in CITIES]),
    ],
)
def test_filters(served: Served, query: str, expected: list[str]) -> None:
    assert names(served, query) == expected


@pytest.mark.parametrize(
    "query, expected",
    [
        ("cities.name=Paris", ["FR"]),
        ("cities.people__gt=2000000", ["FR", "IT"]),
        ("cities__isnull=true", []),
        ("cities__in=1,3", ["AT", "FR"]),
    ],
)
def test_filters_through_many(served: Served, query: str, expected: list[str]) -> None:
    answer = served.get(f"/countries?{query}")
    assert answer.status == 200, answer.body
    assert [country["code"] for country in answer.json()["data"]] == expected


def test_sort(served: Served) -> None:
    assert names(served, "sort=-people&page_size=3") == ["Roma", "Paris", "Wien"]
    assert names(served, "sort=country,-name&country__isnull=false") == [
        "Wien",
        "Graz",
        "Paris",
        "Nice",
        "Lyon",
        "Roma",
    ]
    assert names(served, "sort=country&page_size=3") == ["Atlantis", "a, b\\c", "Wien"]


def test_sort_by_a_relation_keeps_rows_without_it(served: Served) -> None:
    answer = served.get("/cities?sort=-country.name,name")
    assert answer.json()["total_count"] == len(CITIES)
    assert [city["name"] for city in answer.json()["data"]] == [
        "Roma", "Lyon", "Nice", "Paris", "Graz", "Wien", "Atlantis", "a, b\\c",
    ]  # fmt: skip


def test_a_sort_by_a_relation_has_pages_and_a_total(served: Served) -> None:
    # the condition is one that nothing else counts by: what is known of its shape is not looked at again
    answer = served.get("/cities?people__gte=0&people__lte=9000000&sort=country.name,name&page_size=3&page=2")
    assert answer.status == 200, answer.body
    page = answer.json()
    assert [city["name"] for city in page["data"]] == ["Wien", "Lyon", "Nice"]
    assert (page["total_count"], page["total_pages"]) == (8, 3)


def test_pages(served: Served) -> None:
    first = served.get("/cities?page_size=3").json()
    assert [city["id"] for city in first["data"]] == [1, 2, 3]
    assert first | {"data": None} == {"data": None, "total_count": 8, "page": 1, "page_size": 3, "total_pages": 3}
    last = served.get("/cities?page_size=3&page=3").json()
    assert ([city["id"] for city in last["data"]], last["total_count"]) == ([7, 8], 8)
    beyond = served.get("/cities?page_size=3&page=9").json()
    assert (beyond["data"], beyond["total_count"], beyond["total_pages"]) == ([], 8, 3)
    none = served.get("/cities?name=x").json()
    assert (none["data"], none["total_count"], none["total_pages"]) == ([], 0, 0)
    uncounted = served.get("/cities?page_size=3&count=none").json()
    assert (uncounted["total_count"], uncounted["total_pages"]) == (None, None)
    assert served.get("/cities").json()["page_size"] == 50
    assert served.get("/cities/?page_size=3&").json() == first


def test_sparse_fields(served: Served) -> None:
    answer = served.get("/cities?fields=people,name&page_size=1").json()
    assert answer["data"] == [{"name": "Wien", "people": 2_000_000}]
    assert served.get("/cities?fields=label&page_size=1").json()["data"] == [{"label": "Wien, Austria"}]
    assert served.get("/cities/1?fields=country").json() == {"country": "AT"}


@pytest.mark.parametrize("sort", ["", "name", "-people", "country,-name", "-country.name"])
def test_cursors_give_every_record_once(served: Served, sort: str) -> None:
    query = f"page_size=3&sort={sort}" if sort else "page_size=3"
    found: list[Any] = []
    cursor = ""
    for _ in range(len(CITIES)):
        answer = served.get(f"/cities?{query}&after={cursor}")
        page = answer.json()
        assert page["total_count"] is None
        found += [city["id"] for city in page["data"]]
        cursor = page["next"]
        if cursor is None:
            break
    everything_sorted = served.get(f"/cities?sort={sort}" if sort else "/cities").json()["data"]
    assert found == [city["id"] for city in everything_sorted]


def test_a_cursor_fits_only_its_own_sort_and_collection(served: Served) -> None:
    cursor = served.get("/cities?page_size=1&sort=name&after=").json()["next"]
    assert served.get(f"/cities?sort=name&after={cursor}").status == 200
    assert served.get(f"/cities?sort=-name&after={cursor}").status == 422
    assert served.get(f"/countries?sort=name&after={cursor}").status == 422
    changed = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    assert served.get(f"/cities?sort=name&after={changed}").status == 422
    assert served.get("/cities?after=&count=exact").json()["total_count"] == len(CITIES)


def test_every_mistake_is_told_at_once(served: Served) -> None:
    answer = served.get("/cities?nope=secret&people__gt=many&sort=colour&page=0&flag=")
    assert answer.status == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert [error["path"] for error in problem["errors"]] == ["nope", "people__gt", "flag", "page", "sort"]
    assert b"secret" not in answer.body
    assert b"many" not in answer.body


def test_conditional_lists(served: Served) -> None:
    tag = served.get("/cities?name=Paris").headers["etag"]
    assert served.get("/cities?name=Paris", if_none_match=tag).status == 304
    assert served.get("/cities?name=Paris", if_none_match=f'"x", W/{tag}').status == 304
    assert served.get("/cities?name=Roma", if_none_match=tag).status == 200


@pytest.mark.parametrize("value", ["99999999999999999999", "-9223372036854775808", "1.5", "٣"])
def test_a_wrong_value_is_told_with_its_parameter(served: Served, value: str) -> None:
    refused = served.get(f"/cities?people__gt={quote(value)}")
    assert refused.status == 422
    assert [error["path"] for error in refused.json()["errors"]] == ["people__gt"]
