"""Many records in one request to a view, preferences and aggregates: as collections answer, and by the hooks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from holdall.testing.client import Client
from holdall.web.views import include_view
from tests.support.shop_of_views import BOOKS, KINDS, RESTS, Book, shop

pytestmark = pytest.mark.anyio


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["memory", "sqlite"])
async def client(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> AsyncIterator[Client]:
    view = BOOKS[kind]
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/shop.db"
    service = shop(url).asgi(create=True, max_bulk=20)
    include_view(service, view)
    async with Client(service) as opened:
        await opened.post("/authors", {"name": "Austen"})
        view.calls.clear()
        opened.calls = view.calls  # type: ignore[attr-defined]
        yield opened


def book(title: str, **values: Any) -> dict[str, Any]:
    return {"title": title, "author": 1} | values


async def ask(client: Client, method: str, path: str, body: object = None, prefer: str = "", **headers: str) -> Any:
    given = {name.replace("_", "-"): text for name, text in headers.items()}
    return await client.request(method, path, json=body, headers=given | ({"prefer": prefer} if prefer else {}))


async def titles(client: Client) -> list[str]:
    return [each["title"] for each in (await client.get("/books?sort=id&page_size=500")).json()["data"]]


def acts(client: Any) -> list[tuple[str, str]]:
    found = [(call[0], call[1]) for call in client.calls if call[1] not in ("get_many", "get_one")]
    client.calls.clear()
    return found


async def test_a_list_of_new_records_passes_the_hooks_and_is_one_commit(client: Client) -> None:
    made = await ask(client, "POST", "/books", [book("a"), book("b")])
    assert made.status == 200, made.body
    assert [(each["status"], each["key"], each["location"]) for each in made.json()["items"]] == [
        (201, "1", "/books/1"), (201, "2", "/books/2"),
    ]  # fmt: skip
    for each in made.json()["items"]:
        read = await client.get(each["location"])
        assert (read.json(), read.headers["etag"]) == (each["data"], each["etag"])
    one = [("authorize", "create"), ("before_commit", "create")]
    assert acts(client) == [*one, *one, ("after_commit", "create"), ("after_commit", "create")]
    refused = await ask(client, "POST", "/books", [book("c"), book("x" * 81), {"title": 3}])
    assert refused.status == 422
    assert {each["pointer"].split("/")[1] for each in refused.json()["errors"]} == {"1", "2"}
    assert await titles(client) == ["a", "b"]


async def test_lists_of_patches_and_of_keys(client: Client) -> None:
    made = (await ask(client, "POST", "/books", [book("a"), book("b"), book("hidden", status="hidden")])).json()
    tag = made["items"][1]["etag"]
    acts(client)
    changed = await ask(
        client, "PATCH", "/books", [{"key": 1, "patch": {"pages": 3}}, {"key": 2, "etag": tag, "patch": {"pages": 4}}]
    )
    assert [each["data"]["pages"] for each in changed.json()["items"]] == [3, 4]
    assert [act for act in acts(client) if act[0] == "after_commit"] == [("after_commit", "update")] * 2
    stale = await ask(
        client, "PATCH", "/books", [{"key": 1, "patch": {"pages": 9}}, {"key": 2, "etag": tag, "patch": {}}]
    )
    assert stale.status == 412
    for key in (3, 77):  # what build_query leaves out is as what is not there
        gone = await ask(client, "DELETE", "/books", [1, key])
        assert (gone.status, await titles(client)) == (404, ["a", "b"])
    by_item = await ask(client, "DELETE", "/books", [1, 3], "tx=item")
    assert (by_item.status, [each["status"] for each in by_item.json()["items"]]) == (207, [204, 404])
    assert (await ask(client, "DELETE", "/books", [2], "return=minimal")).status == 204
    assert await titles(client) == []


async def test_all_that_a_filter_means_of_what_the_view_shows(client: Client) -> None:
    await ask(client, "POST", "/books", [book("a"), book("b", pages=5), book("c", pages=5, status="hidden")])
    acts(client)
    changed = await ask(client, "PATCH", "/books?pages=5", {"pages": 6})
    assert (changed.status, changed.json()) == (200, {"affected": 1})
    assert acts(client) == [("authorize", "update"), ("before_commit", "update"), ("after_commit", "update")]
    assert (await ask(client, "PATCH", "/books", {"pages": 6})).status == 422
    assert (await ask(client, "DELETE", "/books?pages__gte=0&max-affected=1")).status == 422
    assert (await ask(client, "DELETE", "/books?pages__gte=0")).json() == {"affected": 2}
    assert await titles(client) == []


async def test_a_rehearsal_writes_nothing_and_no_hook_follows(client: Client) -> None:
    await ask(client, "POST", "/books", book("a"))
    acts(client)
    for method, path, body in (
        ("POST", "/books", book("b")),
        ("POST", "/books", [book("b"), book("c")]),
        ("PATCH", "/books/1", {"pages": 9}),
        ("PUT", "/books/1", book("z")),
        ("DELETE", "/books/1", None),
        ("DELETE", "/books?pages=0", None),
    ):
        planned = await ask(client, method, path, body, "tx=rollback")
        assert (planned.status, planned.headers["preference-applied"]) == (200, "tx=rollback"), (method, planned.body)
        assert planned.headers["content-type"] == "application/vnd.holdall.plan+json"
        assert planned.json()["plan"][0]["collection"] == "books"
    assert not [act for act in acts(client) if act[0] == "after_commit"]
    assert await titles(client) == ["a"]


async def test_less_is_answered_where_it_is_preferred(client: Client) -> None:
    made = await ask(client, "POST", "/books", book("a"), "return=minimal, handling=strict")
    assert (made.status, made.body, made.headers["location"]) == (201, b"", "/books/1")
    assert made.headers["preference-applied"] == "return=minimal, handling=strict"
    changed = await ask(client, "PATCH", "/books/1", {"pages": 2}, "return=minimal")
    assert (changed.status, changed.body) == (204, b"")
    assert changed.headers["etag"] == (await client.get("/books/1")).headers["etag"]
    assert (await ask(client, "PATCH", "/books/1", {"pages": 3}, "tx=item, handling=strict")).status == 400


async def test_aggregates_are_of_what_the_view_shows(client: Client) -> None:
    given = [book("a", pages=2), book("b", pages=4), book("c", pages=90, status="hidden"), book("d", status="x")]
    await ask(client, "POST", "/books", given)
    found = (await client.get("/books?aggregate=pages.sum,rows&group=status&sort=status")).json()
    assert found["data"] == [
        {"status": "draft", "pages.sum": 6, "rows": 2}, {"status": "x", "pages.sum": 0, "rows": 1},
    ]  # fmt: skip
    assert (await client.get("/books?aggregate=rows&pages__gte=4")).json()["data"] == [{"rows": 1}]


async def test_a_file_has_what_the_view_shows(client: Client) -> None:
    await ask(client, "POST", "/books", [book("a"), book("=b", pages=4), book("c", status="hidden")])
    csv = await client.get("/books?format=csv&fields=title,pages&sort=-pages")
    assert (csv.status, csv.body) == (200, b"title,pages\r\n'=b,4\r\na,0\r\n")
    assert csv.headers["content-disposition"] == 'attachment; filename="books.csv"'
    lines = await ask(client, "GET", "/books?fields=title&pages=0", accept="application/x-ndjson")
    assert lines.body == b'{"title":"a"}\n'
    assert ("authorize", "get_many", False, False) in client.calls  # type: ignore[attr-defined]


async def test_a_repeated_request_is_done_once(kind: str, tmp_path: Path) -> None:
    service = shop(f"sqlite:///{tmp_path}/shop.db").asgi(create=True, idempotency=True)
    include_view(service, BOOKS[kind])
    async with Client(service) as client:
        client.calls = BOOKS[kind].calls  # type: ignore[attr-defined]
        await client.post("/authors", {"name": "Austen"})
        acts(client)
        first = await ask(client, "POST", "/books", book("a"), idempotency_key='"k1"')
        again = await ask(client, "POST", "/books", book("a"), idempotency_key='"k1"')
        assert (first.status, first.headers.get("idempotent-replayed")) == (201, None)
        assert (again.status, again.body, again.headers["idempotent-replayed"]) == (201, first.body, "true")
        assert again.headers["location"] == "/books/1"
        assert [act for act in acts(client) if act[0] == "after_commit"] == [("after_commit", "create")]
        assert (await ask(client, "POST", "/books", book("b"), idempotency_key='"k1"')).status == 422
        for _ in range(2):
            many = await ask(client, "POST", "/books", [book("c"), book("d")], idempotency_key='"k2"')
            assert [each["key"] for each in many.json()["items"]] == ["2", "3"]
            assert (await ask(client, "DELETE", "/books/1", idempotency_key='"k3"')).status == 204
        refused = await ask(client, "POST", "/books", book("refused", pages=-1), idempotency_key='"k4"')
        assert refused.status == 422
        assert (await ask(client, "POST", "/books", book("e"), idempotency_key='"k4"')).status == 201
        assert await titles(client) == ["c", "d", "e"]


async def test_lines_of_a_file_pass_the_hooks(client: Client) -> None:
    lines = [b'{"title":"a","author":1}', b'{"title":3}', b'{"title":"b","author":77}', b'{"title":"c","author":1}']
    headers = {"content-type": "application/x-ndjson"}
    planned = await client.request(
        "POST", "/books", body=b"\n".join(lines), headers=headers | {"prefer": "tx=rollback"}
    )
    assert (planned.status, planned.json()["created"], await titles(client)) == (207, 2, [])
    assert not [act for act in acts(client) if act[0] == "after_commit"]
    made = await client.request("POST", "/books", body=b"\n".join(lines), headers=headers)
    told = made.json()
    assert (made.status, told["lines"], told["created"], told["failed"]) == (207, 4, 2, 2)
    assert {each["line"] for each in told["errors"]} == {2, 3}
    assert [act for act in acts(client) if act[0] == "after_commit"] == [("after_commit", "create")] * 2
    csv = b"title,author,pages\nd,1,4\n'=e,1,\n"
    made = await client.request("POST", "/books", body=csv, headers={"content-type": "text/csv"})
    assert (made.status, made.json()["created"]) == (200, 2), made.body
    assert await titles(client) == ["a", "c", "d", "=e"]


@pytest.mark.parametrize("asked", ["format=csv", "aggregate=rows"])
async def test_a_view_that_lists_otherwise_has_no_files_and_groups(kind: str, asked: str) -> None:
    rest: Any = RESTS[kind]

    class Masked(rest[Book]):  # type: ignore[misc]  # which of the two is known at run time
        prefix = "/books"

        def get_many(self, query_params: Any) -> Any:
            raise AssertionError("is not asked")

    service = shop("memory:").asgi(create=True)
    include_view(service, Masked)
    async with Client(service) as client:
        assert (await client.get(f"/books?{asked}")).status == 422


async def test_without_a_route_for_one_there_is_none_for_many(kind: str) -> None:
    rest: Any = RESTS[kind]

    async def create_async(self: Any, data: Any) -> Any:
        return self.to_response(await self.handle_create(data))

    def create_sync(self: Any, data: Any) -> Any:
        return self.to_response(self.handle_create(data))

    class Kept(rest[Book]):  # type: ignore[misc]  # which of the two is known at run time
        prefix = "/books"
        exclude_routes = ("delete_endpoint",)
        create_endpoint = create_async if kind == "async" else create_sync

    service = shop("memory:").asgi(create=True)
    include_view(service, Kept)
    async with Client(service) as client:
        await client.post("/authors", {"name": "Austen"})
        assert (await ask(client, "POST", "/books", book("a"))).status == 201
        assert (await ask(client, "POST", "/books", [book("b")])).status == 422
        assert (await ask(client, "DELETE", "/books", [1])).status == 405
        assert (await ask(client, "PATCH", "/books", [{"key": 1, "patch": {"pages": 1}}])).status == 200
