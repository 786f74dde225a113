"""Schemas of a view, by pydantic and by msgspec: what is shown and taken, in which names, and what is refused."""

from __future__ import annotations

import types
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from pydantic import BaseModel, Field, field_validator

from holdall import Everyone, Holdall, Model, Policy, field
from holdall.errors import DeclarationError
from holdall.testing.client import Client
from holdall.web.views import IDRef, MustExist, ReadOnly, WriteOnly, include_view, writes
from tests.support.shop_of_views import KINDS, RESTS, Author, Book, shop

pytestmark = pytest.mark.anyio


class AuthorOut(BaseModel):
    name: str = Field(alias="authorName")


class BookOut(BaseModel):
    id: ReadOnly[int]
    title: str = Field(alias="bookTitle")
    pages: int = 0
    key: WriteOnly[str] = ""
    author: AuthorOut

    @field_validator("title")
    @classmethod
    def is_capital(cls, title: str) -> str:
        if title.islower():
            raise ValueError("must begin with a capital")
        return title


class StructAuthor(msgspec.Struct, rename={"name": "authorName"}):
    name: str


class StructOut(msgspec.Struct, rename={"title": "bookTitle"}, kw_only=True):
    id: ReadOnly[int]
    title: Annotated[str, msgspec.Meta(pattern="^[A-Z]")]
    pages: int = 0
    key: WriteOnly[str] = ""
    author: StructAuthor


SCHEMAS = {"pydantic": BookOut, "msgspec": StructOut}


def books(kind: str, schema_class: Any, **more: Any) -> Any:
    def hashed(self: object, key: str) -> dict[str, object]:
        return {"secret": key[::-1]}

    body = {"prefix": "/v2/books", "schema": schema_class, "hashed": writes("key")(hashed)} | more
    return types.new_class("Books", (RESTS[kind][Book],), exec_body=lambda names: names.update(body))


async def opened(view: Any) -> Client:
    app = shop("memory:")
    service = app.asgi()
    include_view(service, view)
    client = Client(service)
    await client.__aenter__()
    await client.post("/authors", {"name": "Austen"})
    client.app = app  # type: ignore[attr-defined]
    return client


@pytest.fixture(params=[(kind, library) for kind in KINDS for library in SCHEMAS], ids="-".join)
async def client(request: pytest.FixtureRequest) -> Any:
    kind, library = request.param
    made = await opened(books(kind, SCHEMAS[library]))
    yield made
    await made.__aexit__(None, None, None)


async def test_one_spelling_holds_for_bodies_answers_filters_and_sorts(client: Client) -> None:
    answer = await client.post("/v2/books", {"bookTitle": "Emma", "author": 1})
    emma = {"id": 1, "bookTitle": "Emma", "pages": 0, "author": {"authorName": "Austen"}}
    assert (answer.status, answer.json()) == (201, emma)
    assert answer.headers["location"] == "/v2/books/1"
    assert (await client.get("/v2/books/1")).json() == emma
    for query in ("bookTitle=Emma", "bookTitle__contains=mm&sort=-bookTitle", "author.authorName=Austen", "author=1"):
        listed = await client.get(f"/v2/books?{query}")
        assert (listed.status, listed.json()["data"]) == (200, [emma]), query
    assert (await client.get("/v2/books?fields=bookTitle")).json()["data"] == [{"bookTitle": "Emma"}]
    for query in ("title=Emma", "sort=title", "fields=title", "author.name=Austen"):
        assert (await client.get(f"/v2/books?{query}")).status == 422, query
    refused = await client.post("/v2/books", {"title": "Emma", "author": 1})
    assert (refused.status, refused.json()["errors"][0]["path"]) == (422, "title")


async def test_a_change_gives_only_what_was_sent(client: Client) -> None:
    await client.post("/v2/books", {"bookTitle": "Emma", "author": 1, "pages": 474})
    changed = await client.patch("/v2/books/1", {"bookTitle": "Emma II"})
    assert (changed.status, changed.json()["bookTitle"], changed.json()["pages"]) == (200, "Emma II", 474)
    assert (await client.patch("/v2/books/1", {})).json()["pages"] == 474


