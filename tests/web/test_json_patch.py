"""JSON Patch (RFC 6902): the public tests, and what a patch does to records."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from holdall.testing.client import Client
from holdall.web.json_patch import JsonPatch, same_json
from holdall.web.problem import Problem
from tests.support.shelves import STORES, library, url_of

pytestmark = pytest.mark.anyio

_SUITE = Path(__file__).parent / "json_patch_suite"
CASES = [
    pytest.param(case, id=f"{name}-{number}")
    for name in ("tests", "spec_tests")
    for number, case in enumerate(json.loads((_SUITE / f"{name}.json").read_text("utf-8")))
    if "patch" in case and not case.get("disabled")
]


@pytest.mark.parametrize("case", CASES)
def test_the_public_suite(case: dict[str, Any]) -> None:
    body = json.dumps(case["patch"]).encode()
    if "error" in case:
        with pytest.raises(Problem) as refused:
            JsonPatch(body).apply(case["doc"])
        assert refused.value.status in (400, 409, 422)
    else:
        found = JsonPatch(body).apply(case["doc"])
        assert "expected" not in case or same_json(found, case["expected"])


def test_the_suite_is_all_there() -> None:
    assert len(CASES) == 91


@pytest.fixture(params=STORES)
async def client(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Client]:
    url, options = url_of(request, tmp_path)
    async with Client(library(url, **options).asgi(create=True)) as opened:
        await opened.post("/books", {"id": 1, "title": "Emma", "tags": ["a", "b"], "size": {"w": 1}})
        yield opened


async def patch(client: Client, operations: object, path: str = "/books/1", **headers: str) -> Any:
    given = {"content-type": "application/json-patch+json"} | {k.replace("_", "-"): v for k, v in headers.items()}
    body = operations if isinstance(operations, bytes) else json.dumps(operations).encode()
    return await client.request("PATCH", path, body=body, headers=given)


async def test_operations_change_the_record_as_it_is_shown(client: Client) -> None:
    changed = await patch(
        client,
        [
            {"op": "test", "path": "/label", "value": "Emma (0)"},
            {"op": "replace", "path": "/title", "value": "Persuasion"},
            {"op": "add", "path": "/tags/1", "value": "new"},
            {"op": "remove", "path": "/tags/0"},
            {"op": "add", "path": "/size/h", "value": 2},
            {"op": "remove", "path": "/size/w"},
            {"op": "add", "path": "/extra", "value": {"deep": [{"x": 1}]}},
            {"op": "copy", "from": "/extra/deep/0/x", "path": "/pages"},
            {"op": "move", "from": "/extra/deep", "path": "/extra/moved"},
        ],
    )
    assert changed.status == 200, changed.body
    shown = changed.json()
    assert shown["title"] == "Persuasion"
    assert (shown["tags"], shown["size"], shown["extra"]) == (["new", "b"], {"h": 2}, {"moved": [{"x": 1}]})
    assert (shown["pages"], shown["version"]) == (1, 2)
    assert (await client.get("/books/1")).headers["etag"] == changed.headers["etag"]
    assert (await patch(client, [{"op": "remove", "path": "/extra"}])).json()["extra"] is None
    assert (await patch(client, [])).status == 200


async def test_all_of_it_or_nothing(client: Client) -> None:
    before = (await client.get("/books/1")).json()
    first = {"op": "replace", "path": "/title", "value": "x"}
    for last, status, code, pointer in (
        ({"op": "test", "path": "/pages", "value": False}, 409, "test", "/1"),
        ({"op": "remove", "path": "/nope"}, 422, "place", "/1"),
        ({"op": "replace", "path": "/tags/7", "value": "x"}, 422, "place", "/1"),
        ({"op": "add", "path": "/tags/01", "value": "x"}, 422, "place", "/1"),
        ({"op": "sing", "path": "/tags"}, 422, "one_of", "/1/op"),
        ({"op": "add", "path": "/tags"}, 422, "required", "/1/value"),
        ({"op": "add", "path": "tags", "value": 1}, 422, "pointer", "/1/path"),
        ({"op": "add", "path": "/a~2", "value": 1}, 422, "pointer", "/1/path"),
    ):
        refused = await patch(client, [first, last])
        assert refused.status == status, (last, refused.body)
        (error,) = refused.json()["errors"]
        assert (error["code"], error["pointer"]) == (code, pointer), last
    for last, name, code in (
        ({"op": "add", "path": "/version", "value": 9}, "version", "generated"),
        ({"op": "add", "path": "/label", "value": "x"}, "label", "unknown"),
        ({"op": "add", "path": "/id", "value": 9}, "id", "frozen"),
        ({"op": "add", "path": "/nope", "value": 9}, "nope", "unknown"),
        ({"op": "remove", "path": "/title"}, "title", "required"),
        ({"op": "add", "path": "/pages", "value": -1}, "pages", "ge"),
        ({"op": "add", "path": "/tags/-", "value": 1}, "tags.2", "type"),
        ({"op": "replace", "path": "/origin", "value": "x"}, "origin", "frozen"),
    ):
        refused = await patch(client, [first, last])
        assert refused.status == 422, (last, refused.body)
        assert [(e["path"], e["code"]) for e in refused.json()["errors"]] == [(name, code)]
    for body, status in ((b"{}", 422), (b"[", 400), (b"[1]", 422), (b'[{"op":"test","op":"add"}]', 400)):
        assert (await patch(client, body)).status == status
    replaced = await patch(client, [{"op": "add", "path": "", "value": [1]}])
    assert replaced.status == 422
    assert (await client.get("/books/1")).json() == before


async def test_tags_guard_it(client: Client) -> None:
    tag = (await client.get("/books/1")).headers["etag"]
    operations = [{"op": "add", "path": "/pages", "value": 1}]
    assert (await patch(client, operations, if_match='"x"')).status == 412
    assert (await patch(client, operations, if_match=tag)).status == 200
    assert (await patch(client, operations, if_match=tag)).status == 412
    assert (await patch(client, operations, "/books/9")).status == 404


async def test_patches_at_once_are_all_kept(client: Client) -> None:
    tries = [patch(client, [{"op": "add", "path": "/tags/-", "value": str(n)}]) for n in range(6)]
    assert [answer.status for answer in await asyncio.gather(*tries)] == [200] * 6
    assert sorted((await client.get("/books/1")).json()["tags"]) == sorted(["a", "b", *map(str, range(6))])


async def test_what_operations_cost_is_bounded(client: Client) -> None:
    grow = [{"op": "copy", "from": "/extra", "path": "/extra/-"}] * 60
    refused = await patch(client, [{"op": "add", "path": "/extra", "value": [[]]}, *grow])
    assert (refused.status, refused.json()["type"]) == (422, "urn:holdall:limit")
    many = await patch(client, [{"op": "test", "path": "/pages", "value": 0}] * 1001)
    assert (many.status, many.json()["type"]) == (422, "urn:holdall:limit")
    assert (await patch(client, b"[" * 100_000)).status in (400, 413)
