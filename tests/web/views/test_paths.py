"""The addresses of views: keys that are percent-encoded, fixed paths among records, OPTIONS, one view in two places."""

from __future__ import annotations

import types
import warnings
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from openapi_spec_validator import OpenAPIV31SpecValidator

from holdall import SYSTEM, Everyone, Holdall, Model, Nobody, Policy, field
from holdall.testing.client import Client
from holdall.web.views import View, get, include_view, post
from tests.support.shop_of_views import RESTS

pytestmark = pytest.mark.anyio


class Part(Model, collection="parts"):
    code: str = field(pk=True)
    name: str = ""


class Secret(Model, collection="secrets"):
    code: str = field(pk=True)


def parts() -> Holdall:
    app = Holdall("parts")
    app.add_store("main", "memory:")
    app.add(Part, store="main", policy=Policy(read=Everyone, write=Everyone))
    app.add(Secret, store="main", policy=Policy(read=Nobody, write=Nobody))
    return app


class Acting(View):
    @get("/special")
    async def special(self) -> str:
        return "a fixed path"

    @post("/{key}/told", status_code=200)
    async def told(self, key: str) -> str:
        return self.key_of(key)  # type: ignore[attr-defined, no-any-return]


@pytest.fixture(params=[(kind, prefix, host) for kind in RESTS for prefix in ("/parts", "/v/p") for host in "sf"])
async def client(request: pytest.FixtureRequest) -> Any:
    kind, prefix, host = request.param
    body = {"prefix": prefix, "acts_for": SYSTEM}
    view: Any = types.new_class("Parts", (Acting, RESTS[kind][Part]), exec_body=lambda names: names.update(body))
    app = parts()
    await app.create()
    parent = app.asgi() if host == "s" else FastAPI()
    include_view(parent, view, app=app)
    async with Client(parent) as client:
        client.prefix = prefix  # type: ignore[attr-defined]
        yield client


KEYS = {
    "a/b": "a%2Fb", "a/b/": "a%2Fb%2F", "/": "%2F", "told/x": "told%2Fx", "a%2Fb": "a%252Fb", "a%b": "a%25b",
    "é/%": "%C3%A9%2F%25", "a,b": "a%2Cb",
}  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
async def test_a_key_is_the_segment_as_it_was_written(client: Any, key: str) -> None:
    made = await client.post(client.prefix, {"code": key})
    place = made.headers["location"]
    assert place == f"{client.prefix}/{KEYS[key]}"
    assert (await client.get(place)).json()["code"] == key
    assert (await client.request("HEAD", place)).status == 200
    assert (await client.patch(place, {"name": "patched"})).json() == {"code": key, "name": "patched"}
    put = await client.request("PUT", place, json={"code": key, "name": "put"})
    assert put.json() == {"code": key, "name": "put"}
    assert (await client.post(f"{place}/told", None)).json() == key
    assert (await client.delete(place)).status == 204
    assert (await client.get(place)).status == 404


async def test_a_fixed_path_goes_before_the_record_of_that_key(client: Any) -> None:
    await client.post(client.prefix, {"code": "special"})
    assert (await client.get(f"{client.prefix}/special")).json() == "a fixed path"
    assert (await client.patch(f"{client.prefix}/special", {"name": "a"})).json()["name"] == "a"


async def test_options_tell_what_an_address_takes(client: Any) -> None:
    many = await client.request("OPTIONS", client.prefix)
    assert (many.status, many.headers["allow"]) == (204, "DELETE, GET, HEAD, OPTIONS, PATCH, POST")
    assert many.headers["accept-post"] == "application/json, text/csv, application/x-ndjson"
    one = await client.request("OPTIONS", f"{client.prefix}/x")
    assert (one.status, one.headers["allow"]) == (204, "DELETE, GET, HEAD, OPTIONS, PATCH, PUT")
    assert one.headers["accept-patch"] == "application/merge-patch+json, application/json, application/json-patch+json"
    own = await client.request("OPTIONS", f"{client.prefix}/x/told")
    assert (own.status, own.headers["allow"]) == (204, "OPTIONS, POST")
    assert "accept-post" not in own.headers  # it takes no body that is known of


async def test_options_of_a_collection_that_is_for_nobody_are_not_there() -> None:
    class Secrets(RESTS["async"][Secret]):  # type: ignore[misc]
        prefix = "/secrets"

    service = parts().asgi()
    include_view(service, Secrets)
    async with Client(service) as client:
        answer = await client.request("OPTIONS", "/secrets")
        assert (answer.status, answer.json()["type"]) == (404, "urn:holdall:not-found")


class Choosing(View):
    prefix = "/choosing"

    @get("/")
    async def found(self) -> str:
        return "found"

    @get("/other", include_in_schema=False)
    async def other(self) -> str:
        return "other"


async def test_a_view_in_two_places_has_operations_of_two_names() -> None:
    class Twice(RESTS["async"][Part]):  # type: ignore[misc]
        prefix = "/twice"

    app = parts()
    service = app.asgi()
    for place in ("/one", "/two"):
        router = APIRouter(prefix=place)
        include_view(router, Twice, app=app)
        include_view(router, Choosing, app=app)
        service.include_router(router)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        document: Any = service.openapi()
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    told = [document["paths"][f"/{place}/twice"]["get"]["operationId"] for place in ("one", "two")]
    assert told == ["one_twice_list", "two_twice_list"]
