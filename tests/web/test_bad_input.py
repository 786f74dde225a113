"""Whatever is sent, the answer is a problem document of the client's own making, and the lists answer after it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdall.testing.client import Answer
from tests.support.served import Served
from tests.support.service_of_everything import MODELS, everything, thing

COLLECTIONS = [model.__holdall__.collection for model in MODELS]
DEEP = 10_000
LONG = "x" * 2**20


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("bad")
    with Served(everything("memory:" if request.param == "memory" else f"sqlite:///{folder / 'things.db'}")) as served:
        served.fill()
        yield served
        lists_answer(served)


@pytest.fixture(autouse=True)
def no_failure_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def lists_answer(served: Served) -> None:
    for name in COLLECTIONS:
        answer = served.request("GET", f"/{name}?page_size=500")
        assert answer.status == 200, answer.body
        assert answer.json()["total_count"] >= 1


def refuses(answer: Answer) -> None:
    assert 400 <= answer.status < 500, (answer.status, answer.body[:300])
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status
    assert problem["type"].startswith("urn:holdall:")
    assert len(answer.body) < 50_000


FIELDS = [*sorted(thing()), "city", "line", "cities"]
WRONG: dict[str, list[bytes]] = {
    "any": [
        b"99999999999999999999999999",
        b"-9223372036854775808",
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"1e999",
        b'"\\u0000"',
        b'"\\ud800"',
        b'"\\udfff\\ud800"',
        b'"\xff\xfe"',
        b'"\xed\xa0\x80"',
        b"[" * DEEP + b"]" * DEEP,
        b'{"a":' * DEEP + b"1" + b"}" * DEEP,
        b"[" * DEEP,
        b'"' + LONG.encode() + b'"',
        b"undefined",
        b"'x'",
        b"",
        b"01",
        b"{,}",
        b'{"a":1,"a":2}',
    ],
    "flag": [b"1", b'"true"', b"null", b"[]", b"0.0"],
    "number": [b'"1"', b"1.5", b"true", b"null", b"{}"],
    "ratio": [b'"1.0"', b"true", b"null", b"[1.0]"],
    "price": [b'"x"', b"true", b'"NaN"', b'"Infinity"', b'"1.234"', b'"99999999999.00"', b"null", b'"1E+99999999"'],
    "free": [b'"sNaN"', b'"1E+999999999"', b'"1E-999999999"', b'"0E+999999999"', b"[]"],
    "text": [b"1", b"true", b"null", b'["x"]'],
    "blob": [b'"%%%"', b"1", b"[0, 1]", b"null"],
    "moment": [b'"2024-05-06T07:08:09"', b'"2024-13-01T00:00:00Z"', b"0", b'"0001-01-01T00:00:00+23:00"', b"[]"],
    "day": [b'"2024-02-30"', b'"2024-05-06T07:08:09Z"', b"1", b'"0000-01-01"'],
    "clock": [b'"25:00:00"', b'"07:08:09Z"', b"1"],
    "span": [b'"1 day"', b"true", b'"P9999999999D"', b"1e300"],
    "other": [b'"x"', b"1", b"[]"],
    "colour": [b'"blue"', b"null", b"1"],
    "level": [b"4", b'"1"', b"true", b"null"],
    "tags": [b'"a"', b"[1]", b"[null]", b'{"a":1}', b'["1","2","3","4","5","6"]', b"null", b'["\\u0000"]'],
    "numbers": [b"[1]", b'{"a":"b"}', b'{"a":null,"b":1.5}', b'{"a":99999999999999999999}', b"1"],
    "size": [b"[1,2]", b'{"width":1,"height":"x"}', b'{"width":null,"height":1}', b'"x"'],
    "anything": [b'"\\u0000"', b"99999999999999999999", b'{"\\u0000":1}', b"[" * 51 + b"]" * 51],
    "city": [b'"x"', b"99", b"[1]", b'{"id":1}', b"true"],
    "line": [b"7", b"[7]", b'[7,"a","b"]', b'["7","a"]', b'[8,"a"]', b'"7,a"'],
    "cities": [b"1", b'["1"]', b"[99]", b"[1,1]", b"[null]", b"null"],
}
ALLOWED = {  # what reads like a mistake but is a value of the field
    ("text", b'"' + LONG.encode() + b'"'),  # too large as a whole, refused by its length
    ("ratio", b"-9223372036854775808"),
    ("ratio", b"99999999999999999999999999"),
    ("free", b"-9223372036854775808"),
    ("free", b"99999999999999999999999999"),
    ("free", b"1e999"),
    ("anything", b'{"a":1}'),
}


@pytest.mark.parametrize("name", FIELDS)
def test_wrong_values_in_bodies(served: Served, name: str) -> None:
    for value in WRONG["any"] + WRONG.get(name, []):
        body = b'{"%b":%b}' % (name.encode(), value)
        answers = [
            served.request("POST", "/things", body=body, headers={"content-type": "application/json"}),
            served.request("PATCH", served.thing, body=body, headers={"content-type": "application/merge-patch+json"}),
        ]
        for answer in answers:
            if (name, value) in ALLOWED and len(value) < 1_000:
                assert answer.status in (200, 201), (value[:40], answer.body)
            else:
                refuses(answer)
                assert LONG[:500].encode() not in answer.body
    lists_answer(served)


BODIES = [b"", b"null", b"[]", b'"x"', b"1", b"{", b"{}{}", b"\xff", b"\x00", b'{"nope":1}', b'{"":1}', b'{"id":1}']
BODIES += [
    b"[" * DEEP,
    b'{"a":' * DEEP,
    b'{"\\ud800":1}',
    b'{"' + b"n" * 10_000 + b'":1}',
    b" " * (2**20 + 1),
    b"{" * 2**20,
]


BODIES += [b'"' + b'\\"' * 300_000, b'{"number":' + b"9" * 500_000 + b"}", b'{"free":0.' + b"1" * 500_000 + b"}"]
BODIES += [b'{"anything":' + b"9" * 500_000 + b"}", b'{"ratio":' + b"9" * 500_000 + b"}", b'{"text":' + b" " * 500_000]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:12]))
def test_bodies_that_are_no_records(served: Served, body: bytes) -> None:
    for method, place in (("POST", "/things"), ("PATCH", served.thing), ("POST", "/countries"), ("POST", "/lines")):
        refuses(served.request(method, place, body=body))
    lists_answer(served)


TEXTS = [
    "",
    "x",
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "1E+999999999",
    "99999999999999999999",
    "-9223372036854775808",
]
TEXTS += ["\0", "%ff", "%ed%a0%80", "[" * 2_000, "{", "null", "true", ",", "\\", "a,b,c", "'; DROP TABLE things; --"]
TEXTS += [
    "%00",
    "%",
    "%zz",
    "+",
    "2024-01-01",
    "2024-01-01T00:00:00",
    "P1D",
    "-P9999999999D",
    "🚀",
    "1_000",
    "٣",
    "0x10",
]


@pytest.mark.parametrize("name", FIELDS)
def test_wrong_values_in_queries(served: Served, name: str) -> None:
    operators = ["", "__ne", "__in", "__isnull", "__gt", "__lte", "__icontains", "__startswith"]
    for text in TEXTS:
        value = text if "%" in text else quote(text)
        for operator in operators:
            answer = served.request("GET", f"/things?{name}{operator}={value}")
            if answer.status != 200:
                refuses(answer)
    lists_answer(served)


_MEANINGLESS = """
nope=1 nope id__nope=1 id__=1 id__IN=1 id__in__in=1 __in=1 = =1 &&&x q=x or=(a) include=no id.x=1 city.nope=1 city.=1
.=1 city..name=1 text.x=1 __class__=1 id__class__=1 sort= sort=- sort=nope sort=anything sort=line sort=cities
sort=cities.name sort=id,,text sort=%20id page=1&page=2 fields= fields=nope fields=id,,text fields=city.nope page=0
page=-1 page=x page=1.5 page=99999999999999999999 page=9223372036854775807&page_size=500 page=1&page=2 page_size=0
page_size=501 page_size=x count=maybe count=estimate after=x after=%00 after=AAAA after=&page=1 number__between=1,2
cities__contains=1 cities.name__isnull=maybe line__gt=7,a text=%c3%28 %c3%28=1
"""
QUERIES = _MEANINGLESS.split()
QUERIES += ["&".join(f"number__ne={number}" for number in range(51)), "&".join(["page=1"] * 101)]
QUERIES += ["city." * 200 + "name=x", "after=" + "A" * 5_000]


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query[:40])
def test_queries_that_mean_nothing(served: Served, query: str) -> None:
    refuses(served.request("GET", f"/things?{query}"))
    lists_answer(served)


def test_queries_that_are_too_long(served: Served) -> None:
    assert served.request("GET", f"/things?text={'x' * 10_000}").status == 414
    assert served.request("GET", f"/things/{'x' * 10_000}").status == 414
    assert served.request("GET", f"/things/{'%C3%A9' * 2_000}").status == 414  # as it came, and not as it reads
    refuses(served.request("GET", "/things/" + "%00" * 1_000))


KEYS = [
    "x",
    "1.5",
    "-",
    "NaN",
    "99999999999999999999",
    "-9223372036854775808",
    "%00",
    "%ff",
    "%ed%a0%80",
    "%2f",
    "%2F..%2F",
]
KEYS += [
    "..",
    "null",
    "a,b",
    "7",
    "7,",
    ",",
    "7,a,b",
    "7,%ff",
    "x,a",
    "%",
    "%zz",
    "🚀",
    "'",
    "7;a",
    "1e3",
    "٣",
]


@pytest.mark.parametrize("key", KEYS)
def test_wrong_keys(served: Served, key: str) -> None:
    for name in COLLECTIONS:
        for method in ("GET", "PATCH", "DELETE"):
            answer = served.request(method, f"/{name}/{key}".encode(), body=b"{}")
            assert answer.status in (404, 422), (name, key, answer.status)
            refuses(answer)
    lists_answer(served)


anything_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["\0", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
bodies = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=10), anything_json, max_size=4)
quick = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(body=bodies)
def test_any_json_at_all(served: Served, body: dict[str, Any]) -> None:
    text = json.dumps(body).encode("utf-8", "surrogatepass")
    for method, place in (("POST", "/things"), ("PATCH", served.thing)):
        answer = served.request(method, place, body=text)
        if answer.status not in (200, 201):
            refuses(answer)


@quick
@given(body=st.binary(max_size=60))
def test_any_bytes_at_all(served: Served, body: bytes) -> None:
    for method, place in (("POST", "/things"), ("PATCH", served.thing)):
        answer = served.request(method, place, body=body)
        if answer.status not in (200, 201):
            refuses(answer)


names = st.sampled_from([*FIELDS, "id", "city.name", "city.country.name", "cities.people", "line.text"])
suffixes = st.sampled_from(
    ["", "__in", "__ne", "__isnull", "__gt", "__lte", "__contains", "__icontains", "__startswith"]
)


@quick
@given(name=names, suffix=suffixes, value=st.text(max_size=20) | st.integers().map(str) | st.sampled_from(TEXTS))
def test_any_filter_at_all(served: Served, name: str, suffix: str, value: str) -> None:
    text = quote(value.encode("utf-8", "surrogatepass"))
    answer = served.request("GET", f"/things?{name}{suffix}={text}&page_size=3")
    if answer.status != 200:
        refuses(answer)


@quick
@given(query=st.binary(max_size=40), key=st.binary(max_size=20))
def test_any_address_at_all(served: Served, query: bytes, key: bytes) -> None:
    for path in (b"/things", b"/cities/" + key.replace(b"?", b""), b"/lines/" + key.replace(b"?", b"")):
        answer = served.request("GET", path + b"?" + query)
        if answer.status != 200:
            refuses(answer)
