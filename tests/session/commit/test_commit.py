"""Commits: order, generated keys, conflicts, edits in flight, several stores."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from holdall import (
    Authenticated,
    Everyone,
    Holdall,
    Model,
    Nobody,
    Policy,
    Query,
    Role,
    State,
    User,
    check,
    field,
    negate,
    state_of,
)
from holdall.errors import (
    CommitAborted,
    CommitUnknown,
    Forbidden,
    StaleVersion,
    StateError,
    StoreTimeout,
    StoreUnavailable,
    UniqueViolation,
    ValidationError,
)
from holdall.session import Guarantee, TaskState
from holdall.testing.wrapping import wrap_store
from tests.support.library import Author, Book, Country, Node, Person, library
from tests.support.stand_in_stores import Failing, Held

pytestmark = pytest.mark.anyio


async def test_a_plan_has_a_line_for_each_thing_that_is_done_in_a_collection() -> None:
    app = library()
    async with app.session() as session:
        session.add_all([Country(code=code, name=code) for code in ("AA", "BB", "CC")])
    async with app.session() as session:
        for country in await session.query(Country.where()):
            session.expect(country)  # so that each is sent by itself
            country.name = "other"
        assert str(session.plan()).splitlines()[1:-1] == ["   update 3 country"]
        session.reset()


async def test_new_records_get_their_keys_in_the_order_of_dependency() -> None:
    app = library()
    async with app.session() as session:
        author = Author(name="Ursula", country=Country(code="FR", name="France"))
        book = session.add(Book(title="a", isbn="1", author=author))
        session.add(author)
        country = author.country.record
        assert country is not None
        session.add(country)
        assert "add 1 country" in str(session.plan())
        result = await session.commit()
        assert result.guarantee is Guarantee.ATOMIC
        assert [task.collection for task in result.tasks] == ["country", "author", "book"]
        assert all(task.state is TaskState.APPLIED for task in result.tasks)
        assert (author.id, book.id, book.version, book.author.key) == (1, 1, 1, 1)


async def test_a_reference_to_an_unknown_record_is_refused_before_anything_is_sent() -> None:
    app = library()
    async with app.session() as session:
        session.add(Book(title="a", isbn="1", author=Author(name="nobody")))
        with pytest.raises(StateError, match="add it first"):
            await session.commit()
        session.rollback()


async def test_circles_are_closed_by_a_second_update() -> None:
    app = library()
    async with app.session() as session:
        ann, bob = Person(name="Ann"), Person(name="Bob")
        ann.partner, bob.partner = bob, ann
        session.add(ann)
        session.add(bob)
    async with app.session() as session:
        found = await session.query(Person.where().sort(Person.name))
        assert [(await person.partner).name for person in found] == ["Bob", "Ann"]  # type: ignore[union-attr]
        solo = Person(name="Solo")
        solo.partner = solo
        session.add(solo)
        await session.commit()
        assert solo.partner.key == solo.id
        assert state_of(solo) is State.CLEAN


async def test_client_keys_are_ordered_uuids() -> None:
    app = library()
    async with app.session() as session:
        nodes = [session.add(Node(name=str(number))) for number in range(50)]
        child = session.add(Node(name="child", parent=nodes[0]))
        session.remove(nodes.pop())
    keys = [node.id for node in nodes]
    assert keys == sorted(keys)
    assert all(key.version == 7 for key in keys)
    assert child.parent.key == nodes[0].id


async def test_all_errors_of_all_records_come_at_once() -> None:
    app = library()
    async with app.session() as session:
        author = session.add(Author(name="x"))
        book = session.add(Book(title="a", isbn="", author=author))
        book.pages = 2000
        other = session.add(Book(title="b", isbn="2", author=author))
        other.pages = 2000
        other.isbn = ""
        with pytest.raises(ValidationError) as caught:
            await session.commit()
        assert [error.path for error in caught.value.errors] == ["book[1].isbn", "book[2].isbn"]
        session.rollback()


async def test_a_stale_version_aborts_and_leaves_the_record_as_it_is() -> None:
    app = library()
    async with app.session() as session:
        session.add(Book(title="a", isbn="1", author=session.add(Author(name="x"))))
    async with app.session() as session:
        book = await session.require(Book, 1)
        author = await session.require(Author, 1)
        async with app.session() as other:
            (await other.require(Book, 1)).title = "theirs"
        book.title, author.name = "mine", "mine too"
        with pytest.raises(CommitAborted) as caught:
            await session.commit()
        assert isinstance(caught.value.__cause__, StaleVersion)
        assert (book.title, book.version, state_of(book)) == ("mine", 1, State.DIRTY)
        assert {task.state for task in caught.value.tasks} <= {TaskState.FAILED, TaskState.NOT_RUN}
        await session.refresh(book)
        book.title = "mine"
        await session.commit()
        assert book.version == 3
    async with app.session() as session:
        assert (await session.require(Author, 1)).name == "mine too"


async def test_a_unique_violation_aborts_and_the_session_goes_on() -> None:
    app = library()
    async with app.session() as session:
        author = session.add(Author(name="x"))
        session.add(Book(title="a", isbn="1", author=author))
        await session.commit()
        twin = session.add(Book(title="b", isbn="1", author=author))
        with pytest.raises(CommitAborted) as caught:
            await session.commit()
        cause = caught.value.__cause__
        assert isinstance(cause, UniqueViolation)
        assert cause.fields == ("isbn",)
        assert state_of(twin) is State.NEW
        assert twin.id is None
        twin.isbn = "2"
        await session.commit()
        assert state_of(twin) is State.CLEAN


async def test_edits_made_while_a_commit_is_in_flight_are_kept() -> None:
    app = library()
    async with app.session() as session:
        author = session.add(Author(name="old"))
        await session.commit()
        slow = wrap_store(app, "main", Held)
        author.name = "sent"
        fresh = session.add(Person(name="sent"))
        gone = session.add(Person(name="gone"))
        running = asyncio.create_task(session.commit())
        await slow.entered.wait()
        author.name = "later"
        fresh.name = "later"
        session.remove(gone)
        with pytest.raises(StateError, match="already running"):
            await session.commit()
        slow.go.set()
        await running
        assert [state_of(record) for record in (author, fresh, gone)] == [State.DIRTY, State.DIRTY, State.DELETED]
        await session.commit()
    async with app.session() as session:
        assert (await session.require(Author, 1)).name == "later"
        assert [person.name for person in await session.query(Person.where())] == ["later"]


async def test_setting_a_value_back_in_flight_is_a_change_again() -> None:
    app = library()
    async with app.session() as session:
        author = session.add(Author(name="old"))
        await session.commit()
        slow = wrap_store(app, "main", Held)
        author.name = "sent"
        running = asyncio.create_task(session.commit())
        await slow.entered.wait()
        author.name = "old"
        slow.go.set()
        await running
        assert state_of(author) is State.DIRTY
        await session.commit()
    async with app.session() as session:
        assert (await session.require(Author, 1)).name == "old"


@pytest.mark.parametrize(
    "error, expected",
    [
        (StoreUnavailable("main", "gone"), CommitAborted),
        (StoreTimeout("main", "slow"), CommitAborted),
        (StoreUnavailable("main", "gone", is_outcome_unknown=True), CommitUnknown),
        (StoreTimeout("main", "slow", is_outcome_unknown=True), CommitUnknown),
    ],
)
async def test_a_lost_answer_is_not_taken_for_a_refusal(error: Exception, expected: type[Exception]) -> None:
    app = library()
    wrap_store(app, "main", lambda store: Failing(store, error))
    async with app.session() as session:
        author = session.add(Author(name="x"))
        with pytest.raises(expected) as caught:
            await session.commit()
        assert caught.value.__cause__ is error
        assert state_of(author) is State.NEW
        session.rollback()


async def test_several_stores_are_written_together_or_not_at_all() -> None:
    app = library(country_url="memory:")
    async with app.session() as session:
        france = session.add(Country(code="FR", name="France"))
        author = session.add(Author(name="Ursula", country=france))
        with pytest.raises(CommitAborted, match="can promise"):
            await session.commit(require="atomic")
        assert state_of(france) is State.NEW
        result = await session.commit(require=Guarantee.RECOVERED)
        assert result.guarantee is Guarantee.RECOVERED
        twin = session.add(Country(code="DE", name="Germany"))
        session.add(Book(title="a", isbn="1", author=author))
        session.add(Book(title="b", isbn="1", author=author))
        with pytest.raises(CommitAborted) as caught:
            await session.commit()
        assert state_of(twin) is State.NEW
        assert TaskState.FAILED in {task.state for task in caught.value.tasks}
        assert not any(task.state is TaskState.APPLIED for task in caught.value.tasks)
        session.rollback()
        assert await session.count(Country.where()) == 1
        french = Author.where(Author.country.name == "France")
        assert await session.query(french) == [author]
        assert await session.query(Author.where(Author.country.name != "France")) == []
        assert await session.query(Author.where(negate(Author.country.name == "France"))) == []


async def test_policies_hold_in_the_session() -> None:
    app = Holdall("guarded")
    app.add_store("main", "memory:")
    app.add(Country, store="main", policy=Policy(read=Everyone, write=Role("editor")))
    app.add(Author, Book, Person, store="main", policy=Policy(read=Authenticated, write=Nobody))
    ann, editor = User("ann"), User("eve", roles=frozenset({"editor"}))
    async with app.session(editor) as session:
        session.add(Country(code="FR", name="France"))
    async with app.session(ann) as session:
        france = await session.require(Country, "FR")
        france.name = "x"
        with pytest.raises(Forbidden):
            await session.commit()
        session.rollback()
        session.add(Author(name="x"))
        with pytest.raises(Forbidden):
            await session.commit()
        session.rollback()
    nobody = User(None)
    async with app.session(nobody) as session:
        assert (await session.require(Country, "FR")).name == "France"
        queries: list[Query[Any]] = [Author.where(), Book.where(Book.author.name == "x")]
        for query in queries:
            with pytest.raises(Forbidden):
                await session.query(query)
            with pytest.raises(Forbidden):
                await session.count(query)


@pytest.mark.anyio
async def test_a_refused_commit_leaves_no_moment_behind() -> None:
    """What is added at the second try was made then."""

    class Stamped(Model):
        id: int = field(pk=True)
        code: str = field(unique=True)
        created: datetime = field(auto_now="create")
        changed: datetime = field(auto_now="write")

    app = Holdall("stamps")
    app.add_store("main", "memory:")
    app.add(Stamped, store="main")
    given = datetime(2020, 1, 1, tzinfo=UTC)
    async with app.session() as session:
        session.add(Stamped(id=1, code="a"))
        await session.commit()
        late, dated = session.add(Stamped(id=2, code="a")), session.add(Stamped(id=3, code="c"))
        dated.created = given
        with pytest.raises(CommitAborted):
            await session.commit()
        assert getattr(late, "created", None) is None
        assert dated.created == given
        late.code = "b"
        await session.commit()
        assert late.created == late.changed
        assert dated.created == given


@pytest.mark.anyio
async def test_of_several_records_each_error_names_its_own() -> None:
    """By its place in the commit, and by its key where it has one."""

    class Stay(Model):
        id: int = field(pk=True)
        first: int
        last: int

        @check
        def _in_order(self) -> None:
            if self.last < self.first:
                raise ValueError("ends before it begins")

    app = Holdall("stays")
    app.add_store("main", "memory:")
    app.add(Stay, store="main")
    async with app.session() as session:
        session.add_all([Stay(id=7, first=1, last=2), Stay(id=9, first=1, last=2)])
        await session.commit()
        for key in (7, 9):
            (await session.require(Stay, key)).first = 3
        with pytest.raises(ValidationError, match=r"its key is 7.*its key is 9") as caught:
            await session.commit()
        assert len(caught.value.errors) == 2
        session.rollback()
