"""A process that serves again what its parent named: with the same secret, and stores that fit the models of now."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from holdall.cli import worker
from holdall.testing.client import Client

_LIBRARY = """
from holdall import Everyone, Holdall, Model, Policy, field

class Served(Model, collection="served"):
    id: int = field(pk=True, generated=True)

app = Holdall("library")
app.add_store("main", "sqlite:///served.db")
app.add(Served, store="main", policy=Policy(read=Everyone, write=Everyone))
"""


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "served_by_worker.py").write_text(_LIBRARY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "served_by_worker:app"


def test_it_makes_what_newer_models_lack_while_its_loop_runs(target: str) -> None:
    async def served() -> int:
        async with Client(worker.service()) as client:
            return (await client.get("/served")).status

    with worker.environment(target, reloads=True, create=True):
        assert os.environ["HOLDALL_SECRET"]
        assert asyncio.run(served()) == 200
    assert "HOLDALL_SECRET" not in os.environ


def test_a_store_that_does_not_fit_is_waited_for(
    target: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_SECONDS", 0.01)
    with closing(sqlite3.connect("served.db")) as connection:
        connection.execute("create table served (id text primary key not null)")

    async def served() -> list[int]:
        async with Client(worker.service()) as client:
            refused = await client.get("/served")
            assert b"what is stored does not fit the models:" in refused.body
            with closing(sqlite3.connect("served.db")) as connection:
                connection.execute("drop table served")
            while (answer := await client.get("/served")).status == 503:  # noqa: ASYNC110 - it comes from outside
                await asyncio.sleep(0.01)
            return [refused.status, answer.status]

    with worker.environment(target, reloads=True, create=True):
        assert asyncio.run(served()) == [503, 200]
    assert capsys.readouterr().err.count("holdall: what is stored does not fit the models:") == 1


def test_a_service_that_waits_can_be_ended(target: str) -> None:
    async def ended() -> int:
        async with Client(worker.service()) as client:
            return (await client.get("/served")).status

    with worker.environment(target, reloads=True):
        assert asyncio.run(ended()) == 503


def test_an_application_that_is_not_there_ends_the_process_with_a_sentence(
    target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with worker.environment(target.replace(":app", ":none"), reloads=True), pytest.raises(SystemExit) as end:
        worker.service()
    assert end.value.code == 2
    assert capsys.readouterr().err == "holdall: module served_by_worker has no none\n"
