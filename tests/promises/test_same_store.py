"""A part is written, looked for and undone in the store that voted on it, not in another that has its name by now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from holdall import Holdall, Model, field
from holdall.errors import CommitPending, StateError
from holdall.session import JournalState
from holdall.session.commit.two_phase import replay as replaying
from tests.promises.acts import Gate
from tests.support.dropping import drop

pytestmark = pytest.mark.anyio

_KINDS = ["sqlite", "yaml", "redis", "postgresql", "mariadb"]
_SERVERS = {"postgresql": "postgres_url", "mariadb": "mariadb_url", "redis": "redis_url"}


class Order(Model):
    id: int = field(pk=True)


class Note(Model):
    id: int = field(pk=True)


def _shop(folder: Path, main: str, notes: str) -> Holdall:
    app = Holdall("shop", journal=f"sqlite:///{folder}/journal.db")
    app.add_store("main", main)
    app.add_store("notes", notes)
    app.add(Order, store="main")
    app.add(Note, store="notes")
    return app


@pytest.fixture(params=_KINDS)
def urls(request: pytest.FixtureRequest, tmp_path: Path, fresh_database: Callable[[str], str]) -> tuple[str, str, str]:
    """The addresses of a store that decides, and of two of one kind; all are empty."""
    kind: str = request.param
    main = f"sqlite:///{tmp_path}/main.db"
    if kind == "sqlite":
        return main, f"sqlite:///{tmp_path}/one.db", f"sqlite:///{tmp_path}/two.db"
    if kind == "yaml":
        return main, f"yaml:{tmp_path}/one", f"yaml:{tmp_path}/two"
    server: str = request.getfixturevalue(_SERVERS[kind])
    if kind == "redis":
        base = server.rsplit("/", 1)[0]
        return main, f"{base}/1", f"{base}/2"
    return fresh_database(server), fresh_database(server), fresh_database(server)


async def _pend(app: Holdall, number: int) -> None:
    """Leave a commit behind that is decided and whose note is not written; nobody owns it any more."""
    gate = Gate(app.stores["notes"])
    async with app.session() as session:
        session.add_all([Order(id=number), Note(id=number)])
        with pytest.raises(CommitPending):
            await session.commit(timeout=0.3)
    gate.open()


async def _emptied(*urls: str) -> None:
    """What another test has left on a server that they share."""
    for url in urls:
        app = Holdall("shop")
        app.add_store("notes", url)
        app.add(Note, store="notes")
        await app.create()
        await drop(app.stores["notes"])
        await app.close()


async def _left_behind(folder: Path, main: str, one: str, two: str, *, has_commits: bool) -> None:
    """A decided commit of note 1 in the first store, and the second with a note, by a commit of its own or not."""
    await _emptied(one, two)
    for url in (one, two):
        app = _shop(folder, main, url)
        await app.create()
        if url is two and has_commits:
            async with app.session() as session:
                session.add_all([Order(id=7), Note(id=7)])
        await app.close()
    first = _shop(folder, main, one)
    await _pend(first, 1)
    await first.close()


@pytest.mark.parametrize("has_commits", [True, False], ids=["of another program", "empty"])
async def test_a_name_that_leads_elsewhere_is_refused_and_the_commit_waits(
    tmp_path: Path, urls: tuple[str, str, str], has_commits: bool
) -> None:
    main, one, two = urls
    await _left_behind(tmp_path, main, one, two, has_commits=has_commits)
    later = _shop(tmp_path, main, two)
    told = await later.recovery.run()
    assert (told.finished, told.undone, told.listed, told.pending) == (0, 0, 0, 1)
    (seen,) = await later.recovery.unfinished()
    assert (seen.state, seen.reason) == (JournalState.DECIDED, "")
    (reason,) = [item.reason for item in seen.standings if item.store == "notes"]
    assert "store 'notes' is not the one that the commit was made over" in reason
    for act in (later.recovery.resolve, later.recovery.retry):
        assert await act(seen.commit) is not None
    with pytest.raises(StateError, match="store 'notes' is not the one"):
        await later.recovery.compensate(seen.commit)
    async with later.session() as session:
        assert await session.get(Note, 1) is None
        session.add_all([Order(id=2), Note(id=2)])  # and stops nobody
    await later.close()
    again = _shop(tmp_path, main, one)
    assert (await again.recovery.run()).finished == 1
    async with again.session() as session:
        assert await session.get(Note, 1) is not None
    assert await again.recovery.unfinished() == []
    await again.close()


async def test_the_test_sees_a_recovery_that_goes_by_names_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pass_all(*_: object) -> None:
        """A planted fault."""

    main, one, two = f"sqlite:///{tmp_path}/main.db", f"yaml:{tmp_path}/one", f"yaml:{tmp_path}/two"
    await _left_behind(tmp_path, main, one, two, has_commits=True)
    monkeypatch.setattr(replaying, "require_same_store", pass_all)
    later = _shop(tmp_path, main, two)
    assert (await later.recovery.run()).finished == 1  # it took the part for written
    await later.close()
