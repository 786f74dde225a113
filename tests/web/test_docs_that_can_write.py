"""The document is one to write by: its examples are accepted, it says who must say who asks, and it can be read."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from openapi_spec_validator import validate

from holdall import Authenticated, Everyone, Holdall, Model, Policy, Ref, User, check, field
from holdall.model import text_matching
from holdall.testing.client import Client
from tests.support.service_of_everything import MODELS, everything

pytestmark = pytest.mark.anyio

OPEN = Policy(read=Everyone, write=Everyone)


class Part(msgspec.Struct):
    code: Annotated[str, msgspec.Meta(pattern=r"^P-\d{3}$")]
    weight: Annotated[float, msgspec.Meta(gt=2)]


class Shop(Model, collection="shops"):
    code: str = field(pk=True, pattern=r"[a-z]{3}(-\d+)?")
    mail: str = field(pattern=r"[^@\s]+@[a-z.]+")
    rank: int = field(ge=10, le=20)
    kind: Literal["big", "small"]
    parts: list[Part] = field(length=(1, 3))


class Article(Model, collection="articles"):
    id: int = field(pk=True, generated=True)
    shop: Ref[Shop]
    name: str = field(length=(6, 8))
    low: int = field(default=3)
    high: int

    @check
    def _in_order(self) -> str | None:
        return None if self.low < self.high + 5 else "low must be less than high"


class Odd(Model, collection="odds"):
    """No example is better than one that is refused."""

    id: UUID = field(pk=True, generated=True)
    text: str = field(pattern=r"(?=never)x")


async def test_every_example_is_accepted() -> None:
    app = everything("memory:")
    app.add(Shop, Article, Odd, store="main", policy=OPEN)
    service = app.asgi(create=True)
    document = service.openapi()
    validate(document)
    models = [*MODELS, Shop, Article]
    async with Client(service) as client:
        for model in models:
            name = model.__holdall__.collection
            path = document["paths"][f"/{name}"]
            body = path["post"]["requestBody"]["content"]["application/json"]
            made = await client.post(f"/{name}", body["example"])
            assert made.status == 201, (name, body["example"], made.body)
            contents = document["paths"][f"/{name}/{{key}}"]["patch"]["requestBody"]["content"]
            for media_type, content in contents.items():
                changed = await client.request(
                    "PATCH",
                    made.headers["location"],
                    body=msgspec.json.encode(content["example"]),
                    headers={"content-type": media_type},
                )
                assert changed.status == 200, (name, content["example"], changed.body)
            whole = document["paths"][f"/{name}/{{key}}"]["put"]["requestBody"]["content"]["application/json"][
                "example"
            ]
            replaced = await client.request("PUT", made.headers["location"], json=whole)
            assert replaced.status == 200, (name, whole, replaced.body)
    odd = document["paths"]["/odds"]["post"]["requestBody"]["content"]["application/json"]
    assert "example" not in odd


async def test_the_document_tells_who_must_say_who_asks() -> None:
    async def who(scope: Any) -> User | None:
        return None

    app = Holdall("who")
    app.add_store("main", "memory:")
    app.add(Shop, store="main", policy=Policy(read=Everyone, write=Authenticated))
    for challenge, scheme in (("Bearer", "bearer"), ('Basic realm="x"', "basic")):
        document = app.asgi(authenticate=who, challenge=challenge).openapi()
        validate(document)
        assert document["components"]["securitySchemes"] == {"holdall": {"type": "http", "scheme": scheme}}
        assert document["paths"]["/shops"]["get"]["security"] == [{}, {"holdall": []}]
        assert document["paths"]["/shops"]["post"]["security"] == [{"holdall": []}]
        for verb in ("put", "patch", "delete"):
            assert document["paths"]["/shops/{key}"][verb]["security"] == [{"holdall": []}]
    other = app.asgi(authenticate=who, challenge="Token").openapi()["components"]["securitySchemes"]["holdall"]
    assert (other["type"], other["name"]) == ("apiKey", "Authorization")
    assert "securitySchemes" not in app.asgi().openapi()["components"]


def test_what_most_ask_for_comes_before_what_few_do() -> None:
    document = everything("memory:").asgi().openapi()
    told = document["paths"]["/cities"]["get"]["parameters"]
    names = [parameter["name"] for parameter in told if parameter["in"] == "query"]
    plain = ["page", "page_size", "sort", "count", "after", "fields", "id", "name", "country", "people", "version"]
    assert names[: len(plain)] == plain
    operators = [parameter for parameter in told if "x-operator-of" in parameter]
    assert len(operators) > 20
    assert all(parameter["name"].startswith(f"{parameter['x-operator-of']}__") for parameter in operators)
    assert not any("default" in parameter["schema"] for parameter in told if parameter["name"] in ("page", "count"))


@pytest.mark.parametrize(
    "pattern",
    [r"[A-Z]{2}", r"^(?:\d{3}-[^a]\S?)$", r"a|b", r"(?P<x>[x-z])+_\w*\s", r"[^\d]{2,}", r".[^.]", r"(?i:ab)?c", "é+"],
)
def test_texts_of_patterns(pattern: str) -> None:
    found = text_matching(pattern)
    assert found is not None
    assert re.search(pattern, found)


def test_no_text_is_given_for_what_is_beyond_plain() -> None:
    for pattern in (r"(?=never)x", r"(", r"^a$b"):
        assert text_matching(pattern) is None
