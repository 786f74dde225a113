"""PUT and JSON Patch through a view: three tiers, schemas with aliases, hooks of what is really done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from msgspec import Struct
from msgspec import field as member
from pydantic import BaseModel, Field, field_validator

from holdall import Everyone, Frozen, Holdall, Model, Policy, field
from holdall.testing.client import Client
from holdall.web.views import AsyncRestView, ReadOnly, RestView, ViewRoute, include_view, post
from tests.support.shop_of_views import BOOKS, KINDS, shop

pytestmark = pytest.mark.anyio

OPEN = Policy(read=Everyone, write=Everyone)


class Item(Model, collection="items"):
    id: int = field(pk=True)
    title: str = field(length=(1, 20))
    pages: int = 0
    origin: str = field(default="here", frozen=Frozen.UPDATE)
    size: dict[str, int] = field(default_factory=dict)
    version: int = field(version=True)


class Shown(BaseModel):
    id: int
    title: str = Field(alias="itemTitle")
    pages: int = 0
    origin: str = "here"
    version: ReadOnly[int]

    @field_validator("title")
    @classmethod
    def is_small(cls, title: str) -> str:
        if title.isupper():
            raise ValueError("must not shout")
        return title


class Packed(Struct):
    id: int
    title: str = member(name="itemTitle")
    version: ReadOnly[int]
    pages: int = 0
    origin: str = "here"


class AsyncItems(AsyncRestView[Item]):
    prefix = "/items"
    calls: ClassVar[list[str]] = []

    async def authorize(self, action: str, obj: Any = None, data: Any = None) -> None:
        self.calls.append(action)

    async def create(self, data: Any) -> Item:
        item = await super().create(data)
        item.title = item.title.strip()
        return item

    async def update(self, record: Item, data: Any) -> Item:
        item = await super().update(record, data)
        item.title = item.title.strip()
        return item


class SyncItems(RestView[Item]):
    prefix = "/items"
    calls: ClassVar[list[str]] = []

    def authorize(self, action: str, obj: Any = None, data: Any = None) -> None:
        self.calls.append(action)

    def create(self, data: Any) -> Item:
        item = super().create(data)
        item.title = item.title.strip()
        return item

    def update(self, record: Item, data: Any) -> Item:
        item = super().update(record, data)
        item.title = item.title.strip()
        return item


VIEWS: dict[str, Any] = {"async": AsyncItems, "sync": SyncItems}


@pytest.fixture(params=["memory", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/items.db"


def service(url: str, view: Any, **attributes: Any) -> Any:
    app = Holdall("items")
    app.add_store("main", url)
    app.add(Item, store="main", policy=OPEN)
    made = app.asgi(create=True)
    chosen: Any = type("Chosen", (view,), attributes | {"calls": []})
    include_view(made, chosen)
    return made, chosen.calls


@pytest.fixture(params=KINDS)
async def client(request: pytest.FixtureRequest, url: str) -> AsyncIterator[Client]:
    made, calls = service(url, VIEWS[request.param])
    async with Client(made) as opened:
        opened.calls = calls  # type: ignore[attr-defined]
        yield opened


async def put(client: Client, path: str, body: object, **headers: str) -> Any:
    given = {name.replace("_", "-"): text for name, text in headers.items()}
    return await client.request("PUT", path, json=body, headers=given)


async def test_it_makes_and_replaces_by_the_verbs_that_do(client: Client) -> None:
    made = await put(client, "/items/1", {"title": " a ", "pages": 3, "origin": "there", "size": {"w": 1}})
    assert (made.status, made.headers["location"]) == (201, "/items/1"), made.body
    assert made.json()["title"] == "a"
    changed = await put(client, "/items/1", made.json() | {"title": " b "})
    assert (changed.status, changed.json()["title"], changed.json()["pages"]) == (200, "b", 3), changed.body
    less = await put(client, "/items/1", {"title": "c"})
    assert less.json() == {"id": 1, "title": "c", "pages": 0, "origin": "there", "size": {}, "version": 3}
    assert less.headers["etag"] == (await client.get("/items/1")).headers["etag"]
    assert client.calls[:3] == ["create", "update", "update"]  # type: ignore[attr-defined]


class Announced:
    """A route of its own that changes a record, in an async and a sync view."""

    @post("/{key}/announce", status_code=200)
    async def announce(self: Any, key: int) -> Any:
        item = await self.get_one(key)
        async with self.write_action("announce", obj=item) as write:
            write.obj.pages += 1
        return self.to_response(item)


@pytest.mark.parametrize("kind", KINDS)
async def test_where_it_is_demanded_records_are_changed_with_if_match_only(kind: str) -> None:
    app = Holdall("items")
    app.add_store("main", "memory:")
    app.add(Item, store="main", policy=OPEN)
    made = app.asgi(require_match=["items"])
    bases = (Announced, VIEWS[kind]) if kind == "async" else (VIEWS[kind],)
    include_view(made, type("Chosen", bases, {"calls": []}))
    async with Client(made) as client:
        assert (await put(client, "/items/1", {"title": "a"})).status == 201  # nothing is changed by it
        tag = (await client.get("/items/1")).headers["etag"]
        assert (await client.patch("/items/9", {"pages": 1})).status == 404
        refused = [
            await put(client, "/items/1", {"title": "b"}),
            await client.patch("/items/1", {"pages": 1}),
            await client.delete("/items/1"),
        ]
        if kind == "async":
            refused.append(await client.post("/items/1/announce", None))
        assert {(each.status, each.json()["type"]) for each in refused} == {(428, "urn:holdall:precondition-required")}
        items = await client.patch("/items", [{"key": 1, "patch": {"pages": 1}}])
        assert (items.status, items.json()["type"]) == (428, "urn:holdall:precondition-required")
        assert (await client.get("/items/1")).json()["version"] == 1
        done = await client.patch("/items/1", {"pages": 1}, if_match=tag)
        assert (done.status, done.json()["pages"]) == (200, 1)
        listed = await client.patch("/items", [{"key": 1, "patch": {"pages": 2}, "etag": done.headers["etag"]}])
        assert listed.status == 200, listed.body
        assert (await client.patch("/items?pages=2", {"pages": 3})).status == 428
        assert (await client.patch("/items?pages=2", {"pages": 3}, if_match="*")).status == 200
        assert (await client.delete("/items/1", if_match="*")).status == 204


async def test_what_cannot_be_given_is_refused(client: Client) -> None:
    await put(client, "/items/1", {"title": "a"})
    for body, path, code in (
        ({"title": "a", "version": 7}, "version", "read_only"),
        ({"title": "a", "origin": "x"}, "origin", "frozen"),
        ({"title": "a", "id": 2}, "id", "key"),
        ({"title": "a", "nope": 2}, "nope", "unknown"),
        ({"pages": 2}, "title", "required"),
    ):
        refused = await put(client, "/items/1", body)
        assert refused.status == 422, (body, refused.body)
        assert [(each["path"], each["code"]) for each in refused.json()["errors"]] == [(path, code)]
    assert (await put(client, "/items/2", {"title": "a", "version": 1})).status == 422
    assert (await put(client, "/items/2", {"title": "a"}, if_match="*")).status == 412
    assert (await put(client, "/items/1", {"title": "a"}, if_none_match="*")).status == 412
    tag = (await client.get("/items/1")).headers["etag"]
    assert (await put(client, "/items/1", {"title": "b"}, if_match=tag)).status == 200
    assert (await put(client, "/items/1", {"title": "c"}, if_match=tag)).status == 412
    assert (await client.get("/items")).json()["total_count"] == 1


async def test_a_json_patch_is_of_what_the_view_shows(client: Client) -> None:
    await put(client, "/items/1", {"title": "a", "size": {"w": 1}})
    operations = [
        {"op": "test", "path": "/version", "value": 1},
        {"op": "move", "from": "/size/w", "path": "/pages"},
        {"op": "add", "path": "/size/h", "value": 2},
    ]
    given = {"content-type": "application/json-patch+json"}
    changed = await client.request("PATCH", "/items/1", json=operations, headers=given)
    assert (changed.status, changed.json()["pages"], changed.json()["size"]) == (200, 1, {"h": 2}), changed.body
    failed = await client.request("PATCH", "/items/1", json=operations, headers=given)
    assert (failed.status, failed.json()["errors"][0]["pointer"]) == (409, "/0")
    assert (await client.request("PATCH", "/items/9", json=operations, headers=given)).status == 404


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("schema", [Shown, Packed])
async def test_the_spelling_of_schemas_holds(url: str, kind: str, schema: type) -> None:
    made, _ = service(url, VIEWS[kind], schema=schema)
    async with Client(made) as client:
        created = await put(client, "/items/1", {"itemTitle": "a", "pages": 2, "origin": "there"})
        assert created.status == 201, created.body
        assert created.json() == {"id": 1, "itemTitle": "a", "pages": 2, "origin": "there", "version": 1}
        changed = await put(client, "/items/1", created.json() | {"itemTitle": "b"})
        assert (changed.status, changed.json()["itemTitle"]) == (200, "b"), changed.body
        assert (await put(client, "/items/1", created.json())).status == 422
        assert (await put(client, "/items/1", {"itemTitle": "c", "origin": "there"})).json()["pages"] == 0
        assert (await put(client, "/items/1", {"title": "c"})).status == 422
        shouted = await put(client, "/items/1", {"itemTitle": "LOUD", "origin": "there"})
        assert shouted.status == (422 if schema is Shown else 200)
        given = {"content-type": "application/json-patch+json"}
        operations = [{"op": "replace", "path": "/itemTitle", "value": "d"}]
        patched = await client.request("PATCH", "/items/1", json=operations, headers=given)
        assert (patched.status, patched.json()["itemTitle"]) == (200, "d"), patched.body


@pytest.mark.parametrize("kind", KINDS)
async def test_keys_that_stores_make_are_replaced_only(url: str, kind: str) -> None:
    made = shop(url).asgi(create=True)
    view = BOOKS[kind]
    view.calls.clear()
    include_view(made, view)
    async with Client(made) as client:
        await client.post("/authors", {"name": "Austen"})
        assert (await put(client, "/books/1", {"title": "a", "author": 1})).status == 404
        assert (await client.post("/books", {"title": "a", "author": 1})).status == 201
        view.calls.clear()
        whole = (await client.get("/books/1")).json()
        changed = await put(client, "/books/1", whole | {"status": "hidden"})
        assert (changed.status, changed.json()["status"]) == (200, "hidden"), changed.body
        assert [call[1] for call in view.calls if call[0] == "before_commit"] == ["update"]
        assert (await put(client, "/books/1", {"title": "a", "author": 1})).status == 404


@pytest.mark.parametrize("kind", KINDS)
async def test_it_can_be_left_out_and_is_described(kind: str) -> None:
    with_put = shop("memory:").asgi()
    include_view(with_put, BOOKS[kind])
    operation: Any = with_put.openapi()["paths"]["/books/{key}"]["put"]
    assert operation["operationId"] == "books_replace"
    assert {"200", "201", "404", "412", "422"} <= set(operation["responses"])
    without = shop("memory:").asgi()
    include_view(without, type("Chosen", (BOOKS[kind],), {"exclude_routes": (ViewRoute.PUT,)}))
    assert "put" not in without.openapi()["paths"]["/books/{key}"]
