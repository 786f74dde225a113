"""PUT of one record: what is there is replaced, what is not there is made where clients choose the keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from holdall import Authenticated, Everyone, FieldRights, Holdall, Nobody, Policy, User
from holdall.testing.client import Client
from tests.support.shelves import OPEN, STORES, Book, Shelf, library, url_of

pytestmark = pytest.mark.anyio


@pytest.fixture(params=STORES)
async def client(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Client]:
    url, options = url_of(request, tmp_path)
    async with Client(library(url, **options).asgi(create=True)) as opened:
        yield opened


async def put(client: Client, path: str, body: object, **headers: str) -> Any:
    return await client.request("PUT", path, json=body, headers={k.replace("_", "-"): v for k, v in headers.items()})


async def test_it_makes_what_is_not_there_and_replaces_what_is(client: Client) -> None:
    made = await put(client, "/books/1", {"title": "Emma", "pages": 3, "tags": ["a"]})
    assert (made.status, made.headers["location"]) == (201, "/books/1"), made.body
    read = await client.get("/books/1")
    assert (read.json(), read.headers["etag"]) == (made.json(), made.headers["etag"])
    changed = await put(client, "/books/1", {"id": 1, "title": "Persuasion"})
    assert changed.status == 200, changed.body
    shown = changed.json()
    assert (shown["title"], shown["pages"], shown["tags"], shown["version"]) == ("Persuasion", 0, [], 2)
    assert changed.headers["etag"] == (await client.get("/books/1")).headers["etag"]


async def test_what_was_read_can_be_put_back_changed(client: Client) -> None:
    await put(client, "/books/1", {"title": "Emma", "size": {"w": 1}, "extra": {"a": [1]}, "origin": "there"})
    whole = (await client.get("/books/1")).json()
    same = await put(client, "/books/1", whole)
    assert (same.status, same.json()["label"]) == (200, "Emma (0)")
    whole = same.json()
    changed = await put(client, "/books/1", whole | {"title": "Sanditon", "size": {"h": 2}})
    assert (changed.status, changed.json()["size"], changed.json()["origin"]) == (200, {"h": 2}, "there")
    for name, value, code in (
        ("version", 77, "read_only"),
        ("label", "x", "read_only"),
        ("id", 2, "key"),
        ("origin", "else", "frozen"),
        ("nope", 1, "unknown"),
        ("pages", -1, "ge"),
        ("title", None, "required"),
    ):
        refused = await put(client, "/books/1", {"title": "a", name: value})
        assert refused.status == 422, (name, refused.body)
        assert [(each["path"], each["code"]) for each in refused.json()["errors"]] == [(name, code)]
    assert [each["path"] for each in (await put(client, "/books/1", {"pages": 1})).json()["errors"]] == ["title"]
    assert (await client.get("/books/1")).json()["title"] == "Sanditon"


async def test_conditions_hold(client: Client) -> None:
    only_new = {"if-none-match": "*"}
    assert (await put(client, "/books/1", {"title": "a"}, if_match="*")).status == 412
    assert (await client.request("PUT", "/books/1", json={"title": "a"}, headers=only_new)).status == 201
    assert (await client.request("PUT", "/books/1", json={"title": "b"}, headers=only_new)).status == 412
    tag = (await client.get("/books/1")).headers["etag"]
    assert (await put(client, "/books/1", {"title": "c"}, if_match='"x"')).status == 412
    assert (await put(client, "/books/1", {"title": "c"}, if_match=f'"x", {tag}')).status == 200
    assert (await put(client, "/books/1", {"title": "d"}, if_match=tag)).status == 412
    assert (await put(client, "/books/1", {"title": "d"}, if_match="*")).status == 200
    assert (await client.get("/books/1")).json()["title"] == "d"


async def test_keys_that_stores_make_are_not_taken(client: Client) -> None:
    assert (await put(client, "/notes/7", {"text": "a"})).status == 404
    made = (await client.post("/notes", {"text": "a"})).json()
    changed = await put(client, f"/notes/{made['id']}", made | {"text": "b"})
    assert (changed.status, changed.json()) == (200, made | {"text": "b"})
    assert (await put(client, f"/notes/{made['id']}", {"id": made["id"] + 1, "text": "c"})).status == 422


async def test_keys_of_several_parts(client: Client) -> None:
    made = await put(client, "/lines/7,a%2Cb", {"text": "x"})
    assert (made.status, made.headers["location"]) == (201, "/lines/7,a%2Cb")
    assert made.json() == {"order": 7, "code": "a,b", "text": "x"}
    assert (await put(client, "/lines/7,a%2Cb", {"order": 7, "code": "a,b"})).json()["text"] == ""
    assert (await put(client, "/lines/7,a%2Cb", {"order": 8})).status == 422


async def test_of_many_at_once_one_makes_it_and_none_is_mixed(client: Client) -> None:
    bodies = [{"title": f"t{n}", "pages": n, "tags": [str(n)]} for n in range(6)]
    answers = await asyncio.gather(*(put(client, "/books/1", body) for body in bodies))
    assert sorted(answer.status for answer in answers) == [200] * 5 + [201], [a.body for a in answers]
    shown = (await client.get("/books/1")).json()
    assert {name: shown[name] for name in ("title", "pages", "tags")} in bodies
    assert shown["version"] == 6
    first = {"if-none-match": "*"}
    again = await asyncio.gather(*(client.request("PUT", "/books/2", json=body, headers=first) for body in bodies))
    assert sorted(answer.status for answer in again) == [201] + [412] * 5


async def test_every_bad_body_is_refused(client: Client) -> None:
    for body, status in ((b"[]", 422), (b"{", 400), (b"", 400), (b'{"title":1,"title":2}', 400), (b"null", 422)):
        answer = await client.request("PUT", "/books/1", body=body, headers={"content-type": "application/json"})
        assert answer.status == status, body
    merge = {"content-type": "application/merge-patch+json"}
    assert (await client.request("PUT", "/books/1", body=b'{"title":"a"}', headers=merge)).status == 415
    assert (await client.request("PUT", "/books/1?x=1", json={"title": "a"})).status == 422
    assert (await client.request("PUT", "/books", json={"title": "a"})).status == 405
    assert (await client.get("/books")).json()["total_count"] == 0


RIGHTS = [
    (Policy(read=Everyone, create=Everyone, update=Nobody, delete=Nobody), 403, 201),
    (Policy(read=Everyone, create=Nobody, update=Everyone, delete=Nobody), 200, 403),
    (Policy(read=Nobody, create=Everyone, update=Everyone, delete=Nobody), 404, 404),
    (Policy(read=Everyone, create=Nobody, update=Nobody, delete=Nobody), 403, 403),
    (Policy(read=Everyone, write=Authenticated), 401, 401),
]


@pytest.mark.parametrize("policy, there, absent", RIGHTS)
async def test_it_needs_the_right_of_what_it_does(policy: Policy, there: int, absent: int) -> None:
    app = library("memory:", policy)
    async with Client(app.asgi(create=True)) as client:
        async with app.session() as session:
            session.add(Book(id=1, title="Emma"))
        assert (await put(client, "/books/1", {"title": "a"})).status == there
        assert (await put(client, "/books/2", {"title": "a"})).status == absent


async def test_who_is_known_may() -> None:
    async def somebody(scope: Any) -> User:
        return User("ann")

    app = library("memory:", Policy(read=Everyone, write=Authenticated))
    async with Client(app.asgi(authenticate=somebody)) as client:
        assert (await put(client, "/books/1", {"title": "a"})).status == 201


async def test_nothing_is_erased_that_the_user_may_not_see_or_write() -> None:
    async def somebody(scope: Any) -> User:
        return User("ann")

    rights = {
        "pages": FieldRights(read=Nobody, write=Nobody),
        "tags": FieldRights(read=Nobody, write=Nobody),
        "extra": FieldRights(read=Everyone, write=Nobody),
    }
    guarded = Holdall("guarded")
    guarded.add_store("main", "memory:")
    guarded.add(Shelf, store="main", policy=OPEN)
    guarded.add(Book, store="main", policy=Policy(read=Authenticated, write=Authenticated, fields=rights))
    async with Client(guarded.asgi(authenticate=somebody)) as client:
        async with guarded.session() as session:
            session.add(Book(id=1, title="Emma", pages=474, tags=["x"], extra={"a": 1}))
        shown = (await client.get("/books/1")).json()
        assert not {"pages", "tags"} & shown.keys()
        changed = await put(client, "/books/1", {"title": "b"})
        assert changed.status == 200, changed.body
        assert changed.json()["extra"] == {"a": 1}
        assert (await put(client, "/books/1", {"title": "c", "pages": 0})).status == 422
        assert (await put(client, "/books/1", changed.json() | {"extra": None})).status == 422
        async with guarded.session() as session:
            book = await session.require(Book, 1)
            assert (book.title, book.pages, list(book.tags), book.extra) == ("b", 474, ["x"], {"a": 1})
