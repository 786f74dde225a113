"""Models and declarations written for an OpenAPI document, and a program around them on an API that is like it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import pytest

from holdall.query import Kind
from holdall.store import Look
from holdall.stores.rest.describing import describe
from holdall.stores.rest.document import Document
from tests.support.foreign import inspected, is_type_checked, runs
from tests.support.terminal import run


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _answer(schema: Any, status: str = "200") -> dict[str, Any]:
    return {status: {"description": "", "content": {"application/json": {"schema": schema}}}}


def _page(name: str) -> dict[str, Any]:
    total = {"total": {"type": "integer"}, "items": {"type": "array", "items": _ref(name)}}
    return {"type": "object", "properties": total}


def _query(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "in": "query", "schema": {"type": "integer"}} for name in names]


def _path(name: str, kind: str = "integer") -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": kind}}


_BODY = {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewPet"}}}}}
_DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Shelter", "version": "1"},
    "servers": [{"url": "/api"}],
    "paths": {
        "/pets": {
            "get": {"parameters": _query("offset", "limit", "kind"), "responses": _answer(_page("Pet"))},
            "post": {**_BODY, "responses": _answer(_ref("Pet"), "201")},
        },
        "/pets/{petId}": {
            "parameters": [_path("petId")],
            "get": {"responses": _answer(_ref("Pet"))},
            "patch": {**_BODY, "responses": _answer(_ref("Pet"))},
            "delete": {"responses": {"204": {"description": ""}}},
        },
        "/pets/{petId}/visits": {
            "parameters": [_path("petId")],
            "get": {"responses": _answer({"type": "array", "items": _ref("Visit")})},
        },
        "/pets/{petId}/visits/{visit-id}": {"get": {"responses": {}}},
        "/pets/{petId}/photos": {
            "parameters": [_path("petId")],
            "get": {"responses": _answer({"type": "array", "items": _ref("Photo")})},
        },
        "/pets/{petId}/photos/{id}": {
            "parameters": [_path("petId"), _path("id", "string")],
            "get": {"responses": _answer(_ref("Photo"))},
            "delete": {"responses": {}},
        },
        "/logs": {"get": {"parameters": _query("page"), "responses": _answer({"type": "array", "items": {}})}},
        "/logs/{id}": {"get": {"responses": {}}},
    },
    "components": {
        "schemas": {
            "NewPet": {
                "type": "object",
                "properties": {
                    "full-name": {"type": "string"},
                    "kind": {"type": "string", "enum": ["cat", "dog"]},
                    "born": {"type": "string", "format": "date"},
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "owner": {"type": "object"},
                },
            },
            "Pet": {
                "allOf": [_ref("NewPet")],
                "required": ["id", "full-name", "kind"],
                "properties": {
                    "id": {"type": "integer", "readOnly": True},
                    "seen": {"type": "string", "format": "date-time", "readOnly": True},
                },
            },
            "Visit": {"type": "object", "properties": {"visit-id": {"type": "integer"}}},
            "Photo": {
                "type": "object",
                "required": ["id", "url"],
                "properties": {"id": {"type": "string"}, "url": {"type": "string"}},
            },
        }
    },
}


class _Shelter(BaseHTTPRequestHandler):
    pets: ClassVar[dict[int, dict[str, Any]]] = {}
    document = b""

    def _say(self, value: Any, status: int = 200) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = dict(parse_qsl(parts.query))
        steps = parts.path.strip("/").split("/")[1:]
        if parts.path == "/openapi.json":
            self._say(self.document)
        elif steps == ["pets"]:
            found = [each for each in self.pets.values() if asked.get("kind", each["kind"]) == each["kind"]]
            start = int(asked.get("offset", 0))
            self._say({"total": len(found), "items": found[start : start + int(asked["limit"])]})
        elif len(steps) == 3:
            self._say([{"id": f"p{steps[1]}", "url": "u"}])
        elif int(steps[1]) in self.pets:
            self._say(self.pets[int(steps[1])])
        else:
            self._say({}, 404)

    def do_POST(self) -> None:
        made = {"id": len(self.pets) + 1, **json.loads(self.rfile.read(int(self.headers["Content-Length"])))}
        self.pets[made["id"]] = made
        self._say(made, 201)

    def do_PATCH(self) -> None:
        pet = self.pets[int(self.path.rpartition("/")[2])]
        pet |= json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._say(pet)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def shelter() -> Iterator[str]:
    """An API that is like the document, and serves it."""
    handler = type("Shelter", (_Shelter,), {"pets": {}, "document": json.dumps(_DOCUMENT).encode()})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


_PROGRAM = """
import asyncio
from datetime import date
from found import Pets, Photos, app

