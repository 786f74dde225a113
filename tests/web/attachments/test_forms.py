"""Records with their files in one request: multipart forms that make and change them, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from holdall.testing.client import Answer
from tests.support.gallery import GIF, PNG, contents_in, gallery
from tests.support.served import Served

BOUNDARY = b"----holdall"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(gallery(f"sqlite:///{tmp_path}/gallery.db", f"file:{tmp_path}/images")) as service:
        yield service


def form(record: Any = None, **files: bytes | tuple[str, bytes]) -> bytes:
    parts = []
    if record is not None:
        parts.append(b'Content-Disposition: form-data; name="_json"\r\nContent-Type: application/json\r\n\r\n')
        parts[-1] += record if isinstance(record, bytes) else json.dumps(record).encode()
    for name, content in files.items():
        filename, data = (name, content) if isinstance(content, bytes) else content
        head = (
            f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: text/html\r\n\r\n'
        )
        parts.append(head.encode() + data)
    return b"".join(b"--" + BOUNDARY + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + BOUNDARY + b"--\r\n"


def send(served: Served, method: str, path: str, body: bytes | list[bytes], headers: Mapping[str, str] = {}) -> Answer:
    given = {"content-type": f"multipart/form-data; boundary={BOUNDARY.decode()}", **headers}
    return served.request(method, path, body=body, headers=given)


def test_a_record_is_made_with_its_files(served: Served) -> None:
    made = send(served, "POST", "/pictures", form({"id": 7, "title": "a"}, image=("å.png", PNG), paper=b"hello"))
    assert made.status == 201, made.body
    assert made.headers["location"] == "/pictures/7"
    assert (made.json()["image"]["name"], made.json()["paper"]["type"]) == ("å.png", "text/plain")
    assert served.get("/pictures/7/image").body == PNG
    assert served.get("/pictures/7/paper").body == b"hello"


def test_parts_may_come_in_any_order_and_in_any_pieces(served: Served) -> None:
    first = form(None, image=PNG)[: -len(BOUNDARY) - 6]
    body = first + form({"id": 7})
    made = send(served, "POST", "/pictures", [body[place : place + 1] for place in range(len(body))])
    assert made.status == 201, made.body
    assert served.get("/pictures/7/image").body == PNG


def test_a_record_is_changed_with_its_files(served: Served, tmp_path: Path) -> None:
    send(served, "POST", "/pictures", form({"id": 7, "title": "a"}, image=PNG))
    changed = send(served, "PATCH", "/pictures/7", form({"title": "b"}, image=GIF))
    assert (changed.status, changed.json()["title"]) == (200, "b")
    assert served.get("/pictures/7/image").body == GIF
    assert len(contents_in(tmp_path / "images")) == 1
    again = send(served, "PATCH", "/pictures/7", form(None, paper=b"x"), {"if-match": changed.headers["etag"]})
    assert again.status == 200
    assert send(served, "PATCH", "/pictures/7", form(None, paper=b"y"), {"if-match": '"other"'}).status == 412
    assert served.get("/pictures/7/paper").body == b"x"


WRONG = {
    "no such field": (form({"id": 7}, title=b"a"), 422),
    "a field that is hidden": (form({"id": 7}, secret=b"a"), 422),
    "a field that may not be given": (form({"id": 7}, sealed=b"a"), 422),
    "a type that is not taken": (form({"id": 7}, image=b"hello"), 422),
    "too many bytes": (form({"id": 7}, note=bytes(2_000)), 422),
    "a value that is wrong": (form({"id": 7, "title": 1}, image=PNG), 422),
    "no key": (form({}, image=PNG), 422),
    "a file twice": (form({"id": 7, "image": None}, image=PNG), 422),
    "a described file": (form({"id": 7, "image": {"key": "a" * 40}}), 422),
    "no JSON": (form(b"{", image=PNG), 400),
    "a name twice": (form(b'{"id": 7, "id": 8}', image=PNG), 400),
    "a list": (form([], image=PNG), 422),
    "nothing": (b"", 400),
    "no end": (form({"id": 7}, image=PNG)[:-6], 400),
    "no form": (b"hello", 400),
    "many parts": (form({"id": 7})[: -len(BOUNDARY) - 6] + 9 * form({"id": 7})[: -len(BOUNDARY) - 6], 422),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_leaves_nothing(served: Served, tmp_path: Path, name: str) -> None:
    body, status = WRONG[name]
    answer = send(served, "POST", "/pictures", body)
    assert (answer.status, contents_in(tmp_path / "images")) == (status, []), answer.body
    assert served.get("/pictures").json()["total_count"] == 0
    if status == 422:
        hidden = send(served, "POST", "/pictures", body.replace(b'"secret"', b'"zzzzzz"'))
        assert hidden.body.replace(b"zzzzzz", b"secret") == answer.body


def test_forms_are_refused_where_there_are_no_boundaries_or_parameters(served: Served) -> None:
    assert (
        served.request(
            "POST", "/pictures", body=form({"id": 7}), headers={"content-type": "multipart/form-data"}
        ).status
        == 400
    )
    assert send(served, "POST", "/pictures?a=1", form({"id": 7})).status == 422
    assert send(served, "PATCH", "/pictures/7", form({"title": "b"})).status == 404
    assert send(served, "PUT", "/pictures/7", form({"title": "b"})).status == 415
