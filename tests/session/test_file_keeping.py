"""Files in the unit of work: kept before what refers to them, gone after it, and nothing left of what is undone."""

from __future__ import annotations

import asyncio
import types
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from holdall import BlobFile, Everyone, File, Holdall, Model, Policy, Role, User, field, file
from holdall.errors import (
    CommitAborted,
    DeclarationError,
    FileMissing,
    Forbidden,
    LimitExceeded,
    StateError,
    StoreUnavailable,
    Unsupported,
    ValidationError,
)
from holdall.files import MemoryFiles
from holdall.session.file_keeping import FileKeeping
from tests.support.gallery import GIF, PNG, Picture, contents_in, gallery

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["memory", "sqlite", "yaml"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Holdall]:
    store = {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}/gallery.db", "yaml": f"yaml:{tmp_path}/yaml"}
    made = gallery(store[request.param], f"file:{tmp_path}/images")
    asyncio.run(made.create())
    yield made
    asyncio.run(made.close())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "images"


async def image(app: Holdall, key: int = 1) -> File:
    async with app.session() as session:
        found = (await session.require(Picture, key)).image
        assert found is not None
        return found


class Undone(Exception):
    """What was done in a block is to be taken back."""


@asynccontextmanager
async def undone() -> AsyncIterator[None]:
    """The block ends by Undone."""
    with pytest.raises(Undone):
        yield


async def _pieces() -> AsyncIterator[bytes]:
    yield PNG[:10]
    yield PNG[10:]


async def test_contents_of_every_kind(app: Holdall, tmp_path: Path) -> None:
    on_disk = tmp_path / "disk.png"
    on_disk.write_bytes(PNG)
    given: list[Any] = [PNG, bytearray(PNG), memoryview(PNG), on_disk, BytesIO(PNG), [PNG[:5], PNG[5:]], _pieces()]
    async with app.session() as session:
        session.add_all([Picture(id=number, image=File(content)) for number, content in enumerate(given)])
        session.add(Picture(id=99, paper=File("Grüße")))
    async with app.session() as session:
        for number in range(len(given)):
            found = (await session.require(Picture, number)).image
            assert found is not None
            assert await found.content() == PNG
        text = (await session.require(Picture, 99)).paper
        assert text is not None
        assert (await text.text(), text.type) == ("Grüße", "text/plain")
    assert (await image(app, 3)).name == "disk.png"


async def test_it_is_read_after_its_session_and_in_parts(app: Holdall) -> None:
    async with app.session() as session:
        session.add(Picture(id=1, image=File(PNG, name="a/b.png", meta={"by": "ann"})))
    found = await image(app)
    assert (found.name, found.size, found.meta, found.is_stored) == ("b.png", len(PNG), {"by": "ann"}, True)
    assert await found.read(1, 4) == b"PNG"
    assert await found.exists()
    with pytest.raises(LimitExceeded):
        await found.content(most=3)
    with pytest.raises(StateError):
        await found.read(-1)


async def test_replaced_and_removed_contents_go(app: Holdall, folder: Path) -> None:
    async with app.session() as session:
        picture = session.add(Picture(id=1, image=File(PNG)))
        await session.commit()
        first = contents_in(folder)
        assert picture.image is not None
        picture.image.set_content(GIF, name="b.gif")
        await session.commit()
        assert len(first) == len(contents_in(folder)) == 1
        assert contents_in(folder) != first
        assert (picture.image.name, await picture.image.content()) == ("b.gif", GIF)
        session.remove(picture)
    assert contents_in(folder) == []


async def test_a_rollback_leaves_nothing(app: Holdall, folder: Path) -> None:
    async with undone(), app.session() as session:
        picture = session.add(Picture(id=1, image=File(PNG)))
        await session.commit()
        picture.image = File(GIF)
        session.add(Picture(id=2, image=File(GIF), title="x" * 9))
        raise Undone
    assert len(contents_in(folder)) == 1
    assert await (await image(app)).content() == PNG


async def test_a_refused_commit_leaves_nothing(app: Holdall, folder: Path) -> None:
    async with app.session() as session:
        session.add(Picture(id=1))
    with pytest.raises(CommitAborted):
        async with app.session() as session:
            session.add(Picture(id=1, image=File(PNG)))  # the key is taken
    assert contents_in(folder) == []


async def test_a_refused_commit_may_be_tried_again(app: Holdall, folder: Path) -> None:
    async with app.session() as session:
        session.add(Picture(id=1))
    async with app.session() as session:
        taken = session.add(Picture(id=1))
        session.add(Picture(id=2, image=File(_pieces())))
        with pytest.raises(CommitAborted):
            await session.commit()
        session.remove(taken)
        await session.commit()  # what was read once is not read again
    assert len(contents_in(folder)) == 1
    assert await (await image(app, 2)).content() == PNG


