"""``holdall commits``: an operator looks at what is left of commits, and deals with it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdall.errors import CommitPending, StoreUnavailable
from holdall.session.commit.recovery.standing import standings_of
from holdall.session.commit.two_phase.coordinator import Coordinator
from holdall.session.commit.two_phase.replay import replay
from tests.support.terminal import run

pytestmark = pytest.mark.anyio

_SHOP = """
from pathlib import Path

from holdall import Holdall, Model, field

here = Path(__file__).parent


class Order(Model):
    id: int = field(pk=True)


class Note(Model):
    id: int = field(pk=True)
    text: str = ""


def shop():
    app = Holdall("shop", journal=f"sqlite:///{here}/journal.db")
    app.add_store("main", f"sqlite:///{here}/main.db")
    app.add_store("files", f"yaml:{here}/files")
    app.add(Order, store="main")
    app.add(Note, store="files")
    return app
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "shop.py").write_text(_SHOP)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("holdall.session.commit.two_phase.replay._PART_SECONDS", 0.5)
    sys.modules.pop("shop", None)
    yield tmp_path
    sys.modules.pop("shop", None)


async def _leave_one(folder: Path) -> str:
    """Leave a commit behind that is decided and whose files are not written."""
    shop: Any = importlib.import_module("shop")
    app = shop.shop()
    await app.create()

    async def away(commit: str, changes: Any) -> bool:
        raise StoreUnavailable("files", "away")

    app.stores["files"].commit_prepared = away
    session = app.session()
    async with session as inside:
        inside.add(shop.Order(id=1))
        inside.add(shop.Note(id=1, text="secret"))
        with pytest.raises(CommitPending) as caught:
            await inside.commit(timeout=0.1)
    await app.close()
    assert caught.value.result.commit is not None
    return str(caught.value.result.commit)


async def test_an_operator_sees_a_commit_and_finishes_it(folder: Path) -> None:
    commit = await _leave_one(folder)
    listed = run(folder, "holdall", "commits", "list", "shop:shop")
    assert (listed.code, listed.errors) == (0, "")
    assert listed.output.startswith(f"{commit}  decided   main, files")
    shown = run(folder, "holdall", "commits", "show", "shop:shop", commit)
    assert "main: written\n" in shown.output
    assert "files: not written\n" in shown.output
    assert "secret" not in shown.output
    assert run(folder, "holdall", "commits", "resolve", "shop:shop", commit).output == f"commit {commit} is over\n"
    assert (folder / "files" / "note" / "1.yaml").exists()
    assert run(folder, "holdall", "commits", "list", "shop:shop").output == "shop:shop: no commit is unfinished\n"


async def test_an_operator_takes_a_commit_back(folder: Path) -> None:
    commit = await _leave_one(folder)
    done = run(folder, "holdall", "commits", "compensate", "shop:shop", commit)
    assert (done.code, done.output) == (0, f"commit {commit} is undone: nothing that it wrote is left in any store\n")
    assert not (folder / "files" / "note" / "1.yaml").exists()
    shop: Any = importlib.import_module("shop")
    app = shop.shop()
    async with app.session() as session:
        assert await session.count(shop.Order.where()) == 0
    assert await app.stores["files"].prepared() == []
    await app.close()


async def test_an_operator_accepts_what_is_there(folder: Path) -> None:
    commit = await _leave_one(folder)
    refused = run(folder, "holdall", "commits", "accept", "shop:shop", commit)
    assert (refused.code, refused.output) == (1, "")
    assert "can still end in all stores alike: resolve it" in refused.errors
    said = run(folder, "holdall", "commits", "accept", "--force", "shop:shop", commit)
    assert (said.code, said.output.splitlines()[1:]) == (0, ["main: written", "files: not written"])
    assert run(folder, "holdall", "commits", "list", "shop:shop").output == "shop:shop: no commit is unfinished\n"
    shop: Any = importlib.import_module("shop")
    app = shop.shop()
    async with app.session() as session:
        session.add(shop.Note(id=1))  # nothing is held in its way any more
    await app.close()


