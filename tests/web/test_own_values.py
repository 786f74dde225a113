"""Values of own types over HTTP: shown, taken, filtered by, described; in collections and in routes of one's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from fastapi import Body, FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel, SecretStr, TypeAdapter

from holdall import Codec, Everyone, Holdall, Model, Policy, Ref, Session, User, field
from holdall.testing.client import Client
from holdall.web import add_problem_handlers
from tests.support.dropping import drop
from tests.support.own_values import MONEY, RIGHT, Circle, Everything, Money, Square

pytestmark = pytest.mark.anyio

EURO = Codec(
    Money,
    int,
    encode=lambda money: money.cents,
    decode=Money,
    ordered=True,
    to_json=lambda money: f"{money.cents / 100:.2f} EUR",
    from_json=lambda text: Money(round(Decimal(text.removesuffix(" EUR")) * 100)),
    schema={"type": "string", "pattern": r"^-?\d+\.\d\d EUR$"},
)


@dataclass
class Line:
    text: str
    price: Annotated[Money, EURO]


class Host(Model, collection="hosts"):
    address: IPv4Address = field(pk=True)
    price: Money = field(codec=MONEY, default=Money(1), ge=0)
    shape: Circle | Square | None = None
    lines: list[Line] = field(default_factory=list)
    secret: SecretStr | None = None
    home: Path = Path("/")
    next: Ref[Host | None] = field(default=None)


app = Holdall("own")
app.add_store("m", "memory:")
app.add(Host, Everything, store="m", policy=Policy(read=Everyone, write=Everyone))
Work = Annotated[Session, app.session_dependency(User("ann"))]


class Several(BaseModel):
    first: Host
    rest: list[Host] = []


def _with_routes(service: FastAPI) -> FastAPI:
    @service.post("/own/one")
    async def one(host: Annotated[Host, Body()], session: Work) -> Host | None:
        session.add(host)
        return host

    @service.post("/own/several", response_model=list[Host])
    async def several(body: Several, session: Work) -> Any:
        return session.add_all([body.first, *body.rest]) or [body.first, *body.rest]

    return service


@pytest.fixture(params=["service", "own"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    await app.create()
    service = app.asgi() if request.param == "service" else FastAPI()
    if request.param == "own":
        add_problem_handlers(service)
    async with Client(_with_routes(service)) as client:
        yield client
    for store in app.stores.values():
        await drop(store)


BODY = {
    "address": "10.0.0.1",
    "price": 250,
    "shape": {"kind": "square", "sideLength": 3},
    "lines": [{"text": "a", "price": "1.50 EUR"}],
    "secret": "s3cret",
    "home": "/srv/ann",
}
SHOWN = BODY | {
    "shape": {"kind": "square", "sideLength": 3, "inner": None},
    "secret": "**********",
    "next": None,
}


async def test_routes_of_ones_own(client: Client) -> None:
    made = await client.post("/own/one", BODY)
    assert (made.status, made.json()) == (200, SHOWN), made.body
    both = {"first": {"address": "10.0.0.2", "next": "10.0.0.1"}, "rest": [{"address": "10.0.0.3"}]}
    made = await client.post("/own/several", both)
    assert [host["address"] for host in made.json()] == ["10.0.0.2", "10.0.0.3"], made.body
    wrong = {"first": {"address": "x", "lines": [{"text": 1}], "shape": {"kind": "oval"}}, "rest": [{"price": -1}]}
    refused = await client.post("/own/several", wrong)
    assert refused.status == 422
    assert {(error["path"].removeprefix("body."), error["code"]) for error in refused.json()["errors"]} == {
        ("first.address", "value"), ("first.lines.0.text", "type"), ("first.lines.0.price", "required"),
        ("first.shape.kind", "one_of"), ("rest.0.address", "required"), ("rest.0.price", "ge"),
    }  # fmt: skip
    async with app.session() as session:
        found = await session.require(Host, IPv4Address("10.0.0.1"))
        assert found.secret is not None
        assert (found.secret.get_secret_value(), found.lines) == ("s3cret", [Line("a", Money(150))])


@pytest.fixture
async def service() -> AsyncIterator[Client]:
    await app.create()
    async with Client(app.asgi()) as client:
        yield client
    for store in app.stores.values():
        await drop(store)


async def test_a_collection(service: Client) -> None:
    made = await service.post("/hosts", BODY)
    assert (made.status, made.json(), made.headers["location"]) == (201, SHOWN, "/hosts/10.0.0.1")
    assert (await service.get("/hosts/10.0.0.1")).json() == SHOWN
    assert (await service.get("/hosts/10.0.0.1?fields=lines,address")).json().keys() == {"address", "lines"}
    await service.post("/hosts", {"address": "10.0.0.2", "price": 300, "next": "10.0.0.1"})
    for query, expected in {
        "price__gt=250": ["10.0.0.2"],
        "sort=-price": ["10.0.0.2", "10.0.0.1"],
        "address__startswith=10.0.0.": ["10.0.0.1", "10.0.0.2"],
        "next=10.0.0.1": ["10.0.0.2"],
        "next.home=/srv/ann": ["10.0.0.2"],
        "secret__isnull=true": ["10.0.0.2"],
        "home=/srv//ann/": ["10.0.0.1"],
        "fields=address,lines&sort=-price": ["10.0.0.2", "10.0.0.1"],
        "page_size=1": ["10.0.0.1"],
    }.items():
        found = await service.get(f"/hosts?{query}")
        assert [host["address"] for host in found.json()["data"]] == expected, (query, found.body)
    for query in (
        "secret=s3cret",
        "secret__startswith=s",
        "sort=secret",
        "address__gt=10.0.0.1",
        "sort=address",
        "address=x",
    ):
        assert (await service.get(f"/hosts?{query}")).status == 422, query
    page = await service.get("/hosts?after=&page_size=1")
    following = await service.get(f"/hosts?page_size=1&after={page.json()['next']}")
    assert [host["address"] for host in following.json()["data"]] == ["10.0.0.2"]


async def test_patches(service: Client) -> None:
    await service.post("/hosts", BODY)
    changed = await service.patch("/hosts/10.0.0.1", {"shape": {"sideLength": 4}, "lines": [], "price": 7})
    assert changed.json() == SHOWN | {
        "shape": {"kind": "square", "sideLength": 4, "inner": None},
        "lines": [],
        "price": 7,
    }
    assert (await service.patch("/hosts/10.0.0.1", {"secret": "**********"})).json()["errors"][0]["code"] == "masked"
    assert (await service.patch("/hosts/10.0.0.1", {"home": "\0"})).status == 422
    async with app.session() as session:
        secret = (await session.require(Host, IPv4Address("10.0.0.1"))).secret
        assert secret is not None
        assert secret.get_secret_value() == "s3cret"


@settings(max_examples=10)
@given(st.fixed_dictionaries(RIGHT))
def test_what_is_shown_is_taken_again(values: dict[str, Any]) -> None:
    record = Everything(**values | {"other": None})
    shown = Everything.__holdall__.json_output.encode_one(record)
    given = msgspec.json.decode(shown) | {"hidden": "1", "secret": "s"}
    again = Everything.__holdall__.json_input.create(msgspec.json.encode(given))
    assert Everything.__holdall__.json_output.encode_one(again) == shown


async def test_the_document_says_what_is_taken(service: Client) -> None:
    document = (await service.get("/openapi.json")).json()
    OpenAPIV31SpecValidator(document).validate()
    schemas = document["components"]["schemas"]
    properties = schemas["Host.Record"]["properties"]
    assert properties["address"] == {"type": "string", "format": "ipv4"}
    assert properties["price"]["type"] == "integer"
    assert properties["secret"]["anyOf"][0]["format"] == "password"
    line = schemas[properties["lines"]["items"]["$ref"].rpartition("/")[2]]
    assert line["properties"]["price"] == EURO.schema
    assert schemas["Value.Tree"]["properties"]["children"]["items"] == {"$ref": "#/components/schemas/Value.Tree"}
    names = {parameter["name"] for parameter in document["paths"]["/hosts"]["get"]["parameters"]}
    assert "price__gt" in names
    assert not names & {"secret", "address__gt"}


def test_pydantic_describes_a_record_by_itself() -> None:
    schema = TypeAdapter(list[Host]).json_schema()
    assert schema["items"]["title"] == "Host"
    properties = schema["items"]["properties"]
    assert properties["address"] == {"type": "string", "format": "ipv4"}
    assert properties["next"]["x-refers-to"] == "Host"
    assert properties["lines"]["items"]["properties"]["price"] == EURO.schema
    assert schema["items"]["required"] == ["address"]
    assert "required" not in TypeAdapter(Host).json_schema(mode="serialization")
    tree = TypeAdapter(Everything).json_schema()["properties"]["tree"]
    assert tree["properties"]["children"]["items"] == {"type": "object", "title": "Tree"}
    taken = TypeAdapter(Host).validate_python(BODY)
    assert (taken.price, taken.shape) == (Money(250), Square(sideLength=3))
    assert TypeAdapter(Host).dump_python(taken, mode="json") == SHOWN
