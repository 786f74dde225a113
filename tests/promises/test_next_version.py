"""B7: an unfinished commit that the next version of the program meets is carried out by its models, or listed.

The other way round, what a later version of Holdall has laid out is refused by its number, and left alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from holdall import Holdall, Model, field
from holdall.errors import CommitAborted, CommitPending, UnknownFormat
from holdall.session import JournalState
from tests.promises.acts import Gate

pytestmark = pytest.mark.anyio


class Order(Model):
    id: int = field(pk=True)


class Note(Model):
    id: int = field(pk=True)
    text: str = ""


class Wider(Model, collection="note"):
    id: int = field(pk=True)
    text: str = ""
    extra: str = "new"


class Demanding(Model, collection="note"):
    id: int = field(pk=True)
    text: str = ""
    extra: str


class Narrower(Model, collection="note"):
    id: int = field(pk=True)


class Retyped(Model, collection="note"):
    id: int = field(pk=True)
    text: int = 0


class Renamed(Model, collection="memo"):
    id: int = field(pk=True)
    text: str = ""


@pytest.fixture(params=["yaml", "redis"])
def notes(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, dict[str, str]]:
    """Where the notes are: a URL, and options."""
    if request.param == "yaml":
        return f"yaml:{tmp_path}/notes", {}
    return request.getfixturevalue("redis_url"), {"prefix": tmp_path.name}


@asynccontextmanager
async def _version(folder: Path, notes: tuple[str, dict[str, str]], model: type[Model]) -> AsyncIterator[Holdall]:
    app = Holdall("shop", journal=f"sqlite:///{folder}/journal.db")
    app.add_store("main", f"sqlite:///{folder}/main.db")
    app.add_store("notes", notes[0], **notes[1])
    app.add(Order, store="main")
    app.add(model, store="notes")
    await app.create()
    try:
        yield app
    finally:
        await app.close()


async def _leave(folder: Path, notes: tuple[str, dict[str, str]]) -> None:
    """The first version leaves an order and its note, decided."""
    async with _version(folder, notes, Note) as app:
        Gate(app.stores["notes"])
        async with app.session() as session:
            session.add_all([Order(id=1), Note(id=1, text="t")])
            with pytest.raises(CommitPending):
                await session.commit(timeout=0.3)


@pytest.mark.parametrize(
    "model, values",
    [(Note, {"text": "t"}), (Wider, {"text": "t", "extra": "new"}), (Narrower, {})],
    ids=["same", "field added with a default", "field dropped"],
)
async def test_it_is_carried_out_with_defaults_filled_and_dropped_fields_dropped(
    tmp_path: Path, notes: tuple[str, dict[str, str]], model: type[Any], values: dict[str, str]
) -> None:
    await _leave(tmp_path, notes)
    async with _version(tmp_path, notes, model) as later:
        assert (await later.recovery.run()).finished == 1
        assert await later.recovery.unfinished() == []
        async with later.session() as session:
            note = await session.require(model, 1)
            assert {name: getattr(note, name) for name in values} == values
            assert await session.count(Order.where()) == 1


@pytest.mark.parametrize(
    "model, reason",
    [(Demanding, "note.extra is new since and has no default"), (Retyped, "wrote str to note.text")],
    ids=["field added without a default", "field retyped"],
)
async def test_what_cannot_be_carried_out_is_listed_with_the_reason_and_stays_decided(
    tmp_path: Path, notes: tuple[str, dict[str, str]], model: type[Any], reason: str
) -> None:
    """Its caller was told that it is decided: a program that can write the part still finishes it."""
    await _leave(tmp_path, notes)
    async with _version(tmp_path, notes, model) as later:
        told = await later.recovery.run()
        assert (told.finished, told.undone, told.pending) == (0, 0, 1)
        (left,) = await later.recovery.unfinished()
        assert left.state is JournalState.DECIDED
        assert reason in "; ".join(item.reason for item in left.standings)
    async with _version(tmp_path, notes, Note) as again:
        assert (await again.recovery.run()).finished == 1
        async with again.session() as session:
            assert (await session.require(Note, 1)).text == "t"
            assert await session.count(Order.where()) == 1


async def test_a_collection_that_is_gone_leaves_the_commit_alone_with_the_reason(
    tmp_path: Path, notes: tuple[str, dict[str, str]]
) -> None:
    await _leave(tmp_path, notes)
    async with _version(tmp_path, notes, Renamed) as later:
        told = await later.recovery.run()
        assert (told.finished, told.undone, told.listed) == (0, 0, 0)
        (left,) = await later.recovery.unfinished()
        assert (left.state, left.reason) == (
            JournalState.DECIDED,
            "collection 'note' is not known to this application",
        )
    async with _version(tmp_path, notes, Note) as again:
        assert (await again.recovery.run()).finished == 1
        async with again.session() as session:
            assert (await session.require(Note, 1)).text == "t"


async def _lay_out(folder: Path, notes: tuple[str, dict[str, str]], *, is_later: bool) -> None:
    """Say in the store of the notes that a later version of Holdall has laid it out, or that none has."""
    url, options = notes
    if url.startswith("yaml"):
        journal = folder / "notes" / ".holdall" / "journal"
        journal.parent.mkdir(exist_ok=True)
        journal.write_text('{"format":2}') if is_later else journal.unlink()
        return
    async with Redis.from_url(url) as raw:
        mark = f"{options['prefix']}:note#indexes"
        await raw.set(mark, "|1#2") if is_later else await raw.delete(mark)


async def test_a_commit_to_what_a_later_holdall_has_laid_out_writes_nothing(
    tmp_path: Path, notes: tuple[str, dict[str, str]]
) -> None:
    async with _version(tmp_path, notes, Note) as app:
        await _lay_out(tmp_path, notes, is_later=True)
        async with app.session() as session:
            session.add_all([Order(id=1), Note(id=1, text="t")])
            with pytest.raises(CommitAborted, match=r"another version of Holdall.* format 2") as caught:
                await session.commit()
            assert isinstance(caught.value.__cause__, UnknownFormat)
            session.rollback()
        await _lay_out(tmp_path, notes, is_later=False)
        async with app.session() as session:
            assert [await session.count(Order.where()), await session.get(Note, 1)] == [0, None]
            session.add_all([Order(id=1), Note(id=1, text="t")])
            await session.commit()
            assert await session.count(Order.where()) == 1


async def test_a_part_waits_where_a_later_holdall_has_laid_out_its_store(
    tmp_path: Path, notes: tuple[str, dict[str, str]]
) -> None:
    """The commit is decided: it is neither taken back nor listed, and is carried out once its store can be written."""
    await _leave(tmp_path, notes)
    async with _version(tmp_path, notes, Note) as app:
        await _lay_out(tmp_path, notes, is_later=True)
        told = await app.recovery.run()
        assert (told.finished, told.undone, told.listed) == (0, 0, 0)
        assert [left.state for left in await app.recovery.unfinished()] == [JournalState.DECIDED]
        await _lay_out(tmp_path, notes, is_later=False)
        assert (await app.recovery.run()).finished == 1
        async with app.session() as session:
            assert (await session.require(Note, 1)).text == "t"
            assert await session.count(Order.where()) == 1
