"""Functions that are not async, in threads: one that hangs costs one thread, and holds up nobody."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from holdall import Event, Holdall
from holdall.events import threads
from tests.events.test_outbox import delivered_soon
from tests.support.event_library import Book

pytestmark = pytest.mark.anyio


async def test_threads_that_hang_are_taken_from_nobody_else(local: Holdall) -> None:
    go_on, told = threading.Event(), list[int]()

    @local.after(Book.created, name="hang", timeout=0.05, attempts=1)
    def hang(event: Event) -> None:
        go_on.wait()

    @local.after(Book.created, name="quick")
    def quick(event: Event) -> None:
        told.append(event.key)

    async with local.session() as session:
        session.add_all([Book(title=str(number)) for number in range(12)])
    try:
        report = await local.outbox.deliver()
    finally:
        go_on.set()
    assert (report.delivered, report.dead, len(told)) == (12, 12, 12)


async def test_an_event_at_which_a_function_hangs_has_one_thread(local: Holdall) -> None:
    go_on, called = threading.Event(), list[int]()

    @local.after(Book.created, name="hang", timeout=0.02, attempts=3, backoff=0.001)
    def hang(event: Event) -> None:
        called.append(event.key)
        go_on.wait()

    async with local.session() as session:
        book = session.add(Book(title="Emma"))
    try:
        async with asyncio.timeout(5):
            while not (report := await delivered_soon(local)).dead:
                assert report.delivered == 0
    finally:
        go_on.set()
    assert called == [book.id]
    (letter,) = [entry async for entry in local.outbox.entries()]
    assert (letter.attempts, "earlier try" in letter.error) == (3, True)


async def test_events_wait_where_every_thread_of_their_function_hangs(
    local: Holdall, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(threads, "_MOST", 2)
    go_on, called = threading.Event(), list[int]()

    @local.after(Book.created, name="hang", timeout=0.02, attempts=1)
    def hang(event: Event) -> None:
        called.append(event.key)
        go_on.wait()

    async with local.session() as session:
        session.add_all([Book(title=str(number)) for number in range(5)])
    try:
        reports = [await local.outbox.deliver() for _ in range(2)]
    finally:
        go_on.set()
    assert [(report.dead, report.waiting) for report in reports] == [(2, 3), (0, 3)]
    assert len(called) == 2
    assert "hang has no thread left" in caplog.text
    async with asyncio.timeout(5):
        while [entry async for entry in local.outbox.entries(is_dead=False)]:
            await local.outbox.deliver()
    assert len(called) == 5


def test_a_program_ends_while_a_function_hangs(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM)
    ended = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (0, "1 nothing was written: hang_within took longer than 0.2 seconds\n")


_PROGRAM = """
import asyncio, threading
from holdall import Holdall, Model, field
from holdall.errors import CommitAborted

class Book(Model):
    id: int = field(pk=True)

app = Holdall("library")
app.add_store("main", "memory:")
app.add(Book, store="main")

@app.after(Book.created, name="hang", timeout=0.2, attempts=1)
def hang(event):
    threading.Event().wait()

@app.on(Book.deleted)
def hang_within(event):
    threading.Event().wait()

async def main():
    async with app.session() as session:
        book = session.add(Book(id=1))
        await session.commit()
        dead = (await app.outbox.deliver()).dead
        session.remove(book)
        try:
            await session.commit(timeout=0.2)
        except CommitAborted as error:
            print(dead, error)
        session.rollback()
    await app.close()

asyncio.run(main())
"""
