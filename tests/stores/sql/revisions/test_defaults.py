"""A new column gets the default of its field, also where a class makes that: lists, objects, lists of files."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdall import File, Holdall, Model, field, file
from holdall.errors import RevisionError

pytestmark = [pytest.mark.early, pytest.mark.anyio]


class Place(msgspec.Struct):
    street: str = ""


class Sheet(Model, collection="sheets"):
    id: int = field(pk=True)


class Later(Model, collection="sheets"):
    id: int = field(pk=True)
    tags: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    place: Place = field(default_factory=Place)
    pictures: list[File] = file("pictures", default_factory=list)


class Random(Model, collection="sheets"):
    id: int = field(pk=True)
    mark: uuid.UUID = field(default_factory=uuid.uuid4)


def opened(url: str, tmp_path: Path, *models: Any) -> Holdall:
    app = Holdall("sheets")
    app.add_store("main", url)
    app.add_files("pictures", f"file:{tmp_path}/pictures")
    app.add(*models, store="main")
    return app


@pytest.mark.parametrize("kind", ["sqlite", "postgres_url", "mariadb_url"])
async def test_lists_and_objects_are_empty_in_records_that_are_there(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, fresh_database: Callable[[str], str]
) -> None:
    url = f"sqlite:///{tmp_path}/s.db" if kind == "sqlite" else fresh_database(request.getfixturevalue(kind))
    app = opened(url, tmp_path, Sheet)
    revisions = app.revisions(tmp_path / "revisions")
    await revisions.make("first")
    await revisions.upgrade()
    async with app.session() as session:
        session.add(Sheet(id=1))
    await app.close()
    app = opened(url, tmp_path, Random)
    with pytest.raises(RevisionError, match=r"sheets\.mark must have a value"):
        await app.revisions(tmp_path / "revisions").make("random")
    await app.close()
    app = opened(url, tmp_path, Later)
    await app.revisions(tmp_path / "revisions").make("later")
    await app.revisions(tmp_path / "revisions").upgrade()
    assert await app.inspect() == {}
    async with app.session() as session:
        sheet = await session.require(Later, 1)
        assert (sheet.tags, sheet.counts, sheet.place, sheet.pictures) == ([], {}, Place(), [])
        sheet.tags.append("a")
        sheet.pictures.append(File(b"x", name="x"))
    await app.close()
