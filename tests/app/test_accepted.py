"""Differences are taken by their names, for a collection or a column of it, and by no name that is unknown."""

from __future__ import annotations

import pickle
from pathlib import Path

import apsw
import pytest

from holdall import Holdall, Model, field
from holdall.errors import DeclarationError, SchemaMismatch
from holdall.store import ACCEPTABLE, DIFFERENCES, Difference, named
from tests.support.terminal import run

pytestmark = pytest.mark.anyio


class Item(Model):
    id: int = field(pk=True)
    name: str
    code: str


@pytest.fixture
def url(tmp_path: Path) -> str:
    database = apsw.Connection(str(tmp_path / "items.db"))
    database.execute(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE NOT NULL,"
        " code TEXT COLLATE RTRIM NOT NULL)"
    )
    database.close()
    return f"sqlite:///{tmp_path}/items.db"


def _app(url: str, *accept: str) -> Holdall:
    app = Holdall("items")
    app.add_store("main", url)
    app.add(Item, store="main", accept=accept)
    return app


@pytest.mark.parametrize(
    "accept, left",
    [
        ([], ["name", "code"]),
        (["collation"], []),
        (["collation:code"], ["name"]),
        (["collation:code", "collation:name"], []),
        (["trigger"], ["name", "code"]),
    ],
)
async def test_some_are_accepted(url: str, accept: list[str], left: list[str]) -> None:
    app = _app(url, *accept)
    found, accepted = (await app.inspect()).get("main", []), (await app.accepted()).get("main", [])
    assert [each.column for each in found if isinstance(each, Difference)] == left
    assert len(found) + len(accepted) == 2
    if left:
        with pytest.raises(SchemaMismatch, match=r"compared by .* \[collation\]"):
            await app.verify()
    else:
        await app.verify()
        async with app.session() as s:
            s.add(Item(id=1, name="Abc", code="x"))
        async with app.session() as s:  # as its column compares
            assert await s.count(Item.where(Item.name == "ABC")) == 1
    await app.close()


@pytest.mark.parametrize(
    "accept, told",
    [
        (["colation"], "did you mean collation"),
        (["missing-table"], "nothing could be read"),
        (["type", 7], "names of differences"),
        ("type", "names of differences"),
    ],
)
def test_other_names_are_refused(url: str, accept: list[str], told: str) -> None:
    app = Holdall("items")
    app.add_store("main", url)
    with pytest.raises(DeclarationError, match=told):
        app.add(Item, store="main", accept=accept)


def test_check_lists_what_is_accepted(url: str, tmp_path: Path) -> None:
    source = f"""
from holdall import Holdall, Model, field
class Item(Model):
    id: int = field(pk=True)
    name: str
    code: str
app = Holdall("items")
app.add_store("main", {url!r})
app.add(Item, store="main", accept=ACCEPT)
"""
    (tmp_path / "some.py").write_text(source.replace("ACCEPT", '["collation:name"]'))
    (tmp_path / "every.py").write_text(source.replace("ACCEPT", '["collation"]'))
    refused, passed = run(tmp_path, "holdall", "check", "some:app"), run(tmp_path, "holdall", "check", "every:app")
    assert refused.code == 1
    assert "item.code is compared by RTRIM, not code point by code point as by BINARY [collation]" in refused.errors
    assert "app.add(..., accept=[name])" in refused.errors
    assert passed.code == 0
    assert [line.rpartition(" ")[2] for line in passed.output.splitlines()][:2] == ["[collation]", "[collation]"]
    assert passed.output.startswith("accepted: main: item.")


def test_names_are_whole() -> None:
    told = Difference("it differs", "type", "item", "name")
    again = pickle.loads(pickle.dumps(told))
    assert (again, again.code, again.collection, again.column) == (told, "type", "item", "name")
    assert named(told) == "it differs [type]"
    assert named("a sentence") == "a sentence"
    assert set(DIFFERENCES) >= ACCEPTABLE


def test_the_sync_facade_lists_them_too(url: str) -> None:
    app = _app(url, "collation")
    assert len(app.sync.accepted()["main"]) == 2
    app.sync.close()
