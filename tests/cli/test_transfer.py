"""``holdall export`` and ``holdall import``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.terminal import run

_LIBRARY = """
from holdall import Holdall, Model, Policy, Role, field

class Book(Model, collection="books"):
    id: int = field(pk=True)
    title: str

app = Holdall("library")
app.add_store("main", "sqlite:///library.db")
app.add(Book, store="main", policy=Policy(write=Role("clerk")))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "library.py").write_text(_LIBRARY)
    (tmp_path / "books.csv").write_text("id,title\n1,Emma\nx,none\n2,Persuasion\n")
    assert run(tmp_path, "holdall", "create", "library:app").code == 0
    return tmp_path


def test_files_go_in_and_come_out(folder: Path) -> None:
    first = run(folder, "holdall", "import", "library:app", "books", "books.csv")
    assert first.code == 1
    assert "books: 3 lines, 2 created, 0 changed, 0 as they were, 1 refused" in first.output
    assert "line 3: id" in first.output
    out = run(folder, "holdall", "export", "library:app", "books", "out.jsonl", "--where", "id > 1")
    assert (out.code, out.output) == (0, "books: 1 records in out.jsonl\n")
    assert (folder / "out.jsonl").read_text() == '{"id":2,"title":"Persuasion"}\n'
    again = run(folder, "holdall", "import", "library:app", "books", "out.jsonl", "--upsert", "--dry-run")
    assert (again.code, again.output) == (
        0, "books: 1 lines, 0 would be created, 0 would be changed, 1 as they were, 0 refused\n",
    )  # fmt: skip


@pytest.mark.parametrize(
    "given, told",
    [
        (["import", "library:app", "books", "none.csv"], "the file cannot be used: none.csv: No such file"),
        (["import", "library:app", "shelves", "books.csv"], "there is no collection 'shelves'; there are books"),
        (["export", "library:app", "books", "out.csv", "--columns", "price"], "no stored field 'price'"),
        (["export", "library:app", "books", "out.csv", "--where", "pages >"], "expected a value"),
        (["export", "library:app", "books", "out.txt"], "csv or ndjson"),
        (["import", "library:app", "books", "books.csv", "--as", "ann"], "no right to create books"),
    ],
)
def test_what_is_asked_wrongly_is_told(folder: Path, given: list[str], told: str) -> None:
    done = run(folder, "holdall", *given)
    assert done.code != 0
    assert told in done.errors + done.output
    assert "Traceback" not in done.errors
    assert not (folder / "out.csv").exists()
