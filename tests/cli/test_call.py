"""``holdall call``: one command is one context."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.terminal import run

_LIBRARY = """
from holdall import Holdall, Model, Policy, Role, Service, SyncService, field

class Book(Model):
    id: int = field(pk=True)
    title: str

class Loans(Service):
    async def take_in(self, id, title="untitled"):
        return self.session.add(Book(id=id, title=title))

    async def who(self):
        return [self.context.user.id, sorted(self.context.user.roles), self.context.meta.command]

    async def fail(self):
        self.session.add(Book(id=99, title="never"))
        await self.session.require(Book, 7)

class Plain(SyncService):
    def titles(self):
        return [book.title for book in self.session.query(Book.where().sort(Book.id))]

app = Holdall("library")
app.add_store("main", "sqlite:///library.db")
app.add(Book, store="main", policy=Policy(write=Role("clerk")))
app.add_services(loans=Loans(), plain=Plain())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "library.py").write_text(_LIBRARY)
    assert run(tmp_path, "holdall", "create", "library:app").code == 0
    return tmp_path


def test_a_method_is_called_and_its_result_printed(folder: Path) -> None:
    first = run(folder, "holdall", "call", "library:app", "loans.take_in", "1", "title=Emma")
    assert (first.code, json.loads(first.output), first.errors) == (0, {"id": 1, "title": "Emma"}, "")
    assert run(folder, "holdall", "call", "library:app", "loans.take_in", "2").code == 0
    assert json.loads(run(folder, "holdall", "call", "library:app", "plain.titles").output) == ["Emma", "untitled"]


def test_it_acts_for_the_program_or_for_a_user(folder: Path) -> None:
    who = ["holdall", "call", "library:app", "loans.who"]
    assert json.loads(run(folder, *who).output) == ["system", [], "loans.who"]
    assert json.loads(run(folder, *who, "--as", "ann", "--role", "clerk", "--role", "boss").output) == [
        "ann", ["boss", "clerk"], "loans.who",
    ]  # fmt: skip
    refused = run(folder, "holdall", "call", "library:app", "loans.take_in", "3", "--as", "ann")
    assert refused.code == 1
    assert "Forbidden: no right to create book" in refused.errors
    assert run(folder, *who, "--role", "clerk").code == 2


def test_failures_are_sentences_and_write_nothing(folder: Path) -> None:
    failed = run(folder, "holdall", "call", "library:app", "loans.fail")
    assert (failed.code, failed.errors) == (1, "holdall: NotFound: no book with key 7\n")
    unknown = run(folder, "holdall", "call", "library:app", "loans.setup")
    assert (unknown.code, "there is no command 'loans.setup'" in unknown.errors) == (2, True)
    assert json.loads(run(folder, "holdall", "call", "library:app", "plain.titles").output) == []
