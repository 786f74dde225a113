"""Stamps of who wrote and when, and fields that go from state to state: the same in every store and by every verb."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from enum import Enum
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdall import Everyone, FieldRights, Holdall, LiveEvent, Model, Nobody, Policy, Ref, Stamped, User, field
from holdall.errors import CommitAborted, DeclarationError, ValidationError
from holdall.model import Transitions
from holdall.testing.client import Client
from tests.support.dropping import drop

pytestmark = pytest.mark.anyio


class Status(Enum):
    DRAFT = "draft"
    REVIEW = "review"
    PUBLISHED = "published"
    GONE = "gone"


TABLE = {
    None: [Status.DRAFT],
    Status.DRAFT: [Status.REVIEW, Status.GONE],
    Status.REVIEW: [Status.DRAFT, Status.PUBLISHED],
    Status.PUBLISHED: [Status.GONE],
}


class Article(Stamped):
    id: int = field(pk=True)
    title: str = ""
    status: Status = field(default=Status.DRAFT, transitions=TABLE)


class Counted(Model):
    id: int = field(pk=True)
    status: Status = field(default=Status.DRAFT, transitions=TABLE)
    version: int = field(version=True)


class Desk(Model):
    id: int = field(pk=True)


class Seat(Model):
    id: int = field(pk=True)
    desk: Ref[Desk | None] = field(default=None, unique=True)
    status: Status = field(default=Status.DRAFT, transitions=TABLE)


class Locked(Model):
    id: int = field(pk=True)
    owner: str = field(auto_user="create")


STORES = ["memory", "sqlite", "yaml", "postgres_url", "mariadb_url", "mongo_url", "redis_url"]
ANN, EVE = User("ann", unrestricted=True), User("eve", unrestricted=True)


async def opened(url: str, policy: Policy | None = None) -> Holdall:
    app = Holdall("articles")
    app.add_store("main", url, **({"scan_limit": 1_000} if url.startswith("redis") else {}))
    for model in (Article, Counted, Desk, Seat, Locked):
        app.add(model, store="main", policy=policy or Policy())
    app.bindings.configure()
    await drop(app.stores["main"])
    await app.create()
    return app


@pytest.fixture(params=STORES)
async def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Holdall]:
    folder = tmp_path_factory.mktemp("articles")
    urls = {"memory": "memory:", "sqlite": f"sqlite:///{folder}/main.db", "yaml": f"yaml:{folder}/main"}
    app = await opened(urls.get(request.param) or request.getfixturevalue(request.param))
    yield app
    await drop(app.stores["main"])
    await app.close()


async def found(app: Holdall) -> Article:
    async with app.session() as session:
        return await session.require(Article, 1)


async def test_each_commit_says_whose_it_is_and_when(app: Holdall) -> None:
    async with app.session(ANN) as session:
        session.add_all([Article(id=1), Article(id=2)])
    first = await found(app)
    assert (first.created_by, first.modified_by) == ("ann", "ann")
    assert first.created_at == first.modified_at
    async with app.session(EVE) as session:
        (await session.require(Article, 1)).title = "a"
    second = await found(app)
    assert (second.created_by, second.modified_by, second.created_at) == ("ann", "eve", first.created_at)
    assert second.modified_at >= first.modified_at
    async with app.session(EVE) as session:
        assert await session.update(Article.where(Article.id == 2), title="b") == 1
    async with app.session(User("joe", unrestricted=True)) as session:
        other = await session.require(Article, 2)
        assert (other.created_by, other.modified_by, other.title) == ("ann", "eve", "b")
        await session.upsert(Article, {"id": 2}, title="c")
    async with app.session() as session:
        other = await session.require(Article, 2)
        assert (other.created_by, other.modified_by, other.title) == ("ann", "joe", "c")


async def test_a_commit_that_fails_leaves_no_stamp(app: Holdall) -> None:
    async with app.session(ANN) as session:
        article = session.add(Article(id=1, status=Status.GONE))
        with pytest.raises(ValidationError):
            await session.commit()
        article.status = Status.DRAFT
    async with app.session(EVE) as session:
        session.add(Article(id=1))
        with pytest.raises(CommitAborted):
            await session.commit()
        session.rollback()
    assert (await found(app)).created_by == "ann"


async def test_a_field_that_must_have_a_user_wants_one(app: Holdall) -> None:
    async with app.session(User(None, unrestricted=True)) as session:
        session.add(Locked(id=1))
        with pytest.raises(ValidationError, match="owner") as caught:
            await session.commit()
        assert [error.code for error in caught.value.errors] == ["required"]
        session.rollback()
        session.add(Article(id=1))
        await session.commit()
    assert (await found(app)).created_by is None


async def move(app: Holdall, model: type[Any], status: Status) -> None:
    async with app.session() as session:
        (await session.require(model, 1)).status = status


@pytest.mark.parametrize("model", [Article, Counted])
async def test_states_follow_each_other_as_declared(app: Holdall, model: type[Any]) -> None:
    async with app.session() as session:
        session.add(model(id=1))
    for status in (Status.REVIEW, Status.DRAFT, Status.REVIEW, Status.PUBLISHED):
        await move(app, model, status)
    for status in (Status.DRAFT, Status.REVIEW):
        with pytest.raises(ValidationError, match=f"published to {status.value}") as caught:
            await move(app, model, status)
        assert [(error.path, error.code) for error in caught.value.errors] == [("status", "transition")]
        async with app.session() as session:  # in bulk as one by one, and nothing is written
            session.add(model(id=2))
            await session.update(model.where(model.id == 1), status=status)
            with pytest.raises((ValidationError, CommitAborted)):
                await session.commit()
            session.rollback()
    async with app.session() as session:
        assert await session.update(model.where(model.id == 1), status=Status.GONE) == 1
    async with app.session() as session:
        assert [(each.id, each.status) for each in await session.query(model.where())] == [(1, Status.GONE)]


async def test_of_two_moves_from_one_state_the_second_is_refused(app: Holdall) -> None:
    async with app.session() as session:
        session.add(Article(id=1))
    async with app.session() as one, app.session() as other:
        here, there = await one.require(Article, 1), await other.require(Article, 1)
        here.status = Status.GONE
        await one.commit()
        there.status = Status.REVIEW  # right from what it was
        with pytest.raises(CommitAborted):
            await other.commit()
        other.rollback()
    assert (await found(app)).status is Status.GONE


async def test_a_move_of_a_record_that_gives_up_its_only_place_is_compared_too(app: Holdall) -> None:
    async with app.session() as session:
        session.add_all([Desk(id=1), Seat(id=1, desk=1)])
    async with app.session() as one, app.session() as other:
        here, there = await one.require(Seat, 1), await other.require(Seat, 1)
        here.status = Status.GONE
        await one.commit()
        there.status, there.desk = Status.REVIEW, None
        with pytest.raises(CommitAborted):
            await other.commit()
        other.rollback()


async def test_a_record_that_gets_another_key_is_not_new(app: Holdall) -> None:
    async with app.session() as session:
        session.add(Article(id=1))
    for status in (Status.REVIEW, Status.PUBLISHED):
        await move(app, Article, status)
    async with app.session() as session:
        article = await session.require(Article, 1)
        session.change_key(article, 7)
    async with app.session() as session:
        article = await session.require(Article, 7)
        assert (article.status, article.created_by) == (Status.PUBLISHED, "system")
        session.change_key(article, 8)
        article.status = Status.DRAFT
        with pytest.raises(ValidationError, match="published to draft"):
            await session.commit()
        session.rollback()


@pytest.mark.parametrize("status", ["published", "gone", "draft"])
async def test_no_door_of_the_service_leads_around_transitions(tmp_path: Any, status: str) -> None:
    app = await opened(f"sqlite:///{tmp_path}/a.db", Policy(read=Everyone, write=Everyone))
    async with Client(app.asgi()) as client:
        for path in ("/article", "/counted"):
            await client.post(path, json={"id": 1})
            tries = {
                "patch": await client.patch(f"{path}/1", json={"status": status}),
                "put": await client.request("PUT", f"{path}/1", json={"id": 1, "status": status}),
                "new": await client.post(path, json={"id": 2, "status": status}),
                "many": await client.request("PATCH", f"{path}?id=1", json={"status": status}),
            }
            there = {each["id"]: each["status"] for each in (await client.get(path)).json()["data"]}
            if status == "published":
                assert {name: answer.status for name, answer in tries.items()} == dict.fromkeys(tries, 422)
                assert there == {1: "draft"}
                assert tries["patch"].json()["errors"][0]["code"] == "transition"
            elif status == "gone":
                assert tries["new"].status == 422
                assert there == {1: "gone"}
            else:
                assert there == {1: "draft", 2: "draft"}
        told = {each["name"]: each for each in (await client.get("/article/_meta")).json()["fields"]}
        assert told["status"]["transitions"][0] == {"from": None, "to": ["draft"]}
        assert "transitions" not in told["title"]
        answer = await client.post("/article", json={"id": 5, "created_by": "mallory"})
        assert answer.status == 422
        assert (await client.patch("/article/1", json={"modified_by": "mallory"})).status == 422
    await app.close()


async def test_a_state_that_may_not_be_read_is_not_told() -> None:
    policy = Policy(read=Everyone, write=Everyone, fields={"status": FieldRights(read=Nobody, write=Everyone)})
    app = Holdall("articles")
    app.add_store("main", "memory:")
    app.add(Counted, store="main", policy=policy)
    await app.create()
    async with app.session() as session:
        session.add(Counted(id=1))
    async with Client(app.asgi()) as client:
        answer = await client.patch("/counted/1", json={"status": "published"})
        assert answer.status == 422
        assert b"draft" not in answer.body
    await app.close()


def test_transitions_that_cannot_be_are_refused() -> None:
    for given_table, message in (
        ({"draft": ["published"]}, "transitions name"),
        ([("a", "b")], "transitions is a mapping"),
        ({Status.DRAFT: "gone"}, "transitions is a mapping"),
        ({None: [Status.GONE]}, "no transition begins with the default"),
    ):
        with pytest.raises(DeclarationError, match=message):
            type("Wrong", (Model,), _body(Status, field(default=Status.DRAFT, transitions=given_table)))  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match="transitions are for"):
        type("Wrong", (Model,), _body(float, field(default=0.0, transitions={0.0: [1.0]})))
    with pytest.raises(DeclarationError, match="auto_user"):
        type("Wrong", (Model,), _body(float, field(auto_user="write")))


def _body(annotation: object, declared: object) -> dict[str, Any]:
    return {
        "__module__": __name__,
        "__annotations__": {"id": UUID, "status": annotation},
        "id": field(pk=True, generated=True),
        "status": declared,
    }


@given(
    st.dictionaries(st.sampled_from([None, *"abcd"]), st.lists(st.sampled_from("abcd"))),
    st.lists(st.sampled_from("abcd")),
)
def test_a_walk_is_allowed_step_by_step(table: dict[Any, list[str]], walk: list[str]) -> None:
    if not table:
        return
    transitions = Transitions.of(table)
    for old, new in pairwise(walk):
        assert transitions.allows(old, new) is (old == new or new in table.get(old, []))
    for state in walk:
        assert transitions.begins(state) is (state in table.get(None, transitions.states))


@pytest.mark.parametrize("given", [None, dt.datetime(2001, 2, 3, tzinfo=dt.UTC)])
async def test_a_new_record_has_one_moment_however_often_its_commit_is_planned(given: dt.datetime | None) -> None:
    app = Holdall("magazine")
    app.add_store("main", "memory:")
    app.add(Article, store="main")

    @app.on(Article.created)
    async def look(event: LiveEvent) -> None:
        await asyncio.sleep(0.001)  # so that another moment would differ
        event.record.title = "seen"
        if given is not None:
            event.record.created_at = given

    async with app.session() as session:
        session.add(Article(id=1))
    async with app.session() as session:
        article = await session.require(Article, 1)
    assert article.title == "seen"
    assert article.created_at == (given or article.modified_at)
    await app.close()


async def test_a_refused_move_tells_the_moves_that_there_are() -> None:
    app = Holdall("magazine")
    app.add_store("main", "memory:")
    app.add(Article, store="main")
    async with app.session() as session:
        article = session.add(Article(id=1, status=Status.GONE))
        with pytest.raises(ValidationError, match=r"new record may be: a new one is draft$"):
            await session.commit()
        article.status = Status.DRAFT
        await session.commit()
        article.status = Status.PUBLISHED
        with pytest.raises(ValidationError, match=r"draft to published; it may become review, gone$"):
            await session.commit()
        session.rollback()
    await app.close()
