"""A Holdall service over HTTP as the store of another Holdall, declared by nothing but its own OpenAPI document."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self
from urllib.request import urlopen
from uuid import UUID

import msgspec
import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from holdall import Everyone, Holdall, Many, Model, Policy, Ref, back, desc, field
from holdall.errors import AlreadyExists, CommitError, DeclarationError, StaleVersion, UniqueViolation, Unsupported
from holdall.query import Op, expr
from holdall.stores.rest import (
    Call,
    Cursor,
    ETags,
    LinkHeader,
    Offset,
    PageSize,
    RestCollection,
    Sorting,
    TaggedVersion,
    from_openapi,
)

pytestmark = pytest.mark.anyio

_OPEN = Policy(read=Everyone, write=Everyone)


class Land(Model, collection="lands"):
    code: str = field(pk=True, length=(1, 8))
    name: str
    people: int | None = None
    towns: Many[Town] = back("land")


class Town(Model, collection="towns"):
    id: int = field(pk=True, generated=True)
    name: str = field(unique=True)
    land: Ref[Land | None] = field(default=None)
    area: float | None = None
    version: int = field(version=True)


class Seat(Model, collection="seats"):
    row: str = field(pk=True)
    number: int = field(pk=True)
    price: int = 0


class Stamp(Model, collection="stamps"):
    id: UUID = field(pk=True, generated=True)
    town: Ref[Town | None] = field(default=None)
    above: Ref[Stamp | None] = field(default=None)


_MODELS = (Land, Town, Seat, Stamp)


class _Service:
    """A Holdall in memory, served over HTTP from a thread."""

    def __init__(self) -> None:
        app = Holdall("far")
        app.add_store("main", "memory:")
        app.add(*_MODELS, store="main", policy=_OPEN)
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(app.asgi(create=True), log_level="critical", lifespan="on", ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()


@pytest.fixture(scope="module")
def service() -> Iterator[_Service]:
    with _Service() as service:
        yield service


@pytest.fixture(scope="module")
def document(service: _Service) -> Any:
    with urlopen(f"{service.url}/openapi.json") as answer:
        return msgspec.json.decode(answer.read())


@asynccontextmanager
async def _near(service: _Service, document: Any) -> Any:
    app = Holdall("near")
    app.add_store("far", service.url, openapi=document)
    app.add(*_MODELS, store="far", policy=_OPEN)
    try:
        async with app.session() as session:
            for model in reversed(_MODELS):
                for record in await session.query(model.where()):
                    session.remove(record)
        yield app
    finally:
        await app.close()


async def test_records_live_there_from_beginning_to_end(service: _Service, document: Any) -> None:
    async with _near(service, document) as app:
        async with app.session() as session:
            france = session.add(Land(code="FR", name="France", people=67))
            session.add(Town(name="Paris", land=france, area=105.4))
            session.add(Seat(row="a,b/c", number=1, price=5))
        async with app.session() as session:
            (paris,) = await session.query(Town.where(Town.name == "Paris"))
            assert (await paris.land).name == "France"
            assert paris.version == 1
            paris.area = 105.5
            seat = await session.require(Seat, row="a,b/c", number=1)
            seat.price = 7
        async with app.session() as session:
            (paris,) = await session.query(Town.where(expr(Town.area) > 105.4))
            assert (paris.version, (await session.require(Seat, row="a,b/c", number=1)).price) == (2, 7)
            session.remove(paris)
        async with app.session() as session:
            assert await session.query(Town.where()) == []
            assert [land.code for land in await session.query(Land.where())] == ["FR"]


async def test_uuids_are_made_there_and_referred_to_in_the_same_commit(service: _Service, document: Any) -> None:
    async with _near(service, document) as app:
        async with app.session() as session:
            town = session.add(Town(name="Rome"))
            first = session.add(Stamp(town=town))
            second = session.add(Stamp(above=first))
        assert isinstance(first.id, UUID)
        async with app.session() as session:
            assert (await session.require(Stamp, first.id)).town.key == town.id
            assert (await session.require(Stamp, second.id)).above.key == first.id


async def test_filters_sorts_pages_and_counts_are_asked_there(service: _Service, document: Any) -> None:
    async with _near(service, document) as app:
        async with app.session() as session:
            for number in range(30):
                session.add(Land(code=f"L{number:02}", name=f"land, {number % 3}", people=number or None))
        async with app.session() as session:
            query = Land.where(Land.name == "land, 1").sort(desc(Land.people))
            assert [land.people for land in await session.query(query.limit(3))] == [28, 25, 22]
            assert [land.people for land in await session.query(query.limit(3).offset(3))] == [19, 16, 13]
            assert await session.count(query) == 10
            found = await session.query(Land.where(expr(Land.name).in_(["land, 1", "land, 2"]), expr(Land.people) <= 5))
            assert sorted(land.people for land in found) == [1, 2, 4, 5]
            assert len([land async for land in session.stream(Land.where().sort(Land.people), batch=7)]) == 30
            first = await session.query(Land.where().sort(Land.people).limit(2))
            assert [land.people for land in first] == [None, 1]
            assert await session.query(Land.where().sort(Land.code).limit(1).only(Land.name)) == [("land, 0",)]


async def test_what_others_changed_meanwhile_is_not_overwritten(service: _Service, document: Any) -> None:
    async with _near(service, document) as app:
        async with app.session() as session:
            session.add(Town(name="Oslo"))
        async with app.session() as session, app.session() as other:
            (mine,) = await session.query(Town.where())
            (theirs,) = await other.query(Town.where())
            theirs.area = 1.0
            await other.commit()
            mine.area = 2.0
            with pytest.raises(CommitError) as caught:
                await session.commit()
            assert isinstance(caught.value.__cause__, StaleVersion)
            session.rollback()


async def test_its_refusals_are_told_apart(service: _Service, document: Any) -> None:
    async def refused(app: Holdall, record: Any) -> BaseException | None:
        with pytest.raises(CommitError) as caught:
            async with app.session() as session:
                session.add(record)
        return caught.value.__cause__

    async with _near(service, document) as app:
        async with app.session() as session:
            session.add(Town(name="Rome"))
            session.add(Land(code="IT", name="Italy"))
        assert type(await refused(app, Town(name="Rome"))) is UniqueViolation
        assert type(await refused(app, Land(code="IT", name="Again"))) is AlreadyExists


def test_what_is_derived_of_ours_is_the_whole_of_it(document: Any) -> None:
    town = from_openapi(document, "/towns")
    assert town.paging == PageSize(page="page", size="page_size", most=500)
    assert (town.list_at, town.total_at, town.keys) == ("data", "total_count", "server")
    assert town.read_only == {"id", "version"}
    assert town.version == TaggedVersion()
    assert town.update == Call(media_type="application/merge-patch+json")
    assert town.filters is not None
    assert town.filters.operators.keys() == set(Op) - {Op.NOT_IN, Op.BETWEEN}
    assert from_openapi(document, "/seats/{key}").keys == "client"


_LIST = {
    "type": "object",
    "properties": {
        "items": {"type": "array", "items": {"$ref": "#/components/schemas/Pet"}},
        "meta": {"type": "object", "properties": {"total": {"type": "integer"}, "next_cursor": {"type": "string"}}},
    },
}


def _pets(parameters: list[Any] | None = None, schema: Any = _LIST, headers: Any = None, **more: Any) -> dict[str, Any]:
    """A document of pets; ``list_post`` is an operation of their list, ``item_put`` one of a single pet."""

    def answered(found: Any) -> Any:
        return {
            "200": {"description": "", "headers": headers or {}, "content": {"application/json": {"schema": found}}}
        }

    pet = {
        "allOf": [{"type": "object", "properties": {"id": {"type": "integer", "readOnly": True}}}],
        "properties": {"name": {"type": "string"}, "age": {"type": ["integer", "null"]}},
    }
    listing = {"get": {"parameters": parameters or [], "responses": answered(schema)}}
    item = {"get": {"responses": answered({"$ref": "#/components/schemas/Pet"})}}
    listing |= {name.removeprefix("list_"): value for name, value in more.items() if name.startswith("list_")}
    item |= {name.removeprefix("item_"): value for name, value in more.items() if name.startswith("item_")}
    paths = {"/v2/pets": listing, "/v2/pets/{petId}": item}
    return {"openapi": "3.0.3", "paths": paths, "components": {"schemas": {"Pet": pet}}}


def _query(name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": kind, **more}}


def test_an_api_with_a_cursor_filters_and_sort() -> None:
    sort = _query("sort", enum=["name", "-name", "age"])
    asked = [_query("cursor"), _query("limit", "integer", maximum=50), sort, _query("name"), _query("age[gte]")]
    found = from_openapi(_pets(asked), "/v2/pets")
    assert found.path == "/v2/pets/{key}"
    assert found.paging == Cursor(next_at="meta.next_cursor", cursor="cursor", size="limit", most=50)
    assert (found.list_at, found.total_at) == ("items", "meta.total")
    assert found.sort == Sorting(parameter="sort", fields=frozenset({"name"}), most_keys=1)
    assert found.filters is not None
    assert found.filters.operators == {Op.EQ: "{field}", Op.GE: "{field}[gte]"}
    assert found.filters.fields == {"name": frozenset({Op.EQ}), "age": frozenset({Op.GE})}
    assert not found.filters.is_exact
    assert (found.add, found.update, found.remove) == (None, None, None)


@pytest.mark.parametrize(
    "asked, headers, expected",
    [
        ([_query("page", "integer", minimum=0), _query("per_page", "integer")], {}, PageSize(size="per_page", first=0)),
        ([_query("offset"), _query("limit")], {}, Offset()),
        ([_query("per_page")], {"Link": {}}, LinkHeader()),
        ([], {}, None),
    ],
)
def test_ways_of_paging(asked: list[Any], headers: Any, expected: Any) -> None:
    schema = {"type": "array", "items": {}}
    assert from_openapi(_pets(asked, schema, headers), "/v2/pets").paging == expected


def test_writes_versions_and_keys() -> None:
    wrapped = {"properties": {"pet": {"$ref": "#/components/schemas/Pet"}}}
    body = {"content": {"application/json": {"schema": wrapped}}}
    key = {"name": "Idempotency-Key", "in": "header"}
    match = {"name": "If-Match", "in": "header"}
    found = from_openapi(
        _pets(
            schema={"type": "array"},
            headers={"ETag": {}},
            list_post={"requestBody": body, "parameters": [key], "responses": {}},
            item_put={"requestBody": body, "parameters": [match], "responses": {}},
            item_delete={"responses": {}},
        ),
        "/v2/pets/{petId}",
    )
    assert found.add == Call(idempotency_key="Idempotency-Key")
    assert found.update == Call(method="PUT")
    assert found.remove == Call()
    assert (found.keys, found.read_only, found.version) == ("server", frozenset({"id"}), ETags())
    assert found.wrap == "pet"


@pytest.mark.parametrize(
    "document, words",
    [
        (_pets(schema={"type": "object"}), "list_at="),
        (_pets([_query("page")]), "paging="),
        (_pets([_query("tenant") | {"required": True}], {"type": "array"}), "list=Call"),
        (_pets([_query("limit")], {"type": "array"}), "paging="),
        (_pets(), "paging="),
        (_pets([_query("page", "integer"), _query("size", "integer")]), "first page"),
        (_pets([_query("page", "integer", minimum=0, default=1), _query("size", "integer")]), "first page"),
        (_pets(schema={"$ref": "#/components/schemas/Missing"}), "does not hold"),
        (_pets(schema={"$ref": "other.yaml#/x"}), "one file"),
        ({"swagger": "1.2"}, "no OpenAPI document"),
        ({"swagger": "2.0"}, "no list with single records"),
        ({"openapi": "3.1.0", "paths": {}}, "no list with single records"),
    ],
)
def test_what_the_document_leaves_open_is_asked_for(document: Any, words: str) -> None:
    with pytest.raises(DeclarationError, match=words):
        from_openapi(document, "/v2/pets")


def test_what_is_declared_by_hand_comes_first() -> None:
    document = _pets([_query("tenant") | {"required": True}, _query("page")], {"type": "object"})
    by_hand: dict[str, Any] = {"list": Call(query={"tenant": "a"}), "list_at": "found", "paging": PageSize()}
    found = from_openapi(document, "/v2/pets", **by_hand)
    assert {name: getattr(found, name) for name in by_hand} == by_hand


def test_a_document_may_be_a_file(tmp_path: Path) -> None:
    document = _pets(schema={"type": "array"})
    (tmp_path / "api.json").write_bytes(msgspec.json.encode(document))
    (tmp_path / "api.yaml").write_bytes(msgspec.json.encode(document))  # JSON is YAML, too
    wanted = from_openapi(document, "/v2/pets")
    assert from_openapi(tmp_path / "api.json", "/v2/pets") == wanted
    assert from_openapi(str(tmp_path / "api.yaml"), "/v2/pets") == wanted
    (tmp_path / "broken.json").write_text("{")
    for name in ("broken.json", "missing.json"):
        with pytest.raises(DeclarationError):
            from_openapi(tmp_path / name, "/v2/pets")


def test_a_collection_that_the_document_leaves_open_is_refused_when_it_is_wanted() -> None:
    app = Holdall("near")
    app.add_store("far", "https://api.example.com", openapi=_pets(schema={"type": "object"}))
    app.add_store(
        "by hand", "https://api.example.com", openapi=_pets(schema={"type": "array"}), collections={"pets": "/v2/pets"}
    )

    class Pet(Model, collection="pets"):
        id: int = field(pk=True, generated=True)
        name: str

    app.add(Pet, store="far")
    with pytest.raises(Unsupported, match="list_at="):
        app.bindings.configure()
    with pytest.raises(DeclarationError, match="RestCollection"):
        app.add_store("wrong", "https://api.example.com", collections={"pets": "/v2/pets"})
    assert RestCollection(path="/pets/{id}").list_path == ""


class _Item(BaseModel):
    id: int
    name: str


class _NewItem(BaseModel):
    name: str


_SERVICE = FastAPI()


@_SERVICE.get("/items/")
def _many(skip: int = 0, limit: int = 20, name: str | None = None) -> list[_Item]:
    return [_Item(id=1, name=name or "one")][skip:limit]


@_SERVICE.post("/items/")
def _create(item: _NewItem) -> _Item:
    return _Item(id=1, name=item.name)


@_SERVICE.get("/items/{item_id}")
def _one(item_id: int) -> _Item:
    return _Item(id=item_id, name="one")


def test_an_api_of_a_framework_that_documents_itself() -> None:
    found = from_openapi(_SERVICE.openapi(), "/items/")
    assert (found.path, found.list_path, found.list_at) == ("/items/{key}", "/items/", "")
    assert found.paging == Offset(offset="skip", size="limit", most=20)
    assert (found.keys, found.read_only, found.add) == ("server", frozenset({"id"}), Call())
    assert found.filters is not None
    assert found.filters.fields == {"name": frozenset({Op.EQ})}
