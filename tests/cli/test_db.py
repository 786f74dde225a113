"""Tables revised by the command line, as a program grows a field."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.preloaded import PreloadedProcess
from tests.support.terminal import run

_LIBRARY = """
from holdall import Holdall, Model, field

class Book(Model, collection="books"):
    id: int = field(pk=True, generated=True)
    title: str

app = Holdall("library")
app.add_store("main", "sqlite:///library.db")
app.add_store("cache", "memory:")
app.add(Book, store="main")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "library.py").write_text(_LIBRARY)
    return tmp_path


def test_a_field_is_added_and_taken_back(folder: Path) -> None:
    first = run(folder, "holdall", "db", "revision", "library:app", "-m", "first")
    assert (first.code, first.errors) == (0, "")
    assert "main: revisions/main/" in first.output
    waiting = run(folder, "holdall", "db", "check", "library:app")
    assert waiting.code == 1
    assert "first is not carried out: holdall db upgrade library:app" in waiting.errors
    assert " first" in run(folder, "holdall", "db", "upgrade", "library:app").output
    with closing(sqlite3.connect(folder / "library.db")) as connection:
        connection.execute("insert into books (title) values ('Emma')")
        connection.commit()

    (folder / "library.py").write_text(_LIBRARY.replace("title: str", "title: str\n    pages: int"))
    drift = run(folder, "holdall", "db", "check", "library:app")
    assert drift.code == 1
    assert "main: add column books.pages" in drift.errors
    refused = run(folder, "holdall", "db", "revision", "library:app", "-m", "pages")
    assert refused.code == 1
    assert "say the value for them (books.pages=…)" in refused.errors
    assert "Traceback" not in refused.errors
    made = run(folder, "holdall", "db", "revision", "library:app", "-m", "pages", "--fill", "books.pages=7")
    assert made.code == 0
    run(folder, "holdall", "db", "upgrade", "library:app")
    with closing(sqlite3.connect(folder / "library.db")) as connection:
        assert connection.execute("select title, pages from books").fetchall() == [("Emma", 7)]
    assert "as the models say" in run(folder, "holdall", "db", "check", "library:app").output
    history = run(folder, "holdall", "db", "history", "library:app").output.splitlines()
    assert [line.split(" ", 2)[2] for line in history] == ["done first", "done pages"]
    taken = run(folder, "holdall", "db", "downgrade", "library:app", history[0].split(" ")[1][:6])
    assert "pages is taken back" in taken.output


def test_a_function_changes_all_records(folder: Path) -> None:
    (folder / "steps.py").write_text(
        "number = 5\ndef shout(book):\n    book.title = book.title.upper()\ndef pair(one, other):\n    pass\n"
    )
    (folder / "broken.py").write_text("def shout(\n")
    run(folder, "holdall", "create", "library:app")
    with closing(sqlite3.connect(folder / "library.db")) as connection:
        connection.execute("insert into books (title) values ('Emma')")
        connection.commit()
    told = run(folder, "holdall", "migrate", "library:app", "books", "steps:shout")
    assert told.code == 0
    assert told.output.splitlines() == [
        "books: 1 seen, 1 would be changed, 0 failed",
        "  1: title: 'Emma' -> 'EMMA'",
        "nothing was written: --execute does",
    ]
    done = run(folder, "holdall", "migrate", "library:app", "books", "steps:shout", "--execute", "--name", "shout")
    assert done.output.startswith("books: 1 seen, 1 changed, 0 failed")
    with closing(sqlite3.connect(folder / "library.db")) as connection:
        assert connection.execute("select title from books").fetchall() == [("EMMA",)]
    for words, told_of, code in (
        (["pages", "steps:shout"], "there is no collection 'pages'; there are books", 2),
        (["books", "shout"], "'shout' is not of the form module:function, as in steps:slugged", 2),
        (["books", "steps.py:shout"], "'steps.py' is a file; name the module as an import does", 2),
        (["books", "steps:whisper"], "module steps has no whisper", 2),
        (["books", "steps:number"], "'steps:number' is no function; a migration is a function that takes a record", 2),
        (["books", "steps:pair"], "a migration is a function that takes a record", 1),
        (["books", "broken:shout"], "broken.py:1 with SyntaxError", 1),
        (["books", "nowhere:shout"], "there is no module nowhere", 2),
    ):
        refused = run(folder, "holdall", "migrate", "library:app", *words)
        assert refused.code == code
        assert told_of in refused.errors


def test_words_that_are_none_are_told(folder: Path) -> None:
    for words, told in (
        (["revision", "library:app", "-m", "x", "--rename", "books.title"], "is not of the form name=value"),
        (["upgrade", "library:app", "--store", "cache"], "'cache' is no store whose tables can be revised"),
        (["downgrade", "library:app", "nowhere"], "there is no revision 'nowhere'"),
    ):
        refused = run(folder, "holdall", "db", *words)
        assert refused.code != 0
        assert told in refused.errors
        assert "Traceback" not in refused.errors


def test_the_sql_can_be_given_to_somebody_else(folder: Path) -> None:
    run(folder, "holdall", "db", "revision", "library:app", "-m", "first")
    told = run(folder, "holdall", "db", "sql", "library:app").output
    assert "CREATE TABLE books" in told
    assert "INSERT INTO alembic_version" in told


def test_two_programs_that_upgrade_a_file_at_once_take_turns(folder: Path) -> None:
    run(folder, "holdall", "db", "revision", "library:app", "-m", "first")
    words, pipe = ["-m", "holdall", "db", "upgrade", "library:app"], subprocess.PIPE
    both = [PreloadedProcess(*words, folder=folder, stdout=pipe, is_text=True) for _ in range(2)]
    said = sorted(each.communicate(timeout=120)[0].strip().split(" ")[-1] for each in both)
    assert [each.returncode for each in both] == [0, 0]
    assert said == ["first", "missing"]
