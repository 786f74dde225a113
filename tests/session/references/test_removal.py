"""What a removal brings along, across stores: thousands of children, every refusal, nobody else's rights."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from holdall import (
    Authenticated,
    Everyone,
    Fill,
    Holdall,
    Many,
    Model,
    Nobody,
    OnDelete,
    Plan,
    Policy,
    Ref,
    Session,
    User,
    back,
    field,
)
from holdall.errors import CommitAborted, DeclarationError, Forbidden, StillReferenced, ValidationError
from tests.support.library import OPEN

pytestmark = pytest.mark.anyio


class Land(Model):
    code: str = field(pk=True)
    towns: Many[Town] = back("land", on_delete=OnDelete.CASCADE)
    flags: Many[Flag] = back("land")


class Town(Model):
    id: int = field(pk=True)
    land: Ref[Land]
    houses: Many[House] = back("town", on_delete=OnDelete.CASCADE)
    version: int = field(version=True)


class House(Model):
    id: int = field(pk=True)
    town: Ref[Town]
    twin: Ref[House | None] = field(default=None, on_delete=OnDelete.CASCADE)


class Flag(Model):
    id: int = field(pk=True)
    land: Ref[Land]


def world(folder: Path) -> Holdall:
    app = Holdall("world")
    OPEN.append(app)
    app.add_store("files", f"yaml:{folder}/files")
    app.add_store("table", f"sqlite:///{folder}/world.db")
    app.add_store("memory", "memory:")
    app.add(Land, store="files")
    app.add(Town, store="table")
    app.add(House, Flag, store="memory")
    return app


def numbers(plan: Plan) -> Counter[str]:
    counts: Counter[str] = Counter()
    for step in plan.steps:
        for batch in step.batches:
            counts[batch.binding.collection] += len(batch.records)
    return counts


async def test_ten_thousand_children_in_three_stores_go_with_their_parent(tmp_path: Path) -> None:
    app = world(tmp_path)
    await app.create()
    async with app.session() as session:
        session.add(Land(code="A"))
        session.add(Land(code="B"))
        session.add_all(Town(id=number, land="A") for number in range(3_000))
        session.add_all(House(id=number, town=number % 3_000, twin=number ^ 1) for number in range(7_000))
        session.add(Town(id=9_000, land="B"))
        session.add(House(id=9_000, town=9_000))
    session = Session(app.bindings)
    session.remove(await session.require(Land, "A"))
    assert numbers(await session.expand()) == {"house": 7_000, "town": 3_000, "land": 1}
    assert numbers(session.plan()) == {"land": 1}
    result = await session.commit()
    assert len(result.tasks) == 10_001
    assert [land.code for land in await session.query(Land.where())] == ["B"]
    assert [town.id for town in await session.query(Town.where())] == [9_000]
    assert [house.id for house in await session.query(House.where())] == [9_000]


async def test_every_refusal_is_told_at_once_and_nothing_is_written(tmp_path: Path) -> None:
    app = world(tmp_path)
    await app.create()
    async with app.session() as session:
        session.add_all(Land(code=code) for code in "ABC")
        session.add_all(Flag(id=number, land="AB"[number % 2]) for number in range(10))
        session.add_all(Town(id=number, land="A") for number in range(5))
    session = Session(app.bindings)
    lands = await session.query(Land.where())
    for land in lands:
        session.remove(land)
    with pytest.raises(CommitAborted, match="10 flag") as caught:
        await session.commit()
    cause = caught.value.__cause__
    assert isinstance(cause, StillReferenced)
    (refusal,) = cause.refusals
    assert (refusal.collection, refusal.field, refusal.target, refusal.number) == ("flag", "land", "land", 10)
    assert len(refusal.keys) == 3
    assert await session.count(Town.where()) == 5
    session.rollback()
    assert await session.get(Land, "A") is lands[0]
    session.remove(await session.require(Land, "C"))
    await session.commit()


async def test_keys_of_what_may_not_be_read_are_not_told(tmp_path: Path) -> None:
    app = Holdall("secret")
    OPEN.append(app)
    app.add_store("files", f"yaml:{tmp_path}")
    app.add_store("memory", "memory:")
    app.add(Land, store="files", policy=Policy(read=Everyone))
    app.add(Town, House, store="memory")
    app.add(Flag, store="memory", policy=Policy(read=Nobody))
    await app.create()
    async with app.session() as session:
        session.add_all([Land(code="A"), Land(code="B")])
        session.add(Flag(id=77, land="A"))
    reasons = set()
    for code in "AB":
        session = Session(app.bindings, User("ann"))
        session.remove(await session.require(Land, code))
        with pytest.raises(Forbidden) as caught:
            await session.commit()
        assert "77" not in str(caught.value)
        reasons.add(str(caught.value))
    assert len(reasons) == 1  # nor whether there is any


async def test_a_cascade_needs_the_right_to_remove_what_it_reaches(tmp_path: Path) -> None:
    app = Holdall("guarded")
    OPEN.append(app)
    app.add_store("files", f"yaml:{tmp_path}")
    app.add_store("memory", "memory:")
    app.add(Land, Flag, store="files")
    app.add(Town, store="memory", policy=Policy(write=Authenticated, delete=Nobody))
    app.add(House, store="memory")
    await app.create()
    async with app.session() as session:
        session.add(Land(code="A"))
        session.add(Town(id=1, land="A"))
    session = Session(app.bindings, User("ann"))
    land = await session.require(Land, "A")
    session.remove(land)
    with pytest.raises(Forbidden):
        await session.commit()
    session.rollback()
    town = await session.require(Town, 1)
    assert (await town.land) is land


class Group(Model):
    id: int = field(pk=True)
    members: Many[Member] = back("group", fill=Fill.STORED, on_delete=OnDelete.UNLINK)


class Member(Model):
    id: int = field(pk=True)
    group: Ref[Group | None] = field(default=None)


async def test_whoever_adds_a_child_need_not_be_allowed_to_change_its_parent(tmp_path: Path) -> None:
    app = Holdall("groups")
    OPEN.append(app)
    app.add_store("files", f"yaml:{tmp_path}")
    app.add_store("memory", "memory:")
    app.add(Group, store="files", policy=Policy(write=Nobody))
    app.add(Member, store="memory")
    await app.create()
    async with app.session() as session:
        session.add_all([Group(id=1), Group(id=2)])
    async with app.session(User("ann")) as session:
        member = session.add(Member(id=7, group=1))
    async with app.session() as session:
        assert (await session.require(Group, 1)).members.keys == (7,)
    async with app.session(User("ann")) as session:
        member = await session.require(Member, 7)
        member.group = 2
    async with app.session(User("ann")) as session:
        assert (await session.require(Group, 1)).members.keys == ()
        group = await session.require(Group, 2)
        assert group.members.keys == (7,)
        assert group.members == [7]
        group.members.remove(7)
        with pytest.raises(Forbidden):
            await session.commit()
        session.rollback()


async def test_what_is_referred_to_must_be_there_and_every_breach_is_told(tmp_path: Path) -> None:
    app = world(tmp_path)
    await app.create()
    session = Session(app.bindings)
    session.add(Land(code="A"))
    session.add_all([Flag(id=1, land="A"), Flag(id=2, land="X"), Town(id=1, land="Y")])
    with pytest.raises(ValidationError) as caught:
        await session.commit()
    assert [(error.path, error.code) for error in caught.value.errors] == [
        ("flag[2].land", "reference"),
        ("town[3].land", "reference"),
    ]
    session.rollback()
    session.add(Land(code="A"))
    flag = session.add(Flag(id=1, land="A"))
    await session.commit()
    flag.land = "Q"
    with pytest.raises(ValidationError, match="land: refers to a record that does not exist"):
        await session.commit()


def test_rules_that_contradict_each_other_are_refused() -> None:
    def settled(model: type[Model], *others: type[Model]) -> None:
        app = Holdall("wrong")
        app.add_store("main", "memory:")
        app.add(model, *others, store="main")
        app.bindings.configure()

    class Root(Model):
        id: int = field(pk=True)
        leaves: Many[Leaf] = back("root", on_delete=OnDelete.UNLINK)

    class Leaf(Model):
        id: int = field(pk=True)
        root: Ref[Root]

    with pytest.raises(DeclarationError, match="cannot be emptied"):
        settled(Root, Leaf)

    class Stem(Model):
        id: int = field(pk=True)
        buds: Many[Bud] = back("stem", on_delete=OnDelete.CASCADE)

    class Bud(Model):
        id: int = field(pk=True)
        stem: Ref[Stem | None] = field(default=None, on_delete=OnDelete.UNLINK)

    with pytest.raises(DeclarationError, match="different things"):
        settled(Stem, Bud)
