"""The audit trail of tenants: nobody reads entries of another tenant, whatever rule the trail has."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from holdall import Everyone, FieldRights, Holdall, Model, Nobody, Policy, Role, Tenanted, User, field, me
from holdall.events import as_of, history
from tests.support.event_library import Author

pytestmark = pytest.mark.anyio


class Memo(Tenanted, collection="memos"):
    id: int = field(pk=True)
    text: str = ""


class Desk(Model, collection="desks"):
    __tenant__ = "office"

    id: str = field(pk=True, length=(1, 20))
    office: int = field(default=0, index=True)
    place: str = ""


def auditor(name: str, **attributes: Any) -> User:
    return User(name, roles=frozenset({"auditor"}), attributes=attributes)


NORTH, SOUTH = auditor("ann", tenant="north", office=1), auditor("eve", tenant="south", office=2)
NOBODYS, CLERK = auditor("tom"), User("sue", attributes={"tenant": "north", "office": 1})


async def seen(app: Holdall, user: User, trail: Any) -> set[tuple[str, str, object]]:
    async with app.session(user) as session:
        found = await session.query(trail.where())
    return {(each.kind, each.collection, each.number or each.key) for each in found}


async def test_entries_are_those_of_the_own_tenant(app: Holdall) -> None:
    hidden = {"tenant": FieldRights(read=Nobody, write=Nobody, preset=me.tenant)}
    app.add(Memo, store="main", policy=Policy(read=Everyone, write=Everyone, fields=hidden))
    app.add(Desk, store="main", policy=Policy(read=Everyone, write=Everyone))
    trail: Any = app.add_audit(Memo, Desk, Author, store="main", read=Role("auditor"))
    await app.create()
    for user, number in ((NORTH, 1), (SOUTH, 2)):
        async with app.session(user) as session:
            session.add_all([Memo(id=number), Memo(id=number + 10), Desk(id=f"d{number}", office=number)])
        async with app.session(user) as session:
            (await session.require(Memo, number)).text = "one"
            await session.update(Memo.where(Memo.id == number + 10), text="all")
        async with app.session(user) as session:
            await session.update(Desk.where(), place="door")
            session.remove(await session.require(Memo, number))
    async with app.session() as session:
        session.add(Author(name="Jane"))
    try:
        for user, number in ((NORTH, 1), (SOUTH, 2)):
            memos = {("created", number), ("changed", number), ("deleted", number)}
            memos |= {("created", number + 10), ("changed", number + 10)}
            desks = {("created", f"d{number}"), ("changed", f"d{number}")}
            expected = {(kind, "memos", key) for kind, key in memos} | {(kind, "desks", key) for kind, key in desks}
            found = await seen(app, user, trail)
            assert {each for each in found if each[1] != "author"} == expected
            assert [each[0] for each in found if each[1] == "author"] == ["created"]
        assert {each[1] for each in await seen(app, NOBODYS, trail)} == {"author"}
        assert len(await seen(app, User("root", unrestricted=True), trail)) == 15
    finally:
        for user in (CLERK, User(None)):
            async with app.session(user) as session:
                with pytest.raises(Exception, match="no right to read audit"):
                    await session.query(trail.where())


async def test_the_history_of_a_record_of_another_tenant_is_none(local: Holdall) -> None:
    local.add(Memo, store="main", policy=Policy(read=Everyone, write=Everyone))
    trail: Any = local.add_audit(Memo, store="main", read=Everyone)
    async with local.session(NORTH) as session:
        session.add(Memo(id=1, text="secret"))
    async with local.session(SOUTH) as session:
        assert await history(session, trail, Memo, 1) == []
        assert await as_of(session, trail, Memo, 1, dt.datetime.now(dt.UTC)) is None
    async with local.session(NORTH) as session:
        assert [each.kind for each in await history(session, trail, Memo, 1)] == ["created"]


async def test_an_entry_of_a_record_that_changes_its_tenant_is_read_by_the_program(local: Holdall) -> None:
    local.add(Memo, store="main", policy=Policy(read=Everyone, write=Everyone))
    trail: Any = local.add_audit(Memo, store="main", read=Everyone)
    async with local.session(NORTH) as session:
        session.add(Memo(id=1, text="secret"))
    async with local.session() as session:
        memo = await session.require(Memo, 1)
        memo.tenant, memo.text = "south", "public"
    async with local.session(SOUTH) as session:
        assert await session.query(trail.where()) == []
    async with local.session() as session:
        assert sorted(each.tenant or "" for each in await session.query(trail.where())) == ["", "north"]
