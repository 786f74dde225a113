"""Soft deletion by fields that each model names itself: every record has the moment of what it goes with."""

from __future__ import annotations

from datetime import datetime

import pytest

from holdall import Holdall, Model, Ref, field
from holdall.model import OnDelete

pytestmark = pytest.mark.anyio


class Shelf(Model, collection="shelves"):
    id: int = field(pk=True)
    gone: datetime | None = field(auto_now="delete")


class Folder(Model, collection="folders"):
    id: int = field(pk=True)
    shelf: Ref[Shelf | None] = field(default=None, on_delete=OnDelete.CASCADE)
    left: datetime | None = field(auto_now="delete")


async def test_deletions_of_models_with_names_of_their_own_in_one_commit() -> None:
    app = Holdall("soft")
    app.add_store("main", "memory:")
    app.add(Shelf, Folder, store="main")
    async with app.session() as session:
        shelf, alone = session.add(Shelf(id=1)), session.add(Folder(id=9))
        session.add(Folder(id=2, shelf=shelf))
        await session.commit()
        session.remove(alone)
        session.remove(shelf)
        await session.commit()
        assert await session.count(Folder.where()) == 0
        session.restore(shelf)
        await session.commit()
        assert [folder.id for folder in await session.query(Folder.where())] == [2]
