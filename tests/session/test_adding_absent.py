"""Records added where none like them is stored: what is there stays as it is, and of several who add, one does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from holdall import Holdall, Model, Ref, Session, State, field, state_of
from holdall.dao import DAO
from holdall.errors import CommitAborted, Forbidden, StateError, Unsupported
from holdall.policy import Everyone, Nobody, Policy, User
from tests.support.dropping import drop

pytestmark = pytest.mark.anyio


class Word(Model):
    id: int = field(pk=True)
    text: str | None = field(default=None, unique=True)
    times: int = 0
    version: int = field(version=True)


class Saying(Model, unique=[("word", "place")]):
    id: int = field(pk=True)
    word: Ref[Word]
    place: str = ""


class Term(Model):
    id: int = field(pk=True)
    text: str | None = field(default=None)


STORES = ["memory", "sqlite", "yaml", "postgres_url", "mariadb_url", "mongo_url", "redis_url"]


@pytest.fixture(params=STORES)
async def apps(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Holdall, Holdall]]:
    """Two programs with one store, but for that in memory, which is of one program."""
    folder = tmp_path_factory.mktemp("words")
    urls = {"memory": "memory:", "sqlite": f"sqlite:///{folder}/words.db", "yaml": f"yaml:{folder}/words"}
    url = urls.get(request.param) or request.getfixturevalue(request.param)
    made = []
    for _ in range(2):
        app = Holdall("words")
        app.add_store("main", url, **({"scan_limit": 1_000} if url.startswith("redis") else {}))
        app.add(Word, Saying, store="main")
        app.bindings.configure()
        made.append(app)
    if request.param == "memory":
        made[1] = made[0]
    await drop(made[0].stores["main"])
    await made[0].create()
    yield made[0], made[1]
    await drop(made[0].stores["main"])
    for app in made:
        await app.close()


async def _words(app: Holdall) -> dict[int, tuple[str | None, int]]:
    async with app.session() as session:
        return {word.id: (word.text, word.times) for word in await session.query(Word.where())}


async def test_what_is_there_stays(apps: tuple[Holdall, Holdall]) -> None:
    async with apps[0].session() as session:
        session.add(Word(id=1, text="so", times=7))
    async with apps[1].session() as session:
        by_key = session.add(Word(id=1, text="other"), if_absent=True)
        by_text, new, same = session.add_all(
            [Word(id=2, text="so"), Word(id=3, text="as"), Word(id=4, text="as")], if_absent=True
        )
        none = session.add_all([Word(id=5), Word(id=6)], if_absent=True)
        assert [state_of(record) for record in (by_key, by_text, new)] == [State.NEW] * 3
        await session.expand()
        assert state_of(by_key) is State.NEW
        await session.commit()
        assert [state_of(record) for record in (by_key, by_text, same)] == [State.DISCARDED] * 3
        assert [state_of(record) for record in (new, *none)] == [State.CLEAN] * 3
        new.times = 2
        assert (await session.require(Word, 1)).times == 7
    assert await _words(apps[0]) == {1: ("so", 7), 3: ("as", 2), 5: (None, 0), 6: (None, 0)}


async def test_references_lead_to_what_is_there(apps: tuple[Holdall, Holdall]) -> None:
    async with apps[0].session() as session:
        session.add(Word(id=1, text="so"))
    async with apps[0].session() as session:
        word = session.add(Word(id=2, text="so"), if_absent=True)
        twin = session.add(Word(id=3, text="as"), if_absent=True)
        again = session.add(Word(id=4, text="as"), if_absent=True)
        session.add_all([Saying(id=1, word=word), Saying(id=2, word=twin, place="a"), Saying(id=3, word=again)])
    async with apps[0].session() as session:
        assert {each.id: each.word.key for each in await session.query(Saying.where())} == {1: 1, 2: 3, 3: 3}
        left = session.add(Saying(id=9, word=3, place="a"), if_absent=True)
        await session.commit()
        assert state_of(left) is State.DISCARDED


async def test_of_several_at_once_one_adds(apps: tuple[Holdall, Holdall]) -> None:
    async def one(number: int) -> bool:
        async with apps[number % 2].session() as session:
            words = session.add_all([Word(id=number, text="so"), Word(id=100, times=number)], if_absent=True)
            await session.commit()
            return state_of(words[0]) is State.CLEAN

    done = await asyncio.gather(*[one(number) for number in range(1, 7)])
    assert done.count(True) == 1
    found = await _words(apps[0])
    assert found.keys() == {done.index(True) + 1, 100}


async def test_inside_a_transaction(apps: tuple[Holdall, Holdall]) -> None:
    async with apps[0].session() as session:
        session.add(Word(id=1, text="so"))
    try:
        block = Session.transaction
        async with apps[0].session() as session, block(session, "main"):
            word = session.add(Word(id=2, text="so"), if_absent=True)
            session.add(Word(id=3), if_absent=True)
            assert await session.count(Word.where()) == 2
            assert state_of(word) is State.DISCARDED
    except Unsupported:
        pytest.skip("the store has no transactions")
    assert (await _words(apps[0])).keys() == {1, 3}


async def test_what_fails_is_new_again() -> None:
    app = Holdall("words")
    app.add_store("main", "memory:")
    app.add(Word, Saying, store="main")
    async with app.session() as session:
        session.add_all([Word(id=1, text="so"), Word(id=2, text="as")])
    async with app.session() as session:
        there = session.add(Word(id=1), if_absent=True)
        session.add(Word(id=3, text="as"))
        with pytest.raises(CommitAborted):
            await session.commit()
        assert state_of(there) is State.NEW
        session.rollback()
        assert state_of(there) is State.DISCARDED
        new = session.add(Word(id=7), if_absent=True)
        await session.commit()
        assert session.add(Word(id=7), if_absent=True) is new
        with pytest.raises(StateError):
            session.add(Word(id=7))
        with pytest.raises(StateError):
            session.add(new)


async def test_hand_written_code_is_asked_by_key() -> None:
    class Words(DAO[Term]):
        rows: dict[int, str | None] = {1: "so"}  # noqa: RUF012

        async def get(self, *, id: int) -> Term | None:  # noqa: A002 - the name of the key
            return Term(id=id, text=self.rows[id]) if id in self.rows else None

        async def add(self, word: Term) -> None:
            self.rows[word.id] = word.text

    app = Holdall("words")
    app.add_dao(Words())
    async with app.session() as session:
        there, new = session.add_all([Term(id=1, text="x"), Term(id=2, text="y")], if_absent=True)
        await session.commit()
        assert (state_of(there), state_of(new)) == (State.DISCARDED, State.CLEAN)
    assert Words.rows == {1: "so", 2: "y"}


async def test_the_right_is_that_to_create() -> None:
    app = Holdall("words")
    app.add_store("main", "memory:")
    app.add(Word, Saying, store="main", policy=Policy(read=Everyone, create=Nobody))
    async with app.session(user=User("eve")) as session:
        session.add(Word(id=1), if_absent=True)
        with pytest.raises(Forbidden):
            await session.commit()
        session.rollback()


async def test_a_fault_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the look, the store refuses what is there."""
    from holdall.session.references.absent import Absent

    async def nothing(*_: object) -> None: ...

    monkeypatch.setattr(Absent, "leave_out", nothing)
    app = Holdall("words")
    app.add_store("main", "memory:")
    app.add(Word, Saying, store="main")
    async with app.session() as session:
        session.add(Word(id=1))
    async with app.session() as session:
        session.add(Word(id=1), if_absent=True)
        with pytest.raises(CommitAborted):
            await session.commit()
        session.rollback()
