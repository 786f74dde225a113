"""Why a user may do something with a record: each rule, and whether it holds."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from holdall import Everyone, FieldRights, Holdall, Model, Policy, Role, User, field
from holdall.errors import StateError
from tests.support.office import DOCS, USERS, Doc, office, sees
from tests.support.preloaded import run_preloaded

pytestmark = pytest.mark.anyio

_PROGRAM = """
from holdall import Holdall, Model, Owner, Policy, Role, field

class Note(Model):
    id: int = field(pk=True)
    owner: str

app = Holdall("notes")
app.add_store("main", "sqlite:///notes.db")
app.add(Note, store="main", policy=Policy(read=Role("boss") | Owner("owner")))
"""


@pytest.mark.parametrize("layout", ["memory", "scattered"])
async def test_what_is_told_is_what_holds(layout: str, tmp_path: Path) -> None:
    app = await office(layout, tmp_path)
    async with app.session() as session:
        for doc in DOCS:
            record = await session.require(Doc, doc["id"])
            for name, user in USERS.items():
                report = await app.explain_access(user, "read", record)
                assert report.is_allowed == sees(name, doc)
                assert any(rule.holds for rule in report.rules) or not report.is_allowed
                assert ("margin" in report.hidden) == (name not in ("auditor", "boss"))
    await app.close()


async def test_the_rule_that_decided_is_named(tmp_path: Path) -> None:
    app = await office("memory", tmp_path)
    async with app.session() as session:
        report = await app.explain_access(USERS["ann"], "update", await session.require(Doc, 1))
    told = str(report)
    assert told.startswith("ann may update docs: by ")
    lines = [line.split(maxsplit=1) for line in told.splitlines()]
    assert ["yes", "owner = me.id"] in lines
    assert ["no", "role boss or clerk"] in lines
    assert "not to be written: margin, owner, remark, score, source" in told
    assert str(await app.explain_access(User("x", unrestricted=True), "delete", Doc(id=1))).endswith("may everything")
    with pytest.raises(StateError, match="there is no right 'write'"):
        await app.explain_access(USERS["ann"], "write", Doc(id=1))


class Size(msgspec.Struct):
    width: int = 1


class Crate(Model):
    id: int = field(pk=True)
    size: Size = field(default_factory=Size)
    weight: int = 0
    label: str = ""


async def test_what_is_withheld_from_the_user_of_a_record_is_looked_at() -> None:
    app = Holdall("crates")
    app.add_store("main", "memory:")
    heavy = Policy(
        read=Everyone,
        update=(Crate.weight > 5) & Everyone & (lambda user, crate: crate.size.width == 2) & (Crate.label == "x"),
        fields={name: FieldRights(read=Role("boss")) for name in ("size", "weight")},
    )
    app.add(Crate, store="main", policy=heavy)
    async with app.session() as session:
        session.add_all([Crate(id=1, weight=9, size=Size(2)), Crate(id=2, label="x")])
    async with app.session(USERS["ann"]) as session:
        one, other = await session.require(Crate, 1), await session.require(Crate, 2)
        assert not (await app.explain_access(USERS["ann"], "update", one)).is_allowed
        one.label = "x"
        report = await app.explain_access(USERS["ann"], "update", one)
        assert (report.is_allowed, report.hidden) == (True, ("size", "weight"))
        assert not (await app.explain_access(USERS["ann"], "update", other)).is_allowed
        session.rollback()
    await app.close()


def test_the_command_tells_the_same(tmp_path: Path) -> None:
    (tmp_path / "notes.py").write_text(_PROGRAM)
    made = "import asyncio, notes\nasync def main():\n    await notes.app.create()\n"
    made += "    async with notes.app.session() as s: s.add(notes.Note(id=1, owner='ann'))\nasyncio.run(main())"
    run_preloaded("-c", made, folder=tmp_path, check=True)
    for who, code, words in (("ann", 0, "ann may read note"), ("eve", 1, "eve may not read note")):
        done = run_preloaded("-m", "holdall", "access", "notes:app", "note", "1", "--as", who, folder=tmp_path)
        assert (done.returncode, done.stdout.splitlines()[0].partition(":")[0]) == (code, words), done.stderr
