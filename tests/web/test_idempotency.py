"""Requests with an Idempotency-Key are done once, however often they are sent; the answer is kept with the commit."""

from __future__ import annotations

import asyncio
import gzip
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from holdall import Everyone, Holdall, Policy, User
from holdall.errors import DeclarationError
from holdall.testing.client import Client
from holdall.web import Idempotency
from tests.support.preloaded import PreloadedProcess
from tests.support.shelves import STORES, Book, Note, Shelf, library, url_of

pytestmark = pytest.mark.anyio

OPEN = Policy(read=Everyone, write=Everyone)
KEY = '"8e03978e-40d5-43dd-bc93-6894a57f9324"'


@pytest.fixture(params=STORES)
async def client(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Client]:
    url, options = url_of(request, tmp_path)
    async with Client(library(url, **options).asgi(create=True, idempotency=True)) as opened:
        yield opened


async def ask(client: Client, method: str, path: str, body: object = None, key: str = KEY, **headers: str) -> Any:
    given = {name.replace("_", "-"): text for name, text in headers.items()}
    return await client.request(method, path, json=body, headers={"idempotency-key": key} | given)


async def count(client: Client, path: str) -> int:
    return int((await client.get(path)).json()["total_count"])


async def test_a_repetition_has_the_answer_of_the_first(client: Client) -> None:
    first = await ask(client, "POST", "/notes", {"text": "a"})
    again = await ask(client, "POST", "/notes", {"text": "a"})
    assert (first.status, first.headers.get("idempotent-replayed")) == (201, None)
    assert (again.status, again.body, again.headers["idempotent-replayed"]) == (201, first.body, "true")
    assert {name: again.headers[name] for name in ("etag", "location")} == {
        name: first.headers[name] for name in ("etag", "location")
    }
    assert await count(client, "/notes") == 1
    other = await ask(client, "POST", "/notes", {"text": "a"}, '"other"')
    assert other.json() != first.json()
    assert await count(client, "/notes") == 2


async def test_compressed_bodies(client: Client) -> None:
    headers = {"idempotency-key": KEY, "content-encoding": "gzip", "content-type": "application/json"}
    body = gzip.compress(b'{"text": "a"}')
    first, again = [await client.request("POST", "/notes", body=body, headers=headers) for _ in range(2)]
    assert (first.status, again.status, again.headers["idempotent-replayed"]) == (201, 201, "true")
    assert (await count(client, "/notes"), again.body) == (1, first.body)


async def test_every_method_that_writes(client: Client) -> None:
    for number, (method, path, body) in enumerate(
        [
            ("POST", "/books", {"id": 1, "title": "a"}),
            ("PATCH", "/books/1", {"title": "b"}),
            ("PUT", "/books/1", {"title": "c"}),
            ("PUT", "/books/2", {"title": "d"}),
            ("POST", "/books", [{"id": 3, "title": "e"}, {"id": 4, "title": "f"}]),
            ("PATCH", "/books", [{"key": 3, "patch": {"title": "g"}}]),
            ("PATCH", "/books?id=4", {"title": "h"}),
            ("DELETE", "/books", [3]),
            ("DELETE", "/books?id=4", None),
            ("DELETE", "/books/2", None),
        ]
    ):
        first = await ask(client, method, path, body, f'"{number}"')
        assert first.status < 300, (method, path, first.body)
        again = await ask(client, method, path, body, f'"{number}"')
        assert (again.status, again.body, again.headers["idempotent-replayed"]) == (first.status, first.body, "true")
    shown = (await client.get("/books")).json()["data"]
    assert [(each["id"], each["title"], each["version"]) for each in shown] == [(1, "c", 3)]


