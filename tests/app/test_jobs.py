"""Jobs: every record once, whatever stops and whoever goes on, in every store, and by several at once."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from holdall import Context, Holdall, Model, SoftDeleted, field
from holdall.app.jobs import working
from holdall.app.jobs.notes import LEASE
from holdall.cli.failure import MISUSE, Failure
from holdall.cli.jobs import cancel, resume, show, show_all, start
from holdall.errors import CommitAborted, DeclarationError, NotFound, QueryError, Refused, StateError
from holdall.query import Json
from holdall.session.journal import owner
from tests.support.dropping import drop

pytestmark = pytest.mark.anyio


class Book(Model, collection="book"):
    id: int = field(pk=True)
    title: str = field(default="", length=(0, 12))
    reads: int = 0


class Place(Model, collection="place"):
    row: int = field(pk=True)
    column: str = field(pk=True)
    reads: int = 0


def declare(app: Holdall, calls: list[int]) -> None:
    @app.job("read", over=Book.where(Book.id > 2), batch=3, part=7)
    async def read(context: Context, books: list[Book], *, times: int = 1) -> dict[str, float]:
        calls.append(len(books))
        for book in books:
            book.reads += times
        await asyncio.sleep(0)
        return {"read": len(books), "pages": 0.5 * len(books)}

    @app.job("places", over=Place, batch=2, part=2)
    def places(context: Context, found: list[Place]) -> None:
        for place in found:
            place.reads += 1


async def library(url: str, calls: list[int], **options: Any) -> Holdall:
    app = Holdall("library")
    app.add_store("main", url, **options)
    app.add(Book, Place, store="main")
    declare(app, calls)
    return app


async def filled(app: Holdall) -> None:
    await app.create()
    async with app.session() as session:
        session.add_all([Book(id=number) for number in range(1, 26)])
        session.add_all([Place(row=row, column=column) for row in range(3) for column in "abc"])


async def reads(app: Holdall) -> Counter[int]:
    async with app.session() as session:
        return Counter([book.reads for book in await session.query(Book.where())])


STORES = ["memory", "sqlite", "postgres_url", "redis_url", *(["yaml", "mongo_url"] if os.environ.get("DASK") else [])]


@pytest.fixture(params=STORES)
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holdall]:
    urls = {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}/main.db", "yaml": f"yaml:{tmp_path}/main"}
    options = {"prefix": tmp_path.name, "scan_limit": 1_000} if request.param == "redis_url" else {}
    app = await library(urls.get(request.param) or request.getfixturevalue(request.param), [], **options)
    await filled(app)
    yield app
    await drop(app.stores["main"])
    await app.close()


async def test_every_record_is_worked_on_once(app: Holdall) -> None:
    told: list[int] = []
    job = await app.jobs.start("read", times=2)
    report = await app.jobs.run(job, workers=2, progress=lambda each: told.append(each.parts_done))
    assert (report.state, report.parts, report.parts_done, report.seen) == ("done", 4, 4, 23)
    assert report.counts == {"read": 23, "pages": 11.5}
    assert max(told) == 4
    assert await reads(app) == {2: 23, 0: 2}
    other = await app.jobs.run(await app.jobs.start("places"))
    assert (other.parts, other.seen, other.counts) == (5, 9, {})
    async with app.session() as session:
        assert {place.reads for place in await session.query(Place.where())} == {1}
    assert [each.name for each in await app.jobs.latest()] == ["places", "read"]
    assert (await app.jobs.run(job)).seen == 23  # what is done is not done again
    assert await reads(app) == {2: 23, 0: 2}


def test_a_process_keeps_what_it_had_under_way_before_its_name_was_asked() -> None:
    owner._owner_of.cache_clear()  # as in a process that has just begun
    with owner.commit_under_way("one"):
        assert not owner.is_known_dead(owner.this_owner(), "one")
    assert owner.is_known_dead(owner.this_owner(), "one")


class Killed(BaseException):
    """The process dies."""


async def test_what_was_stopped_anywhere_is_taken_up_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies before, in and after commits, and another one goes on."""
    url, calls = f"sqlite:///{tmp_path}/main.db", list[int]()
    app = await library(url, calls)
    await filled(app)
    job = await app.jobs.start("read")
    whole, left = working.Working._commit, 0

    async def dying(self: Any, part: str, keys: list[Any]) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed
        await whole(self, part, keys)
        if left == -1:
            raise Killed

    monkeypatch.setattr(working.Working, "_commit", dying)
    for left in (1, 3, 2, 4):  # noqa: B007 - dying() counts it down
        with pytest.raises((Killed, BaseExceptionGroup)):
            await app.jobs.run(job, workers=1)
        await app.close()
        app = await library(url, calls)
    left = 1_000
    report = await app.jobs.run(job, workers=3)
    assert (report.state, report.seen, report.counts["read"]) == ("done", 23, 23)
    assert await reads(app) == {1: 23, 0: 2}
    await app.close()


