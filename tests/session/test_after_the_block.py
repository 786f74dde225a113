"""What records and sessions are good for once a block has ended, and what the active-record look does in one."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from holdall import Holdall, Many, Model, Ref, Session, State, back, field, state_of
from holdall.errors import CommitAborted, CommitError, NotFound, StateError, ValidationError
from tests.support.local_stores import LOCAL, local_url

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("older_objects_apart")]


class Author(Model):
    id: int = field(pk=True, generated=True)
    name: str = field(unique=True)
    age: int = field(default=0)
    tags: list[str] = field(default_factory=list)
    books: Many[Book] = back("author")
    prize: Ref[Prize | None] = back("winner")


class Book(Model):
    id: int = field(pk=True, generated=True)
    author: Ref[Author]
    others: Many[Author]


class Prize(Model):
    id: int = field(pk=True)
    winner: Ref[Author | None] = field(default=None)


class Made(Model):
    id: UUID = field(pk=True, generated=True)
    created: datetime = field(auto_now="create")
    updated: datetime = field(auto_now="write")
    version: int = field(version=True)
    n: int = field(default=0)


@pytest.fixture(params=LOCAL)
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holdall]:
    made = Holdall("block")
    made.add_store("m", local_url(request.param, tmp_path))
    made.add(Author, Book, Prize, Made, store="m")
    await made.create()
    async with made:
        yield made


async def test_a_session_takes_nothing_more_once_its_block_has_ended(app: Holdall) -> None:
    async with app.session() as s:
        ann = s.add(Author(name="ann"))
    for act in (
        lambda: s.add(Author(name="bob")),
        lambda: s.add_all([Author(name="bob")]),
        lambda: s.remove(ann),
        lambda: s.register(Author(name="bob")),
        lambda: s.attach(ann),
    ):
        with pytest.raises(StateError, match="block has ended"):
            act()
    with pytest.raises(StateError, match="block has ended"):
        await s.commit()
    with pytest.raises(StateError, match="block has ended"):
        async with s:
            pass
    with pytest.raises(KeyError):
        async with app.session() as failed:
            raise KeyError
    with pytest.raises(StateError, match="block has ended"):
        failed.add(Author(name="bob"))
    async with app.session() as s:
        assert await s.count(Author.where()) == 1


@pytest.mark.parametrize("is_kept", [True, False])
async def test_a_record_is_saved_after_its_block_whoever_holds_the_session(app: Holdall, is_kept: bool) -> None:
    kept: list[Any] = []
    async with app.session() as s:
        ann = s.add(Author(name="ann"))
        if is_kept:
            kept.append(s)
    del s
    gc.collect()
    ann.age = 5
    ann.tags.append("x")
    await ann.save()
    assert state_of(ann) is State.CLEAN
    async with app.session() as other:
        found = await other.require(Author, ann.id)
        assert (found.age, found.tags) == (5, ["x"])
        with pytest.raises(StateError, match="another session, whose block has not ended"):
            Session(app.bindings).attach(found)


async def test_a_refused_save_keeps_the_edits_and_can_be_tried_again(app: Holdall) -> None:
    await Author.objects.create(name="a")
    bob, new = await Author.objects.create(name="b"), Author(name="a")
    bob.name, bob.age = "a", 40
    for _ in range(3):
        with pytest.raises(CommitAborted):
            await bob.save()
        assert (bob.name, bob.age, state_of(bob)) == ("a", 40, State.DIRTY)
        with pytest.raises(CommitAborted):
            await new.save()
        assert (new.name, state_of(new)) == ("a", State.UNBOUND)
    bob.name, new.name = "c", "d"
    await bob.save()
    await new.save()
    assert sorted([(item.name, item.age) for item in await Author.objects.all()]) == [("a", 0), ("c", 40), ("d", 0)]


async def test_a_refused_save_for_a_broken_rule_can_be_corrected(app: Holdall) -> None:
    ann = await Author.objects.create(name="ann")
    wrong: Any = 5
    ann.tags.append(wrong)
    with pytest.raises(ValidationError):
        await ann.save()
    assert ann.tags == [wrong]
    ann.tags[:] = ["right"]
    await ann.save()
    assert (await Author.objects.all())[0].tags == ["right"]


async def test_a_refused_delete_leaves_the_record_usable(app: Holdall) -> None:
    ann = await Author.objects.create(name="ann")
    book = await Book.objects.create(author=ann, others=[])
    ann.age = 7
    with pytest.raises(CommitError):
        await ann.delete()
    assert (ann.age, state_of(ann)) == (7, State.DIRTY)
    await book.delete()
    await ann.save()
    assert (await Author.objects.all())[0].age == 7
    await ann.delete()
    assert await Author.objects.all() == []


async def test_a_block_that_raises_leaves_nothing_of_the_active_record_look(app: Holdall) -> None:
    async def broken() -> None:
        async with app.session() as s:
            s.add(Author(name="one"))
            await Author.objects.create(name="two")
            await Author(name="three").save()
            (found,) = await Author.objects.filter(name="old")
            await found.delete()
            raise KeyError

    old = await Author.objects.create(name="old")
    with pytest.raises(KeyError):
        await broken()
    assert [item.name for item in await Author.objects.all()] == ["old"]
    async with app.session():
        await Author.objects.create(name="two")
        await old.delete()
    assert [item.name for item in await Author.objects.all()] == ["two"]


async def test_stored_records_of_any_session_serve_as_references(app: Holdall) -> None:
    ann, bob = await Author.objects.create(name="ann"), await Author.objects.create(name="bob")
    book = await Book.objects.create(author=ann, others=[ann, bob])
    book.author = bob
    await book.save()
    async with app.session() as s:
        mine = await s.require(Book, book.id)
        mine.author = ann
        mine.others = [bob, await s.require(Author, ann.id)]
        await s.commit()
        here = await s.require(Author, ann.id)
        assert await mine.author is here
        assert (await mine.others)[1] is here
        assert state_of(ann) is State.CLEAN
    gone = await Author.objects.create(name="gone")
    await gone.delete()
    with pytest.raises(StateError, match="discarded"):
        await Book.objects.create(author=gone, others=[])
    with pytest.raises(StateError, match="add it first"):
        await Book.objects.create(author=Author(name="nobody"), others=[])


async def test_references_are_awaited_outside_of_any_block(app: Holdall) -> None:
    ann = await Author.objects.create(name="ann")
    await Book.objects.create(author=ann.id, others=[ann.id])
    await Prize.objects.create(id=1, winner=ann)
    (book,) = await Book.objects.all()
    assert (await book.author).name == book.author.name == "ann"
    assert [item.name for item in await book.others] == ["ann"]
    (author,) = await Author.objects.all()
    assert [item.id for item in await author.books] == [book.id]
    prize = await author.prize
    assert prize is not None
    assert prize.id == 1
    lost = Book(author=99, others=[])
    with pytest.raises(NotFound):
        await lost.author


async def test_a_plan_changes_nothing(app: Holdall) -> None:
    async with app.session() as s:
        new = s.add(Made())
        stored = s.add(Made(n=1))
        await s.commit()
        stored.n = 2
        other = s.add(Made())
        shown = {name: getattr(other, name) for name in ("id", "created", "updated", "version")}
        before, kept = stored.updated, (new.created, new.updated)
        for _ in range(2):
            assert s.plan().steps
            assert (await s.expand()).steps
        assert {name: getattr(other, name) for name in shown} == shown
        assert (stored.updated, (new.created, new.updated)) == (before, kept)
        assert not stored.is_field_modified("updated")
        await s.commit()
        assert other.created == other.updated
        assert stored.updated > before
        assert (stored.version, other.version) == (2, 1)


async def test_a_record_is_added_once_and_nothing_else_is_a_record(app: Holdall) -> None:
    wrong: Any
    async with app.session() as s:
        ann = s.add(Author(name="ann"))
        assert s.add(ann) is ann
        for wrong, told in (
            (Author, r"a record, not a class: add\(Author"),
            ({"name": "x"}, "a record, not dict"),
            (None, "NoneType"),
        ):
            with pytest.raises(StateError, match=told):
                s.add(wrong)
        await s.commit()
        with pytest.raises(StateError, match="clean in this session already"):
            s.add(ann)
        with pytest.raises(StateError, match="clean in another session"):
            Session(app.bindings).add(ann)
        s.remove(ann)
        await s.commit()
        with pytest.raises(StateError, match="was discarded; make it anew"):
            s.add(ann)
    async with app.session() as s:
        assert await s.count(Author.where()) == 0


async def test_a_record_whose_key_was_changed_does_not_take_another_with_it(app: Holdall) -> None:
    one, two = await Prize.objects.create(id=1), await Prize.objects.create(id=2)
    one.id = two.id
    with pytest.raises(StateError, match="its key"):
        await one.delete()
    async with app.session() as s:
        mine = await s.require(Prize, 1)
        mine.id = 2
        with pytest.raises(StateError, match="give it back its key"):
            s.remove(mine)
        mine.id = 1
        s.remove(mine)
    assert [prize.id for prize in await Prize.objects.all()] == [2]
