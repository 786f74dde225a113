"""Keys of several fields, one of which the store makes: where it can, and refused by name where it cannot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from holdall import Holdall, Model, Ref, field
from holdall.errors import CommitAborted, Unsupported
from tests.support.dropping import drop

pytestmark = pytest.mark.anyio


class Tenant(Model):
    id: int = field(pk=True, generated=True)
    name: str = ""


class Ticket(Model):
    tenant: Ref[Tenant] = field(pk=True)
    number: int = field(pk=True, generated=True, default=None)
    title: str = ""
    version: int = field(version=True)


class Reply(Model):
    """Its key begins with the part that is made."""

    id: int = field(pk=True, generated=True)
    day: str = field(pk=True)
    ticket: Ref[Ticket | None] = field(default=None)


class Token(Model):
    """Its part is made by the session, so that any store can have it."""

    owner: str = field(pk=True)
    id: UUID = field(pk=True, generated=True)


STORES = ["memory", "yaml", "postgres_url", "mariadb_url"]


def _url(name: str, request: pytest.FixtureRequest, folder: Path) -> str:
    urls = {"memory": "memory:", "sqlite": f"sqlite:///{folder}/desk.db", "yaml": f"yaml:{folder}/desk"}
    return urls.get(name) or request.getfixturevalue(name)


@pytest.fixture(params=STORES)
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holdall]:
    app = Holdall("desk")
    app.add_store("main", _url(request.param, request, tmp_path))
    app.add(Tenant, Ticket, Reply, Token, store="main")
    app.bindings.configure()
    await drop(app.stores["main"])
    await app.create()
    assert await app.stores["main"].inspect() == []  # type: ignore[attr-defined]
    yield app
    await drop(app.stores["main"])
    await app.close()


async def test_the_store_makes_the_part(app: Holdall) -> None:
    async with app.session() as session:
        first, second = session.add_all([Tenant(name="one"), Tenant(name="two")])
        tickets = session.add_all([Ticket(tenant=tenant, title=tenant.name) for tenant in (first, second, first)])
        reply = session.add(Reply(day="mo", ticket=tickets[1]))
        token = session.add(Token(owner="Ann"))
        await session.commit()
        numbers = [ticket.number for ticket in tickets]
        assert len(set(numbers)) == 3
        assert all(type(number) is int for number in numbers)
        assert await session.get(Ticket, second.id, numbers[1]) is tickets[1]
        assert (type(reply.id), type(token.id)) == (int, UUID)
        keys = [(ticket.tenant.key, ticket.number) for ticket in tickets]
        tickets[0].title = "changed"
        await session.commit()
        assert tickets[0].version == 2
    async with app.session() as session:
        found = {(ticket.tenant.key, ticket.number): ticket.title for ticket in await session.query(Ticket.where())}
        assert found == {keys[0]: "changed", keys[1]: "two", keys[2]: "one"}
        (reply,) = await session.query(Reply.where())
        assert reply.ticket.key == keys[1]
        session.remove(reply)
        for ticket in await session.query(Ticket.where()):
            session.remove(ticket)
        await session.commit()
        later = session.add(Ticket(tenant=keys[0][0]))
        await session.commit()
        assert later.number not in numbers, "a part that was made is not made again"


async def test_a_part_that_is_given_is_kept(app: Holdall) -> None:
    async with app.session() as session:
        tenant = session.add(Tenant(name="one"))
        await session.commit()
        made = session.add(Ticket(tenant=tenant))
        await session.commit()
        given = session.add(Ticket(tenant=tenant, number=made.number + 5))
        await session.commit()
        after = session.add_all([Ticket(tenant=tenant) for _ in range(8)])
        await session.commit()
        assert len({made.number, given.number, *(ticket.number for ticket in after)}) == 10
        session.add(Ticket(tenant=tenant, number=7_000))
        await session.commit()
    async with app.session() as session:
        session.add(Ticket(tenant=tenant.id, number=7_000))
        with pytest.raises(CommitAborted):
            await session.commit()
        session.rollback()


async def test_records_of_two_stores(app: Holdall, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    await drop(app.stores["main"])
    both = Holdall("desk", journal=f"sqlite:///{tmp_path}/journal.db")
    both.add_store("main", _url(request.node.callspec.params["app"], request, tmp_path))
    both.add_store("far", f"sqlite:///{tmp_path}/far.db")
    both.add(Tenant, store="far")
    both.add(Ticket, store="main")
    await both.create()
    async with both.session() as session:
        ticket = session.add(Ticket(tenant=session.add(Tenant(name="one"))))
    async with both.session() as session:
        (found,) = await session.query(Ticket.where(Ticket.tenant.name == "one"))
        assert (found.tenant.key, found.number) == (ticket.tenant.key, ticket.number)
    await drop(both.stores["main"])
    await both.close()


@pytest.mark.parametrize("name", ["sqlite", "mongo_url", "redis_url"])
async def test_a_store_that_cannot_says_so(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    app = Holdall("desk")
    app.add_store("main", f"sqlite:///{tmp_path}/desk.db" if name == "sqlite" else request.getfixturevalue(name))
    app.add(Tenant, Ticket, store="main")
    with pytest.raises(Unsupported, match="keys with a generated part"):
        app.bindings.configure()
    await app.close()
