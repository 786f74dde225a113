"""Methods of views that are routes of their own: the request they take, the records they give, clients that go away."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import pytest
from fastapi import BackgroundTasks, FastAPI, Request, Response
from pydantic import BaseModel

from holdall import SYSTEM, Holdall
from holdall.testing.client import Client
from holdall.web.views import View, get, include_view, post
from tests.support.shop_of_views import KINDS, RESTS, Author, Book, shop

pytestmark = pytest.mark.anyio

T = TypeVar("T")
done: list[str] = []


class Page(BaseModel, Generic[T]):
    items: list[T]


class Tracing(View):
    trace: Response
    raw: Request


class Own(Tracing):
    prefix = "/own"
    acts_for = SYSTEM
    answer: Response  # a second of its kind, beside that of the base
    later: BackgroundTasks

    @get("/asked")
    async def asked(self, request: Request, response: Response) -> list[str]:
        response.headers["x-own"] = "method"
        self.trace.headers["x-trace"] = self.answer.headers["x-answer"] = "view"
        self.later.add_task(done.append, request.url.path)
        return [request.url.path, self.raw.url.path, self.request.url.path]

    @post("/length")
    async def length(self, asked: Request) -> int:
        return len(await asked.body())

    @get("/sync")
    def sync(self, request: Request) -> str:
        return request.url.path

    @get("/one")
    async def one(self) -> Book | None:
        return await self.session.first(Book.where())  # type: ignore[no-any-return]

    @get("/none")
    async def none(self) -> Book | None:
        return None

    @get("/all")
    async def every(self) -> list[Book]:
        return list(await self.session.query(Book.where()))

    @get("/named")
    async def named(self) -> dict[str, Book | Author]:
        book = await self.session.first(Book.where())
        return {"book": book, "author": await book.author}

    @get("/page")
    async def page(self) -> Page[Book]:
        return Page[Book](items=list(await self.session.query(Book.where())))

    @post("/made")
    async def made(self) -> Book:
        return self.session.add(Book(title="Persuasion", author=1))  # type: ignore[no-any-return]


@pytest.fixture(params=["service", "host"])
async def client(request: pytest.FixtureRequest) -> Any:
    app: Holdall = shop("memory:")
    async with app.session() as session:
        session.add(Author(name="Austen"))
        await session.commit()
        session.add(Book(title="Emma", author=1))
    parent = app.asgi() if request.param == "service" else FastAPI()
    include_view(parent, Own, app=app)
    async with Client(parent) as client:
        yield client


async def test_a_method_takes_the_request(client: Client) -> None:
    done.clear()
    answer = await client.get("/own/asked")
    assert answer.json() == ["/own/asked"] * 3
    assert [answer.headers.get(name) for name in ("x-own", "x-trace", "x-answer")] == ["method", "view", "view"]
    assert done == ["/own/asked"]
    assert (await client.request("POST", "/own/length", body=b"x" * 70)).json() == 70
    assert (await client.get("/own/sync")).json() == "/own/sync"


EMMA = {"id": 1, "title": "Emma", "pages": 0, "status": "draft", "secret": "", "size": {}, "author": 1, "version": 1}


async def test_a_method_gives_records_as_its_annotation_says(client: Client) -> None:
    assert (await client.get("/own/one")).json() == EMMA
    assert (await client.get("/own/none")).json() is None
    assert (await client.get("/own/all")).json() == [EMMA]
    named = (await client.get("/own/named")).json()
    assert (named["book"], named["author"]["name"]) == (EMMA, "Austen")
    assert (await client.get("/own/page")).json() == {"items": [EMMA]}
    made = await client.post("/own/made", None)
    assert (made.status, made.json()) == (201, EMMA | {"id": 2, "title": "Persuasion"})


async def test_records_of_a_method_are_told_in_the_document() -> None:
    service = shop("memory:").asgi()
    include_view(service, Own)
    document: Any = service.openapi()
    told = document["paths"]["/own/all"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert told["items"] == {"$ref": "#/components/schemas/Book.Record"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("host", ["service", "host"])
async def test_a_client_that_goes_away_is_no_failure(kind: str, host: str) -> None:
    class Books(RESTS[kind][Book]):  # type: ignore[misc]
        prefix = "/api/books"  # two names deep, so that the framework routes it
        acts_for = SYSTEM

    app = shop("memory:")
    parent = app.asgi() if host == "service" else FastAPI()
    include_view(parent, Books, app=app)
    scope = {
        "type": "http", "method": "POST", "path": "/api/books", "raw_path": b"/api/books", "query_string": b"",
        "headers": [(b"content-type", b"application/json")], "http_version": "1.1", "scheme": "http", "root_path": "",
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {},
    }  # fmt: skip
    messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        pass

    async with Client(parent):
        await parent(scope, receive, send)
    async with app.session() as session:
        assert await session.count(Book.where()) == 0


@pytest.mark.parametrize("text", [b"\xff", b"\xed\xa0\x80", b"\xc0\xaf"])
async def test_a_whole_record_that_is_no_text_is_refused(text: bytes) -> None:
    from holdall.web.views import AsyncReactAdminView

    class Books(AsyncReactAdminView[Author]):
        prefix = "/ra/authors"

    service = shop("memory:").asgi()
    include_view(service, Books)
    async with Client(service) as client:
        await client.post("/authors", {"name": "Austen"})
        body = b'{"id": 1, "name": "' + text + b'"}'
        answer = await client.request("PUT", "/ra/authors/1", body=body, headers={"content-type": "application/json"})
        assert (answer.status, answer.json()["type"]) == (400, "urn:holdall:json")
