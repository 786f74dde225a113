"""A decided commit stays decided: what keeps a helper from writing a part is no refusal, and no part ends unnoticed."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall, Model, field
from holdall.errors import StateError, StoreUnavailable
from holdall.session import JournalState, Recovered
from holdall.session.commit.recovery.standing import Standing
from holdall.session.journal.finished import FinishedCommits
from tests.support.pending import commit_pending

pytestmark = pytest.mark.anyio

Models = tuple[type[Any], type[Any]]


def models(**annotations: Any) -> Models:
    """A collection in the home store and one in the other, which has these fields too."""

    class Home(Model, collection="home"):
        id: int = field(pk=True)
        n: int = 0
        version: int = field(version=True)

    names = {"__annotations__": {"id": int, **annotations, "version": int}, "__module__": __name__}
    values = {"id": field(pk=True), "version": field(version=True)}
    defaults = {name: 0 for name, kind in annotations.items() if kind is int}
    make: Any = type(Model)
    return Home, make("Other", (Model,), {**names, **values, **defaults}, collection="other")


OLD = {"n": int}


def app_of(folder: Path, other: str, kept: Models) -> Holdall:
    app = Holdall("lost", lease=0.2)
    app.add_store("main", f"sqlite:///{folder}/main.db")
    app.add_store("other", other.format(folder))
    app.add(kept[0], store="main")
    app.add(kept[1], store="other")
    return app


async def decided(folder: Path, other: str) -> str:
    """Leave a commit that is decided, and not written in the other store; its id."""
    home, kept = models(**OLD)
    app = app_of(folder, other, (home, kept))
    await app.create()
    async with app.session() as session:
        session.add_all([home(id=1), kept(id=1)])
    store: Any = app.stores["other"]

    async def away(commit: str, changes: Any) -> bool:
        raise StoreUnavailable("other", "away")

    store.commit_prepared = away
    async with app.session() as session:
        (await session.require(home, 1)).n = 5
        (await session.require(kept, 1)).n = 5
        pending = await commit_pending(session)
    await app.close()
    return str(pending.result.commit)


async def recovered(app: Holdall) -> Recovered:
    """One round once nobody holds the commit any more: its lease is told in whole seconds."""
    told = await app.recovery.run()
    for _ in range(100):
        if not told.held:
            break
        await asyncio.sleep(0.05)
        told = await app.recovery.run()
    return told


async def values_of(app: Holdall, kept: Models) -> list[Any]:
    async with app.session() as session:
        return [(await session.require(model, 1)).n for model in kept]


OTHERS = ["sqlite:///{}/other.db", "yaml:{}/other"]


@pytest.mark.parametrize("other", OTHERS)
async def test_a_program_that_cannot_write_a_part_leaves_the_commit_decided(tmp_path: Path, other: str) -> None:
    commit = await decided(tmp_path, other)
    app = app_of(tmp_path, other, models(n=str))
    told = await recovered(app)
    assert (told.undone, told.listed, told.pending) == (0, 0, 1)
    (left,) = await app.recovery.unfinished()
    assert (left.commit, left.state) == (commit, JournalState.DECIDED)
    (reason,) = [item.reason for item in left.standings if item.standing is not Standing.WRITTEN]
    assert reason
    with pytest.raises(StateError, match="cannot be finished first"):
        await app.recovery.compensate(commit, force=True)
    await app.close()

    kept = models(**OLD)
    app = app_of(tmp_path, other, kept)
    assert (await recovered(app)).finished == 1
    assert await values_of(app, kept) == [5, 5]
    await app.close()


def _let_go_of_row(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "other.db")) as database:
        database.execute("DELETE FROM holdall_reservation")
        database.commit()


def _let_go_of_file(folder: Path) -> None:
    for path in (folder / "other/.holdall/reserved").iterdir():
        path.unlink()


@pytest.mark.parametrize("other", OTHERS)
async def test_a_part_that_was_written_is_no_loss_where_its_records_were_removed_since(
    tmp_path: Path, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ended before it removed the commit's row. The identity of the store tells that it is the same one."""
    kept = models(**OLD)
    with monkeypatch.context() as patch:
        patch.setattr(FinishedCommits, "add", lambda *_: None)
        async with app_of(tmp_path, other, kept) as app:
            await app.create()
            async with app.session() as session:
                session.add_all([kept[0](id=1), kept[1](id=1)])
            async with app.session() as session:
                session.remove(await session.require(kept[1], 1))
    async with app_of(tmp_path, other, kept) as later:
        told = await recovered(later)
        assert (told.pending, told.listed) == (0, 0)
        assert await later.recovery.unfinished() == []


