"""Actions as they run: in one context and one commit, by the rights that their policies say, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from holdall import (
    SYSTEM,
    Action,
    ActionPolicy,
    Context,
    Each,
    Everyone,
    FieldRights,
    Holdall,
    Model,
    Nobody,
    One,
    Policy,
    Role,
    Stamped,
    User,
    field,
)
from holdall.actions.house import Duplicate, Export
from holdall.errors import (
    ActionUnavailable,
    CommitAborted,
    Forbidden,
    LimitExceeded,
    NotFound,
    StateError,
    ValidationError,
)
from holdall.session import Session
from tests.support.bookstore import (
    ANN,
    EVE,
    LIBRARIAN,
    Book,
    Card,
    Import,
    Outer,
    Publish,
    Report,
    Vote,
    bookstore,
    filled,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["memory", "sqlite"])
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holdall]:
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path / 'books.db'}"
    made = bookstore(url)
    if request.param == "sqlite":
        await made.create()
    await filled(made)
    yield made
    await made.close()


async def stored(app: Holdall, key: int = 1) -> Any:
    async with app.session() as session:
        return await session.require(Book, key)


async def test_it_writes_by_its_own_right_in_one_commit(app: Holdall) -> None:
    async with app.session(ANN) as session:
        book = await session.require(Book, 1)
        assert await session.act(Vote(score=8), book) == 8.0
        assert (await stored(app)).votes == 1  # before the block ends
        book.pages = 9
        with pytest.raises(Forbidden, match="no right to update"):
            await session.commit()
        session.rollback()
    assert ((await stored(app)).pages, (await stored(app)).margin) == (100, 7777)


async def test_what_is_given_after_it_is_the_users_again(app: Holdall) -> None:
    async with app.session(ANN) as session:
        book = await session.require(Book, 1)
        await session.act(Vote(score=8), book)
        book.votes = 50
        with pytest.raises(Forbidden):
            await session.commit()
        session.rollback()


async def test_an_exception_undoes_all_of_it(app: Holdall) -> None:
    async with app.session(ANN) as session:
        book = await session.require(Book, 1)
        with pytest.raises(ValueError, match="planted"):
            await session.act(Vote(score=8, comment="fail"), book)
        assert (book.votes, session.plan().steps) == (0, ())
        with pytest.raises(ValueError, match="planted"):
            await session.act(Vote(score=8, comment="fail"), Book.where(Book.pages < 400))
    assert [(await stored(app, key)).votes for key in (1, 2, 3)] == [0, 0, 0]


async def test_changes_of_others_are_none_of_its(app: Holdall) -> None:
    async with app.session(LIBRARIAN) as session:
        book = await session.require(Book, 1)
        book.pages = 5
        with pytest.raises(StateError, match="is a commit of its own"):
            await session.act(Vote(score=8), book)
        assert book.pages == 5
        session.rollback()


async def test_each_is_done_one_by_one_and_all_together(app: Holdall) -> None:
    async with app.session(ANN) as session:
        books = await session.query(Book.where(Book.pages <= 300).sort(Book.pages))
        assert await session.act(Vote(score=6), books) == [6.0, 6.0, 6.0]
        assert await session.act(Vote(score=8), Book.where(Book.pages <= 300)) == [7.0, 7.0, 7.0]
        assert await session.act(Report(), Book.where(Book.pages <= 300)) == ["b01", "b02", "b03"]
        assert await session.act(Report(), books[1:]) == ["b02", "b03"]
        assert await session.act(Vote(score=1), []) == []
        assert await session.act(Report(), Book.where(Book.pages > 9999)) == []
        french = session.select("books/french-books", pages=300)
        assert await session.act(Report(), french) == ["b10", "b06"]


async def test_too_many_are_refused_before_anything_is_done(app: Holdall) -> None:
    async with app.session(ANN) as session:
        for meant in (Book.where(), await session.query(Book.where())):
            with pytest.raises(LimitExceeded, match="more than 8 books"):
                await session.act(Vote(score=8), meant, max_affected=8)
    assert (await stored(app)).votes == 0


@pytest.mark.parametrize(
    "action, on, told",
    [
        (Vote, None, "takes an action with its inputs"),
        (7, None, "takes an action"),
        (Vote(score=1), None, "records of books: give it one of them, a list of them or a query, not nothing"),
        (Publish(), "list", "give it one of them, not list"),
        (Publish(), Book.where(), "give it one of them, not a query"),
        (Report(), "one", "give it a list of them or a query, not Book"),
        (Import(titles=[]), "one", "is done on nothing"),
        (Vote(score=1), "twice", "twice on one Book"),
        (Vote(score=1), Book.where().group_by(Book.pages), "asks for groups"),
        (Vote(score=1), Card.where(), "vote is done on records of books, not on Card"),
        (Vote(score=1), "unbound", "not in this session"),
    ],
)
async def test_what_it_cannot_be_done_on_is_refused(app: Holdall, action: Any, on: Any, told: str) -> None:
    async with app.session(ANN) as session:
        book = await session.require(Book, 1)
        given = {"one": book, "list": [book], "twice": [book, book], "unbound": Book(title="x")}
        with pytest.raises(StateError, match=told):
            await session.act(action, given[on] if isinstance(on, str) else on)


async def test_execute_may_demand_something_of_records(app: Holdall) -> None:
    async with app.session(ANN) as session:
        book = await session.require(Book, 1)
        assert (await session.act(Publish(), book)).status == "published"
        with pytest.raises(ActionUnavailable) as caught:
            await session.act(Publish(), book)
    assert (caught.value.keys, caught.value.action) == ((1,), "publish")
    assert caught.value.reason == 'it is for role reader and status = "draft"'
    async with app.session() as session:
        assert await session.count(Card.where()) == 1


async def test_the_rule_is_asked_of_what_is_stored(app: Holdall) -> None:
    async with app.session(LIBRARIAN) as session:
        book = await session.require(Book, 1)
        async with app.session() as other:
            (await other.require(Book, 1)).status = "published"
        with pytest.raises(ActionUnavailable):
            await session.act(Publish(), book)


async def test_who_may_not_see_it_meets_what_is_not_there(app: Holdall) -> None:
    async with app.session(EVE) as session:
        book = await session.require(Book, 1)
        with pytest.raises(NotFound, match="no action of books with key 'publish'"):
            await session.act(Publish(), book)
        with pytest.raises(ActionUnavailable, match="it is for role reader"):
            await session.act(Vote(score=1), book)


async def test_records_that_are_hidden_are_not_among_those_meant(app: Holdall) -> None:
    async with app.session(ANN) as session:
        assert len(await session.act(Vote(score=8), Book.where())) == 9
    assert ((await stored(app, 4)).votes, (await stored(app, 5)).votes) == (0, 1)


async def test_references_lead_to_what_the_user_may_read(app: Holdall) -> None:
    async with app.session(ANN) as session:
        made = await session.act(Import(titles=["x", "y"], author=1))
        assert [(book.title, book.author.name, book.id is None) for book in made] == [
            ("x", "Hugo", False),
            ("y", "Hugo", False),
        ]
        with pytest.raises(ValidationError, match="author: refers to a record that does not exist"):
            await session.act(Import(titles=["z"], author=77))
    async with app.session() as session:
        assert await session.count(Book.where(Book.title == "z")) == 0


async def test_one_action_calls_others_within_its_own_commit(app: Holdall) -> None:
    async with app.session(ANN) as session:
        book = await session.require(Book, 1)
        assert await session.act(Outer(), book) == 3.0
        assert (await stored(app)).votes == 2
        with pytest.raises(StateError, match="nothing of it is written"):
            await session.act(Outer(inner="fail"), book)
    assert (await stored(app)).votes == 2


async def test_inputs_of_one_call_never_reach_another(app: Holdall) -> None:
    action = Import(titles=["one"])
    async with app.session(ANN) as session:
        await session.act(action)
        action.titles.append("two")
        await session.act(action)

        async def one(score: float) -> float:
            async with app.session(ANN) as mine:
                return await mine.act(Vote(score=score), await mine.require(Book, int(score)))

        assert await asyncio.gather(*map(one, (1, 2, 3))) == [1.0, 2.0, 3.0]
    async with app.session() as session:
        titles = [book.title for book in await session.query(Book.where(Book.pages == 0).sort(Book.id))]
    assert titles == ["one", "one", "two"]


async def test_somebody_who_was_faster_is_not_overwritten(app: Holdall) -> None:
    async with app.session(ANN) as session:
        book = await session.require(Book, 1)
        async with app.session(ANN) as other:
            await other.act(Vote(score=2), await other.require(Book, 1))
        with pytest.raises(CommitAborted):
            await session.act(Vote(score=10), book)
        assert session.plan().steps == ()
    assert ((await stored(app)).votes, (await stored(app)).score) == (1, 2.0)


async def test_within_a_transaction_it_is_a_part_that_is_undone_by_itself(app: Holdall) -> None:
    async with app.session(LIBRARIAN) as session, session.transaction():
        book = await session.require(Book, 1)
        book.pages = 42
        assert await session.act(Vote(score=8), book) == 8.0
        with pytest.raises(ValueError, match="planted"):
            await session.act(Vote(score=2, comment="fail"), book)
        assert (book.pages, book.votes) == (42, 1)
    assert ((await stored(app)).pages, (await stored(app)).votes) == (42, 1)


async def test_duplicates_are_new_records_by_the_users_rights(app: Holdall) -> None:
    async with app.session(LIBRARIAN) as session:
        book = await session.require(Book, 2)
        copy = await session.act(Duplicate[Book](changes={"title": "copy", "author": 1}), book)
        assert (copy.id, copy.title, copy.pages, copy.margin, copy.author.key) == (13, "copy", 200, 7777, 1)
        with pytest.raises(ValidationError) as caught:
            await session.act(Duplicate[Book](changes={"score": 99, "zzz": 1}), book)
        paths = [(error.path, error.code) for error in caught.value.errors]
        assert sorted(paths) == [("changes.score", "le"), ("changes.zzz", "unknown")]
        with pytest.raises(ValidationError, match="must be a JSON object"):
            await session.act(Duplicate[Book](changes=[1]), book)
    async with app.session(ANN) as session:
        with pytest.raises(Forbidden, match="no right to create"):
            await session.act(Duplicate[Book](), await session.require(Book, 2))


async def test_exports_have_what_the_user_may_read(app: Holdall) -> None:
    async with app.session(ANN) as session:
        file = await session.act(Export[Book](columns=["id", "title"]), Book.where(Book.pages < 500))
        assert (file.body, file.name) == (b"id,title\r\n1,b01\r\n2,b02\r\n3,b03\r\n", "books.csv")
        lines = await session.act(Export[Book](form="ndjson"), Book.where(Book.pages == 100))
        assert b'"title":"b01"' in lines.body
        assert b"7777" not in lines.body
        empty = await session.act(Export[Book](columns=["id"]), Book.where(Book.pages == 1))
        assert empty.body == b"id\r\n"
        for hidden in ("margin", "zzz"):
            with pytest.raises(ValidationError, match="names something that is not a field"):
                await session.act(Export[Book](columns=[hidden]), Book.where(Book.pages < 500))


async def test_the_program_itself_may_all(app: Holdall) -> None:
    async with app.session(SYSTEM) as session:
        assert (await session.act(Publish(), await session.require(Book, 4))).status == "published"


def test_sync_sessions_and_contexts_act_too(tmp_path: Path) -> None:
    app = bookstore()
    asyncio.run(filled(app))
    with app.sync.session(ANN) as session:
        book = session.require(Book, 1)
        assert session.act(Vote(score=8), book) == 8.0
        assert session.act(Publish(), book).status == "published"
        assert session.act(Report(), session.select("books/drafts")) == ["b02", "b03"]
    with app.sync.context(user=ANN) as context:
        assert context.act(Vote(score=6), context.session.require(Book, 2)) == 6.0
        assert context.act(Publish(), context.session.require(Book, 3)).status == "published"
    app.sync.close()


# --- in contexts ------------------------------------------------------------------------------------------------------


class Note(Model):
    id: int = field(pk=True)
    text: str = ""


class Write(Action[Note], on=One):
    text: str

    async def run(self, context: Context, note: Note) -> str:
        note.text = f"{self.text} by {context.user.id}"
        (await context.log).append("wrote")
        if self.text == "commit":
            await context.session.commit()
        if self.text == "transaction":
            async with context.session.transaction():
                pass
        if self.text == "upsert":
            await context.session.upsert(Note, {"id": 9}, text="x")
        return self.text if self.text != "wrong" else 7  # type: ignore[return-value]


class Guarded(Action[Note], on=Each):
    async def run(self, context: Context, note: Note) -> None:
        await context.act(Write(text="x"), note)


def notebook(log: list[str]) -> Holdall:
    app = Holdall("notes")
    app.add_store("main", "memory:")
    app.add(Note, store="main", policy=Policy(read=Role("writer"), write=Nobody))
    app.add_action(Write, ActionPolicy(execute=Role("writer")))
    app.add_action(Guarded)

    @app.resource("log")
    async def make_log(context: Context) -> AsyncIterator[list[str]]:
        try:
            yield log
        except BaseException:
            log.append("discarded")
            raise
        log.append("closed")

    @app.middleware
    async def around(context: Context) -> AsyncIterator[None]:
        log.append(f"begin {context.meta.get('action', '')}")
        yield
        log.append("end")

    return app


WRITER = User("ann", roles=frozenset({"writer"}))


async def _note(session: Session) -> Note:
    return await session.require(Note, 1)


async def test_it_runs_in_one_context_with_its_middleware_and_resources() -> None:
    log: list[str] = []
    app = notebook(log)
    async with app.session() as session:
        session.add(Note(id=1))
    async with app.session(WRITER) as session:
        assert await session.act(Write(text="x"), await _note(session)) == "x"
    assert log == ["begin note.write", "wrote", "end", "closed"]
    log.clear()
    async with app.context(user=WRITER) as context:
        assert await context.act(Write(text="y"), await _note(context.session)) == "y"
        assert log == ["begin ", "wrote"]
        assert (await _note(context.session)).text == "y by ann"
    assert log == ["begin ", "wrote", "end", "closed"]


@pytest.mark.parametrize("text", ["commit", "transaction", "upsert", "wrong"])
async def test_it_is_committed_once_when_it_returns(text: str) -> None:
    log: list[str] = []
    app = notebook(log)
    async with app.session() as session:
        session.add(Note(id=1, text="before"))
    async with app.session(WRITER) as session:
        with pytest.raises(StateError, match=r"is not for an action|its annotation says str"):
            await session.act(Write(text=text), await _note(session))
    async with app.session() as session:
        assert (await _note(session)).text == "before"
        assert await session.count(Note.where()) == 1
    assert log[-1] == "discarded"


async def test_rights_of_its_own_are_not_lent_by_one_without() -> None:
    app = notebook([])
    async with app.session() as session:
        session.add(Note(id=1, text="before"))
    async with app.session(WRITER) as session:
        with pytest.raises(StateError, match="writes by a right of its own, and guarded"):
            await session.act(Guarded(), await _note(session))
    async with app.session() as session:
        assert (await _note(session)).text == "before"


async def test_an_application_without_any_says_so() -> None:
    app = Holdall("empty")
    async with app.session() as session:
        with pytest.raises(StateError, match="has no action"):
            await session.act(Write(text="x"), Note(id=1))
        with pytest.raises(StateError, match="has no selection"):
            session.select("note/x")


async def test_stamps_tell_who_acted_and_transitions_hold() -> None:
    class Note(Stamped, Model):
        id: int = field(pk=True)
        state: str = field(default="draft", transitions={"draft": ["out"], "out": []})

    class Move(Action[Note], on=One):
        to: str

        async def run(self, context: Context, note: Note) -> None:
            note.state = self.to
            context.session.add(Note(id=10 * note.id + len(self.to)))

    app = Holdall("notes")
    app.add_store("main", "memory:")
    app.add(Note, store="main", policy=Policy(read=Role("reader"), write=Nobody))
    app.add_action(Move, ActionPolicy(execute=Role("reader")))
    async with app.session() as session:
        session.add(Note(id=1))
    async with app.session(ANN) as session:
        note = await session.require(Note, 1)
        await session.act(Move(to="out"), note)
        assert (note.created_by, note.modified_by) == ("system", "ann")
        added = await session.require(Note, 13)
        assert (added.created_by, added.modified_by) == ("ann", "ann")
        with pytest.raises(ValidationError, match="transition"):
            await session.act(Move(to="draft"), note)
        assert await session.count(Note.where()) == 2


@pytest.mark.parametrize("result", [{"a": object()}, {(1, 2): object}, float("nan"), {"a": [float("inf")]}, "\ud800"])
async def test_a_result_that_json_cannot_tell_is_an_error_and_nothing_is_written(result: Any) -> None:
    class Tell(Action[Book], on=One, name="tell"):
        async def run(self, context: Context, book: Book) -> Any:
            book.title = "written"
            return result

    app = bookstore("memory:")
    app.add_action(Tell)
    await filled(app)
    async with app.session() as session:
        with pytest.raises(StateError, match="JSON cannot tell"):
            await session.act(Tell(), await session.require(Book, 1))
    assert (await stored(app)).title != "written"


async def test_a_duplicate_is_given_what_the_user_may_give_a_new_record() -> None:
    class Bill(Model, collection="bills"):
        id: int = field(pk=True)
        owner: str = ""
        margin: int = 0

    app = Holdall("bills")
    app.add_store("main", "memory:")
    rights = {"margin": FieldRights(read=Nobody), "owner": FieldRights(write=Nobody)}
    app.add(Bill, store="main", policy=Policy(read=Everyone, write=Everyone, fields=rights))
    app.add_action(Duplicate[Bill], policy=ActionPolicy(execute=Everyone))
    async with app.session() as session:
        session.add(Bill(id=1, owner="eve", margin=3))
    async with app.session(User("ann")) as session:
        bill = await session.require(Bill, 1)
        for name, value in (("margin", 5), ("owner", "ann")):
            with pytest.raises(ValidationError, match=f"changes.{name}"):
                await session.act(Duplicate[Bill](changes={"id": 2, name: value}), bill)
        assert (await session.act(Duplicate[Bill](changes={"id": 2}), bill)).id == 2
