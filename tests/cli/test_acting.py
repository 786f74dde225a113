"""``--as``: commands act with the rights of a user whom the application knows, or that options make up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.terminal import run

_PROGRAM = """
import asyncio
from holdall import Holdall, Model, Policy, Role, Service, field, me
from holdall.actions import Action, On
from holdall.users import Account, Users

class Note(Model, collection="notes"):
    id: int = field(pk=True)
    owner: str = ""
    text: str = ""

class Shout(Action[Note], on=On.EACH):
    async def run(self, context, note):
        note.text = note.text.upper()

class Notes(Service):
    async def texts(self):
        return [note.text for note in await self.session.query(Note.where().sort(Note.id))]

    async def who(self):
        return [self.context.user.login, sorted(self.context.user.roles)]

app = Holdall("office")
app.add_store("main", "sqlite:///office.db")
rule = Role("boss") | (Note.owner == me.login)
app.add(Note, store="main", policy=Policy(read=rule, write=Role("boss")))
app.add_action(Shout)
app.add_selection("all", Note.where())
app.add_services(notes=Notes())
users = Users(app, store="main")

def longer(note):
    note.text += "!"

async def fill():
    await app.create()
    await users.add("ann")
    await users.add("bob", roles=["boss"])
    await users.add("eve")
    async with app.session() as session:
        session.add_all([Note(id=1, owner="ann", text="a"), Note(id=2, owner="bob", text="b")])
        (await session.one(Account.where(Account.login == "eve"))).is_active = False
    await app.close()

if __name__ == "__main__":
    asyncio.run(fill())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _made(tmp_path_factory.mktemp("office"))


def _made(found: Path) -> Path:
    """The program with its records, in this folder."""
    (found / "office.py").write_text(_PROGRAM)
    filled = run(found, "office")
    assert (filled.code, filled.errors) == (0, "")
    return found


def test_a_method_is_called_with_the_rights_of_an_account(folder: Path) -> None:
    texts = ["holdall", "call", "office:app", "notes.texts"]
    assert json.loads(run(folder, *texts).output) == ["a", "b"]
    assert json.loads(run(folder, *texts, "--as", "ANN").output) == ["a"]
    who = run(folder, "holdall", "call", "office:app", "notes.who", "--as", "bob")
    assert json.loads(who.output) == ["bob", ["boss"]]


@pytest.mark.parametrize(
    "words",
    [
        ["call", "office:app", "notes.texts"],
        ["select", "office:app", "notes", "all"],
        ["act", "office:app", "notes", "shout", "--key", "1"],
        ["migrate", "office:app", "notes", "office:longer"],
        ["access", "office:app", "notes", "1"],
    ],
    ids=lambda words: words[0],
)
def test_users_that_are_not_known_are_refused_by_every_command(words: list[str], folder: Path) -> None:
    told = run(folder, "holdall", *words, "--as", "carl")
    sentence = "holdall: there is no active user 'carl': --as names one by login\n"
    assert (told.code, told.output, told.errors) == (2, "", sentence)


def test_options_that_contradict_what_is_known_are_refused(folder: Path) -> None:
    who = ["holdall", "call", "office:app", "notes.who"]
    assert "no active user 'eve'" in run(folder, *who, "--as", "eve").errors  # whose account is not active
    told = run(folder, *who, "--as", "ann", "--role", "boss")
    assert (told.code, "knows the roles of its users" in told.errors) == (2, True)
    assert "word is given twice" in run(folder, *who, "word=1", "word=2").errors
    told = run(folder, *who, "--role", "boss")
    assert (told.code, "--as names" in told.errors) == (2, True)


def test_selections_and_access_are_of_the_user(folder: Path) -> None:
    rows = run(folder, "holdall", "select", "office:app", "notes", "all", "--as", "ann")
    assert [json.loads(line)["id"] for line in rows.output.splitlines()] == [1]
    for login, code in (("ann", 1), ("bob", 0)):
        assert run(folder, "holdall", "access", "office:app", "notes", "2", "--as", login).code == code


def test_a_migration_sees_and_changes_what_the_user_may(tmp_path: Path) -> None:
    folder = _made(tmp_path)
    words = ["holdall", "migrate", "office:app", "notes", "office:longer"]
    whole = run(folder, *words)
    assert (whole.code, "'a' -> 'a!'" in whole.output, "'b' -> 'b!'" in whole.output) == (0, True, True)
    for more in ([], ["--execute"]):
        told = run(folder, *words, "--as", "ann", *more)
        assert (told.code, "b!" in told.output) == (1, False)
        assert "1 records stay as they were" in told.errors
        assert "no right to update notes" in told.output
    named = run(folder, *words, "--as", "bob", "--name", "longer", "--execute")
    assert (named.code, "give name or user" in named.errors) == (1, True)
    assert run(folder, *words, "--as", "bob", "--execute").code == 0
    texts = run(folder, "holdall", "call", "office:app", "notes.texts")
    assert json.loads(texts.output) == ["a!", "b!"]