async def test_several_work_on_one_job_and_an_overdue_part_is_taken_over(tmp_path: Path) -> None:
    url, calls = f"sqlite:///{tmp_path}/main.db", list[int]()
    apps = [await library(url, calls) for _ in range(3)]
    await filled(apps[0])
    job = await apps[0].jobs.start("read")
    parts = await apps[0].jobs.plan(job)
    notes = (await apps[0].jobs._parts()).notes
    async with apps[0].session() as session:  # somebody on another machine began, and was not heard of since
        note = await session.require(notes.part, parts[1])
        note.owner, note.until = "elsewhere:1:1 abc", note.until - 2 * LEASE
    reports = await asyncio.gather(*(app.jobs.run(job) for app in apps))
    assert {report.state for report in reports} == {"done"}
    assert await reads(apps[0]) == {1: 23, 0: 2}
    assert sum(calls) >= 23
    for app in apps:
        await app.close()


async def test_notes_in_another_store_than_the_records(tmp_path: Path) -> None:
    app = Holdall("library")
    app.add_store("main", f"sqlite:///{tmp_path}/main.db")
    app.add_store("other", f"sqlite:///{tmp_path}/other.db")
    app.add(Book, Place, store="main")
    declare(app, [])
    app.keep_jobs(store="other")
    await filled(app)
    assert (await app.jobs.run(await app.jobs.start("read"))).failed == 0
    await app.close()


async def test_cancelled_jobs_stop_and_go_on() -> None:
    app = await library("memory:", [])
    await filled(app)
    job = await app.jobs.start("read")
    await app.jobs.plan(job)
    stopped = False

    async def stop(_: Any, books: list[Book]) -> None:
        nonlocal stopped
        for book in books:
            book.reads += 1
        if not stopped:
            stopped = True
            await app.jobs.cancel(job)

    app.jobs._declared["read"] = type(app.jobs._declared["read"])("read", stop, Book.where(Book.id > 2), 3, 7)
    assert (await app.jobs.run(job)).state == "cancelled"
    done = (await reads(app))[1]
    assert done < 23
    assert (await app.jobs.run(job)).state == "cancelled"
    report = await app.jobs.resume(job)
    assert (report.state, report.seen, await reads(app)) == ("done", 23, {1: 23, 0: 2})
    assert (await app.jobs.cancel(job)).state == "done"


async def test_a_reason_that_no_store_keeps_is_told_as_far_as_it_can_be() -> None:
    app = await library("memory:", [])
    await filled(app)

    @app.job("refuse", over=Book, batch=10, part=100)
    async def refuse(context: Context, books: list[Book]) -> dict[str, float]:
        if any(book.id == 3 for book in books):
            raise Refused("half \ud800 and \0")
        return {}

    report = await app.jobs.run(await app.jobs.start("refuse"))
    assert (report.state, report.failed) == ("done", 1)
    assert report.failures[0].reason == "half \\ud800 and "


