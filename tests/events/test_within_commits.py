"""Functions that are told of events before a commit decides: what they see, refuse and change."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from holdall import FieldRights, Holdall, Model, Nobody, Policy, Role, Stamped, User, changed, created, field
from holdall.errors import CommitAborted, DeclarationError, Forbidden, Refused, StateError, ValidationError
from tests.support.event_library import Author, Book

pytestmark = pytest.mark.anyio


def told_by(app: Holdall, *triggers: object) -> list[tuple[Any, ...]]:
    """A list of what is told of these events, as it is told."""
    found: list[tuple[Any, ...]] = []

    @app.on(*triggers)
    async def tell(event: Any) -> None:
        found.append((str(event.kind), event.collection, event.key, dict(event.old), dict(event.new)))

    return found


async def test_a_function_sees_what_was_and_what_will_be(app: Holdall) -> None:
    told = told_by(app, Book.created, Book.changed, Book.deleted)
    await app.create()
    async with app.session() as session:
        book = session.add(Book(title="Emma"))
    assert told == [
        ("created", "book", None, {}, {"id": None, "title": "Emma", "status": "draft", "notes": 0, "author": None}
         | {"pin": None, "version": 1})
    ]  # fmt: skip
    told.clear()
    async with app.session() as session:
        (await session.require(Book, book.id)).status = "out"
    assert told == [("changed", "book", book.id, {"status": "draft"}, {"status": "out"})]
    told.clear()
    async with app.session() as session:
        session.remove(await session.require(Book, book.id))
    ((kind, _, key, old, new),) = told
    assert (kind, key, old["status"], new) == ("deleted", book.id, "out", {})


async def test_only_changes_of_named_fields_are_told(local: Holdall) -> None:
    told = told_by(local, Book.changed("status", Book.notes))
    async with local.session() as session:
        book = session.add(Book(title="Emma"))
        await session.commit()
        book.title = "Emma, again"
        await session.commit()
        book.status = "out"
        book.title = "Emma, at last"
    assert [(old, new) for _, _, _, old, new in told] == [
        ({"title": "Emma, again", "status": "draft"}, {"title": "Emma, at last", "status": "out"})
    ]


async def test_a_change_of_other_fields_is_not_told_again(local: Holdall) -> None:
    told = told_by(local, Book.created, Book.changed("status"))

    @local.on(Book.changed("status"))
    async def count(event: Any) -> None:
        event.record.notes = 7

    async with local.session() as session:
        book = session.add(Book(title="Emma"))
        await session.commit()
        book.status = "out"
        await session.commit()
    assert [(kind, new.get("status")) for kind, _, _, _, new in told] == [("created", "draft"), ("changed", "out")]


async def test_a_function_refuses_and_nothing_is_written(app: Holdall) -> None:
    @app.on(Book.changed("status"))
    def keep(event: Any) -> None:
        if event.new["status"] == "gone":
            raise Refused("a book on loan stays")

    await app.create()
    async with app.session() as session:
        book = session.add(Book(title="Emma"))
    async with app.session() as session:
        session.add(Author(name="Jane"))
        (await session.require(Book, book.id)).status = "gone"
        with pytest.raises(Refused, match="stays"):
            await session.commit()
        session.rollback()
    async with app.session() as session:
        assert (await session.require(Book, book.id)).status == "draft"
        assert await session.count(Author.where()) == 0


async def test_what_a_function_changes_goes_into_the_same_commit_and_is_told_in_turn(app: Holdall) -> None:
    told = told_by(app, Author.changed)

    @app.on(Book.created)
    async def count(event: Any) -> None:
        author = await event.session.require(Author, event.new["author"])
        author.name += "!"
        event.record.notes = 7

    await app.create()
    async with app.session() as session:
        jane = session.add(Author(name="Jane"))
    async with app.session() as session:
        book = session.add(Book(title="Emma", author=jane.id))
        result = await session.commit()
    assert len(result.tasks) == 2
    assert [new for _, _, _, _, new in told] == [{"name": "Jane!"}]
    async with app.session() as session:
        assert (await session.require(Author, jane.id)).name == "Jane!"
        assert (await session.require(Book, book.id)).notes == 7


async def test_functions_without_async_have_the_sync_session(local: Holdall) -> None:
    @local.on(Book.created)
    def sign(event: Any) -> None:
        event.session.add(Author(name=f"author of {event.new['title']} of {event.session.count(Book.where())}"))

    with local.sync.session() as session:
        session.add(Book(title="Emma"))
    with local.sync.session() as session:
        assert [each.name for each in session.query(Author.where())] == ["author of Emma of 0"]
    local.sync.close()


async def test_removals_and_changes_that_references_bring_along_are_told(app: Holdall) -> None:
    told = told_by(app, Book.deleted)
    await app.create()
    async with app.session() as session:
        jane = session.add(Author(name="Jane"))
        session.add_all([Book(title="Emma", author=jane), Book(title="Persuasion", author=jane)])
    async with app.session() as session:
        session.remove(await session.require(Author, jane.id))
    assert sorted(old["title"] for _, _, _, old, _ in told) == ["Emma", "Persuasion"]
    async with app.session() as session:
        assert await session.count(Book.where()) == 0


async def test_bulk_changes_are_told_record_by_record(app: Holdall) -> None:
    told = told_by(app, Book.changed("status"), Book.deleted)
    await app.create()
    async with app.session() as session:
        jane = session.add(Author(name="Jane"))
        session.add_all([Book(title=str(number), author=jane if number != 1 else None) for number in range(3)])
    async with app.session() as session:
        assert await session.update(Book.where(Book.author == jane.id), status="out") == 2  # type: ignore[comparison-overlap]
    assert [(old["status"], new["status"]) for _, _, _, old, new in told] == [("draft", "out")] * 2
    told.clear()
    async with app.session() as session:
        await session.delete(Book.where())
    assert sorted((old["title"], old["status"]) for _, _, _, old, _ in told) == [
        ("0", "out"),
        ("1", "draft"),
        ("2", "out"),
    ]


async def test_a_transaction_tells_with_each_flush(local: Holdall) -> None:
    told = told_by(local, Book.created, Book.changed)
    async with local.session() as session, session.transaction():
        book = session.add(Book(title="Emma"))
        await session.flush()
        assert len(told) == 1
        book.status = "out"
        assert await session.count(Book.where(Book.status == "out")) == 1
        assert [kind for kind, *_ in told] == ["created", "changed"]


async def test_functions_that_keep_on_changing_are_stopped(local: Holdall) -> None:
    @local.on(Book.changed)
    async def loop(event: Any) -> None:
        event.record.notes += 1

    async with local.session() as session:
        book = session.add(Book(title="Emma"))
    with pytest.raises(StateError, match="keep on changing"):
        async with local.session() as session:
            (await session.require(Book, book.id)).status = "out"
    async with local.session() as session:
        assert (await session.require(Book, book.id)).notes == 0


async def test_a_function_that_hangs_ends_with_the_commits_timeout(local: Holdall) -> None:
    @local.on(Book.created)
    async def hang(event: Any) -> None:
        await asyncio.Event().wait()

    async with local.session() as session:
        session.add(Book(title="Emma"))
        with pytest.raises(CommitAborted, match="took longer"):
            await session.commit(timeout=0.05)
        assert await session.count(Book.where()) == 0
        session.rollback()


async def test_a_function_ends_no_commit_by_itself(local: Holdall) -> None:
    refused: list[str] = []

    @local.on(Book.created)
    async def meddle(event: Any) -> None:
        session = event.session
        for verb in (session.commit, session.flush, session.rollback, lambda: session.delete(Book.where())):
            try:
                found = verb()
                if asyncio.iscoroutine(found):
                    await found
            except StateError:
                refused.append("refused")

    async with local.session() as session:
        session.add(Book(title="Emma"))
    assert refused == ["refused"] * 4


async def test_after_a_refusal_only_what_was_not_told_is_told(local: Holdall) -> None:
    told = told_by(local, Book.created)
    refusing = [True]

    @local.on(Book.created)
    async def refuse(event: Any) -> None:
        event.session.add(Author(name="of the second function"))
        if refusing.pop():
            raise Refused("not yet")

    async with local.session() as session:
        session.add(Book(title="Emma"))
        refusing.append(False)
        refusing.reverse()
        with pytest.raises(Refused):
            await session.commit()
        await session.commit()
    assert len(told) == 1


async def test_a_refused_commit_that_was_rolled_back_is_forgotten(local: Holdall) -> None:
    told = told_by(local, Book.created)
    async with local.session() as session:
        session.add(Book(title=""))
        session.rollback()
        session.add(Book(title="Emma"))
    assert [new["title"] for *_, new in told] == ["Emma"]


async def test_a_function_acts_under_the_rights_of_the_user(tmp_path: Any) -> None:
    app = Holdall("library")
    app.add_store("main", "memory:")
    app.add(Author, store="main", policy=Policy(write=Role("editor")))
    app.add(
        Book,
        store="main",
        policy=Policy(write=Role("reader"), fields={"notes": FieldRights(read=Nobody, write=Role("reader"))}),
    )
    seen: list[Any] = []

    @app.on(Book.changed)
    async def look(event: Any) -> None:
        seen.append((event.user.id, dict(event.old), dict(event.new)))

    @app.on(Book.created)
    async def sign(event: Any) -> None:
        event.session.add(Author(name="Jane"))

    with pytest.raises(Forbidden):
        async with app.session(User("ann", roles=frozenset({"reader"}))) as session:
            session.add(Book(title="Emma"))
    async with app.session() as session:
        book = session.add(Book(title="Emma", notes=3))
    async with app.session(User("ann", roles=frozenset({"reader"}))) as session:
        (await session.require(Book, book.id)).notes = 5
    assert seen == [("ann", {"notes": 3}, {"notes": 5})]  # the program's own function sees what ann does not
    await app.close()


async def test_a_field_may_have_the_name_of_an_event() -> None:
    class Page(Model):
        id: int = field(pk=True)
        created: int = 0
        changed: str = ""

    app = Holdall("pages")
    app.add_store("main", "memory:")
    app.add(Page, store="main")
    with pytest.raises(DeclarationError, match=r"write created\(Book\)"):
        app.on(Page.created)
    told = told_by(app, created(Page), changed(Page, "changed"), Page.deleted)
    async with app.session() as session:
        page = session.add(Page(id=1))
        await session.commit()
        page.changed = "yes"
        await session.commit()
        session.remove(page)
    assert [kind for kind, *_ in told] == ["created", "changed", "deleted"]


async def test_what_is_no_event_is_refused_at_once(local: Holdall) -> None:
    for wrong in ((), (Book,), (Book.status,), ("Book.created",)):
        with pytest.raises(DeclarationError):
            local.on(*wrong)
    with pytest.raises(DeclarationError, match="has no stored field 'statuss'"):
        Book.changed("statuss")
    with pytest.raises(DeclarationError):
        Book.created("status")
    with pytest.raises(DeclarationError):
        local.on(Book.created)(7)  # type: ignore[type-var]


async def test_events_of_a_model_that_is_not_there_are_refused(local: Holdall) -> None:
    class Stray(Model):
        id: int = field(pk=True)

    local.on(Stray.created)(print)
    with pytest.raises(StateError, match="Stray"):
        async with local.session():
            pass


async def test_an_invalid_commit_is_told_to_nobody(local: Holdall) -> None:
    class Person(Model):
        id: int = field(pk=True)
        tags: list[int] = field(default_factory=list, length=(0, 1))

    local.add(Person, store="main")
    told = told_by(local, Person.created)
    with pytest.raises(ValidationError):
        async with local.session() as session:
            session.add(Person(id=1)).tags.extend([1, 2])
    assert told == []


class Sheet(Stamped):
    id: int = field(pk=True)
    text: str = ""


async def test_stamps_which_each_plan_makes_anew_are_told_once() -> None:
    app = Holdall("sheets")
    app.add_store("main", "memory:")
    app.add(Sheet, store="main")
    told = told_by(app, Sheet.changed)
    async with app.session() as session:
        sheet = session.add(Sheet(id=1))
        await session.commit()
        sheet.text = "x"
    assert [new["text"] for *_, new in told] == ["x"]
