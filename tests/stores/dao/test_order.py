"""What a record refers to is written first, whether it is new or changed, and whether the reference is sent or not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet

import pytest

from holdall import Holdall, Many, Model, Ref, Session, State, field, state_of
from holdall.dao import DAO
from holdall.errors import CommitAborted, CommitPartial, Conflict
from holdall.session import Strategy, TaskState
from holdall.store import Feature

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


class Member(Model):
    id: int = field(pk=True)
    boss: Ref[Member | None] = field(default=None)
    friends: Many[Member] = field(default=())


class Members(DAO[Member]):
    """Refuses references to who is not there."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[int | None, tuple[int, ...]]] = {}
        self.meanwhile: Callable[[Member], None] = lambda member: None

    async def add(self, member: Member) -> None:
        self.meanwhile(member)
        await asyncio.sleep(0)
        self.write(member, self.rows.keys() | {member.id})

    async def update(self, member: Member) -> None:
        self.write(member, self.rows.keys())

    def write(self, member: Member, there: AbstractSet[int]) -> None:
        boss, friends = member.boss.key if member.boss else None, tuple(member.friends.keys)
        if not {*friends, boss or member.id} <= there:
            raise Conflict("club", "refers to who is not there")
        self.rows[member.id] = boss, friends


async def test_who_closes_a_circle_is_added_without_the_reference_that_does() -> None:
    dao, app = Members(), Holdall("club")
    app.add_dao(dao)
    async with app.session() as session:
        a, b, c = (Member(id=number) for number in (1, 2, 3))
        a.boss, b.boss, c.boss = b, c, a
        a.friends = [a, b, c]
        session.add_all([a, b, c])
        await session.commit()
        assert {state_of(member) for member in (a, b, c)} == {State.CLEAN}
        assert (a.boss.key, a.friends.keys) == (2, (1, 2, 3))
    assert dao.rows == {1: (2, (1, 2, 3)), 2: (3, ()), 3: (1, ())}


async def test_what_is_edited_while_it_is_added_without_that_reference_stays() -> None:
    dao, app = Members(), Holdall("club")
    app.add_dao(dao)
    async with app.session() as session:
        a, b = (Member(id=number) for number in (1, 2))
        a.boss, b.boss = b, a
        session.add_all([a, b])

        def edit(_: Member) -> None:
            asyncio.get_running_loop().call_soon(setattr, a, "boss", a)

        dao.meanwhile = edit
        await session.commit()
        assert a.boss.key == 1
    assert dao.rows == {1: (1, ()), 2: (1, ())}


class Desk(Model):
    id: int = field(pk=True)
    code: str | None = field(default=None, unique=True)
    next: Ref[Desk | None] = field(default=None)
    others: Many[Desk] = field(default=())


class Desks(DAO[Desk]):
    """Keeps references and unique codes, and looks at them as soon as it is called."""

    features = frozenset({Feature.UNIQUE})
    concurrent_changes = 4

    def __init__(self, rows: dict[int, tuple[str | None, int | None, tuple[int, ...]]]) -> None:
        self.rows = rows
        self.calls: list[tuple[str, int]] = []

    async def get(self, *, id: int) -> Desk | None:  # noqa: A002 - the name of the key
        code, next_one, others = self.rows[id]
        return Desk(id=id, code=code, next=next_one, others=list(others))

    async def add(self, desk: Desk) -> None:
        await self.write("add", desk)

    async def update(self, desk: Desk) -> None:
        await self.write("update", desk)

    async def write(self, verb: str, desk: Desk) -> None:
        row = desk.code, desk.next.key, tuple(desk.others.keys)
        if row[0] is not None and any(row[0] == code for key, (code, _, _) in self.rows.items() if key != desk.id):
            raise Conflict("office", f"{desk.id} takes the code of another")
        if not {*row[2], row[1] or desk.id} <= self.rows.keys() | {desk.id}:
            raise Conflict("office", f"{desk.id} refers to who is not there")
        await asyncio.sleep(0)
        self.rows[desk.id] = row
        self.calls.append((verb, desk.id))

    async def remove(self, desk: Desk) -> None:
        if any(desk.id in (row[1], *row[2]) for key, row in self.rows.items() if key != desk.id):
            raise Conflict("office", f"{desk.id} is referred to")
        await asyncio.sleep(0)
        del self.rows[desk.id]
        self.calls.append(("remove", desk.id))


async def _changed(dao: Desks, change: Callable[[Session], Awaitable[None]]) -> None:
    app = Holdall("office")
    app.add_dao(dao)
    async with app.session() as session:
        await change(session)


async def test_a_removal_that_lets_go_of_a_code_waits_for_who_refers_to_it_no_more() -> None:
    dao = Desks({1: ("a", None, ()), 2: (None, 1, ()), 3: ("c", None, (1,)), 4: (None, 1, ()), 5: ("e", None, ())})

    async def change(session: Session) -> None:
        one, two, three, four, five = [await session.require(Desk, number) for number in range(1, 6)]
        two.next, three.others = None, [5]
        session.remove(four)
        session.remove(one)
        session.add(Desk(id=6, code="a", next=two))
        five.code = "f"

    await _changed(dao, change)
    assert dao.rows == {2: (None, None, ()), 3: ("c", None, (5,)), 5: ("f", None, ()), 6: ("a", 2, ())}
    assert dao.calls.index(("remove", 1)) < dao.calls.index(("add", 6))


async def test_a_removal_that_lets_go_of_a_code_waits_for_nothing_else() -> None:
    dao = Desks({1: ("a", None, ()), 2: (None, None, ()), 3: (None, None, ())})

    async def change(session: Session) -> None:
        one, two, three = [await session.require(Desk, number) for number in range(1, 4)]
        session.remove(one)
        session.remove(three)
        two.code = "a"

    await _changed(dao, change)
    assert dao.calls == [("remove", 1), ("update", 2), ("remove", 3)]


async def test_a_code_passes_on_to_who_refers_to_the_one_that_had_it_on_a_circle_too() -> None:
    dao = Desks({1: ("a", None, ()), 2: (None, 1, ()), 3: (None, 2, ())})

    async def change(session: Session) -> None:
        one, two, three = [await session.require(Desk, number) for number in range(1, 4)]
        one.code, one.next, two.code, three.code = "b", three, "a", "c"

    await _changed(dao, change)
    assert dao.rows == {1: ("b", 3, ()), 2: ("a", 1, ()), 3: ("c", 2, ())}


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