@pytest.mark.parametrize("other", OTHERS)
async def test_stores_whose_tables_are_yet_to_be_made_are_no_reason_to_warn(
    tmp_path: Path, other: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = app_of(tmp_path, other, models(**OLD))
    await app.recovery.run()
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == []
    await app.close()


@pytest.mark.parametrize("verb", ["retry", "compensate"])
@pytest.mark.parametrize("other, let_go", list(zip(OTHERS, [_let_go_of_row, _let_go_of_file], strict=True)))
async def test_a_hold_that_is_removed_by_hand_is_not_taken_for_a_part_that_was_written(
    tmp_path: Path, other: str, let_go: Callable[[Path], None], verb: str
) -> None:
    commit = await decided(tmp_path, other)
    let_go(tmp_path)
    kept = models(**OLD)
    app = app_of(tmp_path, other, kept)
    told = await recovered(app)
    assert (told.finished, told.listed) == (0, 1)
    (left,) = await app.recovery.unfinished()
    assert [item.standing for item in left.standings if item.store == "other"] == [Standing.REFUSED]
    assert await getattr(app.recovery, verb)(commit) is None
    assert await values_of(app, kept) == ([5, 5] if verb == "retry" else [0, 0])
    await app.close()


def move(source: Path, target: Path, name: str) -> None:
    """Move everything whose name begins so to another folder."""
    target.mkdir(exist_ok=True)
    for path in list(source.glob(f"{name}*")):
        path.rename(target / path.name)


@pytest.mark.parametrize("is_made", [False, True], ids=["missing", "made anew"])
@pytest.mark.parametrize("other, name", list(zip(OTHERS, ["other.db", "other"], strict=True)))
async def test_a_store_that_is_another_one_now_has_not_written_its_part(
    tmp_path: Path, other: str, name: str, is_made: bool
) -> None:
    commit = await decided(tmp_path, other)
    move(tmp_path, tmp_path / "away", name)
    kept = models(**OLD)
    app = app_of(tmp_path, other, kept)
    if is_made:
        await app.create()
    told = await recovered(app)
    assert (told.finished, told.pending) == (0, 1)
    (left,) = [item for item in await app.recovery.unfinished() if item.commit]
    assert left.commit == commit
    assert [item.standing for item in left.standings if item.store == "other"] == [Standing.UNKNOWN]
    await app.close()

    move(tmp_path, tmp_path / "made meanwhile", name)
    move(tmp_path / "away", tmp_path, name)
    app = app_of(tmp_path, other, kept)
    assert (await recovered(app)).finished == 1
    assert await values_of(app, kept) == [5, 5]
    await app.close()


@pytest.mark.parametrize(
    "column, value",
    [("body", b"\x91" * 100_000), ("body", b"\xde\xad"), ("expires", "x"), ("version", "x"), ("owner", b"\xff")],
    ids=["nested body", "body", "expires", "version", "owner"],
)
async def test_a_damaged_row_stops_no_other_commit_and_can_be_given_up(
    tmp_path: Path, column: str, value: object
) -> None:
    other = OTHERS[1]
    commit = await decided(tmp_path, other)
    with closing(sqlite3.connect(tmp_path / "main.db")) as database:
        database.execute(f"UPDATE holdall_journal SET {column} = ? WHERE id = ?", (value, commit))
        database.commit()
    kept = models(**OLD)
    app = app_of(tmp_path, other, kept)
    await recovered(app)
    (left,) = await app.recovery.unfinished()
    assert left.commit == commit
    assert "damaged" in left.reason
    async with app.session() as session:
        session.add_all([kept[0](id=2), kept[1](id=2)])
    with pytest.raises(StateError, match="damaged"):
        await app.recovery.accept(commit)
    await app.recovery.accept(commit, force=True)
    assert await app.recovery.unfinished() == []
    async with app.session() as session:
        (await session.require(kept[1], 1)).n = 7
    await app.close()


async def test_a_journal_in_a_store_that_this_program_lacks_is_not_lost(tmp_path: Path) -> None:
    commit = await decided(tmp_path, OTHERS[1])
    _, kept = models(**OLD)
    app = Holdall("lost", lease=0.2, journal=f"sqlite:///{tmp_path}/journal.db")
    app.add_store("third", "memory:")
    app.add_store("other", OTHERS[1].format(tmp_path))
    app.add(kept, store="other")
    (left,) = await app.recovery.unfinished()
    assert "store 'main', which this application does not have" in left.reason
    with pytest.raises(StateError, match="cannot be accepted here"):
        await app.recovery.accept(commit, force=True)
    await app.close()


@pytest.mark.parametrize("seconds", [1e12, float("inf")])
async def test_a_commit_may_take_for_ever(tmp_path: Path, seconds: float) -> None:
    kept = models(**OLD)
    app = app_of(tmp_path, OTHERS[1], kept)
    await app.create()
    async with app.session() as session:
        session.add_all([kept[0](id=1), kept[1](id=1)])
        await session.commit(timeout=seconds)
    assert await values_of(app, kept) == [0, 0]
    await app.close()
