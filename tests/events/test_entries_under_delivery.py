"""Entries that are retried and dropped while somebody else delivers them, or writes their row."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from holdall import Holdall
from holdall.errors import NotFound
from holdall.events.outbox_row import rows_of
from holdall.events.rows import RowBinding
from holdall.events.settling import Standing, settle
from holdall.testing.wrapping import wrap_store
from tests.support.event_library import Book, changed_books

pytestmark = pytest.mark.anyio


class _Meddling:
    """A store before whose writes somebody else is faster, so many times."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.times = 0
        self.act: Callable[[], Awaitable[object]]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def apply(self, changes: Any) -> Any:
        if self.times:
            self.times, left = 0, self.times - 1
            await self.act()
            self.times = left
        return await self.store.apply(changes)


async def _waiting(app: Holdall, number: int) -> tuple[_Meddling, RowBinding]:
    """So many events of one commit, in the store that this gives, and their outbox."""
    app.after(Book.changed, name="tell")(print)
    await changed_books(app, number)
    made: list[_Meddling] = []

    def wrap(store: Any) -> Any:
        made.append(_Meddling(store))
        return made[0]

    wrap_store(app, "main", wrap)
    binding = app.bindings.of_name("holdall_outbox_main")
    assert isinstance(binding, RowBinding)
    return made[0], binding


@pytest.mark.parametrize("number", [1, 3], ids=["one event", "a bundle"])
@pytest.mark.parametrize("verb", ["retry", "drop"])
async def test_an_event_that_was_delivered_meanwhile_is_not_found(app: Holdall, number: int, verb: str) -> None:
    store, outbox = await _waiting(app, number)
    (row,) = await rows_of(outbox)
    first, *others = row.waiting()
    store.act, store.times = lambda: settle(outbox, row, {first.number: None}), 1
    (entry, *_) = [entry.id async for entry in app.outbox.entries()]
    with pytest.raises(NotFound):
        await getattr(app.outbox, verb)(entry)
    assert [each.event async for each in app.outbox.entries()] == [each.event for each in others]


async def test_an_event_of_a_bundle_that_is_written_all_the_time_is_dropped_in_the_end(app: Holdall) -> None:
    store, outbox = await _waiting(app, 3)

    async def tried() -> None:
        (row,) = await rows_of(outbox)
        await settle(outbox, row, {1: Standing(row.attempts, None, "no")})

    store.act, store.times = tried, 12
    (_, _, entry) = [entry.id async for entry in app.outbox.entries()]
    await app.outbox.drop(entry)
    (row,) = await rows_of(outbox)
    assert [(each.number, each.error) for each in row.waiting()] == [(0, ""), (1, "no")]
    assert store.times == 0
