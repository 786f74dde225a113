"""Contents that clients send to an object store by themselves, with a ticket, and get from there."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from holdall import Everyone, Holdall, Policy
from holdall.policy import User
from tests.support.gallery import GIF, PNG, Picture, png
from tests.support.object_store import bucket, s3_server
from tests.support.served import Served

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:moto", "ignore::DeprecationWarning:botocore")


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with s3_server() as endpoint:
        yield endpoint


async def _who(scope: Any) -> User:
    return User(dict(scope["headers"]).get(b"x-user", b"ann").decode())


@pytest.fixture
def served(s3: str, tmp_path: Path) -> Iterator[Served]:
    app = Holdall("gallery")
    app.add_store("main", f"sqlite:///{tmp_path}/gallery.db")
    app.add(Picture, store="main", policy=Policy(read=Everyone, write=Everyone))
    url, options = bucket(s3)
    app.add_files("images", url, **options)
    app.add_files("papers", "memory:")
    with Served(app, authenticate=_who) as service:
        service.post("/pictures", {"id": 7})
        service.post("/pictures", {"id": 8})
        yield service


def asked(served: Served, path: str = "/pictures/7/image") -> dict[str, Any]:
    answer = served.request("POST", path + "?direct")
    assert answer.status == 200, answer.body
    told: dict[str, Any] = answer.json()
    return told


def send(url: str, content: bytes) -> None:
    headers = {"content-type": "application/octet-stream"}
    request = urllib.request.Request(url, content, headers, method="PUT")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def finish(served: Served, ticket: str, path: str = "/pictures/7/image", **headers: str) -> Any:
    given = {"content-type": "application/vnd.holdall.upload", "content-disposition": "x; filename=a.png"} | headers
    return served.request("PUT", path, body=ticket.encode(), headers=given)


def contents(served: Served) -> int:
    return int(served.run(served.app.collect_files(grace=0.0, dry_run=True))[0].seen)


def test_an_upload_and_a_download_past_the_service(served: Served) -> None:
    told = asked(served)
    send(told["url"], PNG)
    made = finish(served, told["ticket"])
    assert (made.status, made.json()["type"], made.json()["name"]) == (201, "image/png", "a.png")
    assert served.get("/pictures/7/image").body == PNG
    send(told["url"], GIF)  # the URL still holds, and leads nowhere
    assert served.get("/pictures/7/image").body == PNG
    found = served.get("/pictures/7/image?direct")
    assert found.status == 307
    with urllib.request.urlopen(found.headers["location"], timeout=10) as answer:
        assert answer.read() == PNG


def test_what_does_not_fit_leaves_nothing(served: Served) -> None:
    for content, code in ((b"hello", "media_type"), (png(300_000), "too_large"), (None, "required")):
        told = asked(served)
        if content is not None:
            send(told["url"], content)
        answer = finish(served, told["ticket"])
        assert (answer.status, answer.json()["errors"][0]["code"]) == (422, code)
    assert served.get("/pictures/7/image").status == 404
    served.run(served.app.collect_files(grace=0.0))
    assert contents(served) == 0


def test_a_ticket_is_for_one_file_and_one_user(served: Served) -> None:
    told = asked(served)
    send(told["url"], PNG)
    ticket = told["ticket"]
    wrong = [
        finish(served, ticket, "/pictures/8/image"),
        finish(served, ticket, **{"x-user": "tom"}),
        finish(served, ticket[:-4] + "AAAA"),
        finish(served, ""),
        finish(served, "é" * 9),
        finish(served, "a" * 4_096),
    ]
    assert {answer.status for answer in wrong} == {422}
    assert finish(served, ticket).status == 201
    assert finish(served, ticket).status == 422  # it was taken


def test_who_may_ask(served: Served) -> None:
    assert served.request("POST", "/pictures/9/image?direct").status == 404
    assert served.request("POST", "/pictures/7/image").status in (400, 422)
    assert served.request("POST", "/pictures/7/paper?direct").status == 405
    assert served.get("/pictures/7/paper?direct").status == 422
    assert served.get("/pictures/7/image?direct").status == 404
    assert served.request("PUT", "/pictures/7/image?direct", body=PNG).status == 422


def test_the_document_tells_of_it(served: Served) -> None:
    document = served.service.openapi()
    validate(document)
    operations = document["paths"]["/pictures/{key}/image"]
    assert {"307"} <= operations["get"]["responses"].keys()
    assert operations["post"]["operationId"] == "pictures_image_direct"
    assert "post" not in document["paths"]["/pictures/{key}/paper"]
