"""One record over HTTP: created, read, patched, deleted, under conditions and without."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdall.testing.client import Client
from tests.support.served import Served
from tests.support.service_of_everything import everything, thing


@pytest.fixture(params=["memory", "sqlite"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path / 'things.db'}"
    with Served(everything(url)) as service:
        service.fill()
        yield service


def test_every_kind_comes_back_as_it_was_sent(served: Served) -> None:
    sent = thing(city=1, line=[7, "a"], cities=[1])
    created = served.post("/things", sent)
    assert created.status == 201
    assert {name: created.json()[name] for name in sent} == sent
    assert created.headers["location"] == f"/things/{created.json()['id']}"
    read = served.get(created.headers["location"])
    assert read.json() == created.json()
    assert read.headers["etag"] == created.headers["etag"]
    assert [record for record in served.get("/things").json()["data"] if record == created.json()]


def test_composite_keys_in_paths(served: Served) -> None:
    created = served.post("/lines", {"order": 8, "code": "a,b/c d?é"})
    place = created.headers["location"]
    assert place == "/lines/8,a%2Cb%2Fc%20d%3F%C3%A9"
    assert served.get(place).json()["code"] == "a,b/c d?é"
    assert served.patch(place, {"text": "x"}).json()["text"] == "x"
    assert served.get(place + "/").status == 200
    assert served.delete(place).status == 204
    assert served.get(place).status == 404


def test_patch(served: Served) -> None:
    assert served.patch("/cities/1", {"people": 5}).json()["people"] == 5
    assert served.patch("/cities/1", {}).json()["people"] == 5
    assert served.patch("/cities/1", {"country": None}).json()["country"] is None
    refused = served.patch("/cities/1", {"name": None, "people": -1, "version": 7, "nope": 1, "label": "x"})
    assert refused.status == 422
    codes = {error["path"]: error["code"] for error in refused.json()["errors"]}
    assert codes["name"] == "required"
    assert codes["people"] == "ge"
    assert {"version", "nope", "label"} <= codes.keys()
    assert served.get("/cities/1").json()["name"] == "Paris"
    assert served.patch("/cities/99", {"people": 5}).status == 404


def test_patch_merges_objects_and_replaces_the_rest(served: Served) -> None:
    def changed(patch: dict[str, object]) -> object:
        answer = served.request(
            "PATCH",
            served.thing,
            body=json.dumps(patch).encode(),
            headers={"content-type": "application/merge-patch+json"},
        )
        assert answer.status == 200, answer.body
        (name,) = patch
        return answer.json()[name]

    assert changed({"numbers": {"two": 2}}) == {"one": 1, "two": 2}
    assert changed({"numbers": {"one": None}}) == {"two": 2}
    assert changed({"size": {"height": 9}}) == {"width": 1, "height": 9}
    assert changed({"anything": {"deep": {"n": 1}}}) == {"deep": {"n": 1}}
    assert changed({"anything": {"deep": {"m": 2}, "x": None}}) == {"deep": {"n": 1, "m": 2}}
    assert changed({"anything": [1]}) == [1]
    assert changed({"anything": {"a": {"b": None, "c": 1}}}) == {"a": {"c": 1}}
    assert changed({"anything": None}) is None
    assert changed({"tags": ["z"]}) == ["z"]


def test_keys_cannot_be_patched(served: Served) -> None:
    refused = served.patch("/lines/7,a", {"code": "b"})
    assert (refused.status, refused.json()["errors"][0]["path"]) == (422, "code")
    assert served.patch("/lines/7,a", {"code": "a", "text": "x"}).status == 200


def test_conflicts(served: Served) -> None:
    assert served.post("/countries", {"code": "FR", "name": "again"}).status == 409
    refused = served.post("/cities", {"name": "Nowhere", "country": "XX"})
    assert refused.status == 422
    assert b"FOREIGN" not in refused.body


def test_references_into_another_store(tmp_path: Path) -> None:
    with Served(everything(f"sqlite:///{tmp_path / 'things.db'}", f"yaml:{tmp_path / 'countries'}")) as served:
        assert served.post("/countries", {"code": "FR", "name": "France"}).status == 201
        refused = served.post("/cities", {"name": "Nowhere", "country": "XX"})
        assert (refused.status, refused.headers["content-type"]) == (422, "application/problem+json")
        assert [(error["path"], error["code"]) for error in refused.json()["errors"]] == [("country", "reference")]
        made = served.post("/cities", {"name": "Paris", "country": "FR"})
        assert made.status == 201
        assert served.patch(made.headers["location"], {"country": "YY"}).status == 422
        assert served.delete("/countries/FR").status == 409
        assert served.get("/countries/FR").status == 200
        assert served.patch(made.headers["location"], {"country": None}).status == 200
        assert served.delete("/countries/FR").status == 204


def test_repeated_names_are_refused(served: Served) -> None:
    for body in (
        b'{"name":"a","name":"b"}',
        b'{"name":"a","n\\u0061me":"b"}',
        b'{"name" : "a", "people":1,"people" :2}',
    ):
        assert served.request("POST", "/cities", body=body).status == 400
    for body in (b'{"name":"\\"name\\":"}', b'{"name":",\\"name\\":1"}', b'{"name":"name"}'):
        assert served.request("POST", "/cities", body=body).status == 201
    assert served.patch(served.thing, {"anything": [{"a": 1}, {"a": 2}]}).status == 200


def test_conditional_reading(served: Served) -> None:
    read = served.get("/cities/1")
    tag = read.headers["etag"]
    again = served.get("/cities/1", if_none_match=tag)
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert served.get("/cities/1", if_none_match=f'W/{tag}, "x"').status == 304
    assert served.get("/cities/1", if_none_match="*").status == 304
    assert served.get("/cities/1", if_none_match='"2"').status == 200
    assert served.get("/cities/9", if_none_match="*").status == 404


@pytest.mark.parametrize("place", ["/cities/1", "/lines/7,a"])
def test_conditional_writing(served: Served, place: str) -> None:
    field = "name" if place.startswith("/cities") else "text"
    tag = served.get(place).headers["etag"]
    assert served.patch(place, {field: "x"}, if_match='"nope"').status == 412
    assert served.patch(place, {field: "x"}, if_match="W/" + tag).status == 412
    assert served.patch(place, {field: "x"}, if_none_match="*").status == 412
    changed = served.patch(place, {field: "x"}, if_match=f'"other", {tag}')
    assert changed.status == 200
    assert changed.headers["etag"] != tag
    assert served.patch(place, {field: "y"}, if_match=tag).status == 412
    assert served.patch(place, {field: "y"}, if_match="*").status == 200
    assert served.delete(place, if_match=tag).status == 412
    current = served.get(place).headers["etag"]
    assert served.delete(place, if_match=current).status in (204, 409)


def test_of_two_writers_at_once_one_is_told(served: Served) -> None:
    numbers = itertools.count(1)

    async def race(**condition: str) -> list[int]:
        client = Client(served.service, condition and {"if-match": condition["if_match"]})
        answers = [client.patch("/cities/1", {"people": next(numbers)}) for _ in range(8)]
        return sorted([answer.status for answer in await asyncio.gather(*answers)])

    tag = served.get("/cities/1").headers["etag"]
    assert served.run(race(if_match=tag)) == [200] + [412] * 7
    statuses = served.run(race())
    assert set(statuses) <= {200, 409}
    assert served.get("/cities/1").json()["version"] == 2 + statuses.count(200)


def test_head_options_and_what_is_not_allowed(served: Served) -> None:
    for place in ("/cities", "/cities/1"):
        read = served.get(place, x_request_id="one")
        head = served.request("HEAD", place, headers={"x-request-id": "one"})
        assert (head.status, head.body, head.headers) == (200, b"", read.headers)
    assert served.request("HEAD", "/cities/9").body == b""
    for place, allowed in (
        ("/cities", "DELETE, GET, HEAD, OPTIONS, PATCH, POST"),
        ("/cities/1", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
    ):
        assert served.request("OPTIONS", place).headers["allow"] == allowed
        refused = served.request("TRACE", place, body=b"{}")
        assert (refused.status, refused.headers["allow"]) == (405, allowed)


def test_bodies_have_a_type_and_a_bound(served: Served) -> None:
    body = b'{"name":"x"}'
    refused = served.request("POST", "/cities", body=body, headers={"content-type": "text/plain"})
    assert (refused.status, refused.headers["accept-post"]) == (
        415,
        "application/json, text/csv, application/x-ndjson",
    )
    refused = served.request("PATCH", "/cities/1", body=body, headers={"content-type": "application/xml"})
    assert (refused.status, "merge-patch" in refused.headers["accept-patch"]) == (415, True)
    for kind in ("application/json; charset=utf-8", "Application/JSON"):
        assert served.request("POST", "/cities", body=body, headers={"content-type": kind}).status == 201
    assert (
        served.request(
            "POST", "/cities", body=body, headers={"content-type": "application/json;charset=latin-1"}
        ).status
        == 415
    )
    assert served.request("POST", "/cities", headers={"content-length": "99999999"}).status == 413
    assert served.request("POST", "/cities", body=[b"x" * 2**19] * 3).status == 413
    endless = served.request("POST", "/cities", body=[b"x" * 2**20] * 10)
    assert (endless.status, endless.headers["connection"]) == (413, "close")
    assert served.request("POST", "/cities", body=[body[:5], body[5:]]).status == 201


def test_a_computed_value_loads_what_it_looks_into(served: Served) -> None:
    assert served.get("/cities/1").json()["label"] == "Paris, France"
    assert served.get("/cities").json()["data"][0]["label"] == "Paris, France"
    assert served.patch("/cities/1", {"country": None}).json()["label"] == "Paris"
    created = served.post("/cities", {"name": "Lyon", "country": "FR"})
    assert created.json()["label"] == "Lyon, France"
