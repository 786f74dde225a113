"""The application: declaring, opening sessions, the sync facade in a script."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from holdall import Holdall, Model, Ref, field
from holdall.errors import DeclarationError, SchemaMismatch, StateError, Unsupported

pytestmark = pytest.mark.anyio


class Shelf(Model):
    id: int = field(pk=True, generated=True)
    name: str = field(unique=True)


class Item(Model):
    id: int = field(pk=True, generated=True)
    shelf: Ref[Shelf]


class Keyless(Model):
    name: str


def test_wrong_declarations_are_refused_with_what_to_do() -> None:
    app = Holdall("wrong")
    app.add_store("main", "memory:")
    with pytest.raises(DeclarationError, match="already a store 'main'"):
        app.add_store("main", "memory:")
    with pytest.raises(DeclarationError, match=r"no store speaks 'nosuch'; there are .*sqlite"):
        app.add_store("other", "nosuch://host")
    with pytest.raises(DeclarationError, match=r"add_store\('missing', url\)"):
        app.add(Shelf, store="missing")
    app.add(Shelf, store="main")
    with pytest.raises(DeclarationError, match="already bound"):
        app.add(Shelf, store="main")
    with pytest.raises(DeclarationError, match="already a collection 'shelf'"):
        app.add(Item, store="main", collection="shelf")
    with pytest.raises(DeclarationError, match="one model at a time"):
        app.add(Item, Keyless, store="main", collection="items")


async def test_a_model_without_a_target_is_refused_when_the_first_session_opens() -> None:
    async def open_session(app: Holdall) -> None:
        async with app.session():
            pass

    other = Holdall("half")
    other.add_store("main", "memory:")
    other.add(Item, store="main")
    with pytest.raises(StateError, match=r"app\.add\(Shelf"):
        await open_session(other)


async def test_a_store_that_cannot_keep_a_model_refuses_it_by_name(tmp_path: Path) -> None:
    app = Holdall("refused")
    app.add_store("main", "memory:")
    app.add(Shelf, Item, store="main")

    async with app.session() as session:
        session.add(Shelf(name="a"))
        with pytest.raises((Unsupported, StateError, AttributeError)):
            session.add(Keyless(name="x"))


async def test_stored_tables_that_do_not_fit_are_told_apart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shelf.db'}"
    first = Holdall("first")
    first.add_store("main", url)
    first.add(Shelf, store="main")

    class Wider(Model, collection="shelf"):
        id: int = field(pk=True, generated=True)
        name: str = field(unique=True)
        width: int

    await first.create()
    assert await first.inspect() == {}
    await first.verify()
    await first.close()
    second = Holdall("second")
    second.add_store("main", url)
    second.add(Wider, store="main")
    with pytest.raises(SchemaMismatch, match="width") as caught:
        await second.verify()
    assert str(caught.value).splitlines()[2:] == ["Alter what differs by a revision (holdall db revision), or by hand."]
    await second.close()
    empty = Holdall("empty")
    empty.add_store("main", "sqlite:///:memory:")
    empty.add(Shelf, store="main")
    with pytest.raises(SchemaMismatch, match="shelf is missing") as caught:
        await empty.verify()
    assert str(caught.value).splitlines()[2:] == ["Make what is missing by app.create() or holdall create."]
    await empty.close()


def test_a_script_may_use_the_sync_facade_and_just_end(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from holdall import Holdall, Model, field\n"
        "class Note(Model):\n"
        "    id: int = field(pk=True, generated=True)\n"
        "    text: str\n"
        "app = Holdall('notes')\n"
        f"app.add_store('main', 'sqlite:///{tmp_path / 'notes.db'}')\n"
        "app.add(Note, store='main')\n"
        "app.sync.create()\n"
        "with app.sync.session() as session:\n"
        "    session.add(Note(text='a'))\n"
        "with app.sync.session() as session:\n"
        "    print(session.count(Note.where()))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


async def test_two_holdalls_know_nothing_of_each_other() -> None:
    apps = []
    for name in ("one", "two"):
        app = Holdall(name)
        app.add_store("main", "memory:")
        app.add(Shelf, store="main")
        apps.append(app)
    async with apps[0].session() as session:
        session.add(Shelf(name="a"))
    async with apps[1].session() as session:
        assert await session.count(Shelf.where()) == 0
        assert await Shelf.objects.all().count() == 0
    async with apps[0].session():
        assert await Shelf.objects.all().count() == 1
    with pytest.raises(StateError, match="2 Holdalls"):
        await Shelf.objects.all()