async def test_records_that_fail_are_told_and_others_done() -> None:
    app = await library("memory:", [])
    await filled(app)

    @app.job("name", over=Book, batch=10, part=100)
    async def name(context: Context, books: list[Book]) -> dict[str, float]:
        for book in books:
            if book.id == 3:
                raise ZeroDivisionError
            book.title = "a title that is too long" if book.id == 7 else "x"
        return {"named": len(books)}

    report = await app.jobs.run(await app.jobs.start("name"))
    assert (report.state, report.seen, report.failed, report.counts) == ("done", 25, 2, {"named": 23})
    assert [each.key for each in report.failures] == ["3", "7"]
    assert re.fullmatch(r"ZeroDivisionError at test_jobs\.py:[0-9]+", report.failures[0].reason)
    assert "too long" not in report.failures[1].reason
    assert "title" in report.failures[1].reason


async def test_deleted_records_are_passed_over_and_empty_collections_done() -> None:
    class Note(SoftDeleted):
        id: int = field(pk=True)
        reads: int = 0

    app = Holdall("notes")
    app.add_store("main", "memory:")
    app.add(Note, store="main")
    app.keep_jobs(store="main")

    @app.job("read", over=Note)
    def read(context: Context, notes: list[Note]) -> dict[str, float]:
        return {"read": len(notes)}

    assert (await app.jobs.run(await app.jobs.start("read"))).counts == {}
    async with app.session() as session:
        session.add_all([Note(id=1), Note(id=2)])
    async with app.session() as session:
        session.remove(await session.require(Note, 1))
    assert (await app.jobs.run(await app.jobs.start("read"))).counts == {"read": 1}


async def test_what_is_refused() -> None:
    app = await library("memory:", [])
    await filled(app)
    with pytest.raises(NotFound):
        await app.jobs.start("other")
    with pytest.raises(NotFound):
        await app.jobs.run("other")
    for wrong in ({"more": 1}, {"times": object()}, {"times": (1, 2)}, {"times": "3"}):
        with pytest.raises(QueryError):
            await app.jobs.start("read", **wrong)
    with pytest.raises(StateError):
        await app.jobs.run(await app.jobs.start("read"), workers=0)
    for over in (Book.where().limit(3), Book.where().sort(Book.id), Book.where().only(Book.id), 3):
        with pytest.raises(DeclarationError):
            app.job("wrong", over=over)(lambda context, books: None)  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match="already"):
        app.job("read", over=Book)(lambda context, books: None)
    with pytest.raises(DeclarationError):
        app.keep_jobs(store="nowhere")

    given: list[Any] = []

    @app.job("odd", over=Book)
    def odd(context: Context, books: list[Book], *, since: date, gives: Json) -> Any:
        given.append(since)
        return gives

    odd_answers: list[Json] = [3, {"read": "many"}, {"read": None}]
    for gives in odd_answers:
        with pytest.raises(StateError, match="numbers by name"):
            await app.jobs.run(await app.jobs.start("odd", since="2030-01-31", gives=gives))
    assert set(given) == {date(2030, 1, 31)}
    with pytest.raises(QueryError, match="since: Invalid RFC3339"):
        await app.jobs.start("odd", since="tomorrow", gives=0)


