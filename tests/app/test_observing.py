"""What an application shows: statements and commits in logs, slow ones, echoes; and nothing where nobody listens."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall, Model, field
from holdall.errors import CommitAborted, DeclarationError, StoreError
from holdall.store import Observable, Sent
from tests.support.dropping import drop

pytestmark = pytest.mark.anyio


class Reader(Model):
    id: int = field(pk=True)
    name: str = field(unique=True)


class Loan(Model):
    id: int = field(pk=True)
    reader: int


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Holdall]:
    app = Holdall("seen", journal=f"sqlite:///{tmp_path}/journal.db")
    app.add_store("main", f"sqlite:///{tmp_path}/main.db")
    app.add_store("files", f"yaml:{tmp_path}/files")
    app.add(Reader, store="main")
    app.add(Loan, store="files")
    await app.create()
    yield app
    await app.close()


def of(caplog: pytest.LogCaptureFixture, name: str) -> list[Any]:
    return [record for record in caplog.records if record.name == name]


async def test_statements_are_logged_by_family_without_values(app: Holdall, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "holdall")
    async with app.session() as session:
        session.add(Reader(id=1, name="a secret"))
    async with app.session() as session:
        session.add(Loan(id=1, reader=1))
    async with app.session() as session:
        await session.query(Reader.where(Reader.name == "a secret"))
        await session.query(Loan.where(Loan.reader == 1))
    sql, yaml = of(caplog, "holdall.sql"), of(caplog, "holdall.yaml")
    assert any(record.statement.startswith("INSERT INTO") for record in sql)
    (read,) = [record for record in sql if record.statement.startswith("SELECT") and "WHERE" in record.statement]
    assert (read.store, read.rows, read.failure, read.levelname) == ("main", 1, None, "DEBUG")
    assert 0 < read.seconds < 60
    assert [record.statement for record in yaml] == ["write loan", "read loan where reader = ?"]
    assert "a secret" not in caplog.text


async def test_values_are_shown_where_they_are_asked_for(app: Holdall, caplog: pytest.LogCaptureFixture) -> None:
    app.observe(log_values=True)
    caplog.set_level(logging.DEBUG, "holdall")
    async with app.session() as session:
        session.add(Reader(id=1, name="a secret"))
    assert "a secret" in caplog.text


async def test_a_slow_statement_is_a_warning(app: Holdall, caplog: pytest.LogCaptureFixture) -> None:
    app.observe(slow_query=1000.0)
    async with app.session() as session:
        await session.query(Reader.where())
    assert not of(caplog, "holdall.sql")
    app.observe(slow_query=0.0)
    async with app.session() as session:
        await session.query(Reader.where())
    (record,) = of(caplog, "holdall.sql")
    assert (record.levelname, record.message[:5]) == ("WARNING", "slow:")


async def test_an_echo_needs_no_logging(app: Holdall, capsys: pytest.CaptureFixture[str]) -> None:
    app.observe(echo=True)
    async with app.session() as session:
        session.add(Reader(id=1, name="x"))
    lines = capsys.readouterr().err.splitlines()
    assert any(line.startswith("main: INSERT INTO") for line in lines)
    assert lines[-1].startswith("commit of 1 in main, all or nothing (")
    app.observe()
    async with app.session() as session:
        await session.query(Reader.where())
    assert capsys.readouterr().err == ""
    with pytest.raises(DeclarationError):
        app.observe(slow_query=-1.0)


async def test_what_fails_is_shown_with_its_error(app: Holdall, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "holdall")
    with pytest.raises(CommitAborted):
        async with app.session() as session:
            session.add_all([Reader(id=1, name="x"), Reader(id=2, name="x")])
    assert [record.failure for record in of(caplog, "holdall.sql")][-1] == "UniqueViolation"
    (commit,) = of(caplog, "holdall.commit")
    assert (commit.failure, commit.stores) == ("CommitAborted", {"main": 2})


async def test_a_read_that_is_refused_is_shown_once(app: Holdall, caplog: pytest.LogCaptureFixture) -> None:
    async with app.session() as session:
        await session.query(Reader.where())
    await drop(app.stores["main"])
    caplog.set_level(logging.DEBUG, "holdall")
    async with app.session() as session:
        with pytest.raises(StoreError):
            await session.query(Reader.where())
    (refused,) = [record for record in of(caplog, "holdall.sql") if record.failure is not None]
    assert refused.statement.startswith("SELECT")
    assert refused.rows is None


async def test_phases_of_a_commit_over_stores_are_logged(app: Holdall, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "holdall.commit")
    async with app.session() as session:
        session.add_all([Reader(id=1, name="x"), Loan(id=1, reader=1)])
    (commit,) = of(caplog, "holdall.commit")
    assert commit.stores == {"main": 1, "files": 1}
    assert commit.promise == "all or nothing after recovery"
    assert set(commit.phases) == {"prepare", "decide", "roll forward"}
    assert not of(caplog, "holdall.sql")


async def test_nobody_listens_unless_a_logger_does(app: Holdall, caplog: pytest.LogCaptureFixture) -> None:
    """A planted observer is let go of as soon as a session is opened while nobody listens."""
    store: Any = app.stores["main"]
    assert isinstance(app.stores["main"], Observable)
    shown: list[Sent] = []
    caplog.set_level(logging.DEBUG, "holdall.sql")
    async with app.session() as session:
        await session.query(Reader.where())
    assert store._seam.observer is not None
    caplog.set_level(logging.INFO, "holdall.sql")
    async with app.session() as session:
        await session.query(Reader.where())
    assert store._seam.observer is None
    assert store._rows == store._database.rows
    assert app.bindings.instrument is None
    assert shown == []
