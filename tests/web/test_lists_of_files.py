"""Lists of files over HTTP: read, added, replaced and taken away one by one, described as a whole, sent in forms."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from holdall import Everyone, File, Holdall, Model, Policy, field, file
from holdall.testing.client import Client
from tests.support.gallery import GIF, PNG

pytestmark = pytest.mark.anyio

FORM = {"content-type": "multipart/form-data; boundary=x"}


class Album(Model, collection="albums"):
    id: int = field(pk=True)
    title: str = ""
    pictures: list[File] = file("pictures", types=["image/*"], max_size=1000, default_factory=list)
    version: int = field(version=True)


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[Client]:
    app = Holdall("albums")
    app.add_store("main", f"sqlite:///{tmp_path}/s.db")
    app.add(Album, store="main", policy=Policy(read=Everyone, write=Everyone))
    app.add_files("pictures", f"file:{tmp_path}/pictures")
    await app.create()
    async with app.session() as s:
        s.add(Album(id=1, pictures=[File(PNG, name="a.png"), File(GIF, name="b.gif")]))
    async with Client(app.asgi()) as client:
        yield client
    await app.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pictures"


def contents(folder: Path) -> int:
    return sum(each.is_file() and each.name != ".lock" for each in folder.rglob("*"))


async def names(http: Client) -> list[str]:
    return [each["name"] for each in (await http.get("/albums/1")).json()["pictures"]]


def form(*parts: tuple[str, str, bytes], **fields: str) -> bytes:
    lines = b""
    for name, text in fields.items():
        lines += f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
    for name, filename, body in parts:
        head = f'--x\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n\r\n'
        lines += head.encode() + body + b"\r\n"
    return lines + b"--x--\r\n"


async def test_one_is_read_replaced_and_taken_away(http: Client, folder: Path) -> None:
    second = await http.get("/albums/1/pictures/1")
    assert (second.status, second.body, second.headers["content-type"]) == (200, GIF, "image/gif")
    part = await http.get("/albums/1/pictures/0", range="bytes=1-3")
    assert (part.status, part.body) == (206, PNG[1:4])
    for missing in ("2", "-1", "x", "01", "1/0"):
        assert (await http.get(f"/albums/1/pictures/{missing}")).status == 404
    assert (await http.get("/albums/1/pictures")).status == 405
    assert (await http.request("OPTIONS", "/albums/1/pictures")).headers["accept-post"] == "*/*"
    put = await http.request("PUT", "/albums/1/pictures/0", body=GIF + b"2", headers={"content-type": "image/gif"})
    assert (put.status, put.json()["size"]) == (200, len(GIF) + 1)
    assert (await http.request("PUT", "/albums/1/pictures/2", body=GIF)).status == 404
    wrong = await http.request("PUT", "/albums/1/pictures/0", body=b"text")
    assert wrong.status in (415, 422)
    tag = (await http.get("/albums/1/pictures/1")).headers["etag"]
    assert (await http.delete("/albums/1/pictures/0", if_match=tag)).status == 412
    assert (await http.delete("/albums/1/pictures/1", if_match=tag)).status == 204
    assert (await http.get("/albums/1/pictures/1")).status == 404
    assert contents(folder) == 1


async def test_one_is_added_at_the_end(http: Client, folder: Path) -> None:
    head = {"content-disposition": 'attachment; filename="c.png"'}
    added = await http.request("POST", "/albums/1/pictures", body=PNG + b"3", headers=head)
    assert (added.status, added.json()["name"]) == (201, "c.png")
    assert await names(http) == ["a.png", "b.gif", "c.png"]
    assert (await http.request("POST", "/albums/1/pictures", body=bytes(2000), headers=head)).status == 413
    assert contents(folder) == 3


async def test_all_are_described_by_what_they_have(http: Client, folder: Path) -> None:
    first, second = (await http.get("/albums/1")).json()["pictures"]
    turned = await http.patch("/albums/1", {"pictures": [second, first | {"name": "other.png"}]})
    assert (turned.status, await names(http)) == (200, ["b.gif", "other.png"])
    fewer = await http.patch("/albums/1", {"pictures": [second]})
    assert (fewer.status, await names(http), contents(folder)) == (200, ["b.gif"], 1)
    for wrong in ([{"name": "new.png"}], [first], [second | {"size": 1}]):
        refused = await http.patch("/albums/1", {"pictures": wrong})
        assert (refused.status, refused.json()["errors"][0]["path"]) == (422, "pictures.0")
    assert (await http.post("/albums", {"id": 2, "pictures": [second]})).status == 422
    assert contents(folder) == 1


async def test_forms_bring_several(http: Client, folder: Path) -> None:
    body = form(("pictures", "x.png", PNG), ("pictures", "y.gif", GIF), _json='{"id": 2, "title": "two"}')
    made = await http.request("POST", "/albums", body=body, headers=FORM)
    assert (made.status, [each["name"] for each in made.json()["pictures"]]) == (201, ["x.png", "y.gif"])
    body = form(("pictures", "z.png", PNG))
    more = await http.request("PATCH", "/albums/2", body=body, headers=FORM)
    assert (more.status, [each["name"] for each in more.json()["pictures"]]) == (200, ["x.png", "y.gif", "z.png"])
    body = form(*[("pictures", "z.png", PNG)] * 21)
    many = await http.request("PATCH", "/albums/2", body=body, headers=FORM)
    assert many.status in (400, 413, 422)
    assert contents(folder) == 5


async def test_documents_tell_of_them(http: Client) -> None:
    told = {each["name"]: each for each in (await http.get("/albums/_meta")).json()["fields"]}
    assert told["pictures"]["file"] == {"types": ["image/*"], "max_size": 1000, "several": True}
    document: Any = (await http.get("/openapi.json")).json()
    assert set(document["paths"]["/albums/{key}/pictures"]) == {"parameters", "post"}
    assert {"get", "put", "delete"} <= set(document["paths"]["/albums/{key}/pictures/{number}"])
    schemas = document["components"]["schemas"]
    assert schemas["Album.Create"]["properties"]["pictures"]["maxItems"] == 0
    assert schemas["Album.Patch"]["properties"]["pictures"]["items"]["required"] == ["sha256", "created"]
