"""Soft deletion: removed records stay, are as if they were not there, and come back with all that went with them."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

from holdall import (
    ActionPolicy,
    Everyone,
    Holdall,
    Many,
    Model,
    Nobody,
    Policy,
    Ref,
    Role,
    SoftDeleted,
    User,
    back,
    field,
    rows,
)
from holdall.actions.house import Purge, Restore
from holdall.errors import CommitAborted, DeclarationError, Forbidden, NotFound, StateError, ValidationError
from holdall.model import OnDelete
from holdall.query import desc, expr
from holdall.session.references.guarded_access import GuardedAccess
from holdall.testing.client import Client
from tests.support.dropping import drop

pytestmark = pytest.mark.anyio

ANN, EVE = User("ann", unrestricted=True), User("eve", unrestricted=True)


class Author(SoftDeleted, collection="authors"):
    id: int = field(pk=True)
    name: str = ""
    books: Many[Book] = back("author")


class Book(SoftDeleted, collection="books", search=("title",)):
    id: int = field(pk=True)
    title: str = field(default="", unique=True)
    pages: int = 0
    author: Ref[Author | None] = field(default=None, on_delete=OnDelete.CASCADE)
    version: int = field(version=True)
    loans: Many[Loan] = back("book")


class Loan(Model, collection="loans"):
    id: int = field(pk=True)
    book: Ref[Book]
    note: str = ""


class Mark(Model, collection="marks"):
    id: int = field(pk=True)
    book: Ref[Book] = field(on_delete=OnDelete.CASCADE)
    other: Ref[Book | None] = field(default=None, on_delete=OnDelete.UNLINK)


MODELS: tuple[Any, ...] = (Author, Book, Loan, Mark)
STORES = ["memory", "sqlite", "yaml", "postgres_url", "mariadb_url", "mongo_url", "redis_url", "scattered"]


async def opened(url: str, policy: Policy | None = None, others: str = "") -> Holdall:
    app = Holdall("soft")
    options: dict[str, Any] = {"scan_limit": 1_000} if url.startswith("redis") else {}
    app.add_store("main", url, **options)
    if others:
        app.add_store("other", others)
    for model in MODELS:
        app.add(model, store="other" if others and model is not Book else "main", policy=policy or Policy())
    app.bindings.configure()
    await drop(app.stores["main"])
    await app.create()
    return app


@pytest.fixture(params=STORES)
async def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Holdall]:
    folder = tmp_path_factory.mktemp("soft")
    urls = {"memory": "memory:", "sqlite": f"sqlite:///{folder}/main.db", "yaml": f"yaml:{folder}/main"}
    urls["scattered"] = urls["sqlite"]
    others = "memory:" if request.param == "scattered" else ""
    app = await opened(urls.get(request.param) or request.getfixturevalue(request.param), others=others)
    yield app
    await drop(app.stores["main"])
    await app.close()


async def filled(app: Holdall) -> None:
    async with app.session() as session:
        ursula, jane = session.add_all([Author(id=1, name="Ursula"), Author(id=2, name="Jane")])
        session.add_all([Book(id=1, title="dark", pages=3, author=ursula), Book(id=2, title="left", author=ursula)])
        session.add(Book(id=3, title="emma", pages=9, author=jane))


async def keys(session: Any, query: Any) -> list[int]:
    return sorted(record.id for record in await session.query(query))


async def a_removed_record_stays_unseen_and_comes_back(app: Holdall) -> None:
    await filled(app)
    async with app.session(ANN) as session:
        book = await session.require(Book, 1)
        assert session.remove(book)
        assert session.remove(book)
        assert await session.get(Book, 1) is None
        assert await keys(session, Book.where()) == [2, 3]
        await session.commit()
        assert await session.get(Book, 1) is None
    async with app.session(EVE) as session:
        assert await keys(session, Book.where()) == [2, 3]
        assert await session.count(Book.where()) == 2
        assert [book.id async for book in session.stream(Book.where())] == [2, 3]
        assert await keys(session, Book.with_deleted()) == [1, 2, 3]
        assert await session.count(Book.with_deleted()) == 3
        (book,) = await session.query(Book.only_deleted(Book.pages == 3))
        assert (book.deleted_by, type(book.deleted_at), book.version) == ("ann", datetime, 2)
        assert await session.get(Book, 1) is None
        ursula = await session.require(Author, 1)
        assert [each.id for each in await ursula.books] == [2]
        session.restore(book)
        await session.commit()
        assert (book.deleted_at, book.deleted_by) == (None, None)
    async with app.session() as session:
        assert await keys(session, Book.where()) == [1, 2, 3]
        session.remove(await session.require(Book, 1), final=True)
        await session.commit()
        assert await keys(session, Book.with_deleted()) == [2, 3]


async def cascades_take_along_and_bring_back_what_went_then(app: Holdall) -> None:
    await filled(app)
    async with app.session() as session:
        session.remove(await session.require(Book, 2))
    async with app.session() as session:
        session.remove(await session.require(Author, 1))
    async with app.session() as session:
        assert await keys(session, Book.where()) == [3]
        assert await keys(session, Author.where()) == [2]
        assert await keys(session, Book.only_deleted()) == [1, 2]
        (book,) = await session.query(Book.only_deleted(Book.id == 1))
        session.restore(book)
        with pytest.raises(ValidationError, match="authors that is deleted: restore that first"):
            await session.commit()
        session.rollback()
        with pytest.raises(NotFound):
            await book.author
        (author,) = await session.query(Author.only_deleted())
        session.restore(author)
    async with app.session() as session:
        assert await keys(session, Book.where()) == [1, 3]  # the other one had been deleted before
        session.remove(await session.require(Author, 1), final=True)
    async with app.session() as session:
        assert await keys(session, Book.with_deleted()) == [3]


async def restrict_refuses_and_all_others_wait_for_the_final_removal(app: Holdall) -> None:
    await filled(app)
    async with app.session() as session:
        session.add(Loan(id=1, book=1))
        session.add_all([Mark(id=1, book=2), Mark(id=2, book=3, other=2)])
    async with app.session() as session:
        session.remove(await session.require(Book, 1))
        with pytest.raises(CommitAborted, match="loans"):
            await session.commit()
        session.rollback()
        session.remove(await session.require(Author, 1))
        with pytest.raises(CommitAborted, match="loans"):
            await session.commit()
        session.rollback()
        session.remove(await session.require(Loan, 1))
        session.remove(await session.require(Book, 1))
        session.remove(await session.require(Book, 2))
    async with app.session() as session:
        assert await keys(session, Mark.where()) == [1, 2]
        with pytest.raises(NotFound):
            await (await session.require(Mark, 1)).book
        session.add(Loan(id=2, book=1))
        with pytest.raises(ValidationError, match="does not exist"):
            await session.commit()
        session.rollback()
        for book in await session.query(Book.only_deleted()):
            session.remove(book, final=True)
    async with app.session() as session:
        assert await keys(session, Mark.where()) == [2]
        assert (await session.require(Mark, 2)).other.key is None


async def bulk_deletions_and_what_stays_taken(app: Holdall) -> None:
    await filled(app)
    async with app.session(ANN) as session:
        assert await session.delete(Book.where(Book.pages > 2)) == 2
    async with app.session() as session:
        assert await session.delete(Book.where()) == 1
        session.rollback()
        assert [book.deleted_by for book in await session.query(Book.only_deleted())] == ["ann", "ann"]
        assert await session.update(Book.where(), pages=1) == 1
        session.rollback()
        session.add(Book(id=9, title="dark"))
        with pytest.raises(CommitAborted, match="title"):
            await session.commit()
        session.rollback()
        assert await session.delete(Book.only_deleted(), final=True) == 2
    async with app.session() as session:
        assert await keys(session, Book.with_deleted()) == [2]


async def test_every_store(app: Holdall) -> None:
    for tried in (
        a_removed_record_stays_unseen_and_comes_back,
        cascades_take_along_and_bring_back_what_went_then,
        restrict_refuses_and_all_others_wait_for_the_final_removal,
        bulk_deletions_and_what_stays_taken,
    ):
        await tried(app)
        async with app.session() as session:
            for model in reversed(MODELS):
                everything: Any = model.with_deleted() if issubclass(model, SoftDeleted) else model.where()
                for record in await session.query(everything):
                    session.remove(record, final=True)


async def test_bulk_deletions_alone_in_their_collection() -> None:
    class Note(SoftDeleted):
        id: int = field(pk=True)

    app = Holdall("notes")
    app.add_store("main", "memory:")
    app.add(Note, store="main")
    async with app.session() as session:
        session.add_all([Note(id=number) for number in range(4)])
    async with app.session(ANN) as session:
        assert await session.delete(Note.where(Note.id < 2)) == 2
    async with app.session(EVE) as session:
        assert await session.delete(Note.where(Note.id < 3)) == 1
    async with app.session() as session:
        assert [note.deleted_by for note in await session.query(Note.only_deleted().sort(Note.id))] == [
            "ann",
            "ann",
            "eve",
        ]
    await app.close()


# --- as if they were not there --------------------------------------------------------------------------------------


async def world(url: str, others: str, *, is_haunted: bool, policy: Policy | None = None) -> Holdall:
    """An application with records, and deleted ones beside them where it is haunted."""
    app, draw = await opened(url, policy or Policy(read=Everyone, write=Everyone), others), random.Random(7)
    authors = [Author(id=number, name=draw.choice("abc")) for number in range(6)]
    books = [
        Book(id=number, title=f"{draw.choice(['dark', 'left'])} {number}", pages=number % 3, author=number % 8)
        for number in range(24)
        if number % 8 < 6
    ]
    async with app.session() as session:
        session.add_all([*authors, *books, *[Mark(id=number, book=number) for number in range(6)]])
        if is_haunted:
            ghosts = [Author(id=100 + number, name=draw.choice("abc")) for number in range(6)]
            session.add_all(ghosts)
            session.add_all([Book(id=100 + number, title=f"dark {number + 100}", author=number) for number in range(6)])
            session.add_all([Book(id=200 + number, title=f"x {number}", author=100 + number) for number in range(6)])
    if is_haunted:
        async with app.session(EVE) as session:
            await session.delete(Book.where((Book.id >= 100) & (Book.id < 200)))
            for author in await session.query(Author.where(Author.id >= 100)):
                session.remove(author)
    return app


QUERIES: list[Any] = [
    Book.where(),
    Book.where(Book.search("dark")),
    Book.where(Book.author.name == "a").sort(desc(Book.pages), Book.title),
    Book.where(Book.author.name != "b"),
    Book.where().sort(Book.author.name, Book.id).limit(5),
    Book.where().sort(desc(Book.id)).limit(3).offset(1),
    Author.where(Author.books.any(Book.pages == 1)),
    Author.where(~Author.books.any(Book.pages < 9)),
    Author.where(expr(Author.id).in_(Book.where(Book.pages == 0).only(Book.author))),
    Mark.where(Mark.book.author.name == "c"),
    Book.where().only(Book.id, Book.author.name),
    Book.where().group_by(Book.pages).only(Book.pages, rows()),
    Book.where().only(expr(Book.id).max(), rows()),
    Book.where().only(Book.pages).distinct(),
]


async def told(app: Holdall) -> list[Any]:
    """All that a reader finds out."""
    found: list[Any] = []
    async with app.session() as session:
        for query in QUERIES:
            given = await session.query(query)
            found.append([row if isinstance(row, tuple) else row.id for row in given])
            if query.grouping is None:
                found += [await session.count(query), await session.exists(query)]
        found += [await session.get(Book, 100) is None, await session.get(Author, 103) is None]
        authors = await session.query(Author.where())
        await session.load(authors, Author.books)
        found.append([[book.id for book in author.books] for author in authors])
    async with Client(app.asgi()) as client:
        for path in ("books?author.name=a&sort=-id", "books?q=dark", "authors?include=books", "books/100", "books/204"):
            answer = await client.get(f"/{path}")
            found += [answer.status, answer.body]
    return found


@pytest.mark.parametrize("layout", ["memory", "sqlite", "scattered"])
async def test_nobody_can_tell_whether_records_were_deleted(layout: str, tmp_path: Any) -> None:
    answers = []
    for is_haunted in (False, True):
        url = "memory:" if layout == "memory" else f"sqlite:///{tmp_path}/{is_haunted}.db"
        app = await world(url, "memory:" if layout == "scattered" else "", is_haunted=is_haunted)
        answers.append(await told(app))
        await app.close()
    assert answers[0] == answers[1]


async def test_a_planted_leak_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GuardedAccess, "_guarded", lambda self, query, local: query)
    app, haunted = await world("memory:", "", is_haunted=False), await world("memory:", "", is_haunted=True)
    assert await told(app) != await told(haunted)


ASKED_FOR: list[Any] = [
    Book.only_deleted(),
    Book.with_deleted(),
    Book.where(expr(Book.deleted_by) == "eve"),
    Author.where(Author.books.any(expr(Book.deleted_at) != None)),  # noqa: E711
    Book.where(expr(Book.author.deleted_at) != None),  # noqa: E711
    Book.where().sort(Book.deleted_at, Book.id),
    Author.where(expr(Author.id).in_(Book.only_deleted().only(Book.author))),
    Book.with_deleted().only(expr(Book.id).max(), rows()),
    Mark.where(Mark.book.deleted_by == "eve"),
]


@pytest.mark.parametrize("layout", ["memory", "sqlite", "scattered"])
async def test_who_may_not_delete_cannot_ask_for_what_was_deleted(layout: str, tmp_path: Any) -> None:
    policy, answers = Policy(read=Everyone, create=Everyone, update=Everyone, delete=Role("boss")), []
    for is_haunted in (False, True):
        url = "memory:" if layout == "memory" else f"sqlite:///{tmp_path}/{is_haunted}.db"
        app = await world(url, "memory:" if layout == "scattered" else "", is_haunted=is_haunted, policy=policy)
        found: list[Any] = []
        async with app.session(User("clerk")) as session:
            for query in ASKED_FOR:
                given = await session.query(query)
                found.append([row if isinstance(row, tuple) else row.id for row in given])
                found += [await session.count(query)] if query.grouping is None else []
        async with Client(app.asgi()) as client:
            for path in ("books?deleted_at__isnull=false", "books?sort=deleted_at", "books?author.deleted_by=eve"):
                answer = await client.get(f"/{path}")
                found += [answer.status, answer.body]
        answers.append(found)
        await app.close()
    assert answers[0] == answers[1]


# --- rights ---------------------------------------------------------------------------------------------------------


async def test_rights_of_deletion() -> None:
    policy = Policy(read=Everyone, create=Everyone, update=Everyone, delete=Role("boss"))
    app, boss, clerk = await opened("memory:", policy), User("b", roles=frozenset({"boss"})), User("c")
    await filled(app)
    async with app.session(clerk) as session:
        book = await session.require(Book, 3)
        session.remove(book)
        with pytest.raises(Forbidden):
            await session.commit()
        session.rollback()
    async with app.session(boss) as session:
        session.remove(await session.require(Book, 3))
    async with app.session(clerk) as session:
        assert await session.query(Book.only_deleted()) == []
        assert await session.count(Book.with_deleted()) == 2
    async with app.session(boss) as session:
        (book,) = await session.query(Book.only_deleted())
        assert book.deleted_by == "b"
        session.restore(book)
    policy = Policy(read=Everyone, create=Everyone, update=Nobody, delete=Book.pages == 9)
    app = await opened("memory:")
    app = Holdall("own")
    app.add_store("main", "memory:")
    for model in (Author, Loan, Mark):
        app.add(model, store="main", policy=Policy(read=Everyone, write=Everyone))
    app.add(Book, store="main", policy=policy)
    await filled(app)
    async with app.session(clerk) as session:
        session.remove(await session.require(Book, 3))
        await session.commit()
        session.remove(await session.require(Book, 1))
        with pytest.raises(Forbidden):
            await session.commit()
        session.rollback()
    async with app.session() as session:
        session.remove(await session.require(Book, 1))
    async with app.session(clerk) as session:
        (book,) = await session.query(Book.only_deleted())  # the other one is not for him to delete
        session.restore(book)


async def test_what_is_refused() -> None:
    app = await opened("memory:")
    await filled(app)
    async with app.session() as session:
        session.add(Loan(id=1, book=3))
        await session.commit()
        loan = await session.require(Loan, 1)
        with pytest.raises(StateError, match="no soft deletion"):
            session.restore(loan)
        book = await session.require(Book, 1)
        session.remove(book, final=True)
        with pytest.raises(StateError, match="removed for good"):
            session.restore(book)
        session.rollback()
    with pytest.raises(DeclarationError, match="takes None"):

        class Wrong(Model):
            id: int = field(pk=True)
            gone: datetime = field(auto_now="delete")

    with pytest.raises(DeclarationError, match="one field says"):

        class Alone(Model):
            id: int = field(pk=True)
            who: str | None = field(auto_user="delete")


# --- events, HTTP ---------------------------------------------------------------------------------------------------


async def test_events_tell_of_deletions_and_returns() -> None:
    app = await opened("memory:")
    seen: list[str] = []

    @app.on(Book.created)
    @app.on(Book.changed)
    @app.on(Book.deleted)
    async def note(event: Any) -> None:
        seen.append(f"{event.kind} {event.record.id}")

    await filled(app)
    seen.clear()
    async with app.session() as session:
        session.remove(await session.require(Author, 2))
    async with app.session() as session:
        session.restore((await session.query(Author.only_deleted()))[0])
    assert seen == ["deleted 3", "created 3"]


async def test_http() -> None:
    app = await opened("memory:", Policy(read=Everyone, write=Everyone))
    for action in (Restore[Book], Purge[Book]):
        app.add_action(action, policy=ActionPolicy(execute=Everyone))
    await filled(app)
    async with Client(app.asgi()) as client:
        assert (await client.delete("/books/3")).status == 204
        assert (await client.get("/books/3")).status == 404
        assert (await client.get("/books")).json()["total_count"] == 2
        listed = (await client.get("/books?deleted_at__isnull=false")).json()
        assert [each["id"] for each in listed["data"]] == [3]
        assert (await client.patch("/books/1", json={"deleted_at": None})).status == 422
        assert (await client.get("/books?author.deleted_at__isnull=false")).json()["total_count"] == 0
        assert (await client.post("/books/1/actions/restore", {})).status == 404
        assert (await client.post("/books/3/actions/restore", {})).status == 200
        assert (await client.get("/books/3")).status == 200
        assert (await client.delete("/books/3")).status == 204
        assert (await client.post("/books/actions/purge?title=emma", {})).json()["affected"] == 1
    async with app.session() as session:
        assert await keys(session, Book.with_deleted()) == [1, 2]


async def test_migrations_of_data_see_deleted_records() -> None:
    app = await opened("memory:")
    await filled(app)
    async with app.session() as session:
        session.remove(await session.require(Book, 1))
    report = await app.migrate(Book, lambda book: {"pages": book.pages + 1}, dry_run=False)
    assert (report.seen, report.changed) == (3, 3)
    async with app.session() as session:
        assert [book.pages for book in await session.query(Book.with_deleted().sort(Book.id))] == [4, 1, 10]
        assert await keys(session, Book.where()) == [2, 3]
