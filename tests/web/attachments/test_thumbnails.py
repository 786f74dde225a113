"""Thumbnails over HTTP and in Python: kept beside the content, gone with it, and with its rights."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from importlib import util
from pathlib import Path
from typing import Any

import pytest

from holdall import BlobFile, File, Holdall, Model, field, file
from holdall.errors import DeclarationError, NoThumbnail, QueryError, StoreUnavailable
from holdall.files import pictures
from tests.support.gallery import PDF, contents_in
from tests.support.pictures import Print, cabinet, picture, read
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
    with Served(cabinet(files=url.format(folder=tmp_path / "scans"), **options)) as service:
        assert service.post("/prints", {"id": 7}).status == 201
        yield service


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[tuple[Served, Path]]:
    with Served(cabinet(files=f"file:{tmp_path}/scans")) as service:
        service.post("/prints", {"id": 7})
        put(service, picture())
        yield service, tmp_path / "scans"


def put(served: Served, body: bytes, name: str = "scan") -> None:
    assert served.request("PUT", f"/prints/7/{name}", body=body).status in (200, 201)


@pytest.mark.parametrize("name", ["scan", "note"])
def test_a_thumbnail_is_answered(served: Served, name: str) -> None:
    put(served, picture(), name)
    for _ in range(2):  # made, then kept
        found = served.get(f"/prints/7/{name}?thumbnail=small")
        assert (found.status, found.headers["content-type"]) == (200, "image/jpeg")
        assert read(found.body).size == (40, 20)
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["content-disposition"] == "inline"
    assert found.headers["content-length"] == str(len(found.body))
    tag = found.headers["etag"]
    assert tag != served.get(f"/prints/7/{name}").headers["etag"]
    assert served.get(f"/prints/7/{name}?thumbnail=small", if_none_match=tag).status == 304
    assert served.get(f"/prints/7/{name}?thumbnail=small", if_match='"other"').status == 412
    head = served.request("HEAD", f"/prints/7/{name}?thumbnail=small")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(found.body)))
    put(served, picture(size=(50, 100)), name)
    other = served.get(f"/prints/7/{name}?thumbnail=small", if_none_match=tag)
    assert (other.status, read(other.body).size) == (200, (20, 40))
    assert served.run(served.app.check_files()) == []


def test_each_size_is_its_own(served: Served) -> None:
    put(served, picture())
    sizes = [read(served.get(f"/prints/7/scan?thumbnail={name}").body).size for name in ("small", "wide", "small")]
    assert sizes == [(40, 20), (20, 10), (40, 20)]
    tags = {served.get(f"/prints/7/scan?thumbnail={name}").headers["etag"] for name in ("small", "wide")}
    assert len(tags) == 2


def test_other_names_are_refused_with_those_there_are(served: Served) -> None:
    put(served, picture())
    put(served, picture(), "plain")
    for query in ("thumbnail=huge", "thumbnail=", "thumbnail=small&thumbnail=wide"):
        refused = served.get(f"/prints/7/scan?{query}")
        assert (refused.status, refused.json()["type"]) == (422, "urn:holdall:query"), query
        assert refused.json()["errors"][0]["message"] == "must be one of small, wide"
    assert served.get("/prints/7/scan?thumbnail=small&size=3").json()["errors"][0]["path"] == "size"
    assert served.get("/prints/7/plain?thumbnail=small").status == 422
    assert served.request("PUT", "/prints/7/scan?thumbnail=small", body=picture()).status == 422
    assert served.get("/prints/7/scan?thumbnail=small").status == 200


def test_what_has_no_thumbnail_says_why(served: Served) -> None:
    assert served.get("/prints/7/scan?thumbnail=small").status == 404
    for body, reason in (
        (PDF, "no picture"),
        (picture(size=(1_000, 101)), "100000 pixels"),
        (picture()[:60], "decoded"),
    ):
        put(served, body)
        refused = served.get("/prints/7/scan?thumbnail=small")
        assert (refused.status, refused.json()["type"]) == (422, "urn:holdall:no-thumbnail"), reason
        assert reason in refused.json()["detail"]
        assert served.get("/prints/7/scan").body == body


def test_rights_are_those_of_the_field(served: Served) -> None:
    async def kept() -> None:
        async with served.app.session() as session:
            (await session.require(Print, 7)).secret = File(picture())

    served.run(kept())
    answers = [served.get(f"/prints/7/secret{query}") for query in ("", "?thumbnail=small", "?thumbnail=huge")]
    assert {(answer.status, answer.body) for answer in answers} == {(404, answers[0].body)}
    assert served.get("/prints/8/scan?thumbnail=small").status == 404


def test_a_thumbnail_lies_beside_the_content_and_goes_with_it(folder: tuple[Served, Path]) -> None:
    served, where = folder
    assert len(contents_in(where)) == 1
    first = served.get("/prints/7/scan?thumbnail=small")
    kept = contents_in(where)
    assert len(kept) == 2
    assert served.get("/prints/7/scan?thumbnail=small").body == first.body
    assert contents_in(where) == kept
    put(served, picture(mode="RGBA"))
    assert len(contents_in(where)) == 1
    assert served.get("/prints/7/scan?thumbnail=wide").headers["content-type"] == "image/png"
    assert served.delete("/prints/7").status == 204
    assert contents_in(where) == []


def test_what_is_kept_is_not_made_again(folder: tuple[Served, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    served, where = folder
    first = served.get("/prints/7/scan?thumbnail=small")
    (other,) = [path for path in contents_in(where) if path.read_bytes() == first.body]
    other.write_bytes(b"kept")
    assert served.get("/prints/7/scan?thumbnail=small").body == b"kept"


def test_collecting_keeps_thumbnails_of_what_is_referred_to_and_no_others(
    folder: tuple[Served, Path], tmp_path: Path
) -> None:
    served, where = folder
    served.get("/prints/7/scan?thumbnail=small")
    served.get("/prints/7/scan?thumbnail=wide")
    (report,) = served.run(served.app.collect_files(grace=0))
    assert (report.seen, report.orphans) == (3, 0)
    assert served.run(_removed_in_bulk(served.app)) == 1
    (report,) = served.run(served.app.collect_files(grace=0))
    assert (report.orphans, report.deleted, contents_in(where)) == (3, 3, [])


async def _removed_in_bulk(app: Holdall) -> int:
    async with app.session() as session:
        return await session.delete(Print.where(Print.id == 7), max_affected=1)


def test_one_that_cannot_be_kept_is_answered(folder: tuple[Served, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    served, where = folder

    async def full(content: object, key: str | None = None) -> str:
        raise StoreUnavailable("scans", "the disk is full")

    monkeypatch.setattr(served.app.bindings.shelf.named("scans"), "write", full)
    assert served.get("/prints/7/scan?thumbnail=small").status == 200
    assert len(contents_in(where)) == 1


def test_in_python(folder: tuple[Served, Path]) -> None:
    served, _ = folder

    async def asked() -> None:
        async with served.app.session() as session:
            found = await session.require(Print, 7)
            assert found.scan is not None
            small = await found.scan.thumbnail("small")
            assert (small.type, read(small.content).size) == ("image/jpeg", (40, 20))
            with pytest.raises(QueryError, match="no thumbnail 'huge'; there are small, wide"):
                await found.scan.thumbnail("huge")
            found.plain = File(PDF)
            found.note = BlobFile(b"text")
            await session.commit()
            assert found.note is not None
            with pytest.raises(QueryError, match="declares none"):
                await found.plain.thumbnail("small")
            with pytest.raises(NoThumbnail):
                await found.note.thumbnail("small")

    served.run(asked())


def test_documents_tell_the_names(folder: tuple[Served, Path]) -> None:
    served, _ = folder
    paths = served.get("/openapi.json").json()["paths"]
    (told,) = [each for each in paths["/prints/{key}/scan"]["get"]["parameters"] if each.get("name") == "thumbnail"]
    assert told["schema"]["enum"] == ["small", "wide"]
    assert not [each for each in paths["/prints/{key}/plain"]["get"]["parameters"] if each.get("name") == "thumbnail"]
    fields = {each["name"]: each for each in served.get("/prints/_meta").json()["fields"]}
    assert fields["scan"]["file"]["thumbnails"] == {"small": [40, 40], "wide": [60, 10]}


@pytest.mark.parametrize(
    "options",
    [
        {"thumbnails": {"Small": (1, 1)}},
        {"thumbnails": {"small": (0, 1)}},
        {"thumbnails": {"small": (1, 5_000)}},
        {"thumbnails": {"small": 100}},
        {"thumbnails": {"small": (True, 1)}},
        {"max_pixels": 0},
        {"thumbnail": {}},
    ],
)
def test_declarations_that_cannot_work(options: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError, match=r"thumbnails|max_pixels"):
        file("scans", **options)


def test_without_pillow_the_application_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stamp(Model):
        id: int = field(pk=True)
        scan: File | None = file("scans", thumbnails={"small": (40, 40)})

    content = picture()
    app = Holdall("stamps")
    app.add_store("main", "memory:")
    app.add(Stamp, store="main")
    app.add_files("scans", "memory:")
    find = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name: None if name == "PIL" else find(name))
    with pytest.raises(DeclarationError, match=r"Stamp.scan: .*pip install 'holdall\[thumbnails\]'"):
        asyncio.run(app.create())
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(DeclarationError, match="pip install"):
        pictures.smaller(content, "image/png", (40, 40), 10**6)
