"""Many records in one request: all of them or none, or each by itself, by lists and by filters."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from holdall import Everyone, Nobody, Policy
from holdall.testing.client import Client
from tests.support.shelves import STORES, Book, library, url_of

pytestmark = pytest.mark.anyio

BY_ITEM = "tx=item"


@pytest.fixture(params=STORES)
async def client(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Client]:
    url, options = url_of(request, tmp_path)
    async with Client(library(url, **options).asgi(create=True, max_bulk=20)) as opened:
        yield opened


def books(*numbers: int, **values: Any) -> list[dict[str, Any]]:
    return [{"id": number, "title": f"t{number}"} | values for number in numbers]


async def ask(client: Client, method: str, path: str, body: object = None, prefer: str = "", **headers: str) -> Any:
    given = {name.replace("_", "-"): text for name, text in headers.items()}
    return await client.request(method, path, json=body, headers=given | ({"prefer": prefer} if prefer else {}))


async def titles(client: Client) -> dict[int, str]:
    return {each["id"]: each["title"] for each in (await client.get("/books?page_size=500")).json()["data"]}


def errors(answer: Any) -> list[tuple[str, str]]:
    return [(each["pointer"], each["code"]) for each in answer.json()["errors"]]


async def test_a_list_of_new_records(client: Client) -> None:
    made = await ask(client, "POST", "/books", books(1, 2, 3))
    assert made.status == 200, made.body
    items = made.json()["items"]
    assert [(each["status"], each["key"], each["location"]) for each in items] == [
        (201, "1", "/books/1"), (201, "2", "/books/2"), (201, "3", "/books/3"),
    ]  # fmt: skip
    for each in items:
        read = await client.get(each["location"])
        assert (read.json(), read.headers["etag"]) == (each["data"], each["etag"])
    bare = await ask(client, "POST", "/notes", [{"text": "a"}, {"text": "b"}], "return=minimal")
    assert bare.headers["preference-applied"] == "return=minimal"
    assert [set(each) for each in bare.json()["items"]] == [{"status", "key", "location", "etag"}] * 2


async def test_one_wrong_item_stops_all(client: Client) -> None:
    await ask(client, "POST", "/books", books(1))
    refused = await ask(client, "POST", "/books", [*books(2), {"id": 3, "nope": 1}, *books(4, pages=-1), 5])
    assert refused.status == 422, refused.body
    assert set(errors(refused)) == {
        ("/1/title", "required"), ("/1/nope", "unknown"), ("/2/pages", "ge"), ("/3", "type"),
    }  # fmt: skip
    twice = await ask(client, "POST", "/books", books(2, 3, 2))
    assert (twice.status, errors(twice)) == (409, [("/2", "exists")])
    there = await ask(client, "POST", "/books", books(2, 1))
    assert (there.status, there.json()["type"]) == (409, "urn:holdall:exists")
    await ask(client, "PATCH", "/books/1", {"isbn": "x"})
    unique = await ask(client, "POST", "/books", books(2) + books(3, isbn="x"))
    assert (unique.status, unique.json()["type"]) == (409, "urn:holdall:unique")
    reference = await ask(client, "POST", "/books", books(2) + books(3, shelf="nope"))
    assert reference.status == 422, reference.body
    assert await titles(client) == {1: "t1"}


async def test_each_by_itself(client: Client) -> None:
    await ask(client, "POST", "/books", books(1))
    some = await ask(client, "POST", "/books", [*books(2, 1, 3), {"id": 4}], BY_ITEM)
    assert (some.status, some.headers["preference-applied"]) == (207, BY_ITEM)
    items = some.json()["items"]
    assert [each["status"] for each in items] == [201, 409, 201, 422]
    assert items[1]["problem"]["type"] == "urn:holdall:exists"
    assert items[3]["problem"]["errors"][0]["path"] == "title"
    assert await titles(client) == {1: "t1", 2: "t2", 3: "t3"}
    changed = await ask(
        client, "PATCH", "/books", [{"key": 2, "patch": {"title": "x"}}, {"key": "9", "patch": {}}], BY_ITEM
    )
    assert [each["status"] for each in changed.json()["items"]] == [200, 404]
    gone = await ask(client, "DELETE", "/books", [2, "9", {"key": 3}, "x"], BY_ITEM)
    assert [each["status"] for each in gone.json()["items"]] == [204, 404, 204, 422]
    assert await titles(client) == {1: "t1"}


async def test_a_list_of_patches(client: Client) -> None:
    made = (await ask(client, "POST", "/books", books(1, 2, 3, size={"w": 1}))).json()["items"]
    changed = await ask(
        client,
        "PATCH",
        "/books",
        [
            {"key": 1, "patch": {"title": "a", "size": {"h": 2}}, "etag": made[0]["etag"]},
            {"key": "2", "patch": {"size": {"w": None, "d": 3}}},
            {"key": 3, "patch": {}, "etag": "*"},
        ],
    )
    assert changed.status == 200, changed.body
    shown = [each["data"] for each in changed.json()["items"]]
    assert [(each["title"], each["size"]) for each in shown] == [
        ("a", {"w": 1, "h": 2}), ("t2", {"d": 3}), ("t3", {"w": 1}),
    ]  # fmt: skip
    for each in changed.json()["items"]:
        assert (await client.get(f"/books/{each['key']}")).headers["etag"] == each["etag"]
    before = await titles(client)
    for items, status, wrong in (
        ([{"key": 1, "patch": {"title": "b"}, "etag": made[0]["etag"]}], 412, [("/0", "precondition")]),
        ([{"key": 1, "patch": {"title": "b"}}, {"key": 9, "patch": {}}], 404, [("/1", "not-found")]),
        ([{"key": 1, "patch": {"title": "b"}}, {"key": "1", "patch": {}}], 422, [("/1/key", "repeated")]),
        ([{"key": 1, "patch": {"pages": -1}}], 422, [("/0/patch/pages", "ge")]),
        ([{"key": 1, "patch": {"id": 2}}], 422, [("/0/patch/id", "frozen")]),
        ([{"key": 1, "patch": {"id": 1, "nope": 2}}], 422, [("/0/patch/nope", "unknown")]),
        ([{"key": 1, "patch": []}], 422, [("/0/patch", "type")]),
        ([{"key": 1, "patch": {}, "tag": "x"}], 422, [("/0/tag", "unknown")]),
        ([{"patch": {}}, {"key": None, "patch": {}}], 422, [("/0/key", "value"), ("/1/key", "value")]),
        ([1], 422, [("/0", "type")]),
    ):
        refused = await ask(client, "PATCH", "/books", items)
        assert (refused.status, errors(refused)) == (status, wrong), items
    assert await titles(client) == before


async def test_a_list_of_keys_to_be_removed(client: Client) -> None:
    made = (await ask(client, "POST", "/books", books(1, 2, 3, 4))).json()["items"]
    stale = [1, {"key": 2, "etag": '"x"'}]
    refused = await ask(client, "DELETE", "/books", stale)
    assert (refused.status, errors(refused)) == (412, [("/1", "precondition")])
    assert (await ask(client, "DELETE", "/books", [1, 9])).status == 404
    gone = await ask(client, "DELETE", "/books", [1, {"key": "2", "etag": made[1]["etag"]}])
    assert (gone.status, [each["status"] for each in gone.json()["items"]]) == (200, [204, 204])
    assert (await ask(client, "DELETE", "/books", [3], "return=minimal")).status == 204
    assert set(await titles(client)) == {4}
    await ask(client, "POST", "/lines", [{"order": 1, "code": "a,b"}, {"order": 1, "code": "c"}])
    assert (await ask(client, "DELETE", "/lines", ["1,a%2Cb", [1, "c"]])).status == 200
    assert (await client.get("/lines")).json()["total_count"] == 0


async def test_all_that_a_filter_means(client: Client) -> None:
    await ask(client, "POST", "/books", books(1, 2, 3, pages=5) + books(4, 5, pages=9))
    changed = await ask(client, "PATCH", "/books?pages=5", {"title": "new", "tags": ["x"]})
    assert (changed.status, changed.json()) == (200, {"affected": 3}), changed.body
    assert await titles(client) == {1: "new", 2: "new", 3: "new", 4: "t4", 5: "t5"}
    for bounded in (
        await ask(client, "PATCH", "/books?pages=5&max-affected=2", {"title": "b"}),
        await ask(client, "PATCH", "/books?pages=5", {"title": "b"}, "max-affected=2"),
        await ask(client, "DELETE", "/books?pages__gte=5&max-affected=4"),
    ):
        assert (bounded.status, bounded.json()["type"]) == (422, "urn:holdall:limit")
    gone = await ask(client, "DELETE", "/books?title=new&max-affected=3")
    assert (gone.status, gone.json()) == (200, {"affected": 3})
    assert (await ask(client, "DELETE", "/books?title=new", prefer="return=minimal")).status == 204
    assert await titles(client) == {4: "t4", 5: "t5"}


async def test_filters_must_say_which(client: Client) -> None:
    await ask(client, "POST", "/books", books(1, 2))
    for method, path, body, wrong in (
        ("PATCH", "/books", {"title": "x"}, "query"),
        ("DELETE", "/books", None, "query"),
        ("DELETE", "/books?max-affected=9", None, "query"),
        ("DELETE", "/books?nope=1", None, "query"),
        ("DELETE", "/books?id=1&page=1", None, "query"),
        ("DELETE", "/books?id=1&sort=id", None, "query"),
        ("DELETE", "/books?id=1&max-affected=x", None, "query"),
        ("DELETE", "/books?id=1&max-affected=1&max-affected=2", None, "query"),
        ("DELETE", "/books?id=1", [1], "query"),
        ("PATCH", "/books?id=1", [{"key": 1, "patch": {"title": "x"}}], "query"),
        ("PATCH", "/books?id=1", {"size": {"w": 1}}, "invalid"),
        ("PATCH", "/books?id=1", {"id": 7}, "invalid"),
        ("PATCH", "/books?id=1", {"version": 7}, "invalid"),
        ("PATCH", "/books?id=1", {"origin": "x"}, "invalid"),
        ("PATCH", "/books?id=1", {"nope": 7}, "invalid"),
        ("PATCH", "/books?id=1", {}, "invalid"),
    ):
        refused = await ask(client, method, path, body)
        assert (refused.status, refused.json()["type"]) == (422, f"urn:holdall:{wrong}"), (method, path, refused.body)
    for headers in ({"if_match": '"x"'}, {"if_none_match": "*"}):
        assert (await ask(client, "DELETE", "/books?id=1", **headers)).status == 412
        assert (await ask(client, "DELETE", "/books", [1], **headers)).status == 412
    assert await titles(client) == {1: "t1", 2: "t2"}


async def test_a_rehearsal_writes_nothing_and_tells_the_plan(client: Client) -> None:
    dry = "tx=rollback"
    planned = await ask(client, "POST", "/books", books(1, 2), dry)
    assert (planned.status, planned.headers["preference-applied"]) == (200, dry)
    assert planned.headers["content-type"] == "application/vnd.holdall.plan+json"
    assert planned.json()["plan"] == [{"act": "create", "collection": "books", "records": 2}]
    assert await titles(client) == {}
    await ask(client, "POST", "/books", books(1, 2))
    for method, path, body, act, number in (
        ("POST", "/books", books(3)[0], "create", 1),
        ("PUT", "/books/3", {"title": "x"}, "create", 1),
        ("PUT", "/books/1", {"title": "x"}, "update", 1),
        ("PATCH", "/books/1", {"title": "x"}, "update", 1),
        ("DELETE", "/books/1", None, "delete", 1),
        ("PATCH", "/books", [{"key": 1, "patch": {"title": "x"}}], "update", 1),
        ("DELETE", "/books", [1, 2], "delete", 2),
        ("PATCH", "/books?id__lte=2", {"title": "x"}, "update", 2),
        ("DELETE", "/books?id__lte=2", None, "delete", 2),
    ):
        told = await ask(client, method, path, body, dry)
        assert told.status == 200, (method, path, told.body)
        assert told.json()["plan"] == [{"act": act, "collection": "books", "records": number}], (method, path)
    assert (await ask(client, "POST", "/books", {"id": 3}, dry)).status == 422
    assert await titles(client) == {1: "t1", 2: "t2"}


async def test_bounds(client: Client) -> None:
    for method, body in (("POST", books(*range(21))), ("DELETE", [*range(21)])):
        refused = await ask(client, method, "/books", body)
        assert (refused.status, refused.json()["type"]) == (422, "urn:holdall:limit")
        empty = await client.request(method, "/books", body=b"[]", headers={"content-type": "application/json"})
        assert (empty.status, empty.json()["errors"][0]["code"]) == (422, "length")
    fewer = await ask(client, "POST", "/books", books(1, 2), "max-affected=1")
    assert (fewer.status, fewer.json()["type"]) == (422, "urn:holdall:limit")
    for wrong in (b"[", b"[1", b"[{]", b'[{"id":1,"title":"a"},{"id":2,"title":"b","title":"c"}]'):
        answer = await client.request("POST", "/books", body=wrong, headers={"content-type": "application/json"})
        assert answer.status == 400, wrong
    assert await titles(client) == {}
    await ask(client, "POST", "/books", books(*range(15)))
    await ask(client, "POST", "/books", books(*range(15, 30)))
    assert (await ask(client, "DELETE", "/books?id__gte=0")).status == 422


@pytest.mark.parametrize("held", ["create", "update", "delete"])
async def test_each_act_needs_its_right(held: str) -> None:
    grants: dict[str, Any] = {right: Everyone if right == held else Nobody for right in ("create", "update", "delete")}
    app = library("memory:", Policy(read=Everyone, **grants))
    async with Client(app.asgi(create=True)) as client:
        async with app.session() as session:
            session.add_all([Book(id=1, title="a"), Book(id=2, title="b")])
        answers = {
            "create": await ask(client, "POST", "/books", books(3)),
            "update": await ask(client, "PATCH", "/books", [{"key": 1, "patch": {"title": "x"}}]),
            "delete": await ask(client, "DELETE", "/books", [1]),
        }
        assert {right: answer.status for right, answer in answers.items()} == {
            right: 200 if right == held else 403 for right in grants
        }
        by_filter = {
            "update": await ask(client, "PATCH", "/books?id=2", {"title": "x"}),
            "delete": await ask(client, "DELETE", "/books?id=2"),
        }
        assert all((answer.status == 200) == (right == held) for right, answer in by_filter.items())


async def test_nothing_unreadable_is_found_by_a_filter() -> None:
    app = library("memory:", Policy(read=Nobody, write=Everyone))
    async with Client(app.asgi(create=True)) as client:
        assert (await ask(client, "DELETE", "/books?id__gte=0")).status == 404
        assert (await ask(client, "PATCH", "/books?id__gte=0", {"title": "x"})).status == 404


async def test_strict_handling_refuses_what_it_cannot_follow() -> None:
    async with Client(library("memory:").asgi()) as client:
        strict = "handling=strict, respond-async, tx=maybe, return=minimal"
        refused = await ask(client, "POST", "/books", books(1)[0], strict)
        assert (refused.status, refused.json()["type"]) == (400, "urn:holdall:preference")
        assert [each["path"] for each in refused.json()["errors"]] == ["Prefer.respond-async", "Prefer.tx"]
        lenient = await ask(client, "POST", "/books", books(1)[0], 'respond-async, RETURN = "minimal"; x="a,b"')
        assert (lenient.status, lenient.headers["preference-applied"], lenient.body) == (201, "return=minimal", b"")
        assert lenient.headers["location"] == "/books/1"
        assert lenient.headers["etag"] == (await client.get("/books/1")).headers["etag"]
        both = await ask(client, "PATCH", "/books/1", {"title": "x"}, "handling=strict, return=minimal")
        assert (both.status, both.headers["preference-applied"]) == (204, "return=minimal, handling=strict")
        assert both.headers["etag"] == (await client.get("/books/1")).headers["etag"]


async def test_a_match_can_be_demanded() -> None:
    async with Client(library("memory:").asgi(require_match=["books"])) as client:
        made = await ask(client, "POST", "/books", books(1)[0])
        tag = made.headers["etag"]
        for method, path, body in (
            ("PUT", "/books/1", {"title": "x"}),
            ("PATCH", "/books/1", {"title": "x"}),
            ("DELETE", "/books/1", None),
            ("PATCH", "/books?id=1", {"title": "x"}),
            ("DELETE", "/books?id=1", None),
            ("PATCH", "/books", [{"key": 1, "patch": {}}]),
            ("DELETE", "/books", [1]),
        ):
            refused = await ask(client, method, path, body)
            assert (refused.status, refused.json()["type"]) == (428, "urn:holdall:precondition-required"), path
        assert (await ask(client, "PATCH", "/books", [{"key": 1, "patch": {"pages": 2}, "etag": tag}])).status == 200
        assert (await ask(client, "DELETE", "/books?id=1", if_match="*")).status == 200
        assert (await ask(client, "PUT", "/books/1", {"title": "x"}, if_none_match="*")).status == 201
        note = (await ask(client, "POST", "/notes", {})).headers["location"]
        assert (await ask(client, "DELETE", note)).status == 204


async def test_what_the_methods_are_is_told() -> None:
    async with Client(library("memory:").asgi()) as client:
        many = await client.request("OPTIONS", "/books")
        assert many.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, POST"
        assert many.headers["accept-patch"] == "application/merge-patch+json, application/json"
        one = await client.request("OPTIONS", "/books/1")
        assert one.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"
        assert one.headers["accept-patch"].endswith("application/json-patch+json")
        body = json.dumps(books(1)).encode()
        wrong = await client.request("PATCH", "/books", body=body, headers={"content-type": "text/plain"})
        assert wrong.status == 415
