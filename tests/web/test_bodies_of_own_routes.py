"""A body with records in it is checked in routes of one's own as in a POST to the collection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Body, Depends, FastAPI
from pydantic import BaseModel

from holdall import SYSTEM, Everyone, Holdall, Model, Policy, Session, field
from holdall.testing.client import Answer, Client
from holdall.web import add_problem_handlers

pytestmark = pytest.mark.anyio


class Note(Model, collection="notes"):
    id: int = field(pk=True, generated=True)
    text: str = field(default="")


class Letter(BaseModel):
    notes: list[Note]


app = Holdall("bodies")
app.add_store("m", "memory:")
app.add(Note, store="m", policy=Policy(read=Everyone, write=Everyone))

Work = Annotated[Session, app.session_dependency(SYSTEM)]
NewNote = Annotated[Note, Body()]


def of_body(note: NewNote) -> Note:
    return note


def with_routes(service: FastAPI) -> FastAPI:
    router = APIRouter(prefix="/router")

    @service.post("/own")
    @router.post("/own")
    async def add(note: NewNote, session: Work) -> dict[str, str]:
        session.add(note)
        return {"text": note.text}

    @service.post("/own/depends")
    async def depends(note: Annotated[Note, Depends(of_body)]) -> dict[str, str]:
        return {"text": note.text}

    @service.post("/own/many")
    async def many(notes: list[Note]) -> int:
        return len(notes)

    @service.post("/own/letter")
    async def letter(letter: Letter) -> int:
        return len(letter.notes)

    @service.post("/own/perhaps")
    async def perhaps(note: Annotated[Note | None, Body()] = None) -> dict[str, Any]:
        return {"given": note is not None}

    @service.post("/own/raw")
    async def raw(value: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        return value

    service.include_router(router)
    return service


@pytest.fixture(params=["service", "middleware", "own"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    service: FastAPI = FastAPI() if request.param == "own" else app.asgi()
    if request.param == "own":
        add_problem_handlers(service)
    if request.param == "middleware":

        @service.middleware("http")
        async def hand_on(asked: Any, call_next: Any) -> Any:
            return await call_next(asked)

    async with Client(with_routes(service)) as client:
        yield client


JSON = {"content-type": "application/json"}
WRONG: list[tuple[bytes, dict[str, str], int, str]] = [
    (b'{"text":"a","text":"b"}', JSON, 400, "json"),
    (b"{", JSON, 400, "json"),
    (b"", JSON, 400, "json"),
    (b'{"text":NaN}', JSON, 400, "json"),
    (b'{"text":"\xff"}', JSON, 400, "json"),
    (b"[" * 100_000, JSON, 400, "json"),
    (b'{"text":"' + b"a" * 1_100_000 + b'"}', JSON, 413, "too-large"),
    (b'{"text":"x"}', {"content-type": "text/plain"}, 415, "media-type"),
    (b'{"text":"x"}', {"content-type": "application/json; charset=latin-1"}, 415, "media-type"),
    (b'{"text":"x"}', JSON | {"content-encoding": "br"}, 415, "media-type"),
    (b'{"text":"x"}', JSON | {"content-encoding": "gzip"}, 400, "encoding"),
]
PLACES = ["/own", "/router/own", "/own/depends"]


def told(answer: Answer) -> tuple[int, str, str]:
    document = answer.json()
    return answer.status, document["type"].removeprefix("urn:holdall:"), document["detail"]


@pytest.mark.parametrize("body, headers, status, code", WRONG, ids=range(len(WRONG)))
async def test_a_body_is_refused_as_by_the_collection(
    client: Client, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    async with Client(app.asgi()) as collection:
        expected = told(await collection.request("POST", "/notes", body=body, headers=headers))
    assert expected[:2] == (status, code)
    size = 2 if code == "media-type" else len(expected)  # a collection takes files as well, and says so
    for place in PLACES:
        found = told(await client.request("POST", place, body=body, headers=headers))
        assert found[:size] == expected[:size], place


@pytest.mark.parametrize("headers", [JSON, {}], ids=["JSON", "nothing declared"])
async def test_a_right_body_is_taken(client: Client, headers: dict[str, str]) -> None:
    for place in PLACES:
        answer = await client.request("POST", place, body=b'{"text":"\xc3\xa4"}', headers=headers)
        assert (answer.status, answer.json()) == (200, {"text": "\u00e4"}), place


async def test_records_within_other_values_are_looked_for(client: Client) -> None:
    twice = b'{"text":"a","text":"b"}'
    for place, body in (("/own/many", b"[%b]"), ("/own/letter", b'{"notes":[%b]}')):
        assert (await client.request("POST", place, body=body % twice, headers=JSON)).status == 400
        assert (await client.request("POST", place, body=body % b'{"text":"a"}', headers=JSON)).json() == 1


async def test_a_body_may_be_left_out_where_it_may(client: Client) -> None:
    assert (await client.request("POST", "/own/perhaps")).json() == {"given": False}
    assert (await client.request("POST", "/own/perhaps", body=b"{}", headers=JSON)).json() == {"given": True}
    assert (await client.request("POST", "/own/perhaps", body=b"{", headers=JSON)).status == 400


async def test_a_body_without_records_is_the_frameworks(client: Client) -> None:
    answer = await client.request("POST", "/own/raw", body=b'{"a":1,"a":2}', headers=JSON)
    assert (answer.status, answer.json()) == (200, {"a": 2})


async def test_a_method_that_is_not_there_is_told_as_by_a_collection(client: Client) -> None:
    answer = await client.request("PUT", "/own")
    assert told(answer) == (405, "method", "This method does nothing here.")
    assert answer.headers["allow"] == "POST"
