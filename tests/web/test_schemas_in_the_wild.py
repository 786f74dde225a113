"""Schemas of odd classes in the document: names that no component may have, classes that nest themselves."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel

from holdall import Everyone, Holdall, Model, Policy, Ref, field
from holdall.testing.client import Client

pytestmark = pytest.mark.anyio

T = TypeVar("T")


class Pair(BaseModel, Generic[T]):
    one: T
    other: T


class Tree(BaseModel):
    name: str
    branches: list[Tree] = []


class Größe(Model, collection="sizes"):
    id: int = field(pk=True)
    pair: Pair[int]
    next: Ref[Größe | None] = field(default=None)


class Gräße(Model, collection="greens"):  # the same name but for letters of its own
    id: int = field(pk=True)
    text: Pair[str]


class Wood(Model, collection="woods"):
    id: int = field(pk=True)
    tree: Tree


def odd_models(*models: type[Model]) -> Holdall:
    app = Holdall("odd")
    app.add_store("main", "memory:")
    app.add(*models, store="main", policy=Policy(read=Everyone, write=Everyone))
    return app


async def test_components_have_names_that_the_standard_knows() -> None:
    async with Client(odd_models(Größe, Gräße).asgi()) as client:
        document: Any = (await client.get("/openapi.json")).json()
        assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
        schemas = document["components"]["schemas"]
        assert {"Value.Pair_int_", "Value.Pair_str_"} < schemas.keys()
        shown = schemas["Gr_f6__df_e.Record"]["properties"]
        assert shown["pair"] == {"$ref": "#/components/schemas/Value.Pair_int_"}
        assert schemas["Gr_e4__df_e.Record"]["properties"].keys() == {"id", "text"}


async def test_a_class_that_nests_itself_is_described() -> None:
    async with Client(odd_models(Wood).asgi()) as client:
        document: Any = (await client.get("/openapi.json")).json()
        schema = {"$ref": "#/components/schemas/Value.Tree", "components": document["components"]}
        tree = {"name": "a", "branches": [{"name": "b", "branches": []}]}
        validator = OAS31Validator(schema)
        assert validator.is_valid(tree)
        assert not validator.is_valid({"name": "a", "branches": [{"name": 7}]})
        made = await client.post("/woods", {"id": 1, "tree": tree})
        assert (made.status, made.json()["tree"]) == (201, tree)
