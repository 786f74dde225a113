"""Revisions of several stores, each of what is its own, and of tables that were made without any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdall import Holdall, Model, field
from holdall.errors import RevisionError
from tests.stores.sql.revisions.test_versions import clean, opened
from tests.support.library_versions import VERSIONS

pytestmark = pytest.mark.anyio


def made_model(name: str, text: str) -> type[Model]:
    metaclass: Any = type(Model)
    fields = {"__annotations__": {"id": int, text: str}, "id": field(pk=True)}
    model: type[Model] = metaclass(name, (Model,), fields, collection=name)
    return model


async def test_of_several_stores_each_has_what_is_its_own(tmp_path: Path) -> None:
    def opened_with(**names: Any) -> Holdall:
        app = Holdall("library")
        for name in ("first", "second"):
            app.add_store(name, f"sqlite:///{tmp_path}/{name}.db")
            app.add(made_model(name, names.get(name, "title")), store=name)
        return app

    folder = tmp_path / "revisions"
    app = opened_with()
    revisions = app.revisions(folder)
    assert await revisions.upgrade() == {}
    with pytest.raises(RevisionError, match=r"no revision in .* yet to be noted"):
        await revisions.stamp()
    await app.create()
    with pytest.raises(RevisionError, match=r"no store has the table that 'third\.title' names"):
        await revisions.make("rename", renames={"third.title": "name"})
    made = await revisions.make("base", is_baseline=True, store="first")
    assert await revisions.downgrade("base") == {"first": [made["first"]]}, "the second has none to take back"
    await app.create()
    await revisions.stamp()
    assert list(await revisions.make("base", is_baseline=True)) == ["second"]
    await app.close()

    app = opened_with(second="name")
    revisions = app.revisions(folder)
    assert list(await revisions.make("rename", renames={"second.title": "name"})) == ["second"]
    (_, rename) = (await revisions.history())["second"]
    assert await revisions.upgrade(rename.name[:8]) == {"second": [msgspec.structs.replace(rename, is_applied=True)]}
    await app.close()

    app = opened_with(first="name", second="label")
    revisions = app.revisions(folder)
    with pytest.raises(RevisionError, match=r"'second'.*second\.label must have a value"):
        await revisions.make("labels", fills={"first.name": "x"})
    assert [len(each) for each in (await revisions.history()).values()] == [1, 2], "a refusal leaves no file of another"
    await app.close()


async def test_tables_that_create_made_have_a_first_revision(tmp_path: Path) -> None:
    folder, app = tmp_path / "revisions", opened(f"sqlite:///{tmp_path}/old.db", VERSIONS[0])
    with pytest.raises(RevisionError, match="holdall create"):
        await app.revisions(folder).make("first", is_baseline=True)
    assert not folder.exists()
    await app.create()
    assert await app.revisions(folder).make("first") == {}
    await app.revisions(folder).make("first", is_baseline=True)
    assert [each.is_applied for each in (await app.revisions(folder).history())["main"]] == [True]
    with pytest.raises(RevisionError, match="a baseline is the first of all"):
        await app.revisions(folder).make("first", is_baseline=True)
    await app.close()

    fresh = opened(f"sqlite:///{tmp_path}/new.db", VERSIONS[0])
    await fresh.revisions(folder).upgrade()
    assert await clean(fresh, folder) == {}
    await fresh.close()


async def test_a_first_revision_of_tables_that_are_not_there_says_so(tmp_path: Path) -> None:
    app = opened(f"sqlite:///{tmp_path}/old.db", VERSIONS[0])
    await app.create()
    await app.close()
    app = opened(f"sqlite:///{tmp_path}/old.db", VERSIONS[1])
    await app.revisions(tmp_path / "revisions").make("next", renames=VERSIONS[1].renames, fills=VERSIONS[1].fills)
    await app.close()
    app = opened(f"sqlite:///{tmp_path}/new.db", VERSIONS[1])
    with pytest.raises(RevisionError, match=r"no revision is carried out here.*holdall create.*holdall db stamp"):
        await app.revisions(tmp_path / "revisions").upgrade()
    await app.close()
