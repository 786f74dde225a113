"""Addresses: one for each record, one for each collection, and the page at the root of them all."""

from __future__ import annotations

from typing import Any

import pytest

from holdall import Everyone, Holdall, Model, Policy, field
from holdall.errors import DeclarationError
from holdall.testing.client import Client

pytestmark = pytest.mark.anyio


def app_of(collection: str) -> Holdall:
    class Item(Model, collection=collection):
        id: int = field(pk=True)

    app = Holdall("addresses")
    app.add_store("main", "memory:")
    app.add(Item, store="main", policy=Policy(read=Everyone, write=Everyone))
    return app


@pytest.mark.parametrize("name", ["a/b", "100%", "a b", "a?b", "a#b", "a\\b", "..", "a\tb"])
def test_a_collection_that_no_path_can_name_is_refused(name: str) -> None:
    with pytest.raises(DeclarationError, match="has no address"):
        app_of(name).asgi()


@pytest.mark.parametrize("name", ["items", "bücher", "a.b", "a-b", "a~b"])
async def test_a_collection_is_found_under_its_name(name: str) -> None:
    async with Client(app_of(name).asgi(create=True)) as http:
        assert (await http.get(f"/{name}")).status == 200


@pytest.mark.parametrize("key, status", [("1", 200), ("1.0", 404), ("1e0", 404), ("%2B1", 404), ("0x1", 404)])
async def test_a_record_has_one_address(key: str, status: int) -> None:
    async with Client(app_of("items").asgi(create=True)) as http:
        assert (await http.post("/items", {"id": 1})).status == 201
        assert (await http.get(f"/items/{key}")).status == status


@pytest.mark.parametrize(
    "accept, kind",
    [
        ("text/html", "text/html"),
        ("text/html;q=0.5", "text/html"),
        ("application/json, text/html;q=0", "application/json"),
        ("text/html; q=0.000, */*", "application/json"),
        ("*/*", "application/json"),
        ("Text/HTML;level=1", "text/html"),
    ],
)
async def test_the_first_page_is_what_the_client_takes(accept: str, kind: str) -> None:
    async with Client(app_of("items").asgi()) as http:
        answer = await http.get("/", accept=accept)
    assert answer.headers["content-type"].startswith(kind)


@pytest.mark.parametrize("method, status", [("OPTIONS", 204), ("POST", 405), ("DELETE", 405)])
async def test_the_first_page_says_what_it_allows(method: str, status: int) -> None:
    async with Client(app_of("items").asgi()) as http:
        answer: Any = await http.request(method, "/")
    assert (answer.status, answer.headers["allow"]) == (status, "GET, HEAD, OPTIONS")