async def test_all_that_does_not_fit_is_told(app: Holdall, folder: Path) -> None:
    async with app.session() as session:
        session.add(Picture(id=1, image=File(b"hello", name="a.png"), note=BlobFile(_pieces())))
        session.add(Picture(id=2, image=File([bytes(200_000), bytes(200_000)])))
        with pytest.raises(ValidationError) as caught:
            await session.commit()
        assert [(each.path, each.code) for each in caught.value.errors] == [
            ("pictures[0].image", "media_type"),
            ("pictures[0].note", "media_type"),
            ("pictures[1].image", "too_large"),
        ]
        session.rollback()
    assert contents_in(folder) == []


async def test_a_file_is_that_of_one_record(app: Holdall, folder: Path) -> None:
    async with app.session() as session:
        first = session.add(Picture(id=1, image=File(PNG, name="a.png", meta={"a": "b"})))
        await session.commit()
        second = session.add(Picture(id=2, image=first.image, paper=first.image))
        await session.commit()
        assert first.image is not None
        assert second.image is not None
        assert (second.image.name, second.image.meta) == ("a.png", {"a": "b"})
        assert len(contents_in(folder)) == 2
        first.image.delete()
        await session.commit()
        assert await second.image.content() == PNG
        assert second.paper is not None
        assert await second.paper.content() == PNG
    assert len(contents_in(folder)) == 1


async def test_names_change_without_the_content(app: Holdall, folder: Path) -> None:
    async with app.session() as session:
        picture = session.add(Picture(id=1, image=File(PNG, name="a.png")))
        await session.commit()
        before = contents_in(folder)
        assert picture.image is not None
        picture.image.rename("../b.png", meta={"by": "ann"})
        await session.commit()
    found = await image(app)
    assert (found.name, found.meta, await found.content(), contents_in(folder)) == (
        "b.png",
        {"by": "ann"},
        PNG,
        before,
    )


async def test_transactions_and_savepoints(tmp_path: Path) -> None:
    app, folder = gallery(f"sqlite:///{tmp_path}/gallery.db", f"file:{tmp_path}/images"), tmp_path / "images"
    await app.create()
    async with app.session() as session:
        async with session.transaction():
            picture = session.add(Picture(id=1, image=File(PNG)))
        async with undone(), session.transaction():
            picture.image = File(GIF)
            await session.flush()
            raise Undone
        async with session.transaction():
            async with undone(), session.savepoint():
                picture.image = None
                await session.flush()
                raise Undone
            picture.title = "b"
        assert picture.image is not None
        assert await picture.image.content() == PNG
    assert len(contents_in(folder)) == 1
    async with app.session() as session, session.transaction():
        (await session.require(Picture, 1)).image = File(GIF)
    assert (len(contents_in(folder)), await (await image(app)).content()) == (1, GIF)
    await app.close()


async def test_bulk_changes_take_no_files(app: Holdall, folder: Path) -> None:
    async with app.session() as session:
        session.add(Picture(id=1, image=File(PNG)))
        await session.commit()
        with pytest.raises((ValidationError, Unsupported)):
            await session.update(Picture.where(), image=File(GIF))
        with pytest.raises((ValidationError, Unsupported)):
            await session.update(Picture.where(), paper=Picture.image)
        await session.update(Picture.where(), image=None)
    (report, _) = await app.collect_files(grace=0)  # of stores that change records where they lie
    assert (report.orphans, contents_in(folder)) == (report.deleted, [])


async def test_what_nobody_refers_to_is_collected_and_what_is_lost_is_told(app: Holdall, folder: Path) -> None:
    async with app.session() as session:
        session.add(Picture(id=1, image=File(PNG)))
        session.add(Picture(id=2, image=File(GIF)))
    orphan = folder / "ab" / "c" / ("abcd" + "0" * 36)
    orphan.parent.mkdir(parents=True, exist_ok=True)
    orphan.write_bytes(b"orphan")
    (folder / ".incoming" / "left").write_bytes(b"half")
    (report, _) = await app.collect_files()
    assert str(report) == "images: 0 contents, 0 without a record, 0 deleted"
    (report, _) = await app.collect_files(grace=0, dry_run=True)
    assert (report.seen, report.orphans, report.deleted, report.interrupted) == (3, 1, 0, 0)
    (report, _) = await app.collect_files(grace=0)
    assert (report.orphans, report.deleted, report.interrupted, orphan.exists()) == (1, 1, 1, False)
    assert await app.check_files() == []
    lost = await image(app, 2)
    contents_in(folder)[[path.read_bytes() for path in contents_in(folder)].index(GIF)].unlink()
    (told,) = await app.check_files()
    assert (told.collection, told.key, told.field, str(told)) == (
        "pictures",
        2,
        "image",
        "pictures 2: the content of image is not there",
    )
    assert not await lost.exists()
    with pytest.raises(FileMissing):
        await lost.content()
    with pytest.raises(StateError):
        await app.collect_files(grace=-1)


async def test_stores_that_stand_in_have_file_stores_of_their_own(app: Holdall, folder: Path) -> None:
    async with app.session() as session:
        session.add(Picture(id=1, image=File(PNG)))
    before = contents_in(folder)
    async with app.replaced("memory:"):
        async with app.session() as session:
            session.add(Picture(id=1, image=File(GIF)))
        assert await (await image(app)).content() == GIF
        await app.collect_files(grace=0)
    assert contents_in(folder) == before
    assert await (await image(app)).content() == PNG


