"""Routes of views that are called without the framework: the same answers, and every request to the route it is for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, HTTPException, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse

from holdall.testing.client import Client
from holdall.web import Service
from holdall.web.views import AsyncReactAdminView, AsyncRestView, RestView, get, include_view
from tests.support.shop_of_views import Author, Book, shop

pytestmark = pytest.mark.anyio


class PlainAdmin(AsyncReactAdminView[Book]):
    prefix = "/books"


class Plain(AsyncRestView[Book]):
    prefix = "/books"


class PlainSync(RestView[Book]):
    prefix = "/books"


class Loud(AsyncRestView[Book]):
    """Replaces the reading verbs and one endpoint, and raises what a title names."""

    prefix = "/books"

    async def get_many(self, query_params: Any) -> Any:
        return await super().get_many(query_params)

    async def get_one(self, key: Any) -> Book:
        book = await super().get_one(key)
        errors = {
            "teapot": HTTPException(418, "a teapot", {"x-pot": "tea"}),
            "odd": LookupError("odd"),
            "bad": ValueError("bad"),
        }
        if book.title in errors:
            raise errors[book.title]
        return book

    @get("/{key}")
    async def get_one_endpoint(self, key: Any) -> Any:
        book = await self.handle_get_one(key)
        route, scope = self.request.scope["route"], self.request.scope
        return {
            "title": book.title,
            "path": route.path,
            "key": scope["path_params"]["key"],
            "app": self.request.app.title,
        }


class LoudSync(RestView[Book]):
    prefix = "/books"

    def get_one(self, key: Any) -> Book:
        return super().get_one(key)


def _served(view: type[Any] | None, prepare: Callable[[Service], None] = lambda service: None) -> Service:
    service: Service = shop("memory:").asgi()
    prepare(service)
    if view is not None:
        include_view(service, view)
    return service


async def _fill(client: Client) -> None:
    author = await client.post("/authors", json={"name": "Jane"})
    assert author.status == 201
    for title in ("Emma", "teapot", "odd", "Persuasion", "bad"):
        assert (await client.post("/books", json={"title": title, "author": 1})).status == 201


_REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", "/books", None), ("GET", "/books?page_size=2&sort=-title&count=none", None),
    ("GET", "/books?titel=x", None),
    ("GET", "/books?title__startswith=P&fields=id,title", None), ("GET", "/books?include=author", None),
    ("GET", "/books/1", None), ("GET", "/books/99", None), ("GET", "/books/x", None), ("GET", "/books/%31", None),
    ("GET", "/books/1?fields=title", None), ("GET", "/books/1?include=author&fields=title,author.name", None),
    ("GET", "/books/1?fields=titel", None), ("GET", "/books/1?page=1", None), ("HEAD", "/books?page_size=1", None),
    ("GET", "/books/1/", None), ("GET", "/books/", None), ("GET", "/books/1/2", None), ("HEAD", "/books/1", None),
    ("OPTIONS", "/books/1", None), ("GET", "/books/2", None), ("PATCH", "/books/1", {"pages": 3}),
    ("PATCH", "/books/1", {"pages": -1}), ("PUT", "/books/1", {"title": "E", "author": 1}),
    ("POST", "/books", {"title": 1}),
    ("POST", "/books", {"title": "New", "author": 1}), ("POST", "/books", [{"title": "N", "author": 1}]),
    ("DELETE", "/books/4", None), ("DELETE", "/books/4", None), ("PATCH", "/books", [{"id": 1, "pages": 4}]),
    ("TRACE", "/books", None),
]  # fmt: skip


async def _told(service: Service) -> list[Any]:
    found = []
    async with Client(service) as client:
        await _fill(client)
        for method, path, body in _REQUESTS:
            answer = await client.request(method, path, **({} if body is None else {"json": body}))
            kept = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
            text = json.loads(answer.body) if "json" in kept.get("content-type", "") else answer.body
            if isinstance(text, dict):
                text.pop("instance", None)
            found.append((method, path, answer.status, kept, text))
    return found


@pytest.mark.parametrize("view", [Plain, PlainSync, PlainAdmin, Loud, LoudSync])
async def test_answers_are_those_of_the_framework(view: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    service = _served(view)
    found, given = list[Any](), service.direct.find

    def noted(scope: Any) -> Any:
        found.append(given(scope))
        return found[-1]

    monkeypatch.setattr(service.direct, "find", noted)
    direct = await _told(service)
    assert sum(route is not None for route in found) > 20
    by_framework = _served(view)
    monkeypatch.setattr(by_framework.direct, "find", lambda scope: None)
    assert direct == await _told(by_framework)


def _fixed(service: Service) -> None:
    @service.get("/books/special")
    async def special() -> str:
        return "special"


def _earlier(service: Service) -> None:
    @service.get("/books/{isbn}")
    async def by_isbn(isbn: str) -> str:
        return f"isbn {isbn}"


def _anything(service: Service) -> None:
    @service.get("/{place:path}")
    async def anything(place: str) -> str:
        return f"any {place}"


def _mounted(service: Service) -> None:
    service.mount("/books", PlainTextResponse("mounted"))


def _router(service: Service) -> None:
    router = APIRouter(prefix="/books")

    @router.get("/{number:int}")
    async def numbered(number: int) -> str:
        return f"number {number}"

    service.include_router(router)


@pytest.mark.parametrize("prepare", [_fixed, _earlier, _anything, _mounted, _router])
@pytest.mark.parametrize("is_before", [True, False])
@pytest.mark.parametrize("view", [Plain, Loud])
async def test_routes_of_the_host_keep_what_is_theirs(
    view: type[Any], prepare: Callable[[Service], None], is_before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the framework gives a request to without direct routes gets it with them."""
    services = [_served(view, prepare if is_before else lambda service: None) for _ in range(2)]
    monkeypatch.setattr(services[1].direct, "find", lambda scope: None)
    told = []
    for service in services:
        async with Client(service) as client:
            if not is_before:
                await client.get("/books")  # so that what is learned of routes must be learned anew
                prepare(service)
            answers = [
                await client.get(path) for path in ("/books", "/books/special", "/books/1", "/books/a-b", "/other")
            ]
            told.append([(answer.status, answer.body) for answer in answers])
    assert told[0] == told[1]


