"""Parameters of the query string that are unknown, repeated or of another type: refused by name, whatever they ask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from holdall.testing.client import Answer
from holdall.web.dialect import CONTROLS
from tests.support.served import Served
from tests.support.service_of_everything import everything


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with Served(everything("memory:")) as service:
        service.fill()
        yield service


def _described() -> dict[str, Any]:
    """The parameters of a list that are not any text, by the OpenAPI document."""
    paths: Any = everything("memory:").asgi().openapi()["paths"]
    found = {}
    for parameter in paths["/things"]["get"]["parameters"]:
        schema = parameter.get("schema", {})
        item = schema.get("items", schema)
        is_text = item.get("type") == "string" and not item.keys() & {"enum", "format", "pattern", "contentEncoding"}
        if parameter["in"] == "query" and schema.get("type") != "object" and not is_text:
            found[parameter["name"]] = parameter
    return found


DESCRIBED = _described()
OF_NO_TYPE = ["", "nul", "[", "tru,", "1.5.2", "2024-13-01", "{'a': 1}", "0x1", "\u0664", "+", "-", "--1", "1 2"]


def refuses(answer: Answer, name: str) -> None:
    assert answer.status in (400, 422), (answer.status, answer.body)
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["path"] for error in answer.json()["errors"]] == [name]


@pytest.mark.parametrize("name", sorted(DESCRIBED))
def test_every_described_parameter_refuses_what_it_is_not(served: Served, name: str) -> None:
    for text in OF_NO_TYPE:
        if text or not name.startswith("blob"):  # no bytes are bytes, too
            refuses(served.get(f"/things?{name}={quote(text)}"), name)


@pytest.mark.parametrize("field", ["tags", "numbers", "size", "anything"])
@pytest.mark.parametrize("operator", ["", "__eq", "__ne", "__in"])
def test_json_null_is_asked_for_by_isnull(served: Served, field: str, operator: str) -> None:
    text = "[null]" if operator == "__in" else "null"
    refuses(served.get(f"/things?{field}{operator}={text}"), field + operator)
    assert served.get(f"/things?{field}__isnull=true").status == 200


@pytest.mark.parametrize(
    "field, text, place",
    [
        ("tags", "true", ""),
        ("tags", "{}", ""),
        ("tags", '"a"', ""),
        ("tags", "[1]", "0 "),
        ("tags", '["a",null]', "1 "),
        ("numbers", "[]", ""),
        ("numbers", '{"one":"1"}', "one "),
        ("numbers", '{"one":1.5}', "one "),
        ("size", "{}", "width "),
        ("size", '{"width":1}', "height "),
        ("size", '{"width":1,"height":"2"}', "height "),
        ("size", '{"width":1,"height":2,"depth":3}', "depth "),
        ("size", "[1,2]", ""),
    ],
)
def test_json_is_of_the_type_of_its_field(served: Served, field: str, text: str, place: str) -> None:
    for name, given in ((field, text), (f"{field}__ne", text), (f"{field}__in", f"[{text}]")):
        answer = served.get(f"/things?{name}={quote(given)}")
        refuses(answer, name)
        assert answer.json()["errors"][0]["message"].startswith(place)


def test_json_is_compared_as_it_is_kept(served: Served) -> None:
    for query, number in (
        ('tags=["a","b,c"]', 1),
        ('tags__in=[["x"],["a","b,c"]]', 1),
        ('tags__ne=["a"]', 1),
        ('numbers={"one":1}', 1),
        ('size={"height":2,"width":1}', 1),
        ('size={"height":1,"width":1}', 0),
        ('anything={"deep":[1,null,{"x":"y"}]}', 1),
        ("anything=1", 0),
    ):
        name, _, text = query.partition("=")
        assert served.get(f"/things?{name}={quote(text)}").json()["total_count"] == number


@pytest.mark.parametrize("text", ["148.0", "1e2", "1_0", "+1", " 1", "\u0661"])
def test_whole_numbers_are_written_as_such(served: Served, text: str) -> None:
    for name in ("number", "number__gt", "number__in", "city", "cities", "level", "city.people"):
        refuses(served.get(f"/things?{name}={quote(text)}"), name)


def test_true_and_false_are_written_in_any_case(served: Served) -> None:
    for text, number in (("true", 1), ("TRUE", 1), ("1", 1), ("false", 0), ("False", 0), ("0", 0)):
        assert served.get(f"/things?flag={text}").json()["total_count"] == number
        assert served.get(f"/things?text__isnull={text}").json()["total_count"] == 1 - number
    for text in ("-0", "00", "yes", "on", "t", "null", "none", "2", "true,"):
        refuses(served.get(f"/things?flag={text}"), "flag")
        refuses(served.get(f"/things?text__isnull={text}"), "text__isnull")


@pytest.mark.parametrize("name", ["limit", "offset", "includes", "filter", "xor", "meta", "order_by", "Page", "page[]"])
def test_what_no_list_knows_is_refused(served: Served, name: str) -> None:
    for text in ("", "null", "1"):
        refuses(served.get(f"/things?{name}={text}"), name)
        refuses(served.get(f"{served.thing}?{name}={text}"), name)


@pytest.mark.parametrize("name", CONTROLS)
def test_controls_are_of_lists_and_given_once(served: Served, name: str) -> None:
    text, more = {
        "page": ("1", ""),
        "page_size": ("1", ""),
        "sort": ("text", ""),
        "fields": ("text", ""),
        "count": ("none", ""),
        "after": ("", ""),
        "include": ("city", ""),
        "group": ("text", ""),
        "aggregate": ("rows", ""),
        "having": ("rows=1", "&group=text"),
        "format": ("csv", ""),
        "formulas": ("keep", "&format=csv"),
    }[name]
    assert served.get(f"/things?{name}={text}{more}").status == 200
    twice = served.get(f"/things?{name}={text}&{name}={text}{more}")
    if name in ("fields", "include", "having"):
        assert twice.status == 200
    else:
        refuses(twice, name)
    if name not in ("fields", "include"):
        refuses(served.get(f"{served.thing}?{name}={text}"), name)


def test_fields_and_sort_may_be_given_in_parts(served: Served) -> None:
    for url in ("/things", served.thing):
        answer = served.get(f"{url}?fields=text&fields=flag").json()
        (record,) = answer.get("data", [answer])
        assert record == {"flag": True, "text": "Ångström 🚀"}
    assert served.get("/things?sort=text&sort=-flag").status == 200
    for sort in ("text,text", "text,-text", "city.name,text,city.name"):
        refuses(served.get(f"/things?sort={sort}"), "sort")


@pytest.mark.parametrize("name", ["count", "fields", "x"])
def test_changes_take_no_parameters(served: Served, name: str) -> None:
    refuses(served.post(f"/things?{name}=1", {}), name)
    refuses(served.patch(f"{served.thing}?{name}=1", {}), name)
    refuses(served.delete(f"{served.thing}?{name}=1"), name)
    assert served.get(served.thing).status == 200


@pytest.mark.parametrize("mark", ["?", "?&", "?&&"])
def test_a_write_with_an_empty_query_string_has_no_parameters(served: Served, mark: str) -> None:
    body = {"code": "N" + "XYZ"[len(mark) - 1], "name": "Nowhere"}
    made = served.post(f"/countries{mark}", body)
    assert (made.status, served.delete(made.headers.get("location", "") + mark).status) == (201, 204)
