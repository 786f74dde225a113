"""Fsck over three stores: everything broken is found, counted and, where that can be, repaired."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID

import apsw
import pytest

from holdall import Fill, Holdall, Many, Model, OnDelete, Ref, Session, back, field
from holdall.app import FsckProgress
from holdall.errors import StateError
from holdall.store import Change, Verb
from tests.support.terminal import run as run_command

pytestmark = pytest.mark.anyio


class Owner(Model):
    id: UUID = field(pk=True)
    dogs: Many[Dog] = back("owner", fill=Fill.STORED, on_delete=OnDelete.UNLINK)


class Dog(Model):
    id: int = field(pk=True)
    owner: Ref[Owner | None] = field(default=None)
    kennel: Ref[Kennel | None] = field(default=None)
    toys: Many[Toy] = field(default=())
    version: int = field(version=True)


class Kennel(Model):
    room: int = field(pk=True)
    place: str = field(pk=True)
    dog: Ref[Dog | None] = back("kennel", on_delete=OnDelete.UNLINK)
    beds: Many[Bed] = back("kennel", on_delete=OnDelete.CASCADE)


class Bed(Model):
    id: int = field(pk=True)
    kennel: Ref[Kennel]


class Chip(Model):
    id: int = field(pk=True)
    dog: Ref[Dog]


class Toy(Model):
    id: int = field(pk=True)


def owner(number: int) -> UUID:
    return UUID(int=number)


def kept(folder: Path) -> Holdall:
    app = Holdall("kept")
    app.add_store("files", f"yaml:{folder}/files")
    app.add_store("table", f"sqlite:///{folder}/kept.db")
    app.add_store("memory", "memory:")
    app.add(Owner, Kennel, store="files")
    app.add(Dog, Chip, store="table")
    app.add(Toy, Bed, store="memory")
    return app


def _made_by_others(path: Path) -> None:
    """Have the table of dogs as somebody made it who did not know that a kennel is for one."""
    connection = apsw.Connection(str(path))
    [[statement]] = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'dog'")
    without, count = re.subn(r",\s*CONSTRAINT \w+ UNIQUE \([^)]*\)", "", statement)
    assert count == 1
    connection.execute(f"DROP TABLE dog; {without}")
    connection.close()


async def broken(folder: Path) -> Holdall:
    """Twelve dogs, and what others left behind who did not know of each other."""
    app = kept(folder)
    await app.create()
    _made_by_others(folder / "kept.db")
    async with app.session() as session:
        session.add_all(Owner(id=owner(number)) for number in range(3))
        session.add_all(Kennel(room=number, place="a") for number in range(6))
        session.add_all(Toy(id=number) for number in range(3))
        session.add_all(
            Dog(
                id=key,
                owner=owner(key % 3),
                kennel=(key, "a") if key < 6 else None,
                toys=[0, key % 3] if key % 3 else [0],
            )
            for key in range(12)
        )
        session.add_all(Bed(id=number, kennel=(number, "a")) for number in range(6))
        session.add_all(Chip(id=number, dog=number) for number in range(3))
    files, memory, table = app.stores["files"], app.stores["memory"], app.stores["table"]
    await files.apply([Change(Verb.REMOVE, "owner", owner(2)), Change(Verb.REMOVE, "kennel", (5, "a"))])
    await files.apply([Change(Verb.UPDATE, "owner", owner(0), ("dogs",), ((0, 3, 99),))])
    await memory.apply([Change(Verb.REMOVE, "toy", 2)])
    await table.apply([Change(Verb.UPDATE, "dog", 9, ("kennel",), ((1, "a"),))])
    return app


EXPECTED = {
    ("dangling", "dog", "owner", 4, 4),
    ("dangling", "dog", "kennel", 1, 1),
    ("dangling", "dog", "toys", 4, 4),
    ("dangling", "bed", "kennel", 1, 1),
    ("one-sided", "owner", "dogs", 1, 1),
    ("shared", "dog", "kennel", 2, 0),
}


@pytest.mark.parametrize("batch", [1, 4, 1_000])
async def test_what_is_broken_is_found_and_repaired(tmp_path: Path, batch: int) -> None:
    app = await broken(tmp_path)
    before = await app.fsck(batch=batch)
    found = {(item.kind, item.collection, item.field, item.number, item.number) for item in before.findings}
    assert found == {(*item[:4], item[3]) for item in EXPECTED}
    assert all(item.repaired == 0 for item in before.findings)
    assert not before.is_whole
    mended = await app.fsck(repair=True, batch=batch)
    assert {
        (item.kind, item.collection, item.field, item.number, item.repaired) for item in mended.findings
    } == EXPECTED
    after = await app.fsck()
    assert [(item.kind, item.examples) for item in after.findings] == [("shared", (1, 9))]
    session = Session(app.bindings)
    assert set((await session.require(Owner, owner(0))).dogs.keys) == {0, 3, 6, 9}
    assert (await session.require(Dog, 2)).owner.key is None
    assert (await session.require(Dog, 5)).toys.keys == (0,)
    assert await session.get(Bed, 5) is None
    (await session.require(Dog, 9)).kennel = None
    await session.commit()
    whole = await app.fsck()
    assert whole.is_whole
    assert str(whole).startswith("all records can be read, all references hold")
    await app.close()


async def test_it_is_taken_up_again_where_it_was_stopped(tmp_path: Path) -> None:
    app = await broken(tmp_path)
    told: list[FsckProgress] = []
    whole = await app.fsck(batch=2, progress=told.append)
    assert [item.checked for item in told] == sorted(item.checked for item in told)
    assert told[-1].checked == whole.checked
    for stop in told[::3]:
        rest = await app.fsck(batch=2, start=stop.position)
        assert rest.checked == whole.checked - stop.checked, stop
        assert sum(item.number for item in rest.findings) == sum(item.number for item in whole.findings) - stop.found
    for wrong in ("nonsense", '["dog.nothing", "1"]', "3"):
        with pytest.raises(StateError):
            await app.fsck(start=wrong)
    await app.close()


async def test_a_required_reference_without_a_rule_is_told_and_left(tmp_path: Path) -> None:
    app = Holdall("left")
    app.add_store("one", "memory:")
    app.add_store("two", "memory:")
    app.add(Toy, Owner, Kennel, Bed, Chip, store="one")
    app.add(Dog, store="two")
    app.bindings.configure()
    await app.stores["one"].apply([Change(Verb.ADD, "chip", 1, ("id", "dog"), (1, 77))])
    report = await app.fsck(repair=True)
    assert [(item.kind, item.field, item.number, item.repaired) for item in report.findings] == [
        ("dangling", "dog", 1, 0)
    ]
    assert "chip.dog: 1 dangling (1)" in str(report)


_HOUSE = """
from holdall import Holdall, Model, Ref, field

