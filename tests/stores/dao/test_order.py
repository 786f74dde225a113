"""What a record refers to is written first, whether it is new or changed, and whether the reference is sent or not."""

from __future__ import annotations

import asyncio

import pytest

from holdall import Holdall, Model, Ref, State, field, state_of
from holdall.dao import DAO
from holdall.errors import CommitAborted, CommitPartial, Conflict
from holdall.session import Strategy, TaskState

pytestmark = pytest.mark.anyio


class Node(Model):
    id: int = field(pk=True, generated=True, default=None)
    value: int = 0
    child: Ref[Node | None] = field(default=None)
    friend: Ref[Node | None] = field(default=None, depends_on=False)


class Nodes(DAO[Node]):
    """Nodes of which each has the next for its child, up to the fourth; the greater their number, the longer a call."""

    def __init__(self, refused: int | None = None) -> None:
        self.refused = refused
        self.begun: list[tuple[str, int]] = []
        self.ended: list[int] = []
        self.modified: list[str] = []
        self.friends: dict[int, int] = {}

    async def get(self, *, id: int) -> Node | None:  # noqa: A002 - the name of the key
        child = id + 1 if id < 4 else None
        return Node(id=id, child=child, friend=self.friends.get(id))

    async def add(self, node: Node) -> None:
        self.begun.append(("add", node.value))
        for _ in range(node.value):
            await asyncio.sleep(0)
        if node.id is None:
            node.id = 100 + node.value
        self.ended.append(node.id)

    async def update(self, node: Node) -> None:
        self.begun.append(("update", node.id))
        self.modified.extend(name for name in ("child", "value") if node.is_field_modified(name))
        for _ in range(node.id):
            await asyncio.sleep(0)
        if node.id == self.refused:
            raise Conflict("api", "no")
        self.ended.append(node.id)


def application(dao: Nodes) -> Holdall:
    app = Holdall("tree")
    app.add_dao(dao)
    return app


async def test_of_two_changes_the_one_that_is_referred_to_goes_first() -> None:
    dao = Nodes()
    async with application(dao).session() as session:
        for id_ in (1, 2, 3, 4):
            (await session.require(Node, id_)).value = 7
    assert dao.ended == [4, 3, 2, 1]


@pytest.mark.parametrize("strategy", Strategy)
async def test_a_change_is_not_made_where_what_it_refers_to_was_refused(strategy: Strategy) -> None:
    dao = Nodes(refused=2)
    async with application(dao).session(strategy=strategy) as session:
        one, two = await session.require(Node, 1), await session.require(Node, 2)
        one.value = two.value = 7
        is_strict = strategy is Strategy.INTERRUPT_ON_ERROR
        with pytest.raises(CommitAborted if is_strict else CommitPartial) as caught:
            await session.commit()
        states = {task.key: task.state for task in caught.value.tasks}
        assert states == {2: TaskState.FAILED, 1: TaskState.NOT_RUN if is_strict else TaskState.APPLIED}
        session.rollback()


@pytest.mark.parametrize("key", [None, 9])
async def test_a_stored_record_waits_for_a_new_one_it_refers_to_by_a_field_that_is_not_sent(key: int | None) -> None:
    dao = Nodes()
    async with application(dao).session() as session:
        new = session.add(Node(value=50) if key is None else Node(id=key, value=50))
        stored = Node(id=1, child=new)
        session.register(stored)
        stored.value = 7
    assert dao.begun == [("add", 50), ("update", 1)]
    assert dao.ended == [key or 150, 1]


async def test_changes_that_refer_to_each_other_in_a_circle_are_all_made() -> None:
    dao = Nodes()
    async with application(dao).session() as session:
        nodes = [await session.require(Node, id_) for id_ in (1, 2, 3, 4)]
        for node in nodes:
            node.value = 7
        nodes[3].child = nodes[0]
    assert sorted(dao.ended) == [1, 2, 3, 4]


async def test_a_reference_that_is_left_out_of_the_order_is() -> None:
    dao = Nodes()
    dao.friends = {1: 4, 4: 1}
    async with application(dao).session() as session:
        one, four = await session.require(Node, 1), await session.require(Node, 4)
        one.value = four.value = 7
    assert dao.ended == [1, 4]  # side by side


async def test_new_records_may_be_friends_of_each_other_in_a_circle() -> None:
    dao = Nodes()
    async with application(dao).session() as session:
        a, b = Node(id=8, value=1), Node(id=9, value=2)
        a.friend, b.friend = b, a
        c = Node(value=3, child=a)
        session.add_all([a, b, Node(value=4, child=c)])
        session.add(c)
    assert sorted(dao.ended) == [8, 9, 103, 104]
    assert dao.ended.index(103) < dao.ended.index(104)


async def test_the_change_that_closes_a_circle_tells_what_is_modified() -> None:
    dao = Nodes()
    async with application(dao).session() as session:
        a, b = Node(value=1), Node(value=2)
        a.child, b.child = b, a
        session.add_all([a, b])
        await session.commit()
        assert [state_of(node) for node in (a, b)] == [State.CLEAN, State.CLEAN]
        assert not any(node.is_field_modified("child") for node in (a, b))
    assert [verb for verb, _ in dao.begun] == ["add", "add", "update"]
    assert dao.modified == ["child"]