async def test_null_where_there_must_be_a_value_is_refused(client: Client) -> None:
    await client.post("/v2/books", {"bookTitle": "Emma", "author": 1})
    answer = await client.patch("/v2/books/1", {"bookTitle": None})
    assert (answer.status, len(answer.json()["errors"])) == (422, 1)
    assert (await client.get("/v2/books/1")).json()["bookTitle"] == "Emma"


async def test_validators_of_the_schema_and_rules_of_the_model_both_hold(client: Client) -> None:
    for body in ({"bookTitle": "emma"}, {"pages": 9_001}, {"pages": "many"}):
        assert (await client.post("/v2/books", {"bookTitle": "Emma", "author": 1} | body)).status == 422, body
    await client.post("/v2/books", {"bookTitle": "Emma", "author": 1})
    for body in ({"bookTitle": "emma"}, {"pages": 9_001}, {"pages": "many"}):
        assert (await client.patch("/v2/books/1", body)).status == 422, body


async def test_what_is_read_only_is_not_taken(client: Client) -> None:
    answer = await client.post("/v2/books", {"id": 7, "bookTitle": "Emma", "author": 1})
    assert (answer.status, answer.json()["errors"][0]["code"]) == (422, "read_only")


async def test_what_is_written_only_is_stored_by_its_method_and_never_seen(client: Client) -> None:
    answer = await client.post("/v2/books", {"bookTitle": "Emma", "author": 1, "key": "abc"})
    assert "key" not in answer.json()
    async with client.app.session() as session:  # type: ignore[attr-defined]
        assert (await session.require(Book, 1)).secret == "cba"
    assert (await client.patch("/v2/books/1", {"key": "xyz"})).status == 200
    async with client.app.session() as session:  # type: ignore[attr-defined]
        assert (await session.require(Book, 1)).secret == "zyx"
    for query in ("key=abc", "sort=key", "fields=key", "secret=cba", "secret__isnull=false"):
        assert (await client.get(f"/v2/books?{query}")).status == 422, query


async def test_a_body_that_is_no_json_is_told(client: Client) -> None:
    answer = await client.request("POST", "/v2/books", body=b"{", headers={"content-type": "application/json"})
    assert answer.status == 400


async def test_documents_name_what_the_schema_names(client: Client) -> None:
    document = (await client.get("/openapi.json")).json()
    many, one = document["paths"]["/v2/books"], document["paths"]["/v2/books/{key}"]
    names = {parameter.get("name") for parameter in many["get"]["parameters"]}
    assert {"bookTitle", "bookTitle__contains", "pages__gte", "page_size"} <= names
    assert not {"title", "secret", "secret__contains", "key"} & names
    taken = many["post"]["requestBody"]["content"]["application/json"]["schema"]["anyOf"][0]["properties"]
    assert set(taken) == {"bookTitle", "pages", "key", "author"}
    shown = many["post"]["responses"]["201"]["content"]["application/json"]["schema"]["properties"]
    assert set(shown) == {"id", "bookTitle", "pages", "author"}
    assert set(one) >= {"get", "patch", "delete"}


class Keyed(BaseModel):
    title: str
    author: IDRef[Author]


class Existing(BaseModel):
    title: str
    author: MustExist[int, Author]  # type: ignore[type-arg]


@pytest.mark.parametrize("schema", [Keyed, Existing])
async def test_a_reference_by_key_is_shown_taken_and_looked_after(schema: Any) -> None:
    client = await opened(books("async", schema, hashed=None))
    answer = await client.post("/v2/books", {"title": "Emma", "author": 1})
    assert (answer.status, answer.json()) == (201, {"title": "Emma", "author": 1})
    absent = await client.post("/v2/books", {"title": "Emma", "author": 99})
    assert absent.status == 422
    assert (await client.get("/v2/books")).json()["total_count"] == 1
    await client.__aexit__(None, None, None)


class Unstored(BaseModel):
    title: str
    author: IDRef[Author]
    nick: str = ""


class Unshown(BaseModel):
    title: str
    nick: ReadOnly[str]


