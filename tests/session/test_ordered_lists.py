"""Ordered lists: moves write one record, any number at once, and the order is the same in every store."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdall import ActionPolicy, Everyone, Holdall, Model, Ordered, Policy, Ref, SoftDeleted, Tenanted, User, field
from holdall.actions.house import Move
from holdall.errors import LimitExceeded, QueryError, StateError
from holdall.model import place_between, places
from holdall.testing.client import Client
from tests.support.dropping import drop

pytestmark = pytest.mark.anyio


class Board(Model, collection="boards"):
    id: int = field(pk=True)


class Card(Ordered, collection="cards"):
    __within__ = ("board",)

    id: int = field(pk=True)
    board: Ref[Board | None] = field(default=None)


STORES = ["memory", "sqlite", "yaml", "postgres_url", "mariadb_url", "mongo_url", "redis_url"]


async def opened(url: str) -> Holdall:
    app = Holdall("lists")
    options: dict[str, Any] = {"scan_limit": 1_000} if url.startswith("redis") else {}
    app.add_store("main", url, **options)
    app.add(Board, Card, store="main", policy=Policy(read=Everyone, write=Everyone))
    app.bindings.configure()
    await drop(app.stores["main"])
    await app.create()
    return app


@pytest.fixture(params=STORES)
async def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Holdall]:
    folder = tmp_path_factory.mktemp("lists")
    urls = {"memory": "memory:", "sqlite": f"sqlite:///{folder}/main.db", "yaml": f"yaml:{folder}/main"}
    app = await opened(urls.get(request.param) or request.getfixturevalue(request.param))
    yield app
    await drop(app.stores["main"])
    await app.close()


async def order(app: Holdall, board: int | None) -> list[int]:
    async with app.session() as session:
        given: Any = Card.board
        condition = given == board
        return [card.id for card in await session.query(Card.in_order(condition))]


def moved(numbers: list[int], which: int, how: str, other: int) -> list[int]:
    """The list after a move, as a list of Python does it."""
    rest = [each for each in numbers if each != which]
    place = {"first": 0, "last": len(rest)}.get(how, -1)
    if place < 0:
        place = rest.index(other) + (how == "after")
    return [*rest[:place], which, *rest[place:]]


async def move(session: Any, which: int, how: str, other: int) -> None:
    card = await session.require(Card, which)
    if how in ("first", "last"):
        await session.move(card, to=how)
    else:
        await session.move(card, **{how: await session.require(Card, other)})


async def test_moves_are_those_of_a_list(app: Holdall) -> None:
    draw, expected = random.Random(5), {1: [0, 2, 4, 6], 2: [1, 3, 5], None: [7, 8]}
    async with app.session() as session:
        session.add_all([Board(id=1), Board(id=2)])
        session.add_all([Card(id=number, board=1 + number % 2 if number < 7 else None) for number in range(9)])
    for _ in range(6):
        async with app.session() as session:  # several moves of one commit see each other
            for _ in range(draw.randrange(1, 4)):
                board = draw.choice([1, 2, None])
                which, other = draw.sample(expected[board], 2)
                how = draw.choice(["first", "last", "before", "after"])
                await move(session, which, how, other)
                expected[board] = moved(expected[board], which, how, other)
        assert {board: await order(app, board) for board in expected} == expected


async def test_moves_at_once_lose_nothing() -> None:
    app = await opened("memory:")
    async with app.session() as session:
        session.add_all([Card(id=number) for number in range(12)])

    async def one(which: int) -> None:
        async with app.session() as session:
            await move(session, which, "after", 0)

    await asyncio.gather(*map(one, range(6, 12)))
    found = await order(app, None)
    assert (found[0], found[7:]) == (0, [1, 2, 3, 4, 5])
    assert sorted(found[1:7]) == [6, 7, 8, 9, 10, 11]
    async with app.session() as session:
        assert len({card.position for card in await session.query(Card.where())}) == 12


async def test_places_run_out_and_are_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    app = await opened("memory:")
    async with app.session() as session:
        one, two, three = session.add_all([Card(id=number) for number in range(3)])
        await session.commit()

        async def much() -> None:
            for _ in range(2_000):
                await session.move(three, after=one)
                await session.move(two, after=one)

        with pytest.raises(LimitExceeded, match="respace"):
            await much()
        assert await session.respace(Card.in_order()) == 3
        await session.move(three, after=one)
    assert await order(app, None) == [0, 2, 1]


async def test_what_is_refused() -> None:
    app = await opened("memory:")
    async with app.session() as session:
        board = session.add(Board(id=1))
        one, two = session.add_all([Card(id=1, board=1), Card(id=2)])
        await session.commit()
        for wrong in ({}, {"before": one, "to": "first"}, {"to": "up"}, {"before": two}, {"before": board}):
            with pytest.raises(StateError):
                await session.move(two, **wrong)
        with pytest.raises(StateError, match="different lists"):
            await session.move(two, after=one)
        with pytest.raises(StateError, match="no order"):
            await session.move(board, to="first")
        with pytest.raises(QueryError):
            await session.respace(Board.where())


async def test_http() -> None:
    app = await opened("memory:")
    app.add_action(Move[Card], policy=ActionPolicy(execute=Everyone))
    async with app.session() as session:
        session.add_all([Card(id=number) for number in range(3)])
    async with Client(app.asgi()) as client:
        assert (await client.post("/cards/2/actions/move", {"before": "0"})).status == 200
        assert (await client.post("/cards/0/actions/move", {"to": "last"})).status == 200
        for wrong in ({}, {"before": "9"}, {"before": "x"}, {"before": "1,2"}, {"to": "last", "after": "1"}):
            assert (await client.post("/cards/0/actions/move", wrong)).status == 422
        assert (await client.post("/cards/0/actions/move", {"before": "0"})).status == 422
        assert [each["id"] for each in (await client.get("/cards?sort=position")).json()["data"]] == [2, 1, 0]
        assert (await client.patch("/cards/0", {"position": "A"})).status == 422


POSITIONS = st.text("0123456789az", min_size=0, max_size=6).map(lambda text: text + "i")


@given(POSITIONS, POSITIONS)
def test_there_is_always_a_place_between(one: str, other: str) -> None:
    low, high = min(one, other), max(one, other)
    found = place_between(low, high)
    assert low < found
    assert low == high or found < high
    assert not found.endswith("0")
    assert "" < place_between("", low) < low
    assert high < place_between(high, None)


@pytest.mark.parametrize("number", [1, 2, 40, 5_000])
def test_places_are_in_order(number: int) -> None:
    found = list(places(number))
    assert found == sorted(set(found))
    assert len(found) == number


class Named(Model):
    id: int = field(pk=True)
    name: str = "a"


class Task(SoftDeleted, Ordered, Tenanted, Named, collection="tasks"):
    __within__ = ("name",)

    done: bool = False


async def test_a_model_may_have_every_mixin_and_a_model_of_its_own_as_its_parent(tmp_path: Path) -> None:
    app = Holdall("lists")
    app.add_store("main", f"sqlite:///{tmp_path}/main.db")
    app.add(Named, Task, store="main", policy=Policy(read=Everyone, write=Everyone))
    await app.create()
    async with app.session(User("ann", attributes={"tenant": "north"})) as session:
        one, two, three = session.add_all([Task(id=number) for number in (1, 2, 3)])
        await session.commit()
        await session.move(three, before=one)
        session.remove(two)
        await session.commit()
        assert [task.id for task in await session.query(Task.in_order(Task.name == "a"))] == [3, 1]
        session.restore(two)
        await session.commit()
        assert [task.id for task in await session.query(Task.in_order())] == [3, 1, 2]
    async with app.session(User("eve", attributes={"tenant": "south"})) as session:
        assert await session.count(Task.with_deleted()) == 0
    await app.close()
