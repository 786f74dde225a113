"""The worker beside commits: what it looks for, and how long it stays with a function."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from holdall import Event, Holdall
from holdall.events import delivery
from holdall.events import worker as module
from holdall.events.outbox_row import OutboxRow, rows_of
from holdall.events.rows import RowBinding
from holdall.events.worker import Worker
from holdall.session import cancelling
from tests.support.event_library import Author, Book

pytestmark = pytest.mark.anyio


def _outbox(app: Holdall) -> RowBinding:
    found = app.bindings.of_name("holdall_outbox_main")
    assert isinstance(found, RowBinding)
    return found


async def _add(app: Holdall, title: str) -> None:
    async with app.session() as session:
        session.add(Book(title=title))


async def _sweep() -> None:
    """Nothing is kept for those who follow."""


def _telling_on(app: Holdall, most: int) -> list[str]:
    """A function that has a further event written for each that it is told, up to so many."""
    told = list[str]()

    @app.after(Book.created, name="tell")
    async def tell(event: Event) -> None:
        told.append(event.new["title"])
        if len(told) < most:
            await _add(app, str(len(told) + 1))

    return told


async def test_functions_that_are_served_are_not_looked_for(local: Holdall) -> None:
    local.after(Book.created, name="first")(print)
    local.after(Book.created, Author.created, name="second")(print)
    await local.create()
    await _add(local, "1")
    outbox = _outbox(local)
    both, name = [(outbox, "first"), (outbox, "second")], outbox.collection
    assert await local.outbox.waiting([]) == both
    assert await local.outbox.waiting([], {(name, "first")}) == both[1:]
    assert await local.outbox.waiting([], {(name, "first"), (name, "second")}) == []


async def test_who_goes_on_delivers_what_was_written_meanwhile(local: Holdall) -> None:
    told = _telling_on(local, 4)
    await local.create()
    await _add(local, "1")
    assert (await local.outbox.deliver_to(_outbox(local), "tell")).delivered == 1
    assert told == ["1"]
    assert (await local.outbox.deliver_to(_outbox(local), "tell", goes_on=True)).delivered == 0
    assert told == ["1", "2", "3", "4"]


async def test_commits_while_a_function_is_called_in_vain_are_heeded(
    local: Holdall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_EVERY", 1_000.0)
    is_called, may_end, is_told = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @local.after(Book.created, name="tell", attempts=1)
    async def tell(event: Event) -> None:
        if event.new["title"] == "1":
            is_called.set()
            await may_end.wait()
            raise ValueError("no")
        is_told.set()

    await local.create()
    worker = Worker(local.outbox, _sweep)
    local.listeners.wake = worker.wake
    worker.start()
    await _add(local, "1")
    await is_called.wait()
    await _add(local, "2")
    for _ in range(20):
        await asyncio.sleep(0)  # the worker looks, while the function is still being called
    may_end.set()
    async with asyncio.timeout(20):
        await is_told.wait()
    await worker.stop()


async def test_what_others_write_does_not_wait_for_the_next_try_of_another_record(
    local: Holdall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_EVERY", 0.01)
    told, is_failed, is_told, is_retried = list[str](), asyncio.Event(), asyncio.Event(), asyncio.Event()

    @local.after(Book.created, name="tell", backoff=3_600.0)
    async def tell(event: Event) -> None:
        told.append(event.new["title"])
        if told.count("1") == 1 and event.new["title"] == "1":
            is_failed.set()
            raise ValueError("no")
        (is_retried if event.new["title"] == "1" else is_told).set()

    await local.create()
    worker = Worker(local.outbox, _sweep)  # which nobody wakes, as little as commits of other processes do
    worker.start()
    async with asyncio.timeout(20):
        await _add(local, "1")
        await is_failed.wait()
        await _add(local, "2")
        await is_told.wait()
        (entry,) = [entry async for entry in local.outbox.entries()]
        await local.outbox.retry(entry.id)
        await is_retried.wait()
        await worker.stop()
    assert told == ["1", "2", "1"]


async def test_who_is_stopped_while_a_driver_loses_that_goes_on_no_further(
    local: Holdall, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, is_reading = _telling_on(local, 5), asyncio.Event()

    async def losing(*args: Any, **options: Any) -> list[OutboxRow]:
        found = await rows_of(*args, **options)
        if len(told) == 2 and not is_reading.is_set():
            is_reading.set()
            with suppress(asyncio.CancelledError):  # as wait_for of Python 3.11, where its work is done
                await asyncio.Event().wait()
        return found

    monkeypatch.setattr(delivery, "rows_of", losing)
    await local.create()
    await _add(local, "1")
    worker = Worker(local.outbox, _sweep)
    worker.start()
    async with asyncio.timeout(20):
        await is_reading.wait()
        await worker.stop()
    assert told == ["1", "2"]


async def test_a_function_that_heeds_no_cancellation_is_not_waited_for(
    local: Holdall, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cancelling, "_ROUND", 0.01)
    is_called, may_end, cancelled = asyncio.Event(), asyncio.Event(), list[str]()

    @local.after(Book.created, name="stubborn")
    async def stubborn(event: Event) -> None:
        is_called.set()
        while not may_end.is_set():
            try:
                await may_end.wait()
            except asyncio.CancelledError:
                cancelled.append(event.new["title"])

    @local.after(Book.created, name="willing")
    async def willing(event: Event) -> None:
        await asyncio.Event().wait()

    await local.create()
    worker = Worker(local.outbox, _sweep)
    worker.start()
    await _add(local, "1")
    async with asyncio.timeout(20):
        await is_called.wait()
        await worker.stop()
    assert len(cancelled) >= 1
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        "the function 'stubborn' goes on although it was cancelled; its events are delivered again"
    ]
    assert len(await rows_of(_outbox(local))) == 2
    may_end.set()
