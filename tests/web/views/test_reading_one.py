"""Reading through views as through collections: parts of a record, headers alone, and parameters of one's own."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from fastapi import Depends, Query
from pydantic import BaseModel, Field

from holdall.testing.client import Client
from holdall.web import Service
from holdall.web.views import AsyncReactAdminView, AsyncRestView, RestView, View, get, include_view
from tests.support.shop_of_views import Book, shop

pytestmark = pytest.mark.anyio


class Narrow(AsyncRestView[Book]):
    prefix = "/books"

    def build_query(self) -> Any:
        return super().build_query().where(Book.title != "hidden")


class NarrowSync(RestView[Book]):
    prefix = "/books"

    def build_query(self) -> Any:
        return super().build_query().where(Book.title != "hidden")


class BookOut(BaseModel):
    id: int
    title: str = Field(alias="bookTitle")


def _style(style: Annotated[str, Query()] = "plain") -> str:
    return style


class Asked(BaseModel):
    mark: str = "!"


class Parameters(AsyncRestView[Book]):
    """Takes parameters by a method, by a dependency of it, by one of the class, and by a model of them."""

    prefix = "/books"
    dependencies = (Depends(_style),)
    loud: Annotated[bool, Query()] = False

    async def get_one_endpoint(self, key: Any, twice: bool = False, style: str = Depends(_style)) -> Any:
        book = await self.handle_get_one(key)
        return {"title": book.title, "twice": twice, "style": style, "loud": self.loud}

    async def get_many_endpoint(self, query_params: Any, asked: Annotated[Asked, Query()] = Asked()) -> Any:  # noqa: B008
        found = await self.handle_get_many(query_params)
        return [book.title + asked.mark for book in found.objects]


def _served(view: type[View] | None) -> Service:
    service: Service = shop("memory:").asgi()
    if view is not None:
        include_view(service, view)
    return service


async def _fill(client: Client) -> None:
    assert (await client.post("/authors", json={"name": "Jane"})).status == 201
    for title in ("Emma", "hidden"):
        assert (await client.post("/books", json={"title": title, "author": 1})).status == 201


@pytest.mark.parametrize("view", [Narrow, NarrowSync])
@pytest.mark.parametrize(
    "asked", ["fields=title", "fields=title,author.name&include=author", "include=author", "fields=titel", "page=1"]
)
async def test_a_part_of_a_record_is_that_of_the_collection(view: type[View], asked: str) -> None:
    answers = []
    for service in (_served(view), _served(None)):
        async with Client(service) as client:
            await _fill(client)
            answer = await client.get(f"/books/1?{asked}")
            answers.append((answer.status, answer.json(), answer.headers.get("etag")))
    assert answers[0] == answers[1]


async def test_a_schema_names_the_parts_of_a_record() -> None:
    class InShop(AsyncRestView[Book]):
        prefix = "/shop"
        schema = BookOut

    async with Client(_served(InShop)) as client:
        await _fill(client)
        part = await client.get("/shop/1?fields=bookTitle")
        assert (part.status, part.json()) == (200, {"bookTitle": "Emma"})
        assert (await client.get("/shop/1?fields=title")).status == 422
        assert (await client.get("/shop/1?include=author")).status == 422
        document = (await client.get("/openapi.json")).json()
    names = {each["name"] for each in document["paths"]["/shop/{key}"]["get"]["parameters"]}
    assert "fields" in names
    assert "include" not in names


async def test_react_admin_asks_for_whole_records() -> None:
    class Admin(AsyncReactAdminView[Book]):
        prefix = "/admin"

    async with Client(_served(Admin)) as client:
        await _fill(client)
        assert (await client.get("/admin/1")).status == 200
        assert (await client.get("/admin/1?fields=title")).status == 422


@pytest.mark.parametrize("view", [Narrow, NarrowSync, None])
async def test_headers_alone(view: type[View] | None) -> None:
    async with Client(_served(view)) as client:
        await _fill(client)
        for path in ("/books", "/books/1", "/books/1?fields=title", "/books/2", "/books/99", "/books/x"):
            whole, headers = await client.get(path), await client.request("HEAD", path)
            assert headers.status == whole.status
            assert headers.headers.get("etag") == whole.headers.get("etag")
            assert headers.headers["content-length"] == whole.headers["content-length"]
        tag = (await client.request("HEAD", "/books/1")).headers["etag"]
        unchanged = await client.request("HEAD", "/books/1", headers={"if-none-match": tag})
        assert unchanged.status == 304
        document = (await client.get("/openapi.json")).json()
    assert "head" not in document["paths"]["/books/{key}"]


async def test_routes_of_views_that_are_no_rest_views_have_headers_too() -> None:
    class Counts(View):
        prefix = "/counts"

        @get("/books")
        async def books(self) -> dict[str, int]:
            return {"books": await self.session.count(Book.where())}

    async with Client(_served(Counts)) as client:
        assert (await client.request("HEAD", "/counts/books")).status == 200


async def test_parameters_of_ones_own() -> None:
    async with Client(_served(Parameters)) as client:
        await _fill(client)
        one = await client.get("/books/1?twice=true&style=bold&loud=yes")
        assert one.json() == {"title": "Emma", "twice": True, "style": "bold", "loud": True}
        assert (await client.get("/books?mark=%3F&style=bold&title=Emma")).json() == ["Emma?"]
        for path in ("/books/1?thrice=true", "/books?marks=1", "/books/1?mark=1"):
            refused = await client.get(path)
            assert (refused.status, refused.json()["errors"][0]["code"]) == (422, "unknown")
        assert (await client.get("/books/1?twice=maybe")).status == 422
