"""``holdall doctor``: packages, stores, and an exit code that a script can ask."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from holdall.cli import installed
from tests.support.terminal import invoke

_LIBRARY = """
from holdall import Holdall, Model, field

class Book(Model, collection="books"):
    id: int = field(pk=True)

def of(url):
    app = Holdall("library")
    app.add_store("main", url)
    app.add(Book, store="main")
    return app

def memory():
    return of("memory:")

def file():
    return of("sqlite:///library.db")

def nowhere():
    return of("redis://ann:sesame@127.0.0.1:1/0")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "library.py").write_text(_LIBRARY)
    return tmp_path


def test_the_environment_alone(tmp_path: Path) -> None:
    said = invoke(tmp_path, "doctor")
    assert (said.code, said.errors) == (0, "")
    assert "ok    holdall[sql]: " in said.output
    assert "apsw 3." in said.output


def test_a_package_that_is_missing_or_old_is_told_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name == "apsw":
            raise metadata.PackageNotFoundError(name)
        return "0.1" if name == "asyncpg" else metadata.version(name)

    monkeypatch.setattr(installed, "version", version)
    (sql,) = [extra for extra in installed.extras() if extra.name == "sql"]
    assert sql.amiss == {"apsw": "missing", "asyncpg": "0.1, needs 0.30"}
    assert "sqlalchemy" in sql.there
    said = invoke(Path(), "doctor")
    assert (
        "note  holdall[sql]: apsw (missing), asyncpg (0.1, needs 0.30); where you need it: pip install" in said.output
    )
    assert said.code == 0


def test_a_store_that_fits_and_one_that_does_not(folder: Path) -> None:
    unmade = invoke(folder, "doctor", "library:file")
    assert unmade.code == 1
    assert "FAIL  store main: 1 differences from the models: holdall check library:file lists them" in unmade.output
    invoke(folder, "create", "library:file")
    made = invoke(folder, "doctor", "library:file")
    assert made.code == 0
    assert "all that is stored fits the models" in made.output
    assert "note  store main: " in invoke(folder, "doctor", "library:memory").output


def test_a_store_that_does_not_answer_is_a_failure_without_its_password(folder: Path) -> None:
    said = invoke(folder, "doctor", "library:nowhere", "--timeout", "2")
    assert said.code == 1
    assert "FAIL  store main: " in said.output
    assert "sesame" not in said.output + said.errors
