"""Streams tell nothing of records that a client may not see: not by their ids, their counts or late values."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from holdall import Everyone, Holdall, Model, Owner, Policy, Ref, User, field, me
from tests.events.test_streams import following_of, number_of, who

pytestmark = pytest.mark.anyio


class Team(Model, collection="teams"):
    id: int = field(pk=True)
    lead: str = ""


class Plan(Model, collection="plans"):
    id: int = field(pk=True)
    title: str = ""
    team: Ref[Team | None] = field(default=None)


class Own(Model, collection="own"):
    id: int = field(pk=True)
    owner: str = ""


@pytest.fixture
async def office(local: Holdall) -> Holdall:
    local.add(Team, store="main", policy=Policy(read=Everyone, write=Everyone))
    local.add(Plan, store="main", policy=Policy(read=Plan.team.lead == me.id, write=Everyone))
    local.add(Own, store="main", policy=Policy(read=Owner("owner"), write=Everyone))
    local.add_feed(Plan, Own)
    await local.create()
    async with local.session() as session:
        session.add_all([Team(id=1, lead="tom"), Team(id=2, lead="eve"), Plan(id=1, title="open", team=1)])
    return local


async def test_values_from_when_a_record_was_hidden_by_other_collections_are_shown_to_nobody(office: Holdall) -> None:
    service = office.asgi(authenticate=who)
    async with following_of(service, "/plans/events", "tom") as stream:
        async with office.session() as session:
            (await session.require(Plan, 1)).title = "known"
        await stream.has(1)
        last = stream.events[-1][1]
    for title, team in (("known", 2), ("secret", 2), ("public", 1)):
        async with office.session() as session:
            plan = await session.require(Plan, 1)
            plan.title, plan.team = title, team
    async with following_of(service, "/plans/events", "tom", last) as stream:
        await stream.has(3)
        assert b"secret" not in stream.text
        assert {data["record"]["title"] for *_, data in stream.events} == {"public"}


async def test_ids_do_not_tell_how_much_happens_elsewhere(office: Holdall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdall.web.events.stream._HEARTBEAT", 0.01)
    service = office.asgi(authenticate=who)
    async with following_of(service, "/own/events", "ann") as stream:
        async with office.session(User("eve")) as session:
            session.add_all([Own(id=number, owner="eve") for number in range(5)])
            session.add(Own(id=9, owner="ann"))
        await stream.has(1)
        (event,) = stream.events
        assert set(event[2]) == {"id", "kind", "key", "at", "record"}
        assert event[2]["id"].isalnum()  # the place in its commit is not part of it
        known = len(_ids(stream.text))
        async with asyncio.timeout(5):
            while len(_ids(stream.text)) < known + 3:
                stream.came.clear()
                await stream.came.wait()
    ids = _ids(stream.text)
    assert len({len(each) for each in ids}) == 1
    assert len(set(ids)) == len(ids)  # where nothing happens they differ as well
    assert number_of(service, "own", ids[-1]) == 7
    assert number_of(service, "plans", ids[-1]) is None


def _ids(text: bytes) -> list[str]:
    return [line.removeprefix("id: ") for line in text.decode().splitlines() if line.startswith("id: ")]


async def test_an_id_holds_in_every_process_that_has_the_secret(office: Holdall) -> None:
    made: list[Any] = [office.asgi(authenticate=who, secret=b"one secret of all of them, long") for _ in range(2)]
    other = office.asgi(authenticate=who)
    async with following_of(made[0], "/own/events", "ann") as stream:
        async with office.session() as session:
            session.add(Own(id=1, owner="ann"))
        await stream.has(1)
        last = stream.events[-1][1]
    async with office.session() as session:
        session.add(Own(id=2, owner="ann"))
    for service, expected in ((made[1], ("created", 2)), (other, ("reset", None))):
        async with following_of(service, "/own/events", "ann", last) as stream:
            await stream.has(1)
            assert stream.kinds == [expected]
