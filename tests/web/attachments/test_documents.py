"""OpenAPI and /_meta tell of files: their paths, the types and sizes that are taken, forms."""

from __future__ import annotations

from openapi_spec_validator import validate

from holdall import Authenticated, Everyone, File, Holdall, Model, Policy, field, file
from tests.support.gallery import gallery
from tests.support.served import Served


class Letter(Model, collection="letters"):
    id: int = field(pk=True, generated=True)
    scan: File = file("scans", types=["application/pdf"])


def test_the_document_tells_of_files() -> None:
    service = gallery().asgi()
    document = service.openapi()
    validate(document)
    paths = document["paths"]
    assert paths["/pictures/{key}/image"].keys() == {"parameters", "get", "put", "delete"}
    assert "At most 262144 bytes of image/*" in paths["/pictures/{key}/image"]["put"]["description"]
    for operation in (paths["/pictures"]["post"], paths["/pictures/{key}"]["patch"]):
        form = operation["requestBody"]["content"]["multipart/form-data"]
        assert form["encoding"]["image"] == {"contentType": "image/*"}
        assert {"_json", "image", "paper"} <= form["schema"]["properties"].keys()
    schemas = document["components"]["schemas"]
    assert "key" not in str(schemas["Picture.Record"]["properties"]["image"])
    assert schemas["Picture.Create"]["properties"]["image"]["type"] == "null"


def test_a_file_that_is_required_and_asked_for_by_known_users() -> None:
    app = Holdall("post")
    app.add_store("main", "memory:")
    app.add(Letter, store="main", policy=Policy(read=Everyone, write=Authenticated))
    app.add_files("scans", "memory:")

    async def nobody(scope: object) -> None:
        return None

    document = app.asgi(authenticate=nobody).openapi()
    validate(document)
    put = document["paths"]["/letters/{key}/scan"]["put"]
    assert put["security"]
    assert document["components"]["schemas"]["Letter.Create"]["required"] == ["scan"]


def test_meta_tells_of_files() -> None:
    with Served(gallery()) as served:
        fields = {each["name"]: each for each in served.get("/pictures/_meta").json()["fields"]}
    assert fields["image"]["file"] == {"types": ["image/*"], "max_size": 262_144}
    assert fields["paper"]["file"]["types"] == ["*/*"]
    assert (fields["image"]["update"], fields["sealed"]["update"]) == (True, False)
    assert "secret" not in fields
    assert "file" not in fields["title"]
