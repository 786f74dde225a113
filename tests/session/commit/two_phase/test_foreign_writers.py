"""Hands that reach into a store while a commit holds something there: nothing is half-written without a word."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall, Model, field
from holdall.errors import CommitAborted, Conflict, StoreUnavailable
from holdall.session import JournalState
from holdall.store import Change, Verb
from tests.support.bank import Account, Note, before_files, counts, opened
from tests.support.pending import commit_pending

pytestmark = pytest.mark.anyio


class Left(Model):
    id: int = field(pk=True)


class Right(Model):
    id: int = field(pk=True)


@pytest.mark.parametrize("url", ["sqlite:///{}/one.db", "yaml:{}/one"])
async def test_two_stores_in_one_place_are_refused_before_anything_is_written(tmp_path: Path, url: str) -> None:
    app = Holdall("places", journal=f"sqlite:///{tmp_path}/journal.db")
    (tmp_path / "link").symlink_to(tmp_path)
    app.add_store("first", url.format(tmp_path))
    app.add_store("second", url.format(tmp_path / "link"))
    app.add(Left, store="first")
    app.add(Right, store="second")
    await app.create()
    async with app.session() as session:
        session.add_all([Left(id=1), Right(id=1)])
        with pytest.raises(CommitAborted, match="'first' and 'second' are one place"):
            await session.commit()
        session.rollback()
        assert [await session.count(Left.where()), await session.count(Right.where())] == [0, 0]
    await app.close()


async def _decided(app: Holdall) -> str:
    """Leave a commit that changed account 1 and added a note, decided, and the note not written."""
    async with app.session() as session:
        session.add(Account(name="old"))
    away = before_files(app, lambda: StoreUnavailable("files", "away"))
    async with app.session() as session:
        (await session.require(Account, 1)).name = "new"
        session.add(Note(code="a"))
        pending = await commit_pending(session)
    away.error = None
    return str(pending.result.commit)


async def test_a_compensation_that_is_refused_leaves_the_commit_decided_and_whole(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, _):
        commit = await _decided(app)
        database: Any = app.stores["main"]
        await database.apply([Change(Verb.UPDATE, "account", 1, ("name", "version"), ("later", 9))])
        with pytest.raises(Conflict):
            await app.recovery.compensate(commit)
        assert await counts(app) == [1, 1, 0]
        assert await app.recovery.unfinished() == []
        assert (await app.recovery.run()).listed == 0


async def test_an_owner_who_goes_on_after_a_compensation_writes_nothing(tmp_path: Path) -> None:
    """The part that the owner had not written is written by who compensates, and undone with all others."""
    async with opened(tmp_path) as (app, _):
        commit = await _decided(app)
        assert await app.recovery.compensate(commit, force=True) is None
        files: Any = app.stores["files"]
        late = [Change(Verb.ADD, "note", "a", ("code", "text", "version"), ("a", "", 1))]
        assert await files.commit_prepared(commit, late) is False
        async with app.session() as session:
            assert (await session.require(Account, 1)).name == "old"
        assert await counts(app) == [0, 1, 0]


async def test_a_reservation_removed_by_hand_loses_no_part_of_a_living_commit(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, _):
        files: Any = app.stores["files"]
        commit_prepared = files.commit_prepared

        async def after_a_hand(commit: str, changes: Any) -> bool:
            await files.roll_back_prepared(commit)
            return bool(await commit_prepared(commit, changes))

        files.commit_prepared = after_a_hand
        async with app.session() as session:
            session.add_all([Account(name="x"), Note(code="a")])
        assert await counts(app) == [1, 1, 0]
        assert await app.recovery.unfinished() == []


async def test_what_is_held_for_a_lost_journal_is_listed_and_can_be_let_go(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, _):
        commit = await _decided(app)
    with closing(sqlite3.connect(tmp_path / "main.db")) as database:
        database.execute("DELETE FROM holdall_journal")
        database.commit()
    async with opened(tmp_path) as (app, _):
        assert (await app.recovery.run()).finished == 0
        (left,) = await app.recovery.unfinished()
        assert (left.commit, left.state) == (commit, JournalState.UNKNOWN)
        assert "journal was lost" in left.reason
        await app.recovery.accept(commit, force=True)
        assert await app.recovery.unfinished() == []
        async with app.session() as session:
            session.add(Note(code="a"))
