"""Records go in and out of routes of one's own as they do in collections: one form, one set of rules, one error."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Annotated, Any

import pytest
from fastapi import Body, FastAPI
from starlette.responses import PlainTextResponse

from holdall import (
    SYSTEM,
    Authenticated,
    Everyone,
    Holdall,
    Model,
    Policy,
    Ref,
    Role,
    Session,
    User,
    computed,
    field,
)
from holdall.errors import DeclarationError
from holdall.testing.client import Client
from holdall.web import add_problem_handlers
from tests.support.dropping import drop

pytestmark = pytest.mark.anyio


class Country(Model, collection="countries"):
    code: str = field(pk=True)
    name: str


class City(Model, collection="cities"):
    id: int = field(pk=True, generated=True)
    name: str = field(length=(1, 20))
    price: Decimal = field(default=Decimal(1), digits=8, places=2)
    country: Ref[Country | None] = field(default=None)
    version: int = field(version=True)

    @computed
    def label(self) -> str:
        return self.name.upper()


app = Holdall("own")
app.add_store("m", "memory:")
app.add(Country, store="m", policy=Policy(read=Everyone, write=Authenticated))
app.add(City, store="m", policy=Policy(read=Everyone, create=Authenticated, update=Authenticated))


NewCity = Annotated[City, Body()]
Work = Annotated[Session, app.session_dependency(User("ann"))]


def _with_routes(service: FastAPI) -> FastAPI:
    @service.post("/import", status_code=201)
    async def add(city: NewCity, session: Work) -> City:
        session.add(city)
        await session.commit()
        return city

    @service.post("/import/late")
    async def late(city: NewCity, session: Work) -> City:
        return session.add(city)

    @service.post("/import/many")
    async def many(cities: list[City], session: Work) -> dict[str, int]:
        session.add_all(cities)
        return {"count": len(cities)}

    @service.post("/import/both")
    async def both(
        city: NewCity, country: Annotated[Country, Body()], note: Annotated[str, Body()], session: Work
    ) -> list[Country]:
        session.add_all([country, city])
        return [country]

    @service.get("/find/{number}")
    async def find(number: int, session: Work) -> City | None:
        return await session.get(City, number)

    return service


@pytest.fixture(params=["service", "own"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    await app.create()
    async with app.session() as s:
        s.add(Country(code="FR", name="France"))
    service = app.asgi() if request.param == "service" else FastAPI()
    if request.param == "own":
        add_problem_handlers(service)
    async with Client(_with_routes(service)) as client:
        yield client
    for store in app.stores.values():
        await drop(store)


async def test_a_record_is_taken_and_shown_as_a_collection_does(client: Client) -> None:
    made = await client.post("/import", {"name": "Paris", "price": "2.5", "country": "FR"})
    assert made.status == 201, made.body
    expected = {"id": 1, "name": "Paris", "price": "2.5", "country": "FR", "version": 1, "label": "PARIS"}
    assert made.json() == expected
    assert (await client.get("/find/1")).json() == expected
    assert (await client.get("/find/9")).json() is None


@pytest.mark.parametrize(
    "body, path, code",
    [
        ({"name": ""}, "name", "length"),
        ({}, "name", "required"),
        ({"name": "x", "nope": 1}, "nope", "unknown"),
        ({"name": "x", "version": 3}, "version", None),
        ({"name": "x", "price": "no"}, "price", None),
        ([], "", None),
        ("x", "", None),
    ],
)
async def test_what_breaks_a_rule_is_told_by_field(client: Client, body: Any, path: str, code: str | None) -> None:
    refused = await client.post("/import", body)
    assert (refused.status, refused.json()["type"]) == (422, "urn:holdall:invalid")
    (breach,) = refused.json()["errors"]
    assert breach["path"] == path
    assert code is None or breach["code"] == code


async def test_breaches_in_lists_and_beside_other_bodies_have_their_place(client: Client) -> None:
    refused = await client.post("/import/many", [{"name": "a"}, {"name": ""}, {"nope": 1}])
    assert [error["path"] for error in refused.json()["errors"]] == ["1.name", "2.nope", "2.name"]
    refused = await client.post("/import/both", {"city": {"name": ""}, "country": {"code": "DE", "name": "D"}})
    assert [error["path"] for error in refused.json()["errors"]] == ["city.name", "body.note"]
    both = {"city": {"name": "Bonn", "country": "DE"}, "country": {"code": "DE", "name": "D"}, "note": "x"}
    assert (await client.post("/import/both", both)).json() == [{"code": "DE", "name": "D"}]
    assert (await client.post("/import/many", [{"name": "a"}, {"name": "b"}])).json() == {"count": 2}


async def test_the_policy_and_the_store_have_their_say(client: Client) -> None:
    refused = await client.post("/import", {"name": "x", "country": "ZZ"})
    assert (refused.status, refused.json()["type"]) == (422, "urn:holdall:invalid")


async def test_what_the_commit_has_yet_to_make_is_not_shown_as_missing(client: Client) -> None:
    """The answer is made before the session ends, when the key and the version are not there."""
    with pytest.raises(Exception, match=r"await session\.commit\(\)"):
        await client.post("/import/late", {"name": "x"})
    assert (await client.get("/find/1")).json() is None


async def test_the_document_tells_of_records_in_routes_as_of_those_in_collections() -> None:
    service = _with_routes(app.asgi())
    document = service.openapi()
    given = document["paths"]["/import"]["post"]
    assert given["requestBody"]["content"]["application/json"]["schema"]["$ref"] == "#/components/schemas/City.Create"
    shown = given["responses"]["201"]["content"]["application/json"]["schema"]
    assert shown["$ref"] == "#/components/schemas/City.Record"
    items = document["paths"]["/import/many"]["post"]["requestBody"]["content"]["application/json"]["schema"]["items"]
    assert items == {"$ref": "#/components/schemas/City.Create"}
    assert "x-holdall" not in str(document)
    assert document == service.openapi()


async def _start(service: FastAPI) -> None:
    async with Client(service):
        pass


async def test_a_record_that_would_be_looked_for_in_the_query_is_refused_by_name() -> None:
    service: FastAPI = app.asgi()

    @service.post("/import")
    async def route(city: City) -> None: ...

    with pytest.raises(RuntimeError, match=r"/import takes city.*Annotated\[.*, Body\(\)\]"):
        await _start(service)


@pytest.mark.parametrize("path", ["/countries", "/countries/files"])
async def test_what_is_mounted_where_a_collection_answers_is_refused(path: str) -> None:
    service = app.asgi()
    service.mount(path, PlainTextResponse("hello"))
    with pytest.raises(RuntimeError, match="is never reached"):
        await _start(service)


async def test_what_is_mounted_deeper_is_reached() -> None:
    service = app.asgi()
    service.mount("/countries/FR/files", PlainTextResponse("hello"))
    async with Client(service) as client:
        assert (await client.get("/countries/FR/files/a.txt")).body == b"hello"


def test_a_collection_that_would_hide_the_services_own_pages_is_refused() -> None:
    class Docs(Model, collection="docs"):
        id: int = field(pk=True)

    taken = Holdall("taken")
    taken.add_store("m", "memory:")
    taken.add(Docs, store="m")
    with pytest.raises(DeclarationError, match="docs"):
        taken.asgi()
    assert taken.asgi(docs=False) is not None


async def test_a_session_acts_for_whoever_asks_unless_told_otherwise() -> None:
    async def who(scope: Any) -> User | None:
        name = dict(scope["headers"]).get(b"who")
        return None if name is None else User(name.decode())

    own = Holdall("asker")
    own.add_store("m", "memory:")
    own.add(Country, store="m", policy=Policy(read=Everyone, create=Role("editor"), update=Authenticated))
    service: FastAPI = own.asgi(authenticate=who, challenge="Basic")
    mine, its, programs = own.session_dependency(), own.session_dependency(User("x")), own.session_dependency(SYSTEM)

    for what, dependency in (("asker", mine), ("user", its), ("program", programs)):

        @service.post(f"/as/{what}")
        async def write(session: Any = dependency) -> dict[str, str | None]:
            session.add(Country(code="new", name="new"))
            return {"user": session.user.id}

    async with Client(service) as client:
        refused = await client.request("POST", "/as/asker")
        assert (refused.status, refused.headers["www-authenticate"]) == (401, "Basic")
        assert (await client.request("POST", "/as/asker", headers={"who": "ann"})).status == 403
        assert (await client.request("POST", "/as/user")).status == 403
        assert (await client.request("POST", "/as/program")).json() == {"user": "system"}


async def test_the_document_tells_of_own_routes_as_of_collections() -> None:
    async def who(scope: Any) -> User | None:
        return None

    own = Holdall("described")
    own.add_store("m", "memory:")
    own.add(Country, store="m")
    service: FastAPI = own.asgi(authenticate=who)
    its, ours = own.session_dependency(), own.session_dependency(SYSTEM)

    @service.post("/mine/{number}")
    async def mine(number: int, session: Any = its) -> None: ...

    @service.post("/programs")
    async def programs(session: Any = ours) -> None: ...

    @service.get("/plain/{number}")
    async def plain(number: int) -> None: ...

    paths = service.openapi()["paths"]
    asking, acting, bare = paths["/mine/{number}"]["post"], paths["/programs"]["post"], paths["/plain/{number}"]["get"]
    assert asking["security"] == [{}, {"holdall": []}]
    assert "security" not in acting
    assert "security" not in bare
    problem = {"$ref": "#/components/responses/Problem422"}
    assert asking["responses"]["422"] == acting["responses"]["422"] == bare["responses"]["422"] == problem
    assert {"200", "401", "403", "404", "409", "503"} <= asking["responses"].keys()
    assert bare["responses"].keys() == {"200", "422"}
    assert service.openapi()["paths"] == paths


async def test_an_application_that_is_no_service_must_say_for_whom_a_session_acts() -> None:
    api = FastAPI()

    @api.get("/")
    async def read(session: Annotated[Session, app.session_dependency()]) -> None: ...

    with pytest.raises(DeclarationError, match="SYSTEM"):
        async with Client(api) as client:
            await client.get("/")
