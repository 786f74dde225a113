"""Routes of one's own whose paths lie within a collection."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from fastapi import APIRouter

from holdall import Everyone, Holdall, Model, Policy, field
from holdall.testing.client import Client

pytestmark = pytest.mark.anyio


class Product(Model, collection="products"):
    id: str = field(pk=True)


router = APIRouter()


@router.get("/products/special")
async def special() -> dict[str, bool]:
    return {"special": True}


def _service() -> Any:
    app = Holdall("shop")
    app.add_store("main", "memory:")
    app.add(Product, store="main", policy=Policy(read=Everyone, write=Everyone))
    return app.asgi()


@pytest.mark.parametrize("is_wrapped", [False, True])
async def test_a_fixed_path_within_a_collection_is_reached_beside_its_records(is_wrapped: bool) -> None:
    service = _service()

    if is_wrapped:
        service.add_middleware(_Through)
    async with Client(service) as client:
        service.include_router(router)
        assert (await client.post("/products", {"id": "plain"})).status == 201
        assert (await client.get("/products/special")).json() == {"special": True}
        assert (await client.get("/products/plain")).json() == {"id": "plain"}
        assert (await client.delete("/products/special")).status == 404  # the collection's answer for a record


@pytest.mark.parametrize("path", ["/products", "/products/{name}", "/products/"])
async def test_a_route_that_a_collection_would_answer_is_refused_by_name(path: str) -> None:
    service = _service()
    service.add_api_route(path, special)

    async def main() -> None:
        async with Client(service):
            pass

    with pytest.raises(RuntimeError, match=r"is never reached, as the collection .products."):
        await main()


async def test_the_first_page_leads_to_the_collections_and_gives_way_to_the_hosts_own() -> None:
    service = _service()

    async with Client(service) as client:
        links = {"openapi": "/openapi.json", "docs": "/docs"}
        expected = {"name": "shop", "collections": {"products": "/products"}} | links
        assert (await client.get("/")).json() == expected
        page = await client.get("/", accept="text/html,*/*;q=0.8")
        assert page.headers["content-type"].startswith("text/html")
        assert b'<a href="/products">products</a>' in page.body
        assert (await client.delete("/")).status in (404, 405)
        service.add_api_route("/", special)
        assert (await client.get("/")).json() == {"special": True}


class _Through:
    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)


async def test_a_failure_of_an_own_route_is_a_problem_too() -> None:
    async def fails() -> None:
        raise ValueError("secret")

    service = Holdall("failing").asgi()
    service.add_api_route("/fails", fails)

    async def swallowing(scope: Any, receive: Any, send: Any) -> None:
        with contextlib.suppress(ValueError):  # which goes on to the server, and its log
            await service(scope, receive, send)

    async with Client(swallowing) as client:
        answer = await client.get("/fails")
    assert (answer.status, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.json()["instance"].startswith("urn:uuid:")
    assert b"secret" not in answer.body