async def test_a_commit_that_is_not_there_is_told(folder: Path) -> None:
    await _leave_one(folder)
    said = run(folder, "holdall", "commits", "retry", "shop:shop", "0123")
    assert (said.code, said.errors) == (1, "holdall: no unfinished commit with key '0123'\n")


async def test_a_store_that_is_away_keeps_no_commit_from_the_list(folder: Path) -> None:
    commit = await _leave_one(folder)
    (folder / "files").rename(folder / "elsewhere")
    (folder / "files").write_text("no folder")
    listed = run(folder, "holdall", "commits", "list", "shop:shop")
    assert (listed.code, listed.output.startswith(f"{commit}  decided   main, files")) == (0, True)
    shown = run(folder, "holdall", "commits", "show", "shop:shop", commit)
    assert "main: written\n" in shown.output
    assert "files: unknown: " in shown.output
    back = run(folder, "holdall", "commits", "compensate", "shop:shop", commit)
    assert (back.code, "cannot be finished first" in back.errors) == (1, True)
    (folder / "files").unlink()
    (folder / "elsewhere").rename(folder / "files")
    assert run(folder, "holdall", "commits", "resolve", "shop:shop", commit).output == f"commit {commit} is over\n"


async def test_a_journal_that_cannot_be_read_is_listed_in_place_of_its_commits(folder: Path) -> None:
    await _leave_one(folder)
    (folder / "main.db").rename(folder / "elsewhere.db")
    (folder / "main.db").write_text("this is no database, and long enough to be looked at" * 100)
    listed = run(folder, "holdall", "commits", "list", "shop:shop")
    assert (listed.code, "the journal of " in listed.output) == (0, True)
    assert "no commit is unfinished" not in listed.output
    said = run(folder, "holdall", "commits", "resolve", "shop:shop", "0123")
    assert (said.code, "main.db" in said.errors) == (1, True)


async def test_a_part_that_was_written_by_somebody_who_died_is_told_as_written(folder: Path) -> None:
    commit = await _leave_one(folder)
    shop: Any = importlib.import_module("shop")
    app = shop.shop()
    (item,) = await app.recovery.unfinished()
    assert list(map(str, item.standings)) == ["written", "not written"]
    coordinator = Coordinator(app.bindings)
    row = await app.bindings.journal.read(app.stores["main"], commit)
    assert row is not None
    assert (await replay(coordinator, commit, row.record)).is_over
    row.record.parts[1].is_done = False  # its writer died before it could say so
    assert list(map(str, await standings_of(coordinator, row, {}))) == ["written", "written"]
    await app.close()


@pytest.mark.parametrize("is_written", [False, True])
async def test_an_error_that_is_no_refusal_undoes_nothing(folder: Path, is_written: bool) -> None:
    """As of missing rights, or a file in the place of a folder: the part stays to be written, or stays written."""
    commit = await _leave_one(folder)
    shop: Any = importlib.import_module("shop")
    app = shop.shop()
    assert [item.commit for item in await app.recovery.unfinished()] == [commit]
    if is_written:  # its writer died before the row was removed
        row = await app.bindings.journal.read(app.stores["main"], commit)
        assert row is not None
        assert (await replay(Coordinator(app.bindings), commit, row.record)).is_over
    (folder / "files").rename(folder / "elsewhere")
    (folder / "files").write_text("no folder")
    assert (await app.recovery.run()).pending == 1
    (folder / "files").unlink()
    (folder / "elsewhere").rename(folder / "files")
    await app.recovery.run()
    async with app.session() as session:
        assert (await session.count(shop.Order.where()), await session.count(shop.Note.where())) == (1, 1)
    assert await app.recovery.unfinished() == []
    await app.close()


async def test_an_empty_folder_in_the_place_of_one_that_is_not_mounted_ends_nothing(folder: Path) -> None:
    await _leave_one(folder)
    shop: Any = importlib.import_module("shop")
    app = shop.shop()
    (folder / "files").rename(folder / "elsewhere")
    (folder / "files").mkdir()
    assert (await app.recovery.run()).pending == 1
    (folder / "files").rmdir()
    (folder / "elsewhere").rename(folder / "files")
    await app.recovery.run()
    async with app.session() as session:
        assert (await session.count(shop.Order.where()), await session.count(shop.Note.where())) == (1, 1)
    await app.close()
