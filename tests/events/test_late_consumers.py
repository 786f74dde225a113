"""Functions that are declared when the application delivers already are told as all others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from holdall import Event, Holdall
from holdall.events.outbox_row import rows_of
from tests.support.event_library import Book

pytestmark = pytest.mark.anyio


async def test_the_first_function_may_come_after_the_start(local: Holdall) -> None:
    arrived = asyncio.Event()
    async with local:

        @local.after(Book.created, name="tell")
        async def tell(event: Event) -> None:
            arrived.set()

        await _told_within(local, arrived)


async def test_it_may_come_from_a_thread(local: Holdall) -> None:
    loop, arrived = asyncio.get_running_loop(), asyncio.Event()

    def declare() -> None:
        @local.after(Book.created, name="tell")
        def tell(event: Event) -> None:
            loop.call_soon_threadsafe(arrived.set)

    async with local:
        await asyncio.to_thread(declare)
        await _told_within(local, arrived)


async def test_nothing_is_delivered_once_the_application_is_closed(local: Holdall) -> None:
    told = []
    async with local:
        pass

    @local.after(Book.created, name="tell")
    async def tell(event: Event) -> None:
        told.append(event.key)

    async with local.session() as session:
        session.add(Book(title="Emma"))
    await asyncio.sleep(0.05)
    assert not told
    assert (await local.outbox.deliver()).delivered == 1


async def test_a_feed_that_comes_after_the_start_is_swept(local: Holdall, monkeypatch: pytest.MonkeyPatch) -> None:
    swept = asyncio.Event()
    async with local:
        local.add_feed(Book)
        feed = local.listeners.feed
        assert feed is not None

        async def sweep() -> None:
            swept.set()

        monkeypatch.setattr(feed, "sweep", sweep)
        async with asyncio.timeout(5):
            await swept.wait()


async def test_one_may_come_while_events_are_looked_for(local: Holdall, monkeypatch: pytest.MonkeyPatch) -> None:
    told = []

    def declare(name: str) -> None:
        @local.after(Book.created, name=name)
        async def tell(event: Event) -> None:
            told.append(name)

    declare("first")
    await local.create()
    async with local.session() as session:
        session.add(Book(title="Emma"))

    async def reading(*given: Any, **options: Any) -> Any:
        if len(local.listeners.consumers) == 1:
            declare("second")
        return await rows_of(*given, **options)

    monkeypatch.setattr("holdall.events.outbox.rows_of", reading)
    assert (await local.outbox.deliver()).delivered == 1
    assert told == ["first"]


async def _told_within(app: Holdall, arrived: asyncio.Event) -> None:
    async with app.session() as session:
        session.add(Book(title="Emma"))
    async with asyncio.timeout(5):
        await arrived.wait()
