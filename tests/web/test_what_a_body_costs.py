"""The work for a body is bounded by its size and by the bounds of the service, and not by how much is wrong with it."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import msgspec
import pytest

from holdall import JSON, Everyone, Holdall, Model, Policy, field
from holdall.errors import MAX_ERRORS, FieldError, FieldErrors, ValidationError
from holdall.testing.client import Client
from holdall.web.options import Options

pytestmark = pytest.mark.anyio


class Size(msgspec.Struct):
    w: int = 0


class Thing(Model, collection="things"):
    id: int = field(pk=True)
    tags: list[str] = field(default_factory=list)
    sizes: list[Size] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    either: list[int] | dict[str, int] = field(default_factory=list)
    anything: JSON = field(default=None)


def _app() -> Holdall:
    app = Holdall("costs")
    app.add_store("main", "memory:")
    app.add(Thing, store="main", policy=Policy(read=Everyone, write=Everyone))
    return app


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The path of each mistake of which an object was made."""
    paths: list[str] = []
    init = FieldError.__init__

    def counted(self: FieldError, path: str, code: str, message: str) -> None:
        paths.append(path)
        init(self, path, code, message)

    monkeypatch.setattr(FieldError, "__init__", counted)
    return paths


_MANY = 20_000
_JSON = {"content-type": "application/json"}
WRONG: dict[str, Any] = {
    "items of a wrong type": {"tags": [1] * _MANY},
    "items that no store can keep": {"tags": ["\0"] * _MANY},
    "items with unknown names": {"sizes": [{"h": 1}] * _MANY},
    "objects of wrong values": {"sizes": [{"w": "x"}] * _MANY},
    "values of a dict": {"numbers": {str(number): "x" for number in range(_MANY)}},
    "numbers that no store can keep": {"numbers": {str(number): 2**70 for number in range(_MANY)}},
    "any JSON": {"anything": ["\0"] * _MANY},
    "names in any JSON": {"anything": {f"\0{number}": 1 for number in range(_MANY)}},
    "unknown fields": {f"x{number}": 1 for number in range(_MANY)},
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_the_first_mistakes_are_told(name: str, method: str, made: list[str]) -> None:
    async with Client(_app().asgi()) as client:
        await client.post("/things", {"id": 1})
        del made[:]
        if method == "POST":
            answer = await client.post("/things", {"id": 2, **WRONG[name]})
        else:
            answer = await client.patch("/things/1", WRONG[name])
        assert answer.status == 422, answer.body[:200]
        assert answer.json()["detail"] == "What was sent breaks rules; the first breaches are listed."
        assert len(answer.json()["errors"]) == MAX_ERRORS
        assert len(made) < 5 * MAX_ERRORS
        assert (await client.get("/things?fields=id")).json()["total_count"] == 1


async def test_a_list_that_is_none_of_several_types_is_told_by_its_first_items(made: list[str]) -> None:
    async with Client(_app().asgi()) as client:
        answer = await client.post("/things", {"id": 2, "either": ["x"] * _MANY})
        assert answer.status == 422
        assert len(answer.json()["errors"]) <= MAX_ERRORS
        assert len(made) < 5 * MAX_ERRORS
        assert (await client.post("/things", {"id": 2, "either": [1] * _MANY})).status == 201


@pytest.mark.parametrize("place", [0, 255, 256, _MANY - 1])
async def test_one_mistake_among_many_items_is_told_by_its_place(place: int) -> None:
    tags: list[object] = ["x"] * _MANY
    tags[place] = 1
    async with Client(_app().asgi()) as client:
        answer = await client.post("/things", {"id": 1, "tags": tags})
        assert [error["path"] for error in answer.json()["errors"]] == [f"tags.{place}"]
        tags[place] = "\0"
        answer = await client.post("/things", {"id": 1, "tags": tags})
        assert [error["path"] for error in answer.json()["errors"]] == [f"tags.{place}"]


def test_a_planted_gatherer_that_does_not_stop_is_found(made: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FieldErrors, "append", list.append)
    with pytest.raises(ValidationError) as told:
        Thing(id=1, tags=["\0"] * _MANY)
    assert len(told.value.errors) == _MANY
    assert len(made) > 5 * MAX_ERRORS


def test_records_made_by_hand_are_told_their_first_mistakes() -> None:
    with pytest.raises(ValidationError, match=r"and more$") as told:
        Thing(id=1, tags=["\0"] * _MANY)
    assert told.value.is_cut
    assert len(told.value.errors) == MAX_ERRORS
    thing = Thing(id=1)
    with pytest.raises(ValidationError, match=r"and more$"):
        thing.tags = ["\0"] * _MANY
    assert thing.tags == []


@pytest.mark.parametrize("body", [b"[" * 101, b'{"id":1,"anything":[' + b"1," * 98 + b"1]}", b"," * 101, b"{:" * 51])
async def test_more_values_than_the_bound_are_refused_before_anything_is_made_of_them(body: bytes) -> None:
    async with Client(_app().asgi(max_values=100)) as client:
        answer = await client.request("POST", "/things", body=body, headers=_JSON)
        assert (answer.status, answer.json()["type"]) == (413, "urn:holdall:too-large")
        assert "100 values" in answer.json()["detail"]
        answer = await client.request("PATCH", "/things/1", body=body, headers=_JSON)
        assert answer.status == 413


async def test_signs_within_text_are_no_values() -> None:
    async with Client(_app().asgi(max_values=100)) as client:
        text = ',[{:"\\' * 500
        answer = await client.post("/things", {"id": 1, "tags": [text], "anything": {text: text}})
        assert answer.status == 201
        assert answer.json()["anything"] == {text: text}
        values = {"id": 1, "tags": ["x"] * 90}
        assert (await client.post("/things", values | {"id": 2})).status == 201
        assert (await client.post("/things", values | {"id": 3, "tags": ["x"] * 100})).status == 413


async def test_a_body_of_as_many_values_as_may_be_is_taken() -> None:
    count = Options().max_values - 10
    async with Client(_app().asgi()) as client:
        body = json.dumps({"id": 1, "anything": [0] * count}, separators=(",", ":")).encode()
        answer = await client.request("POST", "/things", body=body, headers=_JSON)
        assert answer.status == 201
        assert answer.json()["anything"] == [0] * count


_LARGE: dict[str, Any] = {
    "any JSON": {"anything": {f"k{number}": number for number in range(_MANY)}},
    "a dict": {"numbers": {f"k{number}": number for number in range(_MANY)}},
    "objects": {"sizes": [{"w": number} for number in range(_MANY)]},
}


@pytest.mark.parametrize("name", _LARGE)
async def test_others_are_served_while_a_large_body_is_looked_at(name: str) -> None:
    """Between the looks at a body, each of which takes a while; a body of common size costs no turn of the loop."""
    async with Client(_app().asgi()) as client:
        await client.post("/things", {"id": 1})

        async def turns(body: dict[str, Any]) -> int:
            number, answer = 0, asyncio.ensure_future(client.patch("/things/1", body))
            while not answer.done():
                number += 1
                await asyncio.sleep(0)
            assert (await answer).status == 200
            return number

        common = {field: type(value)() for field, value in _LARGE[name].items()}
        assert await turns(_LARGE[name]) >= await turns(common) + 2


@pytest.mark.parametrize("name", _LARGE)
async def test_what_fits_is_not_looked_at_value_by_value(name: str) -> None:
    looks = 0

    def counted(frame: Any, event: str, argument: object) -> None:
        nonlocal looks
        looks += event == "call"

    thing = Thing(id=1)
    ((field, given),) = _LARGE[name].items()
    body = msgspec.json.encode({field: given})
    sys.setprofile(counted)
    try:
        values = Thing.__holdall__.json_input.values(body)
        setattr(thing, field, values[field])
    finally:
        sys.setprofile(None)
    assert looks < 10 * _MANY
