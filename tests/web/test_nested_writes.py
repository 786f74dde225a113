"""A body may make, connect and disconnect the records at other ends of references, in the same commit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from holdall import Everyone, Holdall, Many, Model, Nobody, Policy, Ref, back, field
from holdall.testing.client import Client

pytestmark = pytest.mark.anyio

OPEN = Policy(read=Everyone, write=Everyone)


class Author(Model, collection="authors"):
    id: int = field(pk=True, generated=True)
    name: str = field(length=(1, 40))
    books: Many[Book] = back("author")


class Tag(Model, collection="tags"):
    word: str = field(pk=True)


class Book(Model, collection="books"):
    id: int = field(pk=True, generated=True)
    title: str = field(length=(1, 40))
    size: dict[str, int] = field(default_factory=dict)
    author: Ref[Author | None] = field(default=None)
    editor: Ref[Author | None] = field(default=None)
    tags: Many[Tag] = field(default=())


def service(url: str, tags: Policy = OPEN) -> Any:
    app = Holdall("nested")
    app.add_store("main", url)
    app.add(Author, Book, store="main", policy=OPEN)
    app.add(Tag, store="main", policy=tags)
    return app.asgi(create=True, max_bulk=5)


@pytest.fixture(params=["memory", "sqlite", "postgres_url"])
async def client(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Client]:
    urls = {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}/n.db"}
    kind = request.param
    url = urls.get(kind) or request.getfixturevalue("fresh_database")(request.getfixturevalue(kind))
    async with Client(service(url)) as opened:
        yield opened


async def shown(client: Client, path: str) -> Any:
    return (await client.get(path)).json()


async def test_a_record_is_made_with_those_that_it_refers_to(client: Client) -> None:
    await client.post("/tags", {"word": "old"})
    body = {
        "title": "Emma",
        "author": {"create": {"name": "Jane Austen"}},
        "tags": {"connect": ["old"], "create": [{"word": "new"}]},
    }
    made = await client.post("/books", body)
    assert made.status == 201, made.body
    assert (made.json()["author"], sorted(made.json()["tags"])) == (1, ["new", "old"])
    assert (await shown(client, "/authors/1"))["name"] == "Jane Austen"
    again = await client.post("/books", {"title": "Persuasion", "author": {"connect": 1}})
    assert (again.status, again.json()["author"]) == (201, 1)


async def test_a_record_is_made_with_those_that_refer_to_it(client: Client) -> None:
    await client.post("/books", {"title": "Emma"})
    body = {
        "name": "Jane Austen",
        "books": {
            "connect": [1],
            "create": [{"title": "Persuasion", "tags": {"create": [{"word": "sea"}]}}, {"title": "Sanditon"}],
        },
    }
    made = await client.post("/authors", body)
    assert made.status == 201, made.body
    found = (await shown(client, "/books"))["data"]
    assert [(each["title"], each["author"], each["tags"]) for each in found] == [
        ("Emma", 1, []), ("Persuasion", 1, ["sea"]), ("Sanditon", 1, []),
    ]  # fmt: skip


async def test_a_patch_connects_and_disconnects(client: Client) -> None:
    await client.post("/authors", {"name": "a", "books": {"create": [{"title": "t1"}, {"title": "t2"}]}})
    await client.post("/books", {"title": "t3", "tags": {"create": [{"word": "x"}, {"word": "y"}]}})
    changed = await client.patch(
        "/authors/1", {"name": "b", "books": {"disconnect": [1], "connect": [3], "create": [{"title": "t4"}]}}
    )
    assert (changed.status, changed.json()["name"]) == (200, "b"), changed.body
    found = (await shown(client, "/books"))["data"]
    assert {each["title"]: each["author"] for each in found} == {"t1": None, "t2": 1, "t3": 1, "t4": 1}
    changed = await client.patch(
        "/books/3",
        {
            "size": {"w": 1},
            "author": {"disconnect": True},
            "editor": {"create": {"name": "e"}},
            "tags": {"disconnect": ["x"], "connect": ["y"], "create": [{"word": "z"}]},
        },
    )
    assert changed.status == 200, changed.body
    record = changed.json()
    assert (record["author"], record["editor"], sorted(record["tags"]), record["size"]) == (
        None,
        2,
        ["y", "z"],
        {"w": 1},
    )


async def test_all_of_it_or_nothing(client: Client) -> None:
    await client.post("/authors", {"name": "a"})
    await client.post("/books", {"title": "t"})
    for path, body, wrong in (
        ("/books", {"title": "x", "author": {"create": {"name": ""}}}, ("author.create.name", "length")),
        ("/books", {"title": "x", "author": {"create": {"nope": 1, "name": "a"}}}, ("author.create.nope", "unknown")),
        ("/books", {"title": "x", "author": {"connect": 99}}, ("author.connect", "reference")),
        ("/books", {"title": "x", "author": {"connect": "x"}}, ("author.connect", "reference")),
        ("/books", {"title": "x", "author": {"make": {}, "create": {}}}, ("author.make", "one_of")),
        ("/books", {"title": "x", "author": {"create": 1}}, ("author.create", "type")),
        ("/books", {"title": "x", "author": {"create": {"name": "a"}, "connect": 1}}, ("author", "type")),
        ("/books", {"title": "x", "tags": {"create": {"word": "a"}}}, ("tags.create", "type")),
        ("/authors", {"name": "x", "books": {"create": [{"title": "y"}, {}]}}, ("books.create.1.title", "required")),
        (
            "/authors",
            {"name": "x", "books": {"create": [{"title": "y", "author": 1}]}},
            ("books.create.0.author", "repeated"),
        ),
        ("/authors", {"name": "x", "books": {"connect": [1, 9]}}, ("books.connect.1", "reference")),
        ("/authors", {"name": "x", "books": {"create": [{"title": "y"}] * 5}}, ("books.create.4", "limit")),
    ):
        refused = await client.post(path, body)
        assert refused.status == 422, (body, refused.body)
        assert [(each["path"], each["code"]) for each in refused.json()["errors"]] == [wrong], body
    refused = await client.patch("/authors/1", {"books": {"disconnect": [1]}})
    assert [each["path"] for each in refused.json()["errors"]] == ["books.disconnect.0"]
    assert (await shown(client, "/books"))["total_count"] == 1
    assert (await shown(client, "/authors"))["total_count"] == 1


async def test_each_part_needs_its_right() -> None:
    async with Client(service("memory:", Policy(read=Everyone, create=Nobody))) as client:
        refused = await client.post("/books", {"title": "x", "tags": {"create": [{"word": "a"}]}})
        assert refused.status == 403
        assert (await shown(client, "/books"))["total_count"] == 0
    async with Client(service("memory:", Policy(read=Nobody, create=Everyone))) as client:
        refused = await client.post("/books", {"title": "x", "tags": {"connect": ["a"]}})
        assert refused.status in (403, 404)


async def test_a_rehearsal_and_a_text_that_looks_like_one() -> None:
    async with Client(service("memory:")) as client:
        body = {"title": "x", "author": {"create": {"name": "a"}}}
        planned = await client.request("POST", "/books", json=body, headers={"prefer": "tx=rollback"})
        assert sorted(step["collection"] for step in planned.json()["plan"]) == ["authors", "books"], planned.body
        assert (await shown(client, "/authors"))["total_count"] == 0
        assert (await client.post("/books", {"title": '"create"'})).status == 201
        assert (await client.post("/books", {"title": "y", "size": {"create": 1}})).status == 201


async def test_the_document_tells_of_it() -> None:
    document = service("memory:").openapi()
    body = document["paths"]["/authors"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["anyOf"][0] == {"$ref": "#/components/schemas/Author.New"}
    schemas = document["components"]["schemas"]
    assert set(schemas["Author.New"]["properties"]["books"]["properties"]) == {"create", "connect", "disconnect"}
    assert len(schemas["Book.Changes"]["properties"]["author"]["anyOf"]) == 2
    assert "books" not in schemas["Author.Create"]["properties"]
    assert "Tag.New" not in schemas
