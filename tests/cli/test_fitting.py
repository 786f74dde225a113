"""What is stored is looked at before a service starts: what stops it is told, and what does not is warned of."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdall.cli.failure import Failure
from holdall.cli.fitting import prepare
from holdall.cli.target import Target

_MODULE = """
from holdall import Holdall, Model, field

class Book(Model):
    id: int = field(pk=True)
    title: str

def library(url):
    app = Holdall("library")
    app.add_store("main", url)
    app.add(Book, store="main")
    return app
"""


def _target(folder: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> Target:
    name = f"library_{folder.name}"
    (folder / f"{name}.py").write_text(f"{_MODULE}\napp = library({url!r})\n")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    return Target(f"{name}:app")


def test_a_single_record_amiss_stops_a_check_and_no_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = _target(tmp_path, monkeypatch, f"yaml://{tmp_path / 'shelf'}")
    (tmp_path / "shelf" / "book").mkdir(parents=True)
    (tmp_path / "shelf" / "book" / "1.yaml").write_text("title: [\n")
    with pytest.raises(Failure, match=r"what is stored does not fit the models:\n  main: .*1\.yaml"):
        prepare(target)
    assert capsys.readouterr().err == ""
    assert prepare(target, is_served=True) == {}
    assert "warning: main: " in (told := capsys.readouterr().err)
    assert "1.yaml" in told


def test_a_store_that_is_away_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = _target(tmp_path, monkeypatch, f"sqlite:///{tmp_path / 'nowhere' / 'books.db'}")
    with pytest.raises(Failure, match="'main'"):
        prepare(target)


def test_what_is_missing_is_made_if_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = _target(tmp_path, monkeypatch, f"sqlite:///{tmp_path / 'books.db'}")
    with pytest.raises(Failure, match=r"made by: holdall create library_.*:app"):
        prepare(target)
    assert prepare(target, create=True) == {}
    assert prepare(target) == {}
