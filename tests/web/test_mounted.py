"""A service below another application answers as by itself, once its lifespan is run by that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from holdall import Everyone, Holdall, Model, Policy, field
from holdall.testing.client import Client
from holdall.web.views import AsyncRestView, include_view

pytestmark = pytest.mark.anyio


class Planet(Model, collection="planets"):
    id: int = field(pk=True)


async def test_a_service_below_another_application_is_started_and_ended_by_it() -> None:
    app = Holdall("sky")
    app.add_store("main", "memory:")
    app.add(Planet, store="main", policy=Policy(read=Everyone, write=Everyone))
    seen: list[str] = []

    @asynccontextmanager
    async def own(service: Any) -> AsyncIterator[None]:
        seen.append("begun")
        yield
        seen.append("ended")

    service: FastAPI = app.asgi(create=True, lifespan=own)

    @asynccontextmanager
    async def lifespan(api: FastAPI) -> AsyncIterator[None]:
        async with service.router.lifespan_context(service):
            yield

    api = FastAPI(lifespan=lifespan)
    api.mount("/sky", service)

    async with Client(api) as client:
        assert seen == ["begun"]
        made = await client.post("/sky/planets", {"id": 3})
        assert (made.status, made.headers["location"]) == (201, "/sky/planets/3")
        assert (await client.get("/sky/planets/3")).json() == {"id": 3}
        assert b"/sky/planets" in (await client.get("/sky/")).body
    assert seen == ["begun", "ended"]


class Word(Model, collection="words"):
    text: str = field(pk=True)
    n: int = 0


class Words(AsyncRestView[Word]):
    prefix = "/words"


@pytest.mark.parametrize(
    "path, raw, root",
    [
        ("/sky/stars/a b", b"/sky/stars/a%20b", "/sky"),  # as the standard has it
        ("/stars/a b", b"/stars/a%20b", "/sky"),  # of a proxy or a server that leaves the prefix out
        ("/stars/a b", b"/sky/stars/a%20b", "/sky"),
        ("/sky/stars/a b", b"/sky/stars/a%20b", "/sky/"),
        ("/stars/a b", b"/stars/a%20b", "/sky/"),
        ("/stars/a b", b"/stars/a%20b", "/"),
        ("/the sky/of/stars/a b", b"/the%20sky/of/stars/a%20b", "/the sky/of"),
        ("/stars/stars/a b", b"/stars/stars/a%20b", "/stars"),
        ("/sky/stars/a b", None, "/sky"),
        ("/stars/a b", None, ""),
    ],
)
@pytest.mark.parametrize("collection", ["stars", "words"])  # which a view answers for
async def test_a_record_is_found_however_a_server_tells_of_its_prefix(
    path: str, raw: bytes | None, root: str, collection: str
) -> None:
    service = sky()
    path = path.replace("/stars/a", f"/{collection}/a")
    raw = raw and raw.replace(b"/stars/a", b"/" + collection.encode() + b"/a")
    async with Client(service) as client:
        assert (await client.post(f"/{collection}", {"text": "a b"})).status == 201
        assert await status_of(service, path, raw, root) == 200


@pytest.mark.parametrize(
    "path, raw, root",
    [
        ("/skystars/a b", b"/skystars/a%20b", "/sky"),
        ("/sstars/a b", b"/sstars/a%20b", "/s"),
        ("/sky/stars/a b", b"a%20b", "/sky"),
        ("/a/b/stars/a b", b"/a%2Fb/stars/a%20b", "/a/b"),
    ],
)
async def test_what_does_not_lie_below_the_prefix_is_not_there(path: str, raw: bytes, root: str) -> None:
    service = sky()
    async with Client(service) as client:
        await client.post("/stars", {"text": "a b"})
        assert await status_of(service, path, raw, root) == 404


@pytest.mark.parametrize("collection", ["stars", "words"])
async def test_new_records_are_told_with_the_prefix_once(collection: str) -> None:
    api = FastAPI()
    service = sky()
    api.mount("/sky", service)
    async with Client(service), Client(api) as client:
        made = await client.post(f"/sky/{collection}", {"text": "a"})
        assert made.headers["location"] == f"/sky/{collection}/a"
        several = await client.post(f"/sky/{collection}", [{"text": "b"}, {"text": "c"}])
        assert [each["location"] for each in several.json()["items"]] == [
            f"/sky/{collection}/b",
            f"/sky/{collection}/c",
        ]


def sky() -> FastAPI:
    class Star(Model, collection="stars"):
        text: str = field(pk=True)
        n: int = 0

    app = Holdall("sky")
    app.add_store("main", "memory:")
    app.add(Star, Word, store="main", policy=Policy(read=Everyone, write=Everyone))
    service: FastAPI = app.asgi(create=True)
    include_view(service, Words)
    return service


async def status_of(service: Any, path: str, raw: bytes | None, root: str) -> int:
    """The status of the answer to a read, for which the server tells the path in this way."""
    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": raw, "query_string": b"", "root_path": root, "headers": [], "state": {},
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    await service(scope, receive, send)
    return int(sent[0]["status"])


@pytest.mark.parametrize("collection", ["stars", "words"])
@pytest.mark.parametrize("prefix", ["%C3%A9", "%E6%98%9F", "a%20b", "a%25b", "a%0D%0Ax-other:%201"])
async def test_addresses_below_a_prefix_that_clients_choose_are_encoded(prefix: str, collection: str) -> None:
    service = sky()
    host = Starlette(routes=[Mount("/of/{sky}", app=service)])
    async with Client(service):
        client = Client(host)
        made = await client.post(f"/of/{prefix}/{collection}", {"text": "a"})
        several = (await client.post(f"/of/{prefix}/{collection}", [{"text": "b"}])).json()["items"]
        put = await client.request("PUT", f"/of/{prefix}/{collection}/c", json={"text": "c"})
        told = [made.headers["location"], several[0]["location"], put.headers["location"]]
        assert told == [f"/of/{prefix}/{collection}/{key}" for key in "abc"]
        assert (await client.get(f"/of/{prefix}/")).json()["collections"][collection] == f"/of/{prefix}/{collection}"
        assert (await client.get(f"/of/{prefix}/_meta")).json()["collections"][0]["path"] == f"/of/{prefix}/stars"
        assert (await client.get(f"/of/{prefix}/openapi.json")).json()["servers"][0]["url"] == f"/of/{prefix}"


@pytest.mark.parametrize("collection", ["stars", "words"])
@pytest.mark.parametrize("key", ["%E6%98%9F", "a%20b", "a%25b", "a%3Fb", "a%0D%0Ab", "%5Fa"])
async def test_a_record_that_a_put_makes_is_told_with_its_key_encoded(collection: str, key: str) -> None:
    service = sky()
    async with Client(service) as client:
        made = await client.request("PUT", f"/{collection}/{key}", json={"text": unquote(key)})
        assert (made.status, made.headers["location"]) == (201, f"/{collection}/{key}")
        assert (await client.get(made.headers["location"])).json()["text"] == unquote(key)
