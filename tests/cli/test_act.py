"""``holdall act`` and ``holdall select``: actions and selections by their names, as a user."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.terminal import run

_LIBRARY = """
from typing import Annotated
from holdall import (
    Action, ActionPolicy, All, Each, Everyone, Ge, Holdall, Le, Model, Nothing, Policy, Role, desc, field, param
)
from holdall.actions.house import Export

class Book(Model, collection="books"):
    id: int = field(pk=True)
    title: str
    pages: int = 0
    owner: str = ""
    score: float = 0.0

class Vote(Action[Book], on=Each):
    score: Annotated[float, Ge(0), Le(10)]

    async def run(self, context, book: Book) -> float:
        book.score = self.score
        return book.score

class Report(Action[Book], on=All):
    async def run(self, context, books: list[Book]) -> list[str]:
        return [book.title for book in books]

class Grow(Action[Book], on=Each, as_job=True):
    async def run(self, context, book: Book) -> int:
        book.pages += 1000 // (book.id - 2)
        return book.pages

class Import(Action[Book], on=Nothing):
    titles: list[str]

    async def run(self, context) -> int:
        return len(context.session.add_all([Book(id=n, title=t) for n, t in enumerate(self.titles, 10)]))

app = Holdall("library")
app.add_store("main", "sqlite:///library.db")
app.add(Book, store="main", policy=Policy(read=Book.owner != "secret", write=Role("clerk")))
app.add_action(Vote, policy=ActionPolicy(see=Role("reader"), execute=Role("reader") & (Book.pages > 0)))
app.add_action(Report, policy=ActionPolicy(execute=Role("reader")))
app.add_action(Grow, policy=ActionPolicy(execute=Role("reader")))
app.add_action(Import, policy=ActionPolicy(execute=Role("clerk")))
app.add_action(Export[Book], policy=ActionPolicy(execute=Role("reader")))
app.add_selection(
    "long", Book.where(Book.pages >= param("pages", int)).sort(desc(Book.pages)).only(Book.title, Book.pages)
)
app.add_selection("all", Book.where(), policy=Role("reader"))
if __name__ == "library":
    with app.sync.session() as s:
        app.sync.create()
        if not s.count(Book.where()):
            s.add_all([Book(id=n, title=f"=b{n}", pages=n * 100, owner="secret" * (n == 3)) for n in range(4)])
"""
_READER = ("--as", "ann", "--role", "reader")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "library.py").write_text(_LIBRARY)
    return tmp_path


def test_actions_that_are_jobs(folder: Path) -> None:
    act = ("holdall", "act", "library:app", "books")
    grown = run(folder, *act, "grow", "--key", "1", *_READER)
    assert (grown.code, json.loads(grown.output)) == (0, [{"key": "1", "result": -900}])
    failed = run(folder, *act, "grow", "--where", "pages <= 200", *_READER)
    assert failed.code == 1
    assert "3 seen, 1 failed" in failed.errors
    assert "2: ZeroDivisionError at library.py:" in failed.errors
    later = run(folder, *act, "vote", "score=7", "--key", "2", "--later", *_READER)
    job = later.output.strip()
    shown = run(folder, "holdall", "jobs", "resume", "library:app", job)
    assert (shown.code, "books/vote: done" in shown.output) == (0, True)
    assert run(folder, *act, "vote", "score=7", "--key", "1", "--later", "--dry-run", *_READER).code == 2


def test_actions_on_a_record_on_several_and_on_nothing(folder: Path) -> None:
    act = ("holdall", "act", "library:app", "books")
    one = run(folder, *act, "vote", "score=8", "--key", "1", *_READER)
    assert (one.code, json.loads(one.output), one.errors) == (0, 8.0, "")
    dry = run(folder, *act, "vote", "score=3", "--where", "pages > 0", "--dry-run", *_READER)
    assert dry.code == 0, dry.errors
    assert "update 2 books" in dry.output
    read = run(folder, "holdall", "select", "library:app", "books", "all", *_READER)
    assert [json.loads(line)["score"] for line in read.output.splitlines()] == [0.0, 8.0, 0.0]  # nothing of the dry run
    both = run(folder, *act, "vote", "score=3", "--where", "pages > 0", *_READER)
    assert json.loads(both.output) == [3.0, 3.0]  # and not the secret one
    chosen = run(folder, *act, "report", "--selection", "long", "--param", "pages=0", *_READER)
    assert json.loads(chosen.output) == ["=b2", "=b1", "=b0"]
    taken = run(folder, *act, "import", 'titles=["Emma","Faust"]', "--as", "cleo", "--role", "clerk")
    assert json.loads(taken.output) == 2
    file = run(folder, *act, "export", 'columns=["title","pages"]', "--where", "pages > 100", *_READER)
    assert (file.code, file.output) == (0, "title,pages\n'=b2,200\n"), file.errors


@pytest.mark.parametrize(
    "arguments, code, said",
    [
        (("vote", "score=99", "--key", "1", *_READER), 1, "score"),
        (("vote", "score=1", "more=2", "--key", "1", *_READER), 1, "more"),
        (("vote", "score=1", "score=2", "--key", "1", *_READER), 2, "score is given twice"),
        (("vote", "score=1", "--key", "0", *_READER), 1, "not available"),
        (("vote", "score=1", "--key", "3", *_READER), 2, "no books with key 3"),
        (("vote", "score=1", "--key", "9", *_READER), 2, "no books with key 9"),
        (("vote", "score=1", "--key", "1", "--as", "eve"), 2, "no action of books with key 'vote'"),
        (("absent", "--key", "1", *_READER), 2, "no action of books with key 'absent'; there are vote"),
        (("vote", "score=1", "--key", "1", "--where", "pages > 0", *_READER), 2, "by --key, by --where"),
        (("vote", "score=1", "--where", "pages >", *_READER), 1, ""),
        (("vote", "score=1", *_READER), 2, "name them by --key, --where or --selection"),
        (("vote", "score=1", "--where", "pages > 0", "--max-affected", "1", *_READER), 1, "LimitExceeded"),
    ],
)
def test_refusals_are_sentences(folder: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    refused = run(folder, "holdall", "act", "library:app", "books", *arguments)
    assert refused.code == code, refused
    assert said in refused.errors
    assert "Traceback" not in refused.errors
    assert refused.output == ""


def test_selections_in_both_forms_sorted_counted_and_refused(folder: Path) -> None:
    select = ("holdall", "select", "library:app", "books")
    lines = run(folder, *select, "long", "pages=100", "--sort", "title", *_READER)
    assert [json.loads(line) for line in lines.output.splitlines()] == [
        {"title": "=b1", "pages": 100},
        {"title": "=b2", "pages": 200},
    ]
    table = run(folder, *select, "long", "pages=100", "--format", "csv", *_READER)
    assert table.output == "title,pages\n'=b2,200\n'=b1,100\n"
    assert run(folder, *select, "long", "pages=0", "--count", *_READER).output == "3\n"
    for arguments, said in [
        (("long", *_READER), "pages"),
        (("long", "pages=x", *_READER), "pages"),
        (("all", "--as", "eve"), "no selection of books with key 'all'"),
        (("all", "--sort", "absent", *_READER), "absent"),
        (("long", "pages=1", "--sort", "absent", *_READER), "there are title, pages"),
        (("all", "--sort", "__class__", *_READER), "__class__"),
    ]:
        refused = run(folder, *select, *arguments)
        assert refused.code in {1, 2}
        assert said in refused.errors, refused
        assert "Traceback" not in refused.errors
