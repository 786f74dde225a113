"""A journal has one identity, whoever was the first to store one and however late that can be read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall, Model, field
from holdall.errors import StoreUnavailable
from holdall.query import Query
from holdall.session.journal import journal as module
from holdall.session.journal.schema import JOURNAL
from holdall.store import Change, Outcome, Row

pytestmark = pytest.mark.anyio


class Note(Model):
    id: int = field(pk=True)


class Tag(Model):
    id: int = field(pk=True)


async def _opened(path: Path) -> Holdall:
    app = Holdall("notes")
    app.add_store("main", f"sqlite:///{path}/notes.db")
    app.add_store("other", f"sqlite:///{path}/tags.db")
    app.add(Note, store="main")
    app.add(Tag, store="other")
    await app.create()
    return app


class Late:
    """A store whose answers lag behind what it has: a row can be read at the third look after it was written."""

    def __init__(self, store: Any, lag: int = 3) -> None:
        self.name = store.name
        self._store = store
        self._lag = self._left = lag

    async def fetch(self, query: Query[Any]) -> Sequence[Row]:
        self._left -= 1
        return [] if self._left > 0 else await self._store.fetch(query)

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        done: Sequence[Outcome] = await self._store.apply(changes)
        self._left = self._lag
        return done


async def test_many_who_ask_at_once_are_told_one(tmp_path: Path) -> None:
    apps = [await _opened(tmp_path), await _opened(tmp_path)]
    homes: list[Any] = [app.stores["main"] for app in apps]
    for app in apps:
        app.bindings.journal._identities.clear()
    told = await asyncio.gather(
        *(apps[number % 2].bindings.journal._stored_identity(homes[number % 2]) for number in range(20))
    )
    assert len(set(told)) == 1
    [row] = await homes[0].fetch(Query(JOURNAL.name))
    assert told[0] in row
    for app in apps:
        await app.close()


async def test_an_identity_that_cannot_be_read_yet_is_waited_for(tmp_path: Path) -> None:
    app = await _opened(tmp_path)
    journal, store = app.bindings.journal, app.stores["main"]
    known = await journal.identity(store)
    late: Any = Late(store)
    assert await journal.identity(late) == known
    await app.close()


async def test_one_that_can_never_be_read_is_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_IDENTITY_TRIES", 3)
    app = await _opened(tmp_path)
    journal, store = app.bindings.journal, app.stores["main"]
    await journal.identity(store)
    never: Any = Late(store, lag=10_000)
    with pytest.raises(StoreUnavailable, match="store 'main': the identity of its journal"):
        await journal.identity(never)
    await app.close()
