"""Updates and removals of all that a query means: the same in every store, alone, in a commit over several and within
a transaction; with versions, rules, rights and references kept.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from holdall import (
    ANONYMOUS,
    Everyone,
    Frozen,
    Holdall,
    Many,
    Model,
    Policy,
    Ref,
    State,
    back,
    check,
    desc,
    field,
    state_of,
)
from holdall.errors import (
    CommitAborted,
    Forbidden,
    LimitExceeded,
    QueryError,
    StateError,
    StillReferenced,
    UniqueViolation,
    Unsupported,
    ValidationError,
)
from holdall.model import OnDelete
from tests.support.dropping import drop

pytestmark = pytest.mark.anyio


class Shelf(Model):
    code: str = field(pk=True)
    room: str = ""
    books: Many[Book] = back("shelf")


class Book(Model):
    id: int = field(pk=True)
    title: str = field(default="", length=(0, 20))
    pages: int = field(default=0, ge=0)
    isbn: str | None = field(default=None, unique=True)
    origin: str = field(default="here", frozen=Frozen.UPDATE)
    shelf: Ref[Shelf | None] = field(default=None, on_delete=OnDelete.UNLINK)
    version: int = field(version=True)


class Loan(Model):
    id: int = field(pk=True)
    days: int = 0
    most: int = 30
    book: Ref[Book] = field(on_delete=OnDelete.CASCADE)

    @check
    def in_time(self) -> str | None:
        return "too long" if self.days > self.most else None


class Tag(Model):
    code: str = field(pk=True)
    weight: int = 0


MODELS = (Shelf, Book, Loan, Tag)
STORES = ["memory", "sqlite", "yaml", "postgres_url", "mariadb_url", "mongo_url", "standalone_mongo_url", "redis_url"]


class Undo(Exception):
    pass


async def opened(url: str, folder: object, elsewhere: str = "") -> Holdall:
    app = Holdall("library", journal=f"sqlite:///{folder}/journal.db")
    for name, place in (("main", url), ("other", elsewhere)):
        if place:
            app.add_store(name, place, **({"scan_limit": 1_000} if place.startswith("redis") else {}))
    for model in MODELS:
        app.add(model, store="other" if elsewhere and model in (Tag, Shelf) else "main")
    for store in app.stores.values():
        app.bindings.configure()
        await drop(store)
    await app.create()
    async with app.session() as session:
        shelves = session.add_all([Shelf(code="a"), Shelf(code="b")])
        books = [Book(id=n, title=f"t{n}", pages=n * 10, shelf=shelves[n % 2]) for n in range(1, 7)]
        session.add_all(books)
        session.add_all([Loan(id=n, days=n, book=books[0]) for n in (1, 2)])
        session.add_all([Tag(code=code) for code in "xyz"])
    return app


@pytest.fixture(params=STORES)
async def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Holdall]:
    folder = tmp_path_factory.mktemp("library")
    urls = {"memory": "memory:", "sqlite": f"sqlite:///{folder}/main.db", "yaml": f"yaml:{folder}/main"}
    app = await opened(urls.get(request.param) or request.getfixturevalue(request.param), folder)
    yield app
    await drop(app.stores["main"])
    await app.close()


@pytest.fixture(params=["memory", "yaml", "sqlite", "postgres_url", "redis_url"])
async def two(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Holdall]:
    """Books in SQLite, shelves and tags in another store."""
    folder = tmp_path_factory.mktemp("library")
    urls = {"memory": "memory:", "sqlite": f"sqlite:///{folder}/other.db", "yaml": f"yaml:{folder}/other"}
    url = urls.get(request.param) or request.getfixturevalue(request.param)
    app = await opened(f"sqlite:///{folder}/main.db", folder, url)
    yield app
    await drop(app.stores["other"])
    await app.close()


async def pages(app: Holdall) -> dict[int, tuple[int, int]]:
    async with app.session() as session:
        return {book.id: (book.pages, book.version) for book in await session.query(Book.where())}


async def test_an_update_is_made_by_the_commit_and_counts_versions_up(app: Holdall) -> None:
    async with app.session() as session:
        held = await session.require(Book, 5)
        assert await session.update(Book.where(Book.pages > 30), pages=1, title="short") == 3
        assert (held.pages, state_of(held)) == (50, State.CLEAN)
        assert (await pages(app))[5] == (50, 1)
        await session.commit()
        assert (held.pages, held.title, held.version, state_of(held)) == (1, "short", 2, State.CLEAN)
        held.pages = 2
    assert await pages(app) == {1: (10, 1), 2: (20, 1), 3: (30, 1), 4: (1, 2), 5: (2, 3), 6: (1, 2)}


async def test_a_removal_takes_what_refers_along_or_is_refused(app: Holdall) -> None:
    async with app.session() as session:
        held = await session.require(Book, 1)
        assert await session.delete(Book.where(Book.pages < 30)) == 2
        await session.commit()
        assert state_of(held) is State.DISCARDED
        assert set(await pages(app)) == {3, 4, 5, 6}
        assert await session.count(Loan.where()) == 0
        assert await session.delete(Shelf.where(Shelf.code == "a")) == 1
        await session.commit()
        assert {book.shelf.key if book.shelf else None for book in await session.query(Book.where())} == {"b", None}


async def test_a_commit_tells_how_many_it_removed_and_changed_itself(app: Holdall) -> None:
    sessions = [app.session() for _ in range(3)]
    async with sessions[0] as first, sessions[1] as second, sessions[2] as third:
        for session, meant in ((first, 1), (second, 1), (third, 1)):
            assert await session.delete(Tag.where(Tag.code == "x")) == meant
            assert await session.update(Tag.where(Tag.code == "y"), weight=meant) == 1
        results = [await session.commit() for session in (first, second, third)]
    assert [result.affected for result in results] == [(1, 1), (0, 1), (0, 1)]
    assert (await app.run(lambda session: session.commit())).affected == ()


async def test_nothing_stays_where_the_block_fails_or_rolls_back(app: Holdall) -> None:
    with pytest.raises(Undo):  # noqa: PT012 - the block is what is tested
        async with app.session() as session:
            await session.update(Book.where(), pages=0)
            raise Undo
    async with app.session() as session:
        await session.delete(Book.where())
        session.rollback()
    assert {found for found, _ in (await pages(app)).values()} == {10, 20, 30, 40, 50, 60}


async def test_what_was_changed_here_stays_as_it_was_changed(app: Holdall) -> None:
    async with app.session() as session:
        one, two, three = [await session.require(Book, key) for key in (1, 2, 3)]
        one.pages = 5
        two.title = "mine"
        session.remove(three)
        session.add(Book(id=9, pages=9))
        assert await session.update(Book.where(Book.id < 5), pages=7) == 4
    assert await pages(app) == {
        1: (5, 2), 2: (7, 2), 4: (7, 2), 5: (50, 1), 6: (60, 1), 9: (9, 1),
    }  # fmt: skip


async def test_several_are_made_in_order(app: Holdall) -> None:
    async with app.session() as session:
        await session.update(Book.where(Book.pages <= 20), pages=30)
        await session.update(Book.where(Book.pages == 30), title="thirty")
        await session.delete(Book.where(Book.title == "thirty", Book.id > 2))
    async with app.session() as session:
        books = await session.query(Book.where().sort(Book.id))
        assert [(book.id, book.title) for book in books] == [
            (1, "thirty"),
            (2, "thirty"),
            (4, "t4"),
            (5, "t5"),
            (6, "t6"),
        ]


async def test_a_limit_and_a_sort_pick_the_records(app: Holdall) -> None:
    async with app.session() as session:
        longest = Book.where(Book.pages > 10).sort(desc(Book.pages)).limit(2)
        assert await session.update(longest, title="long") == 2
        assert await session.delete(Book.where().sort(Book.id).offset(4).limit(5)) == 2
    async with app.session() as session:
        assert {book.id: book.title for book in await session.query(Book.where())} == {
            1: "t1", 2: "t2", 3: "t3", 4: "t4",
        }  # fmt: skip


async def test_conditions_lead_to_other_records(app: Holdall) -> None:
    async with app.session() as session:
        assert await session.update(Book.where(Book.shelf.code == "a"), pages=0) == 3
        assert await session.update(Shelf.where(Shelf.books.any(Book.id == 1)), room="north") == 1
    async with app.session() as session:
        assert {book.id for book in await session.query(Book.where(Book.pages == 0))} == {2, 4, 6}
        assert (await session.require(Shelf, "b")).room == "north"


async def test_more_than_may_be_is_refused(app: Holdall) -> None:
    async with app.session() as session:
        for verb in (
            session.update(Book.where(), pages=0, max_affected=5),
            session.delete(Book.where(), max_affected=5),
        ):
            with pytest.raises(LimitExceeded, match="book to be changed at once"):
                await verb
        assert not session.plan().bulk
        assert await session.update(Book.where(Book.pages > 20), pages=0, max_affected=4) == 4
        async with app.session() as other:
            other.add(Book(id=7, pages=70))  # it is counted again when it is made
        with pytest.raises(CommitAborted) as caught:
            await session.commit()
        assert isinstance(caught.value.__cause__, LimitExceeded)
        session.rollback()
        assert await session.update(Book.where(), pages=1, max_affected=None) == 7
    assert {found for found, _ in (await pages(app)).values()} == {1}


async def test_rules_and_keys_are_kept(app: Holdall) -> None:
    async with app.session() as session:
        wrong: dict[str, object] = {"pages": -1, "title": "x" * 21, "origin": "there", "id": 3, "nothing": 1, "isbn": 7}
        with pytest.raises(ValidationError) as caught:
            await session.update(Book.where(), wrong)
        assert {error.path: error.code for error in caught.value.errors} == {
            "pages": "ge", "title": "length", "origin": "frozen", "id": "frozen", "nothing": "unknown", "isbn": "type",
        }  # fmt: skip
        with pytest.raises(StateError, match="counted by commits"):
            await session.update(Book.where(), version=4)
        assert await session.update(Loan.where(), days=31) == 2
        with pytest.raises(ValidationError, match="too long"):
            await session.commit()
        session.rollback()
        with pytest.raises(QueryError, match="needs values"):
            await session.update(Book.where())
        with pytest.raises(QueryError, match="whole records"):
            await session.update(Book.where().only(Book.id), pages=0)
        await session.update(Loan.where(), days=30)
    async with app.session() as session:
        assert {loan.days for loan in await session.query(Loan.where())} == {30}


async def test_values_are_computed_of_each_record(app: Holdall) -> None:
    async with app.session() as session:
        held = await session.require(Book, 2)
        assert await session.update(Tag.where(), weight=Tag.weight * 2 + 3) == 3
        assert await session.update(Book.where(Book.id < 4), pages=Book.pages - 5, title=Book.title.upper()) == 3
        await session.commit()
        assert (held.pages, held.title, held.version) == (15, "T2", 2)
        assert {tag.weight for tag in await session.query(Tag.where())} == {3}
        await session.update(Loan.where(), days=Loan.most, most=Loan.days)
        with pytest.raises(ValidationError, match="too long"):
            await session.commit()
        session.rollback()
        await session.update(Book.where(), pages=Book.pages - 11)
        with pytest.raises(ValidationError, match="at least 0"):
            await session.commit()
        session.rollback()
        for wrong in (
            {"pages": Book.title},
            {"pages": Book.shelf.books},
            {"shelf": Book.id + 1},
            {"pages": Tag.weight},
        ):
            with pytest.raises(QueryError):
                await session.update(Book.where(), wrong)
    if app.stores["main"].capabilities.commit == "tx":
        async with app.session() as session, session.transaction():
            assert await session.update(Tag.where(Tag.code > "x"), weight=Tag.weight + 1) == 2
            assert sum(tag.weight for tag in await session.query(Tag.where())) == 11


async def test_unique_values_and_references_are_kept(app: Holdall) -> None:
    able = app.stores["main"].capabilities.commit
    async with app.session() as session:
        await session.update(Book.where(Book.id < 3), isbn="1")
        if able in ("tx", "batch"):
            with pytest.raises(CommitAborted) as caught:
                await session.commit()
            assert isinstance(caught.value.__cause__, UniqueViolation)
        session.rollback()
        await session.update(Book.where(Book.id == 3), isbn="3")
        await session.update(Loan.where(), book=await session.require(Book, 2))
        await session.update(Book.where(Book.id == 4), shelf=None)
        await session.commit()
        assert await session.count(Loan.where(Loan.book.id == 2)) == 2
        await session.update(Loan.where(), book=99)
        with pytest.raises((CommitAborted, ValidationError)):
            await session.commit()
        session.rollback()
    async with app.session() as session:
        assert await (await session.require(Book, 4)).shelf is None
        assert (await session.require(Book, 3)).isbn == "3"


async def test_rights_are_asked_for(app: Holdall) -> None:
    for model, policy in (
        (Book, Policy(read=Everyone, update=Everyone)),
        (Shelf, Policy(update=Everyone)),
        (Tag, Policy(read=Everyone, delete=Everyone)),
    ):
        app.bindings.of_model(model).policy = policy
    async with app.session(ANONYMOUS) as session:
        with pytest.raises(Forbidden):
            await session.delete(Book.where())
        with pytest.raises(Forbidden):
            await session.update(Tag.where(), weight=1)
        with pytest.raises(Forbidden):  # whom it means would tell what they are
            await session.update(Shelf.where(), room="x")
        with pytest.raises(Forbidden):
            await session.update(Book.where(Book.shelf.room == "x"), pages=0)
        assert await session.delete(Tag.where(Tag.code == "x")) == 1
        assert await session.update(Book.where(Book.id == 1), pages=0) == 1
    assert (await pages(app))[1] == (0, 2)


async def test_a_plan_shows_it(app: Holdall) -> None:
    async with app.session() as session:
        await session.update(Tag.where(Tag.code == "x"), weight=1)
        assert 'main: update tag where code = "x": weight, at most 10000' in str(session.plan())
        expanded = await session.expand()
        assert expanded.bulk or sum(len(batch.records) for step in expanded.steps for batch in step.batches) == 1
        assert session.plan().guarantee.value in ("all or nothing", "each record by itself")
        result = await session.commit()
        assert result.error is None
        assert str(session.plan()) == "nothing to write"


async def test_it_sees_the_state_of_the_commit(app: Holdall) -> None:
    async with app.session() as session:
        assert await session.update(Tag.where(Tag.weight == 0), weight=5) == 3
        async with app.session() as other:
            (await other.require(Tag, "x")).weight = 1
            other.add(Tag(code="w"))
    async with app.session() as session:
        assert {tag.code: tag.weight for tag in await session.query(Tag.where())} == {"x": 1, "y": 5, "z": 5, "w": 5}


async def test_a_stale_record_here_is_brought_up_to_date(app: Holdall) -> None:
    async with app.session() as session:
        held = await session.require(Book, 1)
        async with app.session() as other:
            (await other.require(Book, 1)).title = "other"
        await session.update(Book.where(Book.id == 1), pages=3)
        await session.commit()
        assert (held.title, held.pages, held.version) == ("other", 3, 3)


async def test_within_a_transaction_it_is_made_at_once(app: Holdall) -> None:
    if app.stores["main"].capabilities.commit != "tx":
        return
    async with app.session() as session:
        held = await session.require(Book, 1)
        with pytest.raises(Undo):  # noqa: PT012 - the block is what is tested
            async with session.transaction():
                held.title = "new"
                assert await session.update(Book.where(Book.title == "new"), pages=1) == 1
                assert (held.pages, held.version) == (1, 3)
                assert await session.delete(Book.where(Book.pages > 40)) == 2
                assert await session.count(Book.where()) == 4
                assert await session.update(Tag.where(), weight=9) == 3
                raise Undo
        assert (held.pages, held.title, held.version) == (10, "t1", 1)
        tag = await session.require(Tag, "x")
        async with session.transaction():
            assert await session.update(Tag.where(), weight=1) == 3
            if "savepoints" in app.stores["main"].capabilities.features:
                with pytest.raises(Undo):  # noqa: PT012 - the block is what is tested
                    async with session.savepoint():
                        assert await session.update(Tag.where(Tag.code == "x"), weight=2) == 1
                        assert tag.weight == 2
                        raise Undo
            assert tag.weight == 1
    assert len(await pages(app)) == 6


async def test_a_commit_over_two_stores_makes_it_record_by_record(two: Holdall) -> None:
    async with two.session() as session:
        held = await session.require(Tag, "x")
        await session.update(Tag.where(), weight=4)
        await session.update(Book.where(Book.shelf.code == "a"), pages=0)
        await session.delete(Shelf.where(Shelf.code == "b"))
        result = await session.commit()
        assert {(task.collection, str(task.verb)) for task in result.tasks} == {
            ("tag", "update"), ("book", "update"), ("shelf", "remove"),
        }  # fmt: skip
        assert held.weight == 4
    async with two.session() as session:
        assert {book.id: (book.pages, book.shelf and book.shelf.key) for book in await session.query(Book.where())} == {
            1: (10, None), 2: (0, "a"), 3: (30, None), 4: (0, "a"), 5: (50, None), 6: (0, "a"),
        }  # fmt: skip


async def test_a_commit_over_two_stores_is_all_or_nothing(two: Holdall) -> None:
    async with two.session() as session:
        await session.update(Tag.where(), weight=4)
        await session.update(Book.where(Book.id < 3), isbn="same")
        with pytest.raises(CommitAborted):
            await session.commit()
        session.rollback()
        assert {tag.weight for tag in await session.query(Tag.where())} == {0}


async def test_references_into_another_store_are_looked_at(two: Holdall) -> None:
    async with two.session() as session:
        await session.update(Book.where(), shelf="nowhere")
        with pytest.raises(ValidationError, match="does not exist"):
            await session.commit()
        session.rollback()
        await session.update(Book.where(), shelf="b")
        await session.commit()
        assert await session.count(Book.where(Book.shelf.code == "b")) == 6


async def test_what_would_be_seen_differently_is_refused(two: Holdall) -> None:
    async with two.session() as session:
        await session.update(Shelf.where(), room="x")
        await session.update(Book.where(Book.shelf.room == "x"), pages=0)
        with pytest.raises(StateError, match="a bulk change of book looks at shelf"):
            await session.commit()
        session.rollback()


async def test_a_restricting_reference_refuses_the_whole(app: Holdall) -> None:
    class House(Model):
        id: int = field(pk=True)

    class Room(Model):
        id: int = field(pk=True)
        house: Ref[House]

    other = Holdall("houses")
    other.add_store("main", "memory:")
    other.add(House, Room, store="main")
    async with other.session() as session:
        houses = session.add_all([House(id=1), House(id=2)])
        session.add(Room(id=1, house=houses[1]))
    async with other.session() as session:
        await session.delete(House.where())
        with pytest.raises(CommitAborted) as caught:
            await session.commit()
        assert isinstance(caught.value.__cause__, StillReferenced)
        session.rollback()
        assert await session.count(House.where()) == 2


async def test_hand_written_code_is_refused_by_name() -> None:
    from holdall.dao import DAO

    class Guest(Model):
        room: int = field(pk=True)

    class Guests(DAO[Guest]):
        async def get(self, *, room: int) -> Guest | None:
            return None

    app = Holdall("hotel")
    app.add_dao(Guests())
    async with app.session() as session:
        with pytest.raises(Unsupported, match="bulk changes"):
            await session.delete(Guest.where())
