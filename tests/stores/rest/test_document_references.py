"""``$ref`` of every form, and schemas in whatever words."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdall.errors import DeclarationError
from holdall.stores.rest import RestCollection, from_openapi
from tests.support.draws import draws
from tests.support.openapi_documents import NUMBER, TEXT, a_document, a_list, an_object, body, ok, query, ref


def _with_pet(pet: Any, version: str = "3.0.3", **schemas: Any) -> RestCollection:
    """The pets, of whose schema the names that may be read only are looked at."""
    sent = an_object(name=TEXT)
    paths = {"/pets": {"get": ok(a_list(pet)), "post": body(sent)}, "/pets/{id}": {"get": ok(pet)}}
    return from_openapi(a_document(paths, version, **schemas), "/pets")


@pytest.mark.parametrize(
    "pet, schemas",
    [
        (ref("Base/allOf/0"), {"Base": {"allOf": [an_object(id=TEXT, name=TEXT)]}}),
        (ref("A%20B"), {"A B": an_object(id=TEXT, name=TEXT)}),
        (ref("a~1b~0c"), {"a/b~c": an_object(id=TEXT, name=TEXT)}),
        (ref("Other"), {"Other": ref("Third"), "Third": an_object(id=TEXT, name=TEXT)}),
        (ref("Holder/properties/pet"), {"Holder": an_object(pet=an_object(id=TEXT, name=TEXT))}),
        ({"$ref": "#pet"}, {"Pet": an_object(id=TEXT, name=TEXT) | {"$anchor": "pet"}}),
        ({"$ref": "https://x/pet"}, {"Pet": an_object(id=TEXT, name=TEXT) | {"$id": "https://x/pet"}}),
        ({"allOf": [ref("A"), ref("B")]}, {"A": an_object(id=TEXT), "B": an_object(name=TEXT)}),
        ({"oneOf": [ref("A"), ref("B")]}, {"A": an_object(id=TEXT), "B": an_object(id=TEXT, name=TEXT)}),
        ({"anyOf": [{"type": "null"}, ref("A")]}, {"A": an_object(id=TEXT, name=TEXT)}),
        ({"properties": {"id": TEXT, "name": TEXT}}, {}),
        (
            ref("Pet"),
            {
                "Pet": {"oneOf": [ref("Cat")], "discriminator": {"propertyName": "name"}},
                "Cat": {"allOf": [ref("Pet"), an_object(id=TEXT, name=TEXT)]},
            },
        ),
        (ref("Node"), {"Node": an_object(id=TEXT, name=TEXT, parent=ref("Node"))}),
    ],
    ids=str,
)
def test_a_schema_is_read_wherever_it_stands(pet: Any, schemas: Any) -> None:
    found = _with_pet(pet, **schemas)
    assert found.keys == "server"
    assert {"id"} <= found.read_only <= {"id", "parent"}


def test_what_stands_beside_a_reference_counts_from_3_1_on() -> None:
    pet = an_object(id=TEXT, name=ref("Name") | {"readOnly": True})
    assert "name" in _with_pet(pet, "3.1.0", Name=TEXT).read_only
    assert "name" not in _with_pet(pet, "3.0.3", Name=TEXT).read_only


@pytest.mark.parametrize(
    "schema", [{"type": ["array", "null"]}, {"items": {}}, {"anyOf": [{"type": "null"}, a_list({})]}], ids=str
)
def test_a_list_is_one_in_whatever_words(schema: Any) -> None:
    pet = an_object(id=TEXT)
    for answer, place in ((schema, ""), (an_object(found=schema, note=TEXT), "found")):
        paths = {"/pets": {"get": ok(answer)}, "/pets/{id}": {"get": ok(pet)}}
        assert from_openapi(a_document(paths), "/pets").list_at == place


@pytest.mark.parametrize(
    "pet, schemas, words",
    [
        (ref("A"), {"A": ref("B"), "B": ref("A")}, "circle"),
        (ref("A/allOf/1"), {"A": {"allOf": [{}]}}, "does not hold"),
        ({"$ref": "#nowhere"}, {}, "does not hold"),
        ({"$ref": "https://elsewhere.example/pet.json"}, {}, "one file"),
        (ref("S0"), {f"S{n}": {"allOf": [ref(f"S{n + 1}")] * 3} for n in range(30)} | {"S30": {}}, "entangled"),
    ],
    ids=["circle", "beyond", "anchor", "elsewhere", "entangled"],
)
def test_a_reference_that_leads_nowhere_or_too_far_is_refused(pet: Any, schemas: Any, words: str) -> None:
    with pytest.raises(DeclarationError, match=words):
        _with_pet(pet, **schemas)


def test_a_document_may_lie_in_several_files(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    main = a_document({"/pets": {"$ref": "parts/paths.json#/pets"}, "/pets/{id}": {"$ref": "./parts/paths.json#/pet"}})
    paths = {"pets": {"get": ok({"$ref": "../shared.json#/Pets"})}, "pet": {"get": ok({"$ref": "pet.json"})}}
    files = {"api.json": main, "parts/paths.json": paths, "parts/pet.json": an_object(id=TEXT)}
    for name, content in {**files, "shared.json": {"Pets": a_list({"$ref": "parts/pet.json"})}}.items():
        (tmp_path / name).write_bytes(msgspec.json.encode(content))
    assert from_openapi(tmp_path / "api.json", "/pets").list_path == "/pets"
    (tmp_path / "parts" / "pet.json").write_bytes(msgspec.json.encode({"$ref": "../../secret.json"}))
    with pytest.raises(DeclarationError, match="outside"):
        from_openapi(tmp_path / "api.json", "/pets")


def _documents() -> list[tuple[dict[str, Any], str]]:
    """Whole documents of both kinds."""
    pet = {"allOf": [ref("Base"), {"properties": {"tags": a_list(TEXT)}}]}
    page = an_object(items=a_list(pet), total=NUMBER, links=an_object(next=TEXT))
    put = {"put": body(pet) | ok(pet)}
    parameters = [query("page", type="integer", default=1), query("size", type="integer", maximum=5), query("tags")]
    paths = {
        "/pets": {"get": ok(page) | {"parameters": parameters}, "post": body(pet)},
        "/pets/{id}": {"get": ok(pet)} | put,
    }
    swagger = {
        "swagger": "2.0",
        "paths": {
            "/pets": {
                "get": {"parameters": [{"name": "limit", "in": "query", "type": "integer"}],
                        "responses": {"200": {"schema": an_object(data=a_list(TEXT), next_page_token=TEXT)}}},
                "post": {"parameters": [{"name": "body", "in": "body", "schema": {"$ref": "#/definitions/Pet"}}]},
            },
            "/pets/{id}": {"get": {"responses": {"default": {"schema": {"$ref": "#/definitions/Pet"}}}}},
        },
        "definitions": {"Pet": an_object(id=TEXT)},
    }  # fmt: skip
    return [(a_document(paths, Base=an_object(id=TEXT)), "/pets"), (swagger, "/pets")]


_ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 7, 1.5, "x", "", [], [None], [[]], {}, {"x": None}, {"$ref": "#/paths"}, {"$ref": 7}]
)


def _places(found: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    return [above, *(place for name, each in inner for place in _places(each, (*above, name)))]


def _put(found: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    made = dict(found) if isinstance(found, dict) else list(found)
    made[place[0]] = _put(found[place[0]], place[1:], value)
    return made


@settings(max_examples=draws(150, 400))
@given(st.sampled_from(_documents()), st.data())
def test_a_document_with_anything_anywhere_is_read_or_refused(
    source: tuple[dict[str, Any], str], data: st.DataObject
) -> None:
    document, path = source
    for _ in range(data.draw(st.integers(1, 2))):
        document = _put(document, data.draw(st.sampled_from(_places(document)[1:])), data.draw(_ODD))
    with suppress(DeclarationError):
        from_openapi(document, path)