async def main() -> None:
    async with app.session() as s:
        s.add(Pets(full_name="Tom", kind="cat", born=date(2020, 1, 2), tags=["a"]))
    async with app.session() as s:
        s.add(Pets(full_name="Rex", kind="dog"))
    async with app.session() as s:
        (tom,) = await s.query(Pets.where(Pets.kind == "cat"))
        tom.full_name = "Thomas"
        print(tom.id, tom.born, tom.tags)
    async with app.session() as s:
        print([pet.full_name for pet in await s.query(Pets.where())])
        print([(photo.pet_id, photo.id) for photo in await s.query(Photos.where(Photos.pet_id.in_([1, 2])))])
    await app.close()

asyncio.run(main())
"""


def test_models_for_a_document_fit_and_run(shelter: str, tmp_path: Path) -> None:
    written = inspected(tmp_path, f"{shelter}/openapi.json")
    assert f'"{shelter}/api"' in written
    assert "    id: int = field(pk=True, generated=True)\n" in written
    assert '    full_name: str = field(column="full-name")\n' in written
    assert '    kind: Literal["cat", "dog"]\n' in written
    assert "    seen: datetime | None = None\n" in written
    assert "    tags: list[str] | None = None\n" in written
    assert 'path="/pets/{pet_id}/photos/{id}"' in written
    assert 'in_path=frozenset({"pet_id"})' in written
    assert "# logs is left out:\n#   /logs: the document does not say how the list is paged" in written
    assert "# visits is left out:" in written
    assert runs(tmp_path, _PROGRAM) == "1 2020-01-02 ['a']\n['Thomas', 'Rex']\n[(1, 'p1'), (2, 'p2')]\n"
    is_type_checked(written, "openapi", http=shelter)


def test_a_file_says_where_the_api_is_or_is_told(tmp_path: Path) -> None:
    (tmp_path / "api.json").write_text(json.dumps(_DOCUMENT))
    refused = run(tmp_path, "holdall", "inspect", "api.json")
    assert (refused.code, refused.errors) == (
        1,
        "holdall: the document does not say where the API is: add --server https://…\n",
    )
    written = inspected(tmp_path, "api.json", "--server", "https://api.example.com/v2", "--collection", "pets")
    assert 'app = Holdall("example")' in written
    assert "https://api.example.com/v2" in written
    assert "Photos" not in written


def test_what_is_no_document_or_not_here_is_a_sentence(shelter: str, tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_text("[]")
    for place, word, code in (
        ("odd.json", "this is no OpenAPI document", 2),
        ("http://203.0.113.1/openapi.json", "by https: alone", 1),
        (f"{shelter}/api/pets/9", "(status 404)", 1),
        ("https://127.0.0.1:1/openapi.json", "cannot be had", 1),
    ):
        refused = run(tmp_path, "holdall", "inspect", place)
        assert (refused.code, place) == (code, place)
        assert word in refused.errors


_SWAGGER = {
    "swagger": "2.0",
    "host": "api.example.com",
    "basePath": "/v1",
    "schemes": ["http", "https"],
    "paths": {
        "/users": {"get": {"responses": {"200": {"schema": {"type": "array", "items": {"$ref": "#/definitions/U"}}}}}},
        "/users/{login}": {"get": {"responses": {"200": {"schema": {"$ref": "#/definitions/U"}}}}},
    },
    "definitions": {
        "U": {
            "type": "object",
            "required": ["login", "size", "nick"],
            "properties": {
                "login": {"type": "string"},
                "size": {"type": "number"},
                "nick": {"type": "string", "x-nullable": True},
                "mark": {"type": "string", "format": "uuid"},
                "odd": {"type": ["string", "integer"]},
                "raw": {},
                "rows": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
            },
        }
    },
}


def test_kinds_and_places_of_a_swagger_document() -> None:
    found = describe(Document(_SWAGGER), "https://document.invalid/", Look())
    assert found.url == "http://api.example.com/v1"
    (users,) = found.collections
    kinds = {field.name: (field.kind, field.nullable) for field in users.schema.fields}
    assert kinds == {
        "login": (Kind.STR, False),
        "size": (Kind.FLOAT, False),
        "nick": (Kind.STR, True),
        "mark": (Kind.UUID, True),
        "odd": (Kind.JSON, True),
        "raw": (Kind.JSON, True),
        "rows": (Kind.JSON, True),
    }
    assert users.annotations == {"odd": "JSON", "raw": "JSON", "rows": "list[list[int]]"}
    assert users.schema.key == ("login",)
