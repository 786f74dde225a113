"""A damaged list of records that a user may not see is told without its name, whatever he asks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdall import Everyone, Fill, Holdall, Many, Model, Policy, Ref, Role, User, back, field
from holdall.testing.client import Client
from holdall.web.view import CollectionView

pytestmark = pytest.mark.anyio


class Shelf(Model, collection="shelves"):
    id: int = field(pk=True)
    size: int = 0
    volumes: Many[Volume] = back("shelf", fill=Fill.STORED)


class Volume(Model, collection="volumes"):
    id: int = field(pk=True)
    shelf: Ref[Shelf | None] = field(default=None)


_BOSS = Policy(read=Role("boss"), write=Role("boss"))
_ASKED = (("GET", "/shelves", None), ("GET", "/shelves/1", None), ("PATCH", "/shelves/1", {"size": 2}))


async def _world(folder: Path) -> Holdall:
    app = Holdall("damage")
    app.add_store("main", f"yaml:{folder}")
    app.add(Shelf, store="main", policy=Policy(read=Everyone, write=Everyone))
    app.add(Volume, store="main", policy=_BOSS)
    await app.create()
    async with app.session() as s:
        s.add_all([Shelf(id=1), Shelf(id=2)])
    async with app.session() as s:
        s.add(Volume(id=7, shelf=1))
    place = folder / "shelves" / "1.yaml"
    assert "7" in place.read_text()
    place.write_text(place.read_text().replace("7", "no"))
    return app


async def _answers(app: Holdall, user: User) -> list[tuple[int, bytes]]:
    async def who(scope: Any) -> User:
        return user

    async with Client(app.asgi(authenticate=who)) as client:
        found = [await client.request(method, path, json=body) for method, path, body in _ASKED]
        return [(answer.status, answer.body) for answer in found]


async def test_the_field_is_named_to_those_alone_who_may_see_it(tmp_path: Path) -> None:
    app = await _world(tmp_path)
    shown = await _answers(app, User("boss", roles=frozenset({"boss"})))
    hidden = await _answers(app, User("ann"))
    assert [status for status, _ in shown] == [status for status, _ in hidden] == [200, 500, 422]
    assert all(b"volumes" in body for _, body in shown)
    for _, body in hidden:
        assert b"volumes" not in body
        assert b'"code":"unreadable"' in body


async def test_a_planted_view_that_hides_nothing_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = await _world(tmp_path)
    monkeypatch.setattr(CollectionView, "hidden", lambda *_: set())
    assert any(b"volumes" in body for _, body in await _answers(app, User("ann")))
