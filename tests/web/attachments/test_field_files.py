"""The file in a field over HTTP: put, read, ranges, conditions, rights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.gallery import GIF, PNG, Picture, contents_in, gallery, png
from tests.support.served import Served

_STORES: dict[str, tuple[str, dict[str, Any]]] = {
    "memory": ("memory:", {}),
    "folder": ("file:{folder}", {}),
    "content": ("file:{folder}", {"address": "content"}),
    "objects": ("objectmemory:", {}),
    "blob": ("blob:", {}),
}


@pytest.fixture(params=_STORES)
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    url, options = _STORES[request.param]
    images = url.format(folder=tmp_path / "images")
    with Served(gallery(f"sqlite:///{tmp_path}/gallery.db", images, **options)) as service:
        assert service.post("/pictures", {"id": 7, "title": "a"}).status == 201
        yield service


def put(served: Served, body: bytes, path: str = "/pictures/7/image", **headers: str) -> int:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return served.request("PUT", path, body=body, headers=given).status


def test_what_is_put_is_read_again(served: Served) -> None:
    made = served.request("PUT", "/pictures/7/image", body=PNG, headers={"content-disposition": "x; filename=a.png"})
    digest = hashlib.sha256(PNG).hexdigest()
    assert made.status == 201
    shown = made.json()
    assert shown.pop("created")
    assert shown == {"name": "a.png", "size": len(PNG), "type": "image/png", "sha256": digest, "meta": {}}
    found = served.get("/pictures/7/image")
    assert (found.status, found.body) == (200, PNG)
    assert found.headers["content-type"] == "image/png"
    assert found.headers["content-length"] == str(len(PNG))
    assert found.headers["content-disposition"] == 'inline; filename="a.png"'
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["etag"] == f'"{digest}"' == made.headers["etag"]
    head = served.request("HEAD", "/pictures/7/image")
    assert (head.status, head.body) == (200, b"")
    assert {**head.headers, "x-request-id": ""} == {**found.headers, "x-request-id": ""}
    listed = served.get("/pictures/7").json()
    assert listed["image"]["sha256"] == digest
    assert "key" not in listed["image"]


def test_another_content_replaces_it_and_delete_empties_the_field(served: Served) -> None:
    assert [put(served, PNG), put(served, GIF)] == [201, 200]
    assert served.get("/pictures/7/image").body == GIF
    assert served.delete("/pictures/7/image").status == 204
    assert served.get("/pictures/7/image").status == 404
    assert served.delete("/pictures/7/image").status == 404
    assert served.get("/pictures/7").json()["image"] is None


RANGES = {
    "bytes=0-3": (206, 0, 4),
    "bytes=4-": (206, 4, None),
    "bytes=-5": (206, -5, None),
    "bytes=-5000": (206, 0, None),
    "bytes=0-99999": (206, 0, None),
    "Bytes = 2-2": (206, 2, 3),
    "bytes=5-2": (200, 0, None),
    "bytes=": (200, 0, None),
    "bytes=0-1,3-4": (200, 0, None),
    "lines=0-1": (200, 0, None),
    "bytes=-": (200, 0, None),
}


def test_ranges(served: Served) -> None:
    put(served, PNG)
    for text, (status, start, stop) in RANGES.items():
        answer = served.get("/pictures/7/image", range=text)
        assert (answer.status, answer.body) == (status, PNG[start:stop]), text
        if status == 206:
            first, last, size = answer.headers["content-range"].removeprefix("bytes ").replace("/", "-").split("-")
            assert (int(last) - int(first) + 1, int(size)) == (len(answer.body), len(PNG))
    for text in (f"bytes={len(PNG)}-", "bytes=-0", "bytes=9999999-9999999"):
        answer = served.get("/pictures/7/image", range=text)
        assert (answer.status, answer.headers["content-range"]) == (416, f"bytes */{len(PNG)}"), text


def test_conditions(served: Served) -> None:
    put(served, PNG)
    tag = served.get("/pictures/7/image").headers["etag"]
    assert served.get("/pictures/7/image", if_none_match=tag).status == 304
    assert served.get("/pictures/7/image", if_match='"other"').status == 412
    assert served.get("/pictures/7/image", range="bytes=0-1", if_range=tag).status == 206
    assert served.get("/pictures/7/image", range="bytes=0-1", if_range='"other"').status == 200
    moment = served.get("/pictures/7/image").headers["last-modified"]
    assert served.get("/pictures/7/image", if_modified_since=moment).status == 304
    assert put(served, GIF, if_match='"other"') == 412
    assert put(served, GIF, if_none_match="*") == 412
    assert served.delete("/pictures/7/image", if_match='"other"').status == 412
    assert put(served, GIF, if_match=tag) == 200
    assert put(served, PNG, if_match=tag) == 412
    assert put(served, PNG, "/pictures/7/paper", if_match="*") == 412
    assert put(served, PNG, "/pictures/7/paper", if_none_match="*") == 201


def test_what_does_not_fit_leaves_nothing(served: Served, tmp_path: Path) -> None:
    put(served, PNG)
    before = contents_in(tmp_path / "images")
    too_large = served.request("PUT", "/pictures/7/image", body=png(300_000))
    assert too_large.status == 413
    wrong = served.request("PUT", "/pictures/7/image", body=b"hello", headers={"content-type": "image/png"})
    assert (wrong.status, wrong.json()["errors"][0]["code"]) == (422, "media_type")
    assert served.request("PUT", "/pictures/7/image", body=[png(200_000), bytes(200_000)]).status in (413, 422)
    assert put(served, PNG, content_encoding="gzip") == 415
    assert put(served, PNG, content_type="multipart/form-data; boundary=a") == 415
    assert put(served, PNG, "/pictures/7/image?a=1") in (400, 422)
    assert served.get("/pictures/7/image").body == PNG
    assert contents_in(tmp_path / "images") == before


def test_what_is_hidden_is_as_what_is_not_there(served: Served) -> None:
    async def fill() -> None:
        from holdall import File

        async with served.app.session() as session:
            picture = await session.require(Picture, 7)
            picture.secret, picture.sealed = File("hidden"), File("sealed")

    served.run(fill())
    absent = served.get("/pictures/8/image")
    for path in ("/pictures/7/secret", "/pictures/8/secret", "/pictures/8/image"):
        assert served.get(path).status == absent.status == 404
    assert put(served, PNG, "/pictures/7/secret") == put(served, PNG, "/pictures/8/secret") == 404
    assert served.delete("/pictures/7/secret").status == 404
    assert served.get("/pictures/7/sealed").body == b"sealed"
    assert put(served, PNG, "/pictures/7/sealed") == served.delete("/pictures/7/sealed").status == 403
    assert put(served, PNG, "/pictures/8/image") == 404
    assert served.get("/pictures/7/title").status == 404


def test_methods(served: Served) -> None:
    assert served.request("POST", "/pictures/7/image").status == 405
    options = served.request("OPTIONS", "/pictures/7/image")
    assert options.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PUT"
    assert served.request("OPTIONS", "/pictures").headers["accept-post"] == (
        "application/json, text/csv, application/x-ndjson, multipart/form-data"
    )
    assert served.request("OPTIONS", "/pictures/_check").headers["accept-post"] == "application/json"


def test_clients_describe_no_files(served: Served) -> None:
    put(served, PNG)
    shown = served.get("/pictures/7").json()
    key = {**shown["image"], "key": "a" * 40}
    for image in (
        key,
        {"key": "a" * 40},
        "a",
        1,
        {**shown["image"], "size": 1},
        {**shown["image"], "sha256": "0" * 64},
    ):
        assert served.patch("/pictures/7", {"image": image}).status == 422, image
        assert served.post("/pictures", {"id": 9, "image": image}).status == 422, image
    assert served.post("/pictures", {"id": 9, "image": shown["image"]}).status == 422
    assert served.request("PUT", "/pictures/7", json={**shown, "title": "b"}).status == 200
    renamed = served.patch("/pictures/7", {"image": {"name": "../b.png", "meta": {"by": "ann"}}})
    assert (renamed.status, renamed.json()["image"]["name"]) == (200, "b.png")
    assert renamed.json()["image"]["meta"] == {"by": "ann"}
    assert served.get("/pictures/7/image").body == PNG
    assert served.patch("/pictures/7", {"image": None}).status == 200
    assert served.get("/pictures/7/image").status == 404


def test_a_part_of_a_file_never_becomes_the_whole(served: Served) -> None:
    assert put(served, PNG) == 201
    assert put(served, PNG[:3], content_range=f"bytes 0-2/{len(PNG)}") == 400
    assert served.get("/pictures/7/image").body == PNG
