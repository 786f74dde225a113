"""Collections that are dropped, in every store: they alone, and never while others refer to them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from holdall import Fill, Holdall, Many, Model, Ref, back, field
from holdall.cli.drop import drop
from holdall.cli.failure import Failure
from holdall.errors import ReadOnly, StateError, Unsupported
from holdall.model import OnDelete
from holdall.stores.rest import RestCollection

pytestmark = pytest.mark.anyio


class Author(Model, collection="authors"):
    id: int = field(pk=True, generated=True)
    name: str = field(default="", index=True)


class Book(Model, collection="books"):
    id: int = field(pk=True)
    author: Ref[Author | None] = field(default=None, on_delete=OnDelete.CASCADE)
    readers: Many[Reader]


class Reader(Model, collection="readers"):
    id: int = field(pk=True)


STORES = ["memory", "sqlite", "yaml", "postgres_url", "mariadb_url", "mongo_url", "redis_url"]


@pytest.mark.parametrize("store", STORES)
async def test_collections_are_dropped_in_every_store(
    store: str, request: pytest.FixtureRequest, tmp_path: Any
) -> None:
    urls = {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}/main.db", "yaml": f"yaml:{tmp_path}/main"}
    url = urls.get(store) or request.getfixturevalue(store)
    app = Holdall("library")
    app.add_store("main", url)
    app.add(Author, Book, Reader, store="main")
    app.bindings.configure()
    await app.stores["main"].drop()  # type: ignore[attr-defined]
    await app.create()
    async with app.session() as session:
        author, reader = session.add(Author(name="a")), session.add(Reader(id=1))
        session.add(Book(id=1, author=author, readers=[reader]))
    with pytest.raises(StateError, match=r"books\.author"):
        await app.drop(Author)
    assert await app.drop(Author, referring=True) == ["books", "authors"]
    await app.create()
    assert await app.inspect() == {}
    async with app.session() as session:
        assert await session.query(Author.where()) == []
        assert await session.query(Book.where()) == []
        assert [each.id for each in await session.query(Reader.where())] == [1]
        assert session.add(Book(id=1, author=session.add(Author(name="b")), readers=[1])).id == 1
    async with app.session() as session:
        assert [each.name for each in await session.query(Author.where(Author.name == "b"))] == ["b"]
    assert await app.drop(Book) == ["books"]
    await app.stores["main"].drop()  # type: ignore[attr-defined]
    await app.close()


class Label(Model, collection="labels"):
    id: int = field(pk=True)
    notes: Many[Note] = back("labels", fill=Fill.STORED)


class Writer(Model, collection="writers"):
    id: int = field(pk=True)
    notes: Many[Note] = back("head.writer", fill=Fill.STORED)


class Head(msgspec.Struct):
    writer: Ref[Writer]


class Note(Model, collection="notes"):
    id: int = field(pk=True)
    head: Head
    labels: Many[Label] = field(default=())
    before: Ref[Note | None] = field(default=None)


@pytest.mark.parametrize("store", [*STORES, "scattered"])
async def test_lists_of_what_refers_are_empty_when_that_is_dropped(
    store: str, request: pytest.FixtureRequest, tmp_path: Any
) -> None:
    urls = {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}/main.db", "yaml": f"yaml:{tmp_path}/main"}
    url = urls["sqlite"] if store == "scattered" else urls.get(store) or request.getfixturevalue(store)
    app = Holdall("notebook")
    app.add_store("main", url, **({"scan_limit": 1_000} if store == "redis_url" else {}))
    app.add_store("other", urls["yaml"] if store == "scattered" else "memory:")
    app.add(Label, Writer, store="other" if store == "scattered" else "main")
    app.add(Note, store="main")
    app.bindings.configure()
    await app.stores["main"].drop()  # type: ignore[attr-defined]
    await app.create()
    for _ in range(2):
        async with app.session() as session:
            label = await session.get(Label, 1) or session.add(Label(id=1))
            writer = await session.get(Writer, 1) or session.add(Writer(id=1))
            session.add(Note(id=1, head=Head(writer), labels=[label]))
            await session.commit()
            session.add(Note(id=2, head=Head(writer), before=1))
            await session.commit()
            assert (label.notes.keys, writer.notes.keys) == ((1,), (1, 2))
        assert await app.drop(Note) == ["notes"]
        await app.create()
        assert await app.inspect() == {}
        async with app.session() as session:
            assert (await session.require(Label, 1)).notes.keys == ()
            assert (await session.require(Writer, 1)).notes.keys == ()
        assert not (await app.fsck()).findings
    await app.stores["main"].drop()  # type: ignore[attr-defined]
    await app.close()


async def test_what_cannot_be_dropped() -> None:
    class Seen(Model, read_only=True):
        id: int = field(pk=True)

    app = Holdall("others")
    app.add_store("main", "memory:")
    app.add_store("api", "https://example.invalid", collections={"reader": RestCollection(path="/readers/{id}")})
    app.add(Seen, store="main")
    with pytest.raises(ReadOnly):
        await app.drop(Seen)
    app.add(Reader, store="api", collection="reader")
    with pytest.raises(Unsupported):
        await app.drop(Reader)


PROGRAM = """
from holdall import Holdall, Model, field

class Note(Model):
    id: int = field(pk=True)

app = Holdall("notes")
app.add_store("main", "yaml:notes")
app.add(Note, store="main")
"""


def test_the_command_wants_the_name_twice(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes_to_drop.py").write_text(PROGRAM)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "notes" / "note").mkdir(parents=True)
    (tmp_path / "notes" / "note" / "1.yaml").write_text("id: 1\n")
    for wrong in (None, "notes"):
        with pytest.raises(Failure, match="--confirm note"):
            drop("notes_to_drop:app", "note", confirm=wrong)
    with pytest.raises(Failure, match="there is no collection 'notes'"):
        drop("notes_to_drop:app", "notes", confirm="notes")
    assert list((tmp_path / "notes" / "note").iterdir()) != []
    drop("notes_to_drop:app", "note", confirm="note")
    assert capsys.readouterr().out == "dropped: note\n"
    assert not (tmp_path / "notes" / "note" / "1.yaml").exists()
