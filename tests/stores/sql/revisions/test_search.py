"""Revisions of models whose texts are searched: PostgreSQL's column of words comes, changes and goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall, Model, field

pytestmark = pytest.mark.anyio


def opened(url: str, *searched: str) -> tuple[Holdall, Any]:
    class Essay(Model, collection="essay", search=searched):
        id: int = field(pk=True)
        title: str
        body: str | None = None

    app = Holdall("essays")
    app.add_store("main", url)
    app.add(Essay, store="main")
    return app, Essay


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_search_comes_changes_and_goes(
    kind: str, request: Any, fresh_database: Callable[[str], str], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/a.db" if kind == "sqlite" else fresh_database(request.getfixturevalue("postgres_url"))
    is_changed = kind == "postgresql"
    for number, searched in enumerate([("title",), ("title", "body"), (), ("body",)]):
        app, essay = opened(url, *searched)
        revisions = app.revisions(tmp_path / "revisions")
        made = await revisions.make(f"version {number}")
        assert bool(made) is (is_changed or not number), searched
        await revisions.upgrade()
        assert await revisions.drift() in ({}, {"main": []})
        async with app.session() as session:
            session.add(essay(id=number, title="left", body="hand"))
        assert not any("holdall_search" in each for each in (await app.inspect()).get("main", []))
        for words in searched and ("left" if "title" in searched else "hand",):
            async with app.session() as session:
                assert len(await session.query(essay.where(essay.search(words)))) == number + 1
                if is_changed:
                    assert "holdall_search" in str(await session.explain(essay.where(essay.search(words))))
        if number and is_changed:
            await revisions.downgrade((await revisions.history())["main"][-2].name)
            await revisions.upgrade()
        await app.close()
