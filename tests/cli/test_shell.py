"""``holdall shell``: statements run on one loop in one session, and nothing is written that was not committed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from holdall.cli.console import Console
from tests.support.terminal import Said, invoke

_LIBRARY = """
from holdall import Everyone, Holdall, Model, Policy, Role, field

class Book(Model, collection="books"):
    id: int = field(pk=True)
    title: str

app = Holdall("library")
app.add_store("main", "sqlite:///library.db")
app.add(Book, store="main", policy=Policy(read=Everyone, write=Role("clerk")))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "library.py").write_text(_LIBRARY)
    assert invoke(tmp_path, "create", "library:app").code == 0
    return tmp_path


def shell(folder: Path, *arguments: str, given: str = "") -> Said:
    return invoke(folder, "shell", "library:app", *arguments, given=given)


def test_a_program_has_the_session_and_the_models_at_hand(folder: Path) -> None:
    program = """
session.add(Book(id=1, title="Emma"))
await session.commit()
async def titles():
    return [book.title for book in await session.query(Book.where().sort(desc(Book.id)))]
print(await titles(), app.active_session is session)
"""
    said = shell(folder, given=program)
    assert (said.code, said.output, said.errors) == (0, "['Emma'] True\n", "")


def test_changes_that_nobody_commits_are_told_and_not_written(folder: Path) -> None:
    said = shell(folder, "-c", "session.add(Book(id=1, title='Emma'))")
    assert (said.code, "await session.commit()" in said.errors) == (0, True)
    assert shell(folder, "-c", "print(await session.count(Book.where()))").output == "0\n"


def test_the_session_is_that_of_the_user(folder: Path) -> None:
    program = "session.add(Book(id=1, title='Emma')); await session.commit()"
    refused = shell(folder, "-c", program, "--as", "ann")
    assert (refused.code, refused.errors[:18]) == (1, "holdall: Forbidden")
    assert shell(folder, "-c", program, "--as", "cleo", "--role", "clerk").code == 0


def test_an_error_of_a_program_is_one_line_and_its_traceback_on_demand(folder: Path) -> None:
    said = shell(folder, "-c", "1/0")
    assert (said.code, said.output) == (70, "")
    assert said.errors == (
        "holdall: the command fails at <input>:1 with ZeroDivisionError: division by zero; --verbose shows the"
        " traceback\n"
    )
    assert "Traceback" in shell(folder, "-c", "1/0", "--verbose").errors


def test_the_prompt_goes_on_after_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {"asyncio": asyncio}
    with asyncio.Runner() as runner:
        console = Console(names, runner)
        for line in ("1/0", "async def three():", "    return 3", "", "x = await three()", "await x"):
            console.push(line)
        task = "begun = asyncio.get_running_loop().create_task(three())"
        for line in (task, "y = await begun", "y"):
            console.push(line)
    printed = capsys.readouterr()
    assert (names["x"], names["y"], printed.out) == (3, 3, "3\n")
    assert printed.err.count("Traceback") == 2
