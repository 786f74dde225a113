"""Records that cannot be read, in commits over several stores and in lists that lead through references."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import apsw
import pytest

from holdall import Holdall, Model, Ref, Session, field
from holdall.errors import CorruptRecord
from holdall.session.commit.plan.changes import changes_of
from holdall.session.commit.plan.log_operations import operations_of
from holdall.session.damage import damaged_fields
from holdall.session.journal.log_record import inverse
from holdall.store import Verb

pytestmark = pytest.mark.anyio


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Thing(Model):
    id: int = field(pk=True)
    color: Color = Color.RED
    day: date = date(2020, 1, 1)
    at: datetime | None = None
    price: Decimal = field(default=Decimal(1), digits=10, places=2)
    tags: list[str] = field(default_factory=list)
    sizes: dict[str, Decimal] = field(default_factory=dict)
    count: int = 1
    text: str = ""
    code: UUID = UUID(int=1)
    is_new: bool = True
    data: bytes = b"x"
    length: timedelta = timedelta(1)
    version: int = field(version=True)


class Other(Model):
    id: int = field(pk=True)


BAD: dict[str, tuple[Any, Any]] = {
    "color": ("green", Color.BLUE),
    "day": ("2020-13-77", date(2021, 1, 1)),
    "at": ("x", None),
    "price": ("x", Decimal(2)),
    "tags": ("{oops", ["a"]),
    "sizes": ("[1]", {"a": Decimal(1)}),
    "count": ("x", 2),
    "text": (b"\xff", "t"),
    "code": ("qq", UUID(int=2)),
    "is_new": (7, False),
    "data": (5, b"y"),
    "length": ("x", timedelta(2)),
}


async def _opened(folder: Path, name: str) -> Holdall:
    app = Holdall("things")
    app.add_store("things", f"sqlite:///{folder}/things.db")
    app.add_store("others", f"sqlite:///{folder}/others.db")
    app.add(Thing, store="things")
    app.add(Other, store="others")
    await app.create()
    async with app.session() as session:
        session.add(Thing(id=1))
    await app.close()
    connection = apsw.Connection(f"{folder}/things.db")
    connection.execute(f'UPDATE thing SET "{name}" = ?', (BAD[name][0],))
    connection.close()
    return app


@pytest.mark.parametrize("name", BAD)
async def test_a_record_is_mended_in_a_commit_over_two_stores(tmp_path: Path, name: str) -> None:
    app = await _opened(tmp_path, name)
    async with app:
        async with app.session() as session:
            thing = await session.mend(Thing, 1)
            assert damaged_fields(thing) == (name,)
            setattr(thing, name, BAD[name][1])
            session.add(Other(id=1))
        async with app.session() as session:
            assert getattr(await session.require(Thing, 1), name) == BAD[name][1]
            assert await session.get(Other, 1) is not None


@pytest.mark.parametrize("name", BAD)
async def test_a_record_is_removed_in_a_commit_over_two_stores(tmp_path: Path, name: str) -> None:
    app = await _opened(tmp_path, name)
    async with app:
        async with app.session() as session:
            session.remove(await session.mend(Thing, 1))
            session.add(Other(id=1))
        async with app.session() as session:
            assert await session.get(Thing, 1) is None


@pytest.mark.parametrize("verb", [Verb.UPDATE, Verb.REMOVE])
@pytest.mark.parametrize("name", BAD)
async def test_a_value_that_could_not_be_read_is_never_put_back(tmp_path: Path, name: str, verb: Verb) -> None:
    """The journal says that the old value is not known, so that an operator is asked and nothing is invented."""
    app = await _opened(tmp_path, name)
    async with app:
        session = Session(app.bindings)
        thing = await session.mend(Thing, 1)
        if verb is Verb.REMOVE:
            session.remove(thing)
        else:
            setattr(thing, name, BAD[name][1])
        (step,) = session.plan().steps
        (operation,) = operations_of(step, changes_of(step), str)
        assert operation.verb is verb
        assert operation.old is None
        assert inverse(operation, "version") is None


class Shelf(Model):
    code: str = field(pk=True)
    rank: int = 0


class Book(Model):
    id: str = field(pk=True)
    shelf: Ref[Shelf | None] = field(default=None)


async def test_a_list_through_another_store_invents_no_records(tmp_path: Path) -> None:
    app = Holdall("books")
    app.add_store("files", f"yaml:{tmp_path}/files", layout="record")
    app.add_store("memory", "memory:")
    app.add(Shelf, store="files")
    app.add(Book, store="memory")
    async with app:
        await app.create()
        async with app.session() as session:
            session.add_all([Shelf(code="bad", rank=1), Shelf(code="good", rank=7)])
            session.add_all([Book(id="b1", shelf="bad"), Book(id="b2", shelf="good"), Book(id="good")])
        (tmp_path / "files" / "shelf" / "bad.yaml").write_text("code: bad\nrank: x\n")
        queries: tuple[Any, Any] = (Book.where().sort(Book.shelf.rank), Book.where().only(Book.id, Book.shelf.rank))
        for query in queries:
            session = Session(app.bindings)
            with pytest.raises(CorruptRecord, match=r"shelf/bad\.yaml"):
                await session.readable(query)
            assert (await session.require(Book, "good")).shelf.key is None
        assert {book.id for book in (await Session(app.bindings).readable(Book.where())).records} == {
            "b1",
            "b2",
            "good",
        }
