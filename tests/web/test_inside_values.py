"""References inside values over HTTP: asked by dotted names, shown in their places, told by what describes them."""

from __future__ import annotations

from collections.abc import AsyncIterator, MutableMapping
from typing import Any, cast

import msgspec
import pytest

from holdall import Everyone, FieldRights, Holdall, Many, Model, Policy, Ref, Role, User, back, field
from holdall.testing.client import Client
from tests.support.orders import MODELS, filled, orders

pytestmark = pytest.mark.anyio

OPEN = Policy(read=Everyone, write=Everyone)
USERS = {"joe": User("joe"), "ann": User("ann", roles=frozenset({"boss"}))}


async def authenticate(scope: MutableMapping[str, Any]) -> User | None:
    return USERS.get(dict(scope["headers"]).get(b"x-user", b"").decode())


@pytest.fixture(params=["memory:", "sqlite:///"])
async def http(request: pytest.FixtureRequest, tmp_path: Any) -> AsyncIterator[Client]:
    url = request.param + (f"{tmp_path}/s.db" if request.param != "memory:" else "")
    policies = {model.__holdall__.collection: OPEN for model in MODELS}
    rights = {"address": FieldRights(read=Role("boss"), write=Role("boss"))}
    policies["orders"] = Policy(read=Everyone, write=Everyone, fields=rights)
    app = await filled(orders({"main": url}, policies=policies))
    async with Client(app.asgi(authenticate=authenticate, secret=b"s" * 32), {"x-user": "ann"}) as client:
        yield client
    await app.close()


async def ids(http: Client, query: str) -> list[int]:
    answer = await http.get(f"/orders?fields=id&{query}")
    assert answer.status == 200, answer.body
    return [each["id"] for each in answer.json()["data"]]


async def test_filters_and_sorts(http: Client) -> None:
    assert await ids(http, "address.city=1") == [1, 3]
    assert await ids(http, "address.city__in=2,3") == [2]
    assert await ids(http, "address.city__isnull=true") == [4]
    assert await ids(http, "address.city.name=Rome") == [2]
    assert await ids(http, "lines.product.title=Bun") == [1, 2]
    assert await ids(http, "notes.watchers=bob") == [1, 3]
    assert await ids(http, "address.way.shipper.name__startswith=M") == [1]
    assert await ids(http, "sort=-address.city.name,id") == [2, 1, 3, 4]
    assert await ids(http, "or=(address.city.name=Rome,notes.watchers.name=bob)") == [1, 2, 3]
    assert (await http.get("/orders?address.town=1")).status == 422
    assert (await http.get("/orders?lines.count=1")).status == 422
    groups = (await http.get("/orders?group=address.city.name&aggregate=rows&sort=address.city.name")).json()["data"]
    assert [(each["address.city.name"], each["rows"]) for each in groups] == [(None, 1), ("Paris", 2), ("Rome", 1)]


async def test_pages_by_cursor_go_on(http: Client) -> None:
    page = (await http.get("/orders?fields=id&sort=address.city.name&page_size=2&after=")).json()
    rest = (await http.get(f"/orders?fields=id&sort=address.city.name&page_size=2&after={page['next']}")).json()
    assert [each["id"] for each in (*page["data"], *rest["data"])] == [4, 1, 3, 2]


async def test_records_are_shown_in_the_place_of_keys(http: Client) -> None:
    answer = await http.get("/orders/1?include=address.city,lines.product(fields=title),notes.watchers")
    order = answer.json()
    assert order["address"]["city"] == {"id": 1, "name": "Paris"}
    assert order["lines"] == [{"product": {"title": "Apple"}, "count": 1}, {"product": {"title": "Bun"}, "count": 2}]
    assert order["notes"]["watchers"] == [{"name": "ann"}, {"name": "bob"}]
    few = (await http.get("/orders?fields=id,address.city.name&include=address.city")).json()["data"]
    assert [each["address"] and each["address"]["city"] for each in few] == [
        {"name": "Paris"},
        {"name": "Rome"},
        {"name": "Paris"},
        None,
    ]
    further = (await http.get("/orders/2?include=address.city.orders(fields=id)")).json()
    assert further["address"]["city"]["orders"]["data"] == [{"id": 2}]
    assert (await http.get("/cities/1?include=orders")).json()["orders"]["data"][0]["address"]["city"] == 1
    assert (await http.get("/orders?include=address.street")).status == 422


async def test_bodies_have_keys(http: Client) -> None:
    body = {"id": 9, "address": {"street": "q", "city": 2}, "lines": [{"product": ["here", "2026-01-01"]}]}
    made = await http.post("/orders", body)
    assert (made.status, made.json()["address"]["city"]) == (201, 2)
    changed = await http.patch("/orders/9", {"address": {"city": 3}})
    assert (changed.status, changed.json()["address"]["city"]) == (200, 3)
    wrong = await http.patch("/orders/9", {"address": {"city": 77}, "lines": [{"product": ["away", "2026-01-01"]}]})
    assert [(each["path"], each["code"]) for each in wrong.json()["errors"]] == [
        ("address.city", "reference"),
        ("lines.0.product", "reference"),
    ]
    wrong = await http.patch("/orders/9", {"address": {"city": "Oslo"}, "lines": [{"product": "here"}]})
    assert [each["path"] for each in wrong.json()["errors"]] == ["address.city", "lines.0.product"]
    refused = await http.delete("/cities/3")
    assert (refused.status, refused.json()["errors"][0]["path"]) == (409, "orders.address.city")