class Cat(Model):
    id: int = field(pk=True)
    friend: "Ref[Cat | None]" = field(default=None)
    house: "Ref[House | None]" = field(default=None)

class House(Model):
    id: int = field(pk=True)

def home():
    app = Holdall("home")
    app.add_store("files", "yaml:./files")
    app.add_store("table", "sqlite:///home.db")
    app.add(Cat, store="files")
    app.add(House, store="table")
    return app
"""


def test_the_command_finds_and_repairs(tmp_path: Path) -> None:
    (tmp_path / "home.py").write_text(_HOUSE)
    assert run_command(tmp_path, "holdall", "create", "home:home").code == 0
    (tmp_path / "files" / "cat").mkdir(parents=True, exist_ok=True)
    (tmp_path / "files" / "cat" / "1.yaml").write_text("id: 1\nfriend: 1\nhouse: 7\n")
    found = run_command(tmp_path, "holdall", "fsck", "home:home")
    assert found.code == 1
    assert "cat.house: 1 dangling" in found.errors
    assert run_command(tmp_path, "holdall", "fsck", "home:home", "--repair").code == 0
    file = tmp_path / "files" / "cat" / "1.yaml"
    file.write_text("id: 1\nfriend: many\n")
    broken = run_command(tmp_path, "holdall", "fsck", "home:home")
    assert broken.code == 1
    assert "cat.friend: 1 unreadable (1), such as: " in broken.errors
    file.write_text("id: 1\nfriend: 1\n")
    whole = run_command(tmp_path, "holdall", "fsck", "home:home", "--from", '["cat.friend"]')
    assert (whole.code, "all references hold" in whole.output) == (0, True)
    assert run_command(tmp_path, "holdall", "fsck", "home:home", "--from", "x").code == 1
