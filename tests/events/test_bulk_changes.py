"""Events of changes by a query are those of single changes, and functions may change the records of these events."""

from __future__ import annotations

from typing import Any

import pytest

from holdall import Everyone, FieldRights, Holdall, LiveEvent, Model, OnDelete, Policy, Ref, Role, User, field
from tests.support.event_library import Book

pytestmark = pytest.mark.anyio


class Shelf(Model, collection="shelves"):
    id: int = field(pk=True)


class Box(Model, collection="boxes"):
    id: int = field(pk=True)
    shelf: Ref[Shelf | None] = field(default=None, on_delete=OnDelete.UNLINK)
    note: str = ""


class Plan(Model, collection="plans"):
    id: int = field(pk=True)
    title: str = ""
    margin: int = 0


async def add_books(app: Holdall) -> list[Any]:
    async with app.session() as session:
        books = [Book(title=title, status=status) for title, status in (("a", "x"), ("b", "x"), ("c", "out"))]
        session.add_all(books)
    return [book.id for book in books]


async def test_a_function_changes_records_that_a_query_means(app: Holdall) -> None:
    @app.on(Book.changed("status"))
    async def count(event: LiveEvent) -> None:
        event.record.notes = 7

    await app.create()
    keys = await add_books(app)
    async with app.session() as session:
        held = await session.require(Book, keys[0])
        await session.update(Book.where(), status="out")
    assert held.notes == 7
    async with app.session() as session:
        found = {book.id: (book.status, book.notes) for book in await session.query(Book.where())}
    assert found == {keys[0]: ("out", 7), keys[1]: ("out", 7), keys[2]: ("out", 0)}


async def test_a_function_that_is_not_async_changes_them_as_well(local: Holdall) -> None:
    @local.on(Book.changed("status"))
    def count(event: LiveEvent) -> None:
        event.record.notes = 7

    await add_books(local)
    async with local.session() as session:
        await session.update(Book.where(), status="out")
    async with local.session() as session:
        assert sorted(book.notes for book in await session.query(Book.where())) == [0, 7, 7]


async def test_a_function_changes_what_is_emptied_with_a_removed_record(local: Holdall) -> None:
    local.add(Shelf, Box, store="main")

    @local.on(Box.changed("shelf"))
    async def write_down(event: LiveEvent) -> None:
        event.record.note = f"was on {event.old['shelf']}"

    async with local.session() as session:
        session.add_all([Shelf(id=1), Box(id=1, shelf=1)])
    async with local.session() as session:
        session.remove(await session.require(Shelf, 1))
    async with local.session() as session:
        box = await session.require(Box, 1)
        assert (box.shelf.key, box.note) == (None, "was on 1")


async def test_the_record_of_an_event_is_the_one_that_the_user_may_see(local: Holdall) -> None:
    fields = {"margin": FieldRights(read=Role("boss"))}
    local.add(Plan, store="main", policy=Policy(read=Everyone, write=Everyone, fields=fields))
    told = list[Any]()

    @local.on(Plan.changed)
    async def note(event: LiveEvent) -> None:
        told.append((await event.session.get(Plan, event.key) is event.record, event.record.to_dict()))

    async with local.session() as session:
        session.add(Plan(id=1, margin=3))
    async with local.session(User("ann")) as session:
        await session.update(Plan.where(), title="Emma")
    assert told == [(True, {"id": 1, "title": ""})]


async def test_a_change_by_a_query_that_changes_nothing_of_a_record_is_no_event(app: Holdall) -> None:
    told, kept = list[Any](), list[Any]()

    @app.on(Book.changed)
    async def note(event: LiveEvent) -> None:
        told.append((event.key, dict(event.old), dict(event.new)))

    @app.after(Book.changed, name="keep")
    async def keep(event: Any) -> None:
        kept.append((event.key, event.fields, dict(event.old), dict(event.new)))

    trail: Any = app.add_audit(Book, store="main")
    await app.create()
    keys = await add_books(app)
    async with app.session() as session:
        await session.update(Book.where(), status="out", notes=0)
    await app.outbox.deliver()
    assert sorted(told) == [(key, {"status": "x"}, {"status": "out"}) for key in keys[:2]]
    assert sorted(kept) == [(key, ("status",), {"status": "x"}, {"status": "out"}) for key in keys[:2]]
    async with app.session() as session:
        found = [entry for entry in await session.query(trail.where()) if entry.kind == "changed"]
    assert sorted((entry.number, entry.before, entry.after) for entry in found) == [
        (key, {"status": "x"}, {"status": "out"}) for key in keys[:2]
    ]