async def test_a_key_is_of_one_request(client: Client) -> None:
    await ask(client, "POST", "/notes", {"text": "a"})
    for method, path, body, headers in (
        ("POST", "/notes", {"text": "b"}, {}),
        ("POST", "/books", {"text": "a"}, {}),
        ("POST", "/notes?x=1", {"text": "a"}, {}),
        ("PATCH", "/notes/1", {"text": "a"}, {}),
        ("POST", "/notes", {"text": "a"}, {"if_match": "*"}),
    ):
        refused = await ask(client, method, path, body, **headers)
        assert (refused.status, refused.json()["type"]) == (422, "urn:holdall:idempotency-key"), (method, path)
    assert await count(client, "/notes") == 1


async def test_a_refusal_is_not_kept(client: Client) -> None:
    assert (await ask(client, "POST", "/books", {"id": 1})).status == 422
    assert (await ask(client, "POST", "/books", {"id": 1, "title": "a"})).status == 201
    assert (await ask(client, "POST", "/books", {"id": 1, "title": "a"}, '"2"')).status == 409
    assert (await ask(client, "PATCH", "/books/1", {"pages": 1}, '"3"', if_match='"x"')).status == 412
    planned = await ask(client, "PATCH", "/books/1", {"pages": 1}, '"3"', prefer="tx=rollback")
    assert planned.status == 200
    assert (await ask(client, "PATCH", "/books/1", {"pages": 1}, '"3"')).json()["pages"] == 1


async def test_of_many_at_once_one_is_done(client: Client) -> None:
    answers = await asyncio.gather(*(ask(client, "POST", "/notes", {"text": "a"}) for _ in range(8)))
    assert {answer.status for answer in answers} <= {201, 409}
    refused = [answer for answer in answers if answer.status == 409]
    assert {answer.json()["type"] for answer in refused} <= {"urn:holdall:under-way"}
    assert all(answer.headers["retry-after"] == "1" for answer in refused)
    assert len({answer.body for answer in answers if answer.status == 201}) == 1
    assert await count(client, "/notes") == 1


async def test_two_workers_do_it_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shared.db"
    first, second = library(url).asgi(create=True, idempotency=True), library(url).asgi(idempotency=True)
    async with Client(first) as one, Client(second) as two:
        answers = await asyncio.gather(*(ask(each, "POST", "/notes", {"text": "a"}) for each in (one, two) * 4))
        assert {answer.status for answer in answers} <= {201, 409}
        assert len({answer.body for answer in answers if answer.status == 201}) == 1
        assert await count(one, "/notes") == 1


async def test_users_do_not_share_keys() -> None:
    async def who(scope: Any) -> User:
        return User(dict(scope["headers"])[b"authorization"].decode())

    async with Client(library("memory:").asgi(authenticate=who, idempotency=True)) as client:
        ann = await ask(client, "POST", "/notes", {"text": "a"}, authorization="ann")
        bob = await ask(client, "POST", "/notes", {"text": "b"}, authorization="bob")
        assert (ann.status, bob.status, bob.json()["text"]) == (201, 201, "b")


async def test_a_right_that_was_lost_gives_no_answer_any_more() -> None:
    rights = {"may": True}

    class Sometimes:
        def allows(self, user: User) -> bool:
            return rights["may"]

    app = Holdall("rights")
    app.add_store("main", "memory:")
    app.add(Note, store="main", policy=Policy(read=Everyone, write=Sometimes()))
    async with Client(app.asgi(idempotency=True)) as client:
        assert (await ask(client, "POST", "/notes", {"text": "a"})).status == 201
        rights["may"] = False
        assert (await ask(client, "POST", "/notes", {"text": "a"})).status == 403


async def test_a_key_can_be_demanded_and_must_be_one() -> None:
    service = library("memory:").asgi(idempotency=Idempotency(required=["notes"]))
    async with Client(service) as client:
        missing = await client.post("/notes", {"text": "a"})
        assert (missing.status, missing.json()["type"]) == (400, "urn:holdall:idempotency-key")
        assert (await client.post("/books", {"id": 1, "title": "a"})).status == 201
        for key in ("", '""', '"a', "a b", '"é"', f'"{"x" * 256}"'):
            assert (await ask(client, "POST", "/notes", {"text": "a"}, key)).status == 400, key
        assert (await ask(client, "POST", "/notes", {"text": "a"}, "bare-token")).status == 201
        by_item = await ask(client, "POST", "/notes", [{"text": "a"}], '"i"', prefer="tx=item")
        assert by_item.status == 422


