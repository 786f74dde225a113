"""Functions that go over all records of a collection: what they change, what fails, and what a stop leaves behind."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from holdall import Everyone, Holdall, Model, Policy, User, field
from holdall.errors import StateError
from tests.support.preloaded import PreloadedProcess, run_preloaded

pytestmark = pytest.mark.anyio


class Book(Model, collection="book"):
    id: int = field(pk=True)
    title: str = field(length=(1, 12))
    slug: str = ""
    reads: int = 0


class Shelf(Model, collection="shelf"):
    row: int = field(pk=True)
    column: str = field(pk=True)
    label: str = field(default="")
    code: str | None = field(default=None, unique=True)


@pytest.fixture(params=["sqlite", "postgres", "mongo", "redis", "yaml", "memory"])
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holdall]:
    """A library with 25 books and six shelves."""
    own = {"sqlite": f"sqlite:///{tmp_path}/library.db", "yaml": f"yaml:{tmp_path}/library", "memory": "memory:"}
    url: str = own.get(request.param) or request.getfixturevalue(f"{request.param}_url")
    app = Holdall("library")
    app.add_store("main", url, **({"prefix": tmp_path.name, "scan_limit": 1_000} if request.param == "redis" else {}))
    app.add(Book, Shelf, store="main")
    await app.create()
    async with app.session() as session:
        session.add_all([Book(id=number, title=f"Title {number}") for number in range(1, 26)])
        session.add_all([Shelf(row=row, column=column) for row in range(1, 4) for column in "ab"])
    yield app
    for store in app.stores.values():
        drop: Any = getattr(store, "drop", None)
        if drop is not None:
            await drop()
    await app.close()


def slugged(book: Book) -> None:
    book.slug = book.title.lower().replace(" ", "-")
    book.reads += 1


async def slugs(app: Holdall) -> list[str]:
    async with app.session() as session:
        return [book.slug for book in await session.query(Book.where().sort(Book.id))]


async def test_a_dry_run_tells_and_writes_nothing(app: Holdall) -> None:
    report = await app.migrate(Book, slugged, batch=10)
    assert (report.seen, report.changed, report.failed, report.is_done, report.is_dry_run) == (25, 25, 0, True, True)
    assert len(report.samples) == 10
    assert report.samples[0].key == 1
    assert report.samples[0].changes == {"slug": ("", "title-1"), "reads": (0, 1)}
    assert await slugs(app) == [""] * 25


async def test_all_records_are_changed_and_others_left(app: Holdall) -> None:
    seen: list[int] = []
    report = await app.migrate(Book, slugged, dry_run=False, batch=10, progress=lambda told: seen.append(told.seen))
    assert (report.seen, report.changed, report.is_dry_run) == (25, 25, False)
    assert seen == [10, 20, 25]
    assert (await slugs(app))[24] == "title-25"
    again = await app.migrate(Book, lambda book: {"slug": book.slug}, dry_run=False)
    assert (again.seen, again.changed) == (25, 0)


@pytest.mark.parametrize("change", ["slugged", None, lambda: None, lambda book, shelf: None])
async def test_what_takes_no_record_is_refused_before_any_is_read(app: Holdall, change: Any) -> None:
    with pytest.raises(StateError, match="a migration is a function that takes a record"):
        await app.migrate(Book, change)
    assert (await app.migrate(Book, dict)).failed == 25  # says nothing of what it takes


@pytest.mark.parametrize("name", ["", "x" * 121])
async def test_a_name_has_a_length(app: Holdall, name: str) -> None:
    with pytest.raises(StateError, match="the name of a migration has 1 to 120 characters"):
        await app.migrate(Book, slugged, dry_run=False, name=name)


async def test_records_that_cannot_be_so_stay_and_are_told(app: Holdall) -> None:
    def longer(book: Book) -> dict[str, object]:
        if book.id == 3:
            raise ZeroDivisionError
        return {"title": "a title that is too long" if book.id == 7 else "x"}

    for dry_run in (True, False):
        report = await app.migrate(Book, longer, dry_run=dry_run, batch=10)
        assert (report.seen, report.changed, report.failed) == (25, 23, 2)
        assert [each.key for each in report.failures] == ["3", "7"]
        assert re.fullmatch(r"ZeroDivisionError at test_migrating\.py:\d+", report.failures[0].reason)
        assert "title" in report.failures[1].reason
        assert "too long" not in report.failures[1].reason
    async with app.session() as session:
        kept = {book.id: book.title for book in await session.query(Book.where())}
    assert (kept[3], kept[7], kept[8]) == ("Title 3", "Title 7", "x")


async def test_a_value_that_is_taken_fails_alone(app: Holdall) -> None:
    def coded(shelf: Shelf) -> dict[str, object]:
        return {"code": "one" if shelf.row == 1 else shelf.column * shelf.row}

    report = await app.migrate(Shelf, coded, dry_run=False)
    assert (report.seen, report.changed, report.failed) == (6, 5, 1)
    assert [each.key for each in report.failures] == ["1,b"]


async def test_keys_that_are_given_are_migrated_alone(app: Holdall) -> None:
    report = await app.migrate(Book, slugged, ids=[2, 99, 4, 2], dry_run=False, batch=4)
    assert (report.seen, report.changed, report.failed) == (3, 2, 1)
    assert report.failures[0].key == "99"
    assert [number for number, slug in enumerate(await slugs(app), 1) if slug] == [2, 4]


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_user_changes_the_records_that_are_his_before_and_after(dry_run: bool) -> None:
    app = Holdall("library")
    app.add_store("main", "memory:")
    app.add(Book, store="main", policy=Policy(read=Everyone, update=Book.reads < 3))
    async with app.session() as session:
        session.add_all([Book(id=number, title=f"Title {number}", reads=number) for number in range(1, 5)])
    told = await app.migrate(Book, slugged, dry_run=dry_run, user=User("ann"))
    assert (told.seen, told.changed, [each.key for each in told.failures]) == (4, 1, ["2", "3", "4"])
    assert await slugs(app) == ["" if dry_run else "title-1", "", "", ""]
    unbound = await app.migrate(Book, slugged, dry_run=dry_run)
    assert (unbound.changed, unbound.failed) == (4, 0)
    await app.close()


async def test_a_function_may_be_async_and_ask(app: Holdall) -> None:
    async def counted(shelf: Shelf) -> dict[str, object]:
        await asyncio.sleep(0)
        return {"label": f"{shelf.row}{shelf.column}"}

    report = await app.migrate(Shelf, counted, dry_run=False, name="labels", batch=4)
    assert (report.seen, report.changed) == (6, 6)
    async with app.session() as session:
        assert (await session.require(Shelf, 3, "b")).label == "3b"


async def test_a_named_migration_is_done_once_and_taken_up_where_it_stopped(app: Holdall) -> None:
    def stopping(book: Book) -> None:
        if book.id == 15:
            raise KeyboardInterrupt
        book.reads += 1

    with pytest.raises(KeyboardInterrupt):
        await app.migrate(Book, stopping, dry_run=False, name="reads", batch=5)
    report = await app.migrate(Book, slugged, dry_run=False, name="reads", batch=5)
    assert (report.seen, report.changed, report.is_done) == (25, 25, True)
    assert await app.migrate(Book, slugged, dry_run=False, name="reads") == report.__class__(
        "book", 25, 25, 0, (), (), True, False
    )
    async with app.session() as session:
        assert {book.reads for book in await session.query(Book.where())} == {1}


async def test_two_who_migrate_the_same_are_told(app: Holdall) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(book: Book) -> None:
        begun.set()
        await go_on.wait()
        book.reads += 1

    first = asyncio.create_task(app.migrate(Book, slowly, dry_run=False, name="reads", batch=5))
    await begun.wait()
    with pytest.raises(StateError, match="is under way elsewhere"):
        await app.migrate(Book, slugged, dry_run=False, name="reads")
    with pytest.raises(StateError, match="is one of book"):
        await app.migrate(Shelf, lambda shelf: None, dry_run=False, name="reads")
    go_on.set()
    assert (await first).changed == 25


async def test_records_that_are_only_read_are_not_migrated() -> None:
    class Printed(Model, read_only=True, table="book", collection="printed"):
        id: int = field(pk=True)

    app = Holdall("library")
    app.add_store("main", "memory:")
    app.add(Printed, store="main")
    with pytest.raises(StateError, match="printed cannot be migrated: its records are not read and written by key"):
        await app.migrate(Printed, lambda printed: None)
    await app.close()


async def test_what_makes_no_sense_is_refused(app: Holdall) -> None:
    with pytest.raises(StateError, match="name or ids"):
        await app.migrate(Book, slugged, name="x", ids=[1])
    with pytest.raises(StateError, match="above zero"):
        await app.migrate(Book, slugged, name="y", batch=0, dry_run=False)


_PROGRAM = """
import asyncio, sys
from holdall import Everyone, Holdall, Model, Policy, User, field