async def test_errors_go_to_the_handlers_of_the_host() -> None:
    def prepare(service: Service) -> None:
        @service.exception_handler(LookupError)
        async def odd(request: Request, error: Exception) -> Any:
            return JSONResponse({"odd": str(error)}, 409)

        @service.exception_handler(418)
        def teapot(request: Request, error: HTTPException) -> Any:
            return PlainTextResponse("short and stout", 418, error.headers)

    service = _served(Loud, prepare)
    async with Client(service) as client:
        await _fill(client)
        assert [(a.status, a.body) for a in [await client.get(f"/books/{key}") for key in (2, 3)]] == [
            (418, b"short and stout"),
            (409, b'{"odd":"odd"}'),
        ]
        assert (await client.get("/books/1")).json() == {
            "title": "Emma",
            "path": "/books/{key}",
            "key": "1",
            "app": "shop",
        }
        with pytest.raises(ValueError, match="bad"):  # for the server, which logs it, once it is answered
            await client.get("/books/5")


async def who() -> str:
    return "ann"


async def test_a_view_that_needs_the_framework_has_it() -> None:
    class Asked(AsyncRestView[Book]):
        prefix = "/books"
        name: Annotated[str, Depends(who)]
        loud: Annotated[bool, Query()] = False

        async def get_many(self, query_params: Any) -> Any:
            result = await super().get_many(query_params)
            self.request.state.told = (self.name, self.loud)
            return result

    class Guarded(AsyncRestView[Author]):
        prefix = "/authors"
        dependencies = (Depends(_refused),)

    service = _served(Asked)
    include_view(service, Guarded)
    async with Client(service) as client:
        assert (await client.get("/books?loud=true")).status == 200
        assert (await client.get("/authors")).status == 451
    assert service.direct.find({"path": "/books", "method": "GET", "type": "http"}) is None


async def _refused() -> None:
    await asyncio.sleep(0)
    raise HTTPException(451, "not here")