async def test_a_planted_fault_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the note is not in the commit of the records, a process that dies between them does a batch twice."""
    app = await library("memory:", [])
    await filled(app)
    job = await app.jobs.start("read")
    whole, is_dead = working.Working._taken, False

    async def apart(self: Any, session: Any, part: str) -> Any:
        nonlocal is_dead
        note = await whole(self, session, part)
        if session.context.bindings.inside is None and not is_dead and note.seen == 3:
            is_dead = True
            for book in await session.query(Book.where((Book.id >= 6) & (Book.id <= 8))):
                book.reads += 1
            await session.commit()
            raise CommitAborted("planted", None)  # type: ignore[arg-type]
        return note

    monkeypatch.setattr(working.Working, "_taken", apart)
    await app.jobs.run(job, workers=1)
    assert await reads(app) != {1: 23, 0: 2}


def test_code_that_is_not_async(tmp_path: Path) -> None:
    app = Holdall("library")
    app.add_store("main", f"sqlite:///{tmp_path}/main.db")
    app.add(Book, Place, store="main")
    declare(app, [])
    app.sync.create()
    with app.sync.session() as session:
        session.add_all([Book(id=number) for number in range(1, 26)])
    job = app.sync.jobs.start("read")
    assert app.sync.jobs.cancel(job).state == "cancelled"
    assert app.sync.jobs.run(job).parts == 0
    assert app.sync.jobs.resume(job, workers=1).counts["read"] == 23
    assert app.sync.jobs.show(job) == app.sync.jobs.latest()[0]
    app.sync.close()


PROGRAM = """
from holdall import Holdall, Model, field

class Book(Model):
    id: int = field(pk=True)
    reads: int = 0

app = Holdall("library")
app.add_store("main", "sqlite:///library.db")
app.add(Book, store="main")

@app.job("read", over=Book, batch=2, part=4)
async def read(context, books, *, times=1):
    for book in books:
        book.reads += times
    return {"read": len(books)}
"""


def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: int) -> Any:
    (tmp_path / f"{name}.py").write_text(PROGRAM)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    module = __import__(name)

    async def fill() -> None:
        await module.app.create()
        async with module.app.session() as session:
            session.add_all([module.Book(id=each) for each in range(number)])
        await module.app.close()

    asyncio.run(fill())
    return module


def test_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    made(tmp_path, monkeypatch, "library_of_jobs", 9)
    target = "library_of_jobs:app"
    show_all(target)
    assert "no job was started" in capsys.readouterr().out
    start(target, "read", ["times=3"], later=True)
    told = capsys.readouterr()
    job = told.err.strip()
    assert told.out.startswith(f"{job} read: planning")
    cancel(target, job)
    assert "cancelled" in capsys.readouterr().out
    resume(target, job)
    assert capsys.readouterr().out == f"{job} read: done, 3 of 3 parts, 9 seen, 0 failed, read 9\n"
    show(target, job)
    show_all(target)
    assert capsys.readouterr().out.count(job) == 2
    with pytest.raises(Failure, match="no job"):
        show(target, "other")
    for name, inputs, said in (("other", [], "there are read"), ("read", ["more=1"], "more")):
        with pytest.raises(Failure, match=said) as refused:
            start(target, name, inputs)
        assert refused.value.code == MISUSE


@pytest.mark.skipif(not os.environ.get("DASK"), reason="make dask runs jobs on a cluster of two workers")
def test_on_a_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The report is that of a run in one process, though a worker is killed in the middle."""
    import distributed

    make: Any = distributed.LocalCluster

    number = int(os.environ["DASK"])
    module = made(tmp_path, monkeypatch, "library_on_dask", number)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with make(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        victim = next(iter(cluster.workers.values())).process.pid
        done, killed = threading.Event(), threading.Event()

        def kill() -> None:
            while not done.wait(0.2):
                seen = asyncio.run(counted())
                if seen > number // 4:
                    os.kill(victim, signal.SIGKILL)
                    killed.set()
                    return

        async def counted() -> int:
            app = type(module.app)("looking")
            app.add_store("main", "sqlite:///library.db")
            app.add(module.Book, store="main")
            async with app.session() as session:
                found: int = await session.count(module.Book.where(module.Book.reads > 0))
            await app.close()
            return found

        killer = threading.Thread(target=kill)
        killer.start()
        start("library_on_dask:app", "read", dask=cluster.scheduler_address)
        done.set()
        killer.join()
    assert killed.is_set()
    parts = -(-number // 4)
    assert f"read: done, {parts} of {parts} parts, {number} seen, 0 failed, read {number}" in capsys.readouterr().out
    assert "distributed" in sys.modules
