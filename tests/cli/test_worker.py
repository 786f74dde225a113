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

    with worker.environment(target, create=True):
        assert os.environ["HOLDALL_SECRET"]
        assert asyncio.run(served()) == 200
    assert "HOLDALL_SECRET" not in os.environ


def test_a_store_that_does_not_fit_ends_the_process_with_a_sentence(
    target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect("served.db")) as connection:
        connection.execute("create table served (id text primary key not null)")
    with worker.environment(target, create=True), pytest.raises(SystemExit) as end:
        worker.service()
    assert end.value.code == 1
    assert capsys.readouterr().err.startswith("holdall: what is stored does not fit the models:")