class Book(Model, collection="book"):
    id: int = field(pk=True)
    reads: int = 0

async def main():
    app = Holdall("library")
    app.add_store("main", sys.argv[1])
    app.add(Book, store="main")
    await app.create()
    if sys.argv[2] == "fill":
        async with app.session() as session:
            session.add_all([Book(id=number) for number in range(3000)])
        return
    async def read(book):
        book.reads += 1
    def tell(told):
        print(told.seen, flush=True)
    report = await app.migrate(Book, read, dry_run=False, name="reads", batch=20, progress=tell)
    print("done", report.seen, report.changed, flush=True)

asyncio.run(main())
"""


async def test_each_record_is_changed_once_however_often_the_program_is_killed(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(_PROGRAM)
    for url in (f"sqlite:///{tmp_path}/library.db", f"yaml:{tmp_path}/library"):
        if url.startswith("yaml"):
            program = _PROGRAM.replace("range(3000)", "range(200)").replace("batch=20", "batch=5")
            (tmp_path / "program.py").write_text(program)
        await run_to_end(tmp_path, url, "fill")
        for kill_after in (2, 1, 3):
            await killed(tmp_path, url, kill_after)
        last = await run_to_end(tmp_path, url, "go")
        number = 3000 if url.startswith("sqlite") else 200
        assert last == f"done {number} {number}"
        app = Holdall("library")
        app.add_store("main", url)
        app.add(Counted, store="main")
        async with app.session() as session:
            assert {book.reads for book in await session.query(Counted.where())} == {1}
        await app.close()


class Counted(Model, collection="book"):
    id: int = field(pk=True)
    reads: int = 0


async def run_to_end(folder: Path, url: str, act: str) -> str:
    done = await asyncio.to_thread(run_preloaded, str(folder / "program.py"), url, act)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().split("\n")[-1]


async def killed(folder: Path, url: str, batches: int) -> None:
    with PreloadedProcess(str(folder / "program.py"), url, "go", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(batches):
            assert await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), 60)
        process.kill()
