"""Records that refer to each other: keys to come, circles, lists of references, order of removal, size."""

from __future__ import annotations

import time
from typing import Any

import pytest

from holdall import Holdall, Many, Model, Ref, Session, State, field, state_of
from holdall.errors import CommitAborted, StateError, ValidationError
from holdall.session.referential import Referential
from tests.support.library import OPEN, Author, Book, Country, Person, library

pytestmark = pytest.mark.anyio


class Team(Model):
    id: int = field(pk=True, generated=True)
    name: str
    lead: Ref[Member | None] = field(default=None, depends_on=False)
    tags: list[str] = field(default_factory=list)
    members: Many[Member]


class Member(Model):
    id: int = field(pk=True, generated=True)
    name: str
    boss: Ref[Member | None] = field(default=None)


class Seat(Model):
    team: Ref[Team] = field(pk=True)
    member: Ref[Member] = field(pk=True)
    label: str = ""


class Badge(Model):
    member: Ref[Member] = field(pk=True)
    text: str = ""


class Root(Model):
    code: str = field(pk=True)
    top: Ref[Root]


def teams(url: str = "memory:") -> Holdall:
    app = Holdall("teams")
    OPEN.append(app)
    app.add_store("main", url)
    app.add(Team, Member, Seat, Badge, Root, store="main")
    return app


URLS = ["memory:", "sqlite:///:memory:"]


async def opened(app: Holdall) -> Session:
    await app.create()
    return Session(app.bindings)


@pytest.mark.parametrize("url", URLS)
async def test_a_stored_record_may_be_pointed_at_a_new_one(url: str) -> None:
    app = library(url)
    session = await opened(app)
    book = session.add(Book(title="a", isbn="1", author=session.add(Author(name="old"))))
    solo = session.add(Person(name="solo"))
    await session.commit()
    book.author = session.add(Author(name="new"))
    solo.partner = session.add(Person(name="partner"))
    await session.commit()
    other = Session(app.bindings)
    assert ((await other.require(Book, 1)).author.key, (await other.require(Person, 1)).partner.key) == (2, 2)


@pytest.mark.parametrize("url", URLS)
async def test_a_list_of_references_takes_new_records_when_added_and_when_changed(url: str) -> None:
    app = teams(url)
    session = await opened(app)
    old = session.add(Member(name="old"))
    await session.commit()
    ann, bob = session.add(Member(name="Ann")), session.add(Member(name="Bob"))
    team = session.add(Team(name="one", members=[ann, old, bob], tags=["x"]))
    await session.commit()
    assert team.members.keys == (2, 1, 3)
    assert state_of(team) is State.CLEAN
    team.members = [session.add(Member(name="Cid")), ann]
    await session.commit()
    other = Session(app.bindings)
    found = await other.require(Team, 1)
    assert found.members.keys == (4, 2)
    assert [member.name for member in await found.members] == ["Cid", "Ann"]
    session.remove(ann)
    session.remove(team)
    await session.commit()
    assert await Session(app.bindings).get(Member, 2) is None


@pytest.mark.parametrize("url", URLS)
async def test_keys_may_consist_of_references_to_new_records(url: str) -> None:
    app = teams(url)
    session = await opened(app)
    team, ann = Team(name="one", members=[]), Member(name="Ann")
    seat = session.add(Seat(team=team, member=ann, label="window"))
    badge = session.add(Badge(member=ann, text="hello"))
    session.add(team)
    session.add(ann)
    await session.commit()
    assert await session.get(Seat, team=1, member=1) is seat
    assert await session.get(Badge, 1) is badge
    seat.label, badge.text = "door", "bye"
    await session.commit()
    other = Session(app.bindings)
    assert (await other.require(Seat, 1, 1)).label == "door"
    assert (await other.require(Badge, 1)).text == "bye"


@pytest.mark.parametrize("url", URLS)
async def test_a_reference_left_out_of_the_order_still_gets_its_key(url: str) -> None:
    app = teams(url)
    session = await opened(app)
    team = session.add(Team(name="one", members=[]))
    team.lead = session.add(Member(name="Ann"))
    await session.commit()
    assert (await Session(app.bindings).require(Team, 1)).lead.key == 1


@pytest.mark.parametrize("url", URLS)
async def test_circles_of_three_are_closed_and_their_records_found_by_key(url: str) -> None:
    app = teams(url)
    session = await opened(app)
    trio = [session.add(Member(name=name)) for name in "abc"]
    for place, member in enumerate(trio):
        member.boss = trio[(place + 1) % 3]
    result = await session.commit()
    assert all(task.key is not None for task in result.tasks)
    assert all([await session.get(Member, member.id) is member for member in trio])
    other = Session(app.bindings)
    found = await other.query(Member.where().sort(Member.name))
    assert [(await member.boss).name for member in found] == ["b", "c", "a"]  # type: ignore[union-attr]
    for member in trio:
        session.remove(member)
    await session.commit()
    assert await session.get(Member, trio[0].id) is None


