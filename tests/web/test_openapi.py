"""The OpenAPI document: right by the specification, true of the service, and true the other way round."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import APIRouter
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from pydantic import BaseModel
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.support.served import Served
from tests.support.service_of_everything import MODELS, everything, thing


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("openapi")
    with Served(everything(f"sqlite:///{folder / 'x.db'}")) as service:
        service.fill()
        yield service


@pytest.fixture(scope="module")
def document(served: Served) -> dict[str, Any]:
    found: dict[str, Any] = served.get("/openapi.json").json()
    return found


class Mayors:
    class City(BaseModel):
        """A model of the host with the name of one of ours."""

        mayor: str


def fits(document: dict[str, Any], name: str, value: Any) -> None:
    registry = Registry().with_resource("urn:doc", Resource.from_contents(document, default_specification=DRAFT202012))
    OAS31Validator({"$ref": f"urn:doc#/components/schemas/{name}"}, registry=registry).validate(value)


def test_it_is_right_by_the_specification(document: dict[str, Any]) -> None:
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_it_tells_every_collection(document: dict[str, Any]) -> None:
    for model in MODELS:
        name = model.__holdall__.collection
        assert set(document["paths"][f"/{name}"]) == {"get", "post", "patch", "delete"}
        assert set(document["paths"][f"/{name}/{{key}}"]) == {"parameters", "get", "put", "patch", "delete"}


def test_records_fit_their_schemas(served: Served, document: dict[str, Any]) -> None:
    for model in MODELS:
        name = model.__name__
        page = served.get(f"/{model.__holdall__.collection}").json()
        fits(document, f"{name}.List", page)
        for record in page["data"]:
            fits(document, f"{name}.Record", record)
    fits(document, "Thing.Create", thing(city=1, line=[7, "a"], cities=[1]))
    fits(document, "City.List", served.get("/cities?after=").json())
    for answer in (served.get("/things?x=1"), served.get("/things/x"), served.post("/cities", {})):
        fits(document, "Holdall.Problem", answer.json())
    with pytest.raises(Exception, match=r"Additional properties|required"):
        fits(document, "City.Create", {"id": 1})


def test_schemas_tell_the_rules(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    city = schemas["City.Record"]
    assert city["description"] == "A city."
    assert city["properties"]["name"] | {"description": ""} == {
        "type": "string", "minLength": 1, "maxLength": 100, "description": "",
    }  # fmt: skip
    assert city["properties"]["people"]["minimum"] == 0
    assert {name for name, field in city["properties"].items() if field.get("readOnly")} == {"id", "version", "label"}
    assert schemas["City.Create"]["required"] == ["name"]
    assert schemas["Country.Record"]["properties"]["code"]["pattern"] == "^(?:[A-Z]{2})$"
    assert schemas["Thing.Record"]["properties"]["tags"]["maxItems"] == 5
    assert set(schemas["Country.Patch"]["properties"]) == {"name"}
    assert schemas["Value.Size"]["required"] == ["width", "height"]


def test_every_parameter_told_is_understood(served: Served, document: dict[str, Any]) -> None:
    for model in MODELS:
        name, key = model.__holdall__.collection, model.__holdall__.key[0].name
        for parameter in document["paths"][f"/{name}"]["get"]["parameters"]:
            if parameter["in"] != "query" or parameter["name"] in ("related", "after", "having", "formulas"):
                continue
            answer = served.get(f"/{name}?{parameter['name']}={quote(_example(parameter, document, key))}")
            assert answer.status == 200, (parameter, answer.body)


def _example(parameter: dict[str, Any], document: dict[str, Any], key: str) -> str:
    if "example" in parameter:
        return str(parameter["example"])
    schema = parameter.get("schema", {})
    schema = schema.get("items", schema)
    schema = schema.get("anyOf", [schema])[0]
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "enum" in schema:
        return str(schema["enum"][0])
    if schema.get("pattern", "").startswith(r"^\d\d:"):
        return "07:08:09"
    if "content" in parameter:
        return _json_example(parameter["content"]["application/json"]["schema"], document)
    formats = {
        "date-time": "2024-05-06T07:08:09Z", "date": "2024-05-06", "time": "07:08:09", "duration": "PT1S",
        "uuid": "0190f2a4-0000-7000-8000-000000000000",
    }  # fmt: skip
    if schema.get("format") in formats:
        return formats[schema["format"]]
    if schema.get("contentEncoding") == "base64":
        return "AAAA"
    samples = {"integer": "1", "number": "1.5", "boolean": "true", "string": "1"}
    return "-" + key if parameter["name"] == "sort" else samples[schema["type"]]


def _json_example(schema: dict[str, Any], document: dict[str, Any]) -> str:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if schema.get("type") == "array":
        return f"[{_json_example(schema['items'], document)}]"
    if schema.get("type") == "object":
        properties = schema.get("properties", {}).items()
        return "{" + ",".join(f'"{name}":{_json_example(each, document)}' for name, each in properties) + "}"
    return '"x"' if schema.get("type") == "string" else "1"


def test_routes_of_the_host_stay_in_it() -> None:
    router = APIRouter()

    @router.get("/mayor")
    async def mayor() -> Mayors.City:
        return Mayors.City(mayor="x")

    served = Served(everything("memory:"))
    served.service.include_router(router)
    with served:
        for _ in range(2):
            document = served.get("/openapi.json").json()
            assert {"/mayor", "/cities"} <= document["paths"].keys()
            assert document["components"]["schemas"]["City"]["properties"].keys() == {"mayor"}
            assert [tag["name"] for tag in document["tags"]] == ["countries", "cities", "lines", "things"]
    json.dumps(document)
