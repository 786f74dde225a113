"""The OpenAPI document with actions and selections: right by the specification, and true of the service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.support.bookstore import bookstore, filled, who
from tests.support.served import Served

_ON_RECORD = ("vote", "publish", "outer", "label", "drop", "duplicate")
_ON_MEANT = ("vote", "report", "drop", "duplicate", "export")


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with Served(bookstore(), {"x-user": "lib"}, authenticate=who) as service:
        service.run(filled(service.app))
        yield service


@pytest.fixture(scope="module")
def document(served: Served) -> dict[str, Any]:
    found: dict[str, Any] = served.get("/openapi.json").json()
    return found


def schemas(document: dict[str, Any]) -> Any:
    return Registry().with_resource("urn:doc", Resource.from_contents(document, default_specification=DRAFT202012))


def fits(document: dict[str, Any], path: str, method: str, value: Any) -> None:
    place = f"paths/{path.replace('/', '~1')}/{method}/responses/200/content/application~1json/schema"
    validator = OAS31Validator({"$ref": f"urn:doc#/{place}"}, registry=schemas(document))
    assert [error.message for error in validator.iter_errors(value)] == [], value


def test_it_is_right_and_has_an_operation_for_each(document: dict[str, Any]) -> None:
    validate(document)
    paths = document["paths"]
    for name in _ON_RECORD:
        assert "post" in paths[f"/books/{{key}}/actions/{name}"], name
    for name in (*_ON_MEANT, "import-titles"):
        assert "post" in paths[f"/books/actions/{name}"], name
    assert "/books/{key}/actions/report" not in paths
    assert "/books/actions/publish" not in paths
    assert {"get", "post"} <= set(paths["/books/selections/french-books"])
    names = [each["operationId"] for path in paths.values() for each in path.values() if "operationId" in each]
    assert len(set(names)) == len(names)


def test_answers_are_as_it_tells(served: Served, document: dict[str, Any]) -> None:
    for path, url, body in [
        ("/books/{key}/actions/vote", "/books/1/actions/vote", {"score": 3}),
        ("/books/{key}/actions/publish", "/books/1/actions/publish", {}),
        ("/books/{key}/actions/outer", "/books/1/actions/outer", {}),
        ("/books/{key}/actions/duplicate", "/books/1/actions/duplicate", {"changes": {"title": "again"}}),
        ("/books/actions/vote", "/books/actions/vote?pages__gt=500", {"score": 3}),
        ("/books/actions/report", "/books/actions/report?selection=french-books&pages=100", {}),
        ("/books/actions/import-titles", "/books/actions/import-titles", {"titles": ["a", "b"], "author": 1}),
    ]:
        answer = served.post(url, body)
        assert answer.status == 200, (url, answer.body)
        fits(document, path, "post", answer.json())
    for url, body, status in [
        ("/books/1/actions/vote", {"score": 99}, "422"),
        ("/books/1/actions/publish", {}, "403"),
        ("/books/999/actions/publish", {}, "404"),
    ]:
        answer = served.post(url, body)
        assert str(answer.status) == status, (url, answer.body)
        path = url.replace("/1/", "/{key}/").replace("/999/", "/{key}/")
        assert status in document["paths"][path]["post"]["responses"]
    selection = "/books/selections/french-books"
    for answer, method in [
        (served.get(f"{selection}?pages=100&sort=-title&page_size=2"), "get"),
        (served.post(selection, {"pages": 300}), "post"),
    ]:
        assert answer.status == 200, answer.body
        assert answer.json()["data"]
        fits(document, selection, method, answer.json())


def test_inputs_in_the_document_refuse_what_the_service_refuses(served: Served, document: dict[str, Any]) -> None:
    schema = document["paths"]["/books/{key}/actions/vote"]["post"]["requestBody"]["content"]["application/json"]
    reference = schema["schema"]["$ref"]
    validator = OAS31Validator({"$ref": f"urn:doc{reference}"}, registry=schemas(document))
    values: list[Any] = [{"score": 3}, {"score": 3, "comment": "x"}, {}, {"score": 11}, {"score": "3"}, {"score": None}]
    values += [{"score": 3, "more": 1}, [], None, {"score": 3, "comment": "x" * 101}]
    for value in values:
        is_told = not list(validator.iter_errors(value))
        answer = served.post("/books/2/actions/vote", value)
        assert (answer.status == 200) == is_told, (value, answer.body)
