"""Rehearsals call functions of events as a commit does, in every store; what these change is in the plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall, Model, Policy, User, field
from holdall.errors import Forbidden, Refused
from holdall.testing.client import Client
from tests.support.event_library import Author, Book

pytestmark = pytest.mark.anyio

_REHEARSAL = {"prefer": "tx=rollback"}


async def who(scope: Any) -> User:
    return User("ann")


def _listening(app: Holdall) -> list[tuple[str, str]]:
    told: list[tuple[str, str]] = []

    @app.on(Book.created, Book.changed, Book.deleted)
    async def tell(event: Any) -> None:
        told.append((str(event.kind), event.record.title))
        if event.record.title == "refused":
            raise Refused("not this one")
        event.session.add(Author(name=event.record.title))

    return told


async def test_a_rehearsal_is_refused_by_functions(app: Holdall) -> None:
    told = _listening(app)
    await app.create()
    async with Client(app.asgi(authenticate=who)) as client:
        for path, body in (("/book", {"title": "refused"}), ("/book", [{"title": "Emma"}, {"title": "refused"}])):
            refused = await client.request("POST", path, json=body, headers=_REHEARSAL)
            assert (refused.status, refused.json()["detail"]) == (409, "not this one")
        told.clear()
        planned = await client.request("POST", "/book", json={"title": "Emma"}, headers=_REHEARSAL)
        assert sorted((each["act"], each["collection"]) for each in planned.json()["plan"]) == [
            ("create", "author"), ("create", "book")
        ]  # fmt: skip
        assert told == [("created", "Emma")]
        assert (await client.get("/book")).json()["total_count"] == 0
        assert (await client.get("/author")).json()["total_count"] == 0


async def test_functions_may_write_another_store_in_a_rehearsal(tmp_path: Path) -> None:
    app = Holdall("library")
    for name, model in (("books", Book), ("authors", Author)):
        app.add_store(name, f"sqlite:///{tmp_path}/{name}.db")
        app.add(model, store=name)
    _listening(app)
    await app.create()
    async with Client(app.asgi(authenticate=who)) as client:
        planned = await client.request("POST", "/book", json={"title": "Emma"}, headers=_REHEARSAL)
        assert (planned.status, len(planned.json()["plan"])) == (200, 2)
        assert (await client.get("/author")).json()["total_count"] == 0
    await app.close()


async def test_a_session_that_told_in_its_plan_commits_without_telling_again(local: Holdall) -> None:
    told = _listening(local)
    async with local.session() as session:
        session.add(Book(title="Emma"))
        assert len((await session.expand()).steps[0].batches) == 1
        assert told == []
        assert len((await session.expand(tell=True)).steps[0].batches) == 2
        await session.commit()
        assert told == [("created", "Emma")]
        session.add(Book(title="Emma"))
        await session.commit()
        assert len(told) == 2
        session.add(Book(title="refused"))
        with pytest.raises(Refused):
            await session.expand(tell=True)
        session.rollback()


async def test_a_rehearsal_without_transactions_looks_at_rules_of_records(tmp_path: Path) -> None:
    class Note(Model, collection="notes"):
        id: int = field(pk=True)
        owner: str

    app = Holdall("notes")
    app.add_store("main", f"yaml:{tmp_path}/notes")
    app.add(Note, store="main", policy=Policy(read=Note.id > 0, write=Note.owner == "ann"))
    await app.create()
    async with app.session() as session:
        session.add(Note(id=1, owner="eve"))
    async with Client(app.asgi(authenticate=who)) as client:
        for headers in ({}, _REHEARSAL):
            found = await client.request("PATCH", "/notes/1", json={"owner": "ann"}, headers=headers)
            assert found.status == 403
            assert (await client.request("DELETE", "/notes/1", headers=headers)).status == 403
    async with app.session(User("ann")) as session:
        (await session.require(Note, 1)).owner = "ann"
        with pytest.raises(Forbidden):
            await session.expand(tell=True)
        session.rollback()
    await app.close()