async def test_an_answer_is_forgotten_after_its_time(tmp_path: Path) -> None:
    service = library(f"sqlite:///{tmp_path}/x.db").asgi(create=True, idempotency=Idempotency(seconds=0.01))
    async with Client(service) as client:
        first = await ask(client, "POST", "/notes", {"text": "a"})
        await asyncio.sleep(0.05)
        again = await ask(client, "POST", "/notes", {"text": "a"})
        assert (again.status, again.json() != first.json()) == (201, True)


async def test_what_leads_into_another_store_is_kept_as_well(tmp_path: Path) -> None:
    app = Holdall("two", journal="memory:")
    app.add_store("main", f"sqlite:///{tmp_path}/a.db")
    app.add_store("other", f"yaml:{tmp_path}/b")
    app.add(Shelf, store="other", policy=OPEN)
    app.add(Book, store="main", policy=OPEN)
    async with Client(app.asgi(create=True, idempotency=True)) as client:
        for path, body in (("/shelves", {"code": "A"}), ("/books", {"id": 1, "title": "a", "shelf": "A"})):
            first = await ask(client, "POST", path, body, f'"{path}"')
            assert first.status == 201, first.body
            again = await ask(client, "POST", path, body, f'"{path}"')
            assert (again.status, again.body, again.headers["idempotent-replayed"]) == (201, first.body, "true")


async def test_kept_answers_are_not_served() -> None:
    service = library("memory:").asgi(idempotency=True)
    async with Client(service) as client:
        document = (await client.get("/openapi.json")).json()
        assert not [
            name for name in (*document["paths"], *document["components"]["schemas"]) if "answers" in name.lower()
        ]
        assert (await client.get("/holdall_answers_main")).status == 404
        assert "KeptAnswer" not in str(document)
        operation = document["paths"]["/notes/{key}"]["put"]
        assert "Idempotency-Key" in [each["name"] for each in operation["parameters"]]


def test_wrong_options_are_refused() -> None:
    with pytest.raises(DeclarationError):
        Idempotency(seconds=0)
    with pytest.raises(DeclarationError):
        Idempotency(required="books")
    with pytest.raises(DeclarationError):
        library("memory:").asgi(idempotency="yes")


@pytest.mark.parametrize("lines", [3, 8, 21, 40])
async def test_a_killed_process_leaves_the_change_and_its_answer_or_neither(tmp_path: Path, lines: int) -> None:
    url = f"sqlite:///{tmp_path}/killed.db"
    told = _killed_after(lines, url)
    begun = [line.split()[1] for line in told if line.startswith("begin") and line.endswith("\n")]
    answers = {line.split()[1]: line.split(" ", 2)[2].strip() for line in told if line.startswith("end")}
    async with Client(library(url).asgi(idempotency=True)) as client:
        for number in begun:
            again = await ask(client, "POST", "/notes", {"text": number}, f'"{number}"')
            assert again.status == 201, again.body
            if number in answers:
                assert (again.body.decode(), again.headers["idempotent-replayed"]) == (answers[number], "true")
        texts = [each["text"] for each in (await client.get("/notes?page_size=500")).json()["data"]]
        assert sorted(texts) == sorted(begun)


def _killed_after(lines: int, url: str) -> list[str]:
    """All that the program told which was killed when it had told so many lines."""
    words = ["-m", "tests.support.idempotent_writer", url]
    with PreloadedProcess(*words, stdout=subprocess.PIPE, is_text=True) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline() for _ in range(lines)]
        writer.kill()
        return told + writer.stdout.readlines()