@pytest.mark.parametrize("url", URLS)
async def test_a_record_with_a_key_may_refer_to_itself_though_it_must_refer(url: str) -> None:
    app = teams(url)
    session = await opened(app)
    root = Root(code="r", top="r")
    root.top = root
    session.add(root)
    await session.commit()
    assert (await Session(app.bindings).require(Root, "r")).top.key == "r"


@pytest.mark.parametrize("url", URLS)
async def test_what_a_removed_record_refers_to_in_its_store_goes_after_it(url: str) -> None:
    app = library(url)
    session = await opened(app)
    first, second = session.add(Author(name="first")), session.add(Author(name="second"))
    book = session.add(Book(title="a", isbn="1", author=first))
    await session.commit()
    book.author = second
    session.remove(first)
    session.remove(book)
    await session.commit()
    assert await session.count(Author.where()) == 1


async def test_a_key_given_to_a_new_record_late_is_the_one_it_is_found_by() -> None:
    app = library()
    session = await opened(app)
    france = session.add(Country(code="FR", name="France"))
    france.code = "DE"
    germany = france
    france = session.add(Country(code="FR", name="France"))
    assert await session.get(Country, "FR") is france
    await session.commit()
    assert await session.get(Country, "DE") is germany
    assert await session.get(Country, "FR") is france
    spain = session.add(Country(code="ES", name="Spain"))
    spain.code = "FR"
    with pytest.raises(StateError, match="with this key"):
        await session.commit()
    session.rollback()
    assert await session.get(Country, "FR") is france
    italy = session.add(Country(code="IT", name="Italy"))
    italy.code = "PT"
    await session.commit()
    assert await session.get(Country, "IT") is None


async def test_a_removed_key_may_be_used_again_before_the_commit_and_after_it() -> None:
    app = library()
    session = await opened(app)
    old = session.add(Country(code="FR", name="old"))
    await session.commit()
    session.remove(old)
    new = session.add(Country(code="FR", name="new"))
    await session.commit()
    assert await session.get(Country, "FR") is new
    session.remove(new)
    await session.commit()
    last = session.add(Country(code="FR", name="last"))
    await session.commit()
    assert await session.get(Country, "FR") is last


async def test_ten_thousand_linked_records_take_linear_time() -> None:
    async def seconds(number: int, shape: Any) -> float:
        session = await opened(teams())
        members = [session.add(Member(name=str(place))) for place in range(number)]
        for place, member in enumerate(members):
            target = shape(place)
            if target is not None:
                member.boss = members[target % number]
        begun = time.perf_counter()
        session.plan()
        return time.perf_counter() - begun

    shapes = {
        "chain": lambda place: place - 1 if place else None,
        "pairs": lambda place: place ^ 1,
        "circle": lambda place: place + 1,
        "star": lambda place: 0 if place else None,
    }
    for name, shape in shapes.items():
        assert await seconds(10_000, shape) < 5, name  # tenths of a second; half a minute where it is quadratic


async def test_a_record_of_another_session_is_refused() -> None:
    app = library()
    one, other = await opened(app), Session(app.bindings)
    author = one.add(Author(name="x"))
    with pytest.raises(StateError):
        other.add(author)
    await one.commit()
    with pytest.raises(StateError):
        other.remove(author)
    with pytest.raises(StateError):
        other.attach(author)
    other.add(Book(title="a", isbn="1", author=one.add(Author(name="new"))))
    with pytest.raises(StateError, match="not of this session"):
        await other.commit()
    other.rollback()
    other.add(Book(title="a", isbn="1", author=99))
    with pytest.raises(CommitAborted):
        await other.commit()


async def test_nobody_is_asked_for_new_records_that_refer_to_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    app, asked, induce = Holdall("teams"), list[Referential](), Referential.induce
    OPEN.append(app)
    app.add_store("main", "memory:")
    app.add(Team, Member, Seat, Root, store="main")
    app.add_store("badges", "memory:")
    app.add(Badge, store="badges")

    async def noted(self: Referential) -> Any:
        asked.append(self)
        return await induce(self)

    monkeypatch.setattr(Referential, "induce", noted)
    session = await opened(app)
    session.add(Badge(member=session.add(Member(name="new"))))
    await session.commit()
    assert not asked
    stored = session.add(Member(name="stored"))
    await session.commit()
    session.add(Badge(member=stored))
    await session.commit()
    assert len(asked) == 1, "whoever is stored may have gone"
    session.add(Badge(member=99))
    with pytest.raises(ValidationError):
        await session.commit()
    assert len(asked) == 2