async def test_the_hidden_ones_are_unknown(http: Client) -> None:
    joe = {"x_user": "joe"}
    for query in ("address.city=1", "address.city.name=Paris", "sort=address.city.name", "include=address.city"):
        hidden = await http.get(f"/orders?{query}", **joe)
        assert hidden.status == 422
        assert b"is no reference" in hidden.body or b"is not a parameter" in hidden.body or b"cannot be" in hidden.body
    for query in ("/cities?{}.id=1", "/cities/1?include={}", "/cities?{}__isnull=true", "/shippers?fields={}"):
        answer, other = [await http.get(query.format(name), **joe) for name in ("orders", "zzzz")]
        assert (answer.status, answer.body.replace(b"orders", b"zzzz")) == (422, other.body)
    assert b"orders" not in (await http.get("/shippers", **joe)).body
    meta = (await http.get("/orders/_meta", **joe)).json()
    assert [each["name"] for each in meta["references"]] == ["lines.product", "notes.watchers", "notes.boss"]
    for collection in ("cities", "shippers"):
        meta = (await http.get(f"/{collection}/_meta", **joe)).json()
        assert (meta["references"], meta["includes"]) == ([], [])
    schemas = (await http.get("/openapi.json", **joe)).json()["components"]["schemas"]
    assert "orders" not in schemas["Shipper.Record"]["properties"]
    shown = (await http.get("/shippers")).json()["data"]
    assert [each["orders"] for each in shown] == [[1], [3]]


async def test_meta_and_openapi_tell_of_references(http: Client) -> None:
    told = {each["name"]: each for each in (await http.get("/orders/_meta")).json()["references"]}
    assert told["address.city"] == {
        "name": "address.city",
        "collection": "cities",
        "cardinality": "one",
        "required": True,
        "other_end": "orders",
        "kept": "inside",
        "on_delete": "restrict",
    }
    lines = told["lines.product"]
    assert (lines["cardinality"], lines["other_end"], lines["on_delete"]) == ("many", "orders", "cascade")
    assert (told["notes.boss"]["other_end"], told["notes.boss"]["required"]) == (None, False)
    (orders_of,) = (await http.get("/cities/_meta")).json()["references"]
    assert (orders_of["collection"], orders_of["other_end"], orders_of["kept"]) == ("orders", "address.city", "there")
    document = (await http.get("/openapi.json")).json()
    schema = document["components"]["schemas"]["Order.Record"]
    assert {each["name"] for each in schema["x-references"]} == set(told)
    names = {each.get("name") for each in document["paths"]["/orders"]["get"]["parameters"]}
    assert {"address.city", "address.city__in"} <= names


class Reader(Model, collection="readers"):
    id: int = field(pk=True)
    loans: Many[Loan] = back("reader")
    notes: Many[Loan] = back("note.about")


class Note(msgspec.Struct):
    about: Ref[Reader]


class Loan(Model, collection="loans"):
    id: int = field(pk=True)
    reader: Ref[Reader]
    note: Note


@pytest.mark.parametrize("end", ["loans", "notes"])
async def test_other_ends_of_what_is_hidden_are_as_names_that_are_not_there(end: str) -> None:
    app = Holdall("loans")
    app.add_store("main", "memory:")
    hidden = {name: FieldRights(read=Role("boss"), write=Role("boss")) for name in ("reader", "note")}
    app.add(Reader, store="main", policy=OPEN)
    app.add(Loan, store="main", policy=Policy(read=Everyone, write=Everyone, fields=hidden))
    async with app.session() as s:
        s.add_all([Reader(id=1), Loan(id=1, reader=1, note=Note(cast("Any", 1)))])

    async def told(http: Client, name: str) -> Any:
        asked = (f"/1?include={name}", f"?{name}.id=1", f"?fields={name}.id", f"?group={name}.id&aggregate=rows")
        answers = [await http.get(f"/readers{query}") for query in asked]
        acts: list[dict[str, list[int]]] = [{"create": []}, {"disconnect": [1]}]
        answers += [await http.patch("/readers/1", {name: given}) for given in acts]
        return [each.status for each in answers], [
            [(error["path"].replace(name, "-"), error["code"], error["message"]) for error in each.json()["errors"]]
            for each in answers
        ]

    async with Client(app.asgi(authenticate=authenticate, secret=b"s" * 32)) as http:
        assert await told(http, end) == await told(http, "other")
    async with Client(app.asgi(authenticate=authenticate, secret=b"s" * 32), {"x-user": "ann"}) as http:
        assert (await http.get(f"/readers/1?include={end}")).json()[end]["data"][0]["id"] == 1
        assert (await http.get(f"/readers?{end}.id=1")).status == 200