class Buried(BaseModel):
    title: ReadOnly[str] | None


class NestedBody(BaseModel):
    title: str
    author: AuthorOut


@pytest.mark.parametrize(
    "options, told",
    [
        ({"schema_create": Unstored}, r"nothing stores 'nick' of Unstored"),
        ({"schema": Unshown}, r"Book has no 'nick', which Unshown shows"),
        ({"schema": Buried}, r"stand outside: write ReadOnly"),
        ({"schema_create": NestedBody}, r"is a nested record, which cannot be taken"),
        ({"schema": dict}, r"a pydantic model or a msgspec struct"),
        ({}, r"none of its schemas has it"),
    ],
)
def test_schemas_that_do_not_fit_are_refused_when_the_view_is_included(options: Any, told: str) -> None:
    view = books("async", options.pop("schema", None), **options)
    with pytest.raises(DeclarationError, match=told):
        include_view(shop("memory:").asgi(), view)


def test_a_reference_by_key_names_a_model() -> None:
    with pytest.raises(DeclarationError, match="IDRef takes a model"):
        IDRef[int]


@pytest.mark.parametrize(
    "body, code", [({"bookTitle": "E" * 81, "author": 1}, "length"), ({"bookTitle": "A\0", "author": 1}, "text")]
)
async def test_rules_of_the_model_are_told_in_the_names_of_the_schema(client: Client, body: Any, code: str) -> None:
    made = await client.post("/v2/books", body)
    assert [(each["path"], each["code"]) for each in made.json()["errors"]] == [("bookTitle", code)]
    several = await client.post("/v2/books", [body])
    assert [(each["path"], each["pointer"]) for each in several.json()["errors"]] == [("0.bookTitle", "/0/bookTitle")]
    await client.post("/v2/books", {"bookTitle": "Emma", "author": 1})
    place = f"/v2/books/{(await client.get('/v2/books')).json()['data'][0]['id']}"
    for method, given in (("PATCH", {"bookTitle": body["bookTitle"]}), ("PUT", body)):
        changed = await client.request(method, place, json=given)
        assert [(each["path"], each["code"]) for each in changed.json()["errors"]] == [("bookTitle", code)]


class Device(Model, collection="devices"):
    id: int = field(pk=True)
    address: IPv4Address = IPv4Address("10.0.0.1")
    ports: set[int] = field(default_factory=set)
    kinds: frozenset[str] = frozenset()
    home: Path = Path("/")
    zone: ZoneInfo = ZoneInfo("UTC")


class DeviceOut(BaseModel):
    id: int
    address: IPv4Address = Field(IPv4Address("10.0.0.1"), alias="ip")
    ports: set[int] = set()
    kinds: frozenset[str] = frozenset()
    home: Path = Path("/")
    zone: ZoneInfo = ZoneInfo("UTC")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_schema_has_values_of_classes_that_json_has_not(kind: str) -> None:
    app = Holdall("devices")
    app.add_store("main", "memory:")
    app.add(Device, store="main", policy=Policy(read=Everyone, write=Everyone))
    body = {"prefix": "/v2/devices", "schema": DeviceOut}
    view = types.new_class("Devices", (RESTS[kind][Device],), exec_body=lambda names: names.update(body))
    service = app.asgi()
    include_view(service, view)
    given = {"id": 1, "ip": "10.0.0.9", "ports": [7], "kinds": ["a"], "home": "/srv", "zone": "Europe/Paris"}
    async with Client(service) as client:
        made = await client.post("/v2/devices", given)
        assert (made.status, made.json()) == (201, given)
        for name, value in {"ip": "10.0.0.8", "ports": [8], "kinds": [], "home": "/", "zone": "UTC"}.items():
            assert (await client.patch("/v2/devices/1", {name: value})).json()[name] == value
        put = await client.request("PUT", "/v2/devices/1", json=given)
        assert (put.status, put.json()) == (200, given)
    async with app.session() as session:
        device = await session.require(Device, 1)
        assert (device.address, device.ports, device.home) == (IPv4Address("10.0.0.9"), {7}, Path("/srv"))
