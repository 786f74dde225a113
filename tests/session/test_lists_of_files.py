"""Lists of files in the unit of work: each content is kept before its record, and gone after it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from holdall import BlobFile, File, Holdall, Model, field, file
from holdall.errors import CommitAborted, DeclarationError, StateError, ValidationError
from tests.support.gallery import GIF, PNG

pytestmark = pytest.mark.anyio

KINDS = ["memory", "sqlite", "yaml", "postgres_url", "mongo_url", "redis_url"]


class Album(Model, collection="albums"):
    id: int = field(pk=True)
    title: str = ""
    pictures: list[File] = file("pictures", types=["image/*"], max_size=1000, default_factory=list)
    notes: list[BlobFile] = file(types=["text/plain"], default_factory=list)
    version: int = field(version=True)


@pytest.fixture(params=KINDS)
async def app(
    request: pytest.FixtureRequest, tmp_path: Path, fresh_database: Callable[[str], str]
) -> AsyncIterator[Holdall]:
    own = {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}/s.db", "yaml": f"yaml:{tmp_path}/kept"}
    kind, options = request.param, dict[str, Any]()
    url = own.get(kind) or request.getfixturevalue(kind)
    if kind == "redis_url":
        options = {"prefix": f"f{uuid4().hex}"}
    elif kind not in own:
        url = fresh_database(url)
    made = Holdall("albums")
    made.add_store("main", url, **options)
    made.add(Album, store="main")
    made.add_files("pictures", f"file:{tmp_path}/pictures")
    await made.create()
    yield made
    await made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pictures"


def contents(folder: Path) -> int:
    return sum(each.is_file() and len(each.name) > 20 for each in folder.rglob("*"))


async def shown(app: Holdall) -> list[tuple[str, bytes]]:
    async with app.session() as s:
        album = await s.require(Album, 1)
        return [(each.name, await each.content()) for each in album.pictures]


async def test_files_come_and_go_one_by_one(app: Holdall, folder: Path) -> None:
    async with app.session() as s:
        s.add(Album(id=1, pictures=[File(PNG, name="a.png"), File(GIF, name="b.gif")]))
    assert await shown(app) == [("a.png", PNG), ("b.gif", GIF)]
    assert contents(folder) == 2
    async with app.session() as s:
        album = await s.require(Album, 1)
        album.pictures.append(File(PNG + b"2", name="c.png"))  # in place
        await s.commit()
        assert [each.type for each in album.pictures] == ["image/png", "image/gif", "image/png"]
        album.pictures.reverse()
        await s.commit()
    assert [name for name, _ in await shown(app)] == ["c.png", "b.gif", "a.png"]
    assert contents(folder) == 3
    async with app.session() as s:
        album = await s.require(Album, 1)
        del album.pictures[1]
        album.pictures[0] = File(GIF + b"3", name="d.gif")
    assert await shown(app) == [("d.gif", GIF + b"3"), ("a.png", PNG)]
    assert contents(folder) == 2
    async with app.session() as s:
        s.remove(await s.require(Album, 1))
    assert contents(folder) == 0


async def test_what_is_undone_leaves_nothing(app: Holdall, folder: Path) -> None:
    async with app.session() as s:
        s.add(Album(id=1, pictures=[File(PNG, name="a.png")]))
    async with app.session() as s:
        album = await s.require(Album, 1)
        album.pictures.extend([File(GIF, name="b.gif"), File(b"text", name="c.txt"), File(bytes(2000), name="d.png")])
        with pytest.raises(ValidationError) as error:
            await s.commit()
        assert {each.path for each in error.value.errors} <= {"pictures.2", "pictures.3"}
        s.rollback()
    assert contents(folder) == 1
    async with app.session() as first:
        album = await first.require(Album, 1)
        album.pictures.append(File(GIF, name="b.gif"))
        async with app.session() as second:
            (await second.require(Album, 1)).title = "changed"
        with pytest.raises(CommitAborted):
            await first.commit()
        first.rollback()
    assert contents(folder) == 1
    assert await shown(app) == [("a.png", PNG)]


async def test_a_file_of_another_record_is_copied(app: Holdall, folder: Path) -> None:
    async with app.session() as s:
        first = s.add(Album(id=1, pictures=[File(PNG, name="a.png")]))
        await s.commit()
        s.add(Album(id=2, pictures=[first.pictures[0], first.pictures[0].copy(name="b.png")]))
    assert contents(folder) == 3
    async with app.session() as s:
        s.remove(await s.require(Album, 1))
    assert contents(folder) == 2
    async with app.session() as s:
        second = await s.require(Album, 2)
        assert [(each.name, await each.content()) for each in second.pictures] == [("a.png", PNG), ("b.png", PNG)]


async def test_clients_describe_what_is_there_and_no_more(app: Holdall) -> None:
    async with app.session() as s:
        s.add(Album(id=1, pictures=[File(PNG, name="a.png"), File(GIF, name="b.gif")]))
    async with app.session() as s:
        album = await s.require(Album, 1)
        told = album.__holdall__.json_output.builtins(album)["pictures"]
        assert [sorted(each) for each in told] == [["created", "meta", "name", "sha256", "size", "type"]] * 2
        turned = [told[1] | {"name": "other.gif"}, told[0]]
        album.pictures = Album.__holdall__.json_input.values_from({"pictures": turned})["pictures"]
        await s.commit()
    assert await shown(app) == [("other.gif", GIF), ("a.png", PNG)]
    async with app.session() as s:
        album = await s.require(Album, 1)
        for wrong in ({"name": "new.png"}, told[0] | {"sha256": "0" * 64}, {"name": "a.png", "type": "image/png"}):
            album.pictures = Album.__holdall__.json_input.values_from({"pictures": [wrong]})["pictures"]
            with pytest.raises(ValidationError, match=r"pictures\.0: is uploaded"):
                await s.commit()
            s.rollback()


async def test_contents_in_records(app: Holdall) -> None:
    async with app.session() as s:
        s.add(Album(id=1, notes=[BlobFile("one", name="1.txt"), BlobFile("two")]))
    async with app.session() as s:
        album = await s.require(Album, 1)
        assert [await each.text() for each in album.notes] == ["one", "two"]
        album.notes.pop(0)
    async with app.session() as s:
        assert [await each.text() for each in (await s.require(Album, 1)).notes] == ["two"]


async def test_what_nobody_refers_to_is_collected(app: Holdall, folder: Path) -> None:
    async with app.session() as s:
        s.add(Album(id=1, pictures=[File(PNG, name="a.png"), File(GIF, name="b.gif")]))
    store = app.bindings.shelf.named("pictures")
    await app.bindings.of_model(Album).store.apply([])
    report = await app.collect_files(grace=0)
    assert contents(folder) == 2, report
    async with app.session() as s:
        key = (await s.require(Album, 1)).pictures[0].key
    assert await store.size(key) == len(PNG)


async def test_one_of_a_list_is_changed_by_its_list() -> None:
    album = Album(id=1, pictures=[File(PNG)])
    with pytest.raises(StateError):
        album.pictures[0].set_content(GIF)
    with pytest.raises(ValidationError, match=r"pictures\.0: must be a File"):
        Album(id=1, pictures=[b"bytes"])  # type: ignore[list-item]


def test_thumbnails_are_of_one_file() -> None:
    class Sheet(Model):
        id: int = field(pk=True)
        scans: list[File] = file("scans", thumbnails={"small": (10, 10)})

    app = Holdall("sheets")
    app.add_store("main", "memory:")
    app.add_files("scans", "memory:")
    app.add(Sheet, store="main")
    with pytest.raises(DeclarationError, match="thumbnails"):
        app.bindings.configure()