class _Failing(MemoryFiles):
    """A file store that cannot delete."""

    async def delete(self, key: str, before: object = None) -> bool:
        raise StoreUnavailable(self.name, "it is away")


async def test_what_cannot_be_deleted_does_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    app = Holdall("gallery")
    app.add_store("main", "memory:")
    app.add(Picture, store="main")
    app.add_files("images", _Failing("images"))
    app.add_files("papers", "memory:")
    async with app.session() as session:
        picture = session.add(Picture(id=1, image=File(PNG)))
        await session.commit()
        picture.image = None
    assert "it is away" in caplog.text


async def test_rights_come_before_bytes(folder: Path, tmp_path: Path) -> None:
    app = gallery("memory:", f"file:{folder}", Policy(read=Everyone, write=Role("editor")))
    with pytest.raises(Forbidden):
        async with app.session(User("ann")) as session:
            session.add(Picture(id=1, image=File(_never())))


async def _never() -> AsyncIterator[bytes]:
    raise AssertionError("nobody may read this")
    yield b""


class _Sheet(Model, collection="sheets"):
    id: int = field(pk=True)
    scan: File | None = file("scans")


class _Sheets(Model, collection="many_sheets"):
    id: int = field(pk=True)
    scans: tuple[File, ...] = file("scans")


def _filled(body: dict[str, Any], namespace: dict[str, Any]) -> None:
    namespace.update(body)


async def test_wrong_declarations_are_refused() -> None:
    app = Holdall("sheets")
    app.add_store("main", "memory:")
    app.add(_Sheet, store="main")
    with pytest.raises(DeclarationError, match=r"_Sheet\.scan: there is no file store 'scans'"):
        app.bindings.configure()
    app.add_files("scans", "memory:")
    app.bindings.configure()
    for name, url, options in (
        ("scans", "memory:", {}),
        ("more", "ftp://a", {}),
        ("more", "file://host/a", {}),
        ("more", "file:a?b", {}),
        ("more", "file:a", {"address": "x"}),
        ("more", "memory:", {"address": "x"}),
        ("more", "s3://a", {"regoin": "x"}),
        ("more", MemoryFiles("other"), {}),
    ):
        with pytest.raises(DeclarationError):
            app.add_files(name, url, **options)
    for wrong in ({"types": ["png"]}, {"types": "image/png"}, {"max_size": -1}, {"size": 1}):
        with pytest.raises(DeclarationError):
            file("scans", **wrong)
    with pytest.raises(DeclarationError):
        file("")
    for kind, declared, reason in (
        (File, None, "a File is declared by file"),
        (File, file(), "a File is declared by file"),
        (BlobFile, file("scans"), "a BlobFile is declared by file"),
    ):
        body = {"__annotations__": {"id": int, "scan": kind | None}, "id": field(pk=True), "scan": declared}
        with pytest.raises(DeclarationError, match=reason):
            types.new_class("Wrong", (Model,), exec_body=partial(_filled, body))
    app.add(_Sheets, store="main")
    with pytest.raises(DeclarationError, match="one File, or None"):
        app.bindings.configure()


async def test_what_is_no_file_or_not_stored_is_refused() -> None:
    with pytest.raises(ValidationError, match="must be a File"):
        Picture(id=1, image=b"bytes")  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="at most 262144 bytes"):
        Picture(id=1, image=File(bytes(300_000)))
    with pytest.raises(ValidationError, match="meta"):
        Picture(id=1, image=File(PNG, meta={"a": "b" * 2_000}))
    wrong: list[Any] = [{"a": "\0"}, {"\ud800": "b"}, {"a": 1}, {str(number): "" for number in range(60)}]
    for meta in wrong:
        with pytest.raises((ValidationError, TypeError)):
            Picture(id=1, image=File(PNG, meta=meta))
    with pytest.raises(StateError, match="not int"):
        File(1)  # type: ignore[arg-type]
    unbound = File(PNG)
    for act in (lambda: unbound.size, unbound.delete, lambda: unbound.set_content(b""), lambda: unbound.rename("a")):
        with pytest.raises(StateError):
            act()
    assert not await unbound.exists()
    with pytest.raises(StateError):
        await unbound.content()
    assert "not stored yet" in repr(Picture(id=1, image=unbound).image)


async def test_a_content_that_goes_before_its_reference_is_found(app: Holdall, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: contents are deleted before the commit that lets them go, and that is refused."""
    async with app.session() as session:
        session.add(Picture(id=1, image=File(PNG)))
        session.add(Picture(id=2))
    replaced = FileKeeping.replaced

    def hasty(self: FileKeeping) -> Any:
        found = replaced(self)
        for store, key in found:
            store._folder.delete(key, None)  # type: ignore[attr-defined]
        return found

    monkeypatch.setattr(FileKeeping, "replaced", hasty)
    async with app.session() as session:
        (await session.require(Picture, 1)).image = None
        session.add(Picture(id=2))
        with pytest.raises(CommitAborted):
            await session.commit()
        session.rollback()
    assert len(await app.check_files()) == 1
