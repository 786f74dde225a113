"""Writes under rules: each record is looked at before and after, and fields, presets and references are kept to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from holdall import (
    Authenticated,
    FieldRights,
    Holdall,
    Many,
    Model,
    Nobody,
    Owner,
    Policy,
    Ref,
    Role,
    Tenanted,
    User,
    back,
    check,
    field,
    me,
)
from holdall.errors import Forbidden, HoldallError, NotFound, QueryError, ValidationError
from holdall.session import Session

pytestmark = pytest.mark.anyio


class Team(Model):
    id: int = field(pk=True)
    lead: str
    docs: Many[Doc] = back("team")


class Doc(Model):
    id: int = field(pk=True)
    title: str
    owner: str = ""
    status: str = "draft"
    margin: int = 0
    pages: int = 0
    team: Ref[Team | None] = field(default=None)

    @check
    def _margin_is_known(self) -> None:
        if self.margin < 0:
            raise ValueError("the margin is below zero")


class Memo(Tenanted):
    id: int = field(pk=True)
    text: str = ""
    answers: Ref[Memo | None] = field(default=None)


DOC = Policy(
    read=Role("all") | (Doc.owner == me.id) | (Doc.team.lead == me.id),
    create=Authenticated,
    update=(Doc.owner == me.id) & (Doc.status == "draft") | (Doc.team.lead == me.id),
    delete=Owner("owner"),
    valid=Doc.pages < 1000,
    fields={
        "margin": FieldRights(read=Role("accounting"), write=Nobody),
        "owner": FieldRights(write=Nobody, preset=me.id),
        "status": FieldRights(create=Nobody),
    },
)
ANN, EVE = User("ann"), User("eve")


@pytest.fixture(params=["memory", "sqlite", "scattered"])
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holdall]:
    found = Holdall("papers")
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path / 'a.db'}"
    found.add_store("main", url)
    found.add_store("other", "memory:")
    found.add(Doc, store="main", policy=DOC)
    found.add(Team, store="other" if request.param == "scattered" else "main", policy=Policy(read=Team.lead == me.id))
    found.add(Memo, store="main")
    if request.param != "memory":
        await found.create()
    async with found.session() as session:
        session.add_all([Team(id=1, lead="ann"), Team(id=2, lead="eve")])
        session.add_all([Doc(id=1, title="a", owner="ann", margin=5), Doc(id=2, title="b", owner="eve", margin=7)])
        session.add_all([Doc(id=3, title="c", owner="eve", team=1), Doc(id=4, title="d", owner="ann", status="done")])
    yield found
    await found.close()


async def state(app: Holdall) -> dict[int, dict[str, Any]]:
    async with app.session() as session:
        return {doc.id: doc.to_dict() for doc in await session.query(Doc.where())}


async def change(app: Holdall, key: int, user: User = ANN, **values: object) -> None:
    async with app.session(user) as session:
        doc = await session.require(Doc, key)
        for name, value in values.items():
            setattr(doc, name, value)


@pytest.mark.parametrize("key, values", [(1, {"title": "z"}), (3, {"title": "z", "team": 1}), (1, {"team": 1})])
async def test_what_meets_the_rule_before_and_after_is_written(app: Holdall, key: int, values: dict[str, Any]) -> None:
    before = await state(app)
    await change(app, key, **values)
    assert await state(app) == {**before, key: before[key] | values}


@pytest.mark.parametrize(
    "key, values, error",
    [
        (2, {"title": "z"}, NotFound),
        (4, {"title": "z"}, Forbidden),
        (1, {"owner": "eve"}, Forbidden),
        (1, {"status": "done"}, Forbidden),
        (3, {"team": None}, Forbidden),
        (1, {"margin": 9}, ValidationError),
        (1, {"pages": 2000}, ValidationError),
        (1, {"team": 2}, ValidationError),
        (1, {"team": 99}, ValidationError),
    ],
)
async def test_what_does_not_is_refused_and_nothing_is_written(
    app: Holdall, key: int, values: dict[str, Any], error: type[HoldallError]
) -> None:
    before = await state(app)
    with pytest.raises(error):
        await change(app, key, **values)
    assert await state(app) == before


async def test_hidden_and_absent_are_answered_alike(app: Holdall) -> None:
    async def answer(key: int, **values: object) -> list[str]:
        told = []

        async def act(what: Any) -> None:
            async with app.session(ANN) as session:
                try:
                    told.append(str(await what(session)))
                    await session.commit()
                except HoldallError as error:
                    told.append(f"{type(error).__name__} {error}".replace(str(key), "KEY"))
                    session.rollback()

        async def registered(session: Session) -> None:
            session.register(Doc(id=key, title="?")).title = "taken over"

        async def refreshed(session: Session) -> None:
            await session.refresh(session.register(Doc(id=key, title="?")))

        async def referred(session: Session) -> None:
            session.add(Doc(id=50, title="new", team=key))

        await act(lambda session: session.get(Doc, key))
        await act(lambda session: session.count(Doc.where(Doc.id == key)))
        await act(lambda session: session.query(Doc.where(Doc.id == key).sort(Doc.title)))
        for verb in (registered, refreshed, referred):
            await act(verb)
        return told

    assert await answer(2) == await answer(77)


async def test_new_records_get_what_is_preset_and_nothing_that_is_not_theirs(app: Holdall) -> None:
    async with app.session(ANN) as session:
        session.add(Doc(id=10, title="x"))
        session.add(Doc(id=11, title="x", owner="ann"))
    assert {key: doc["owner"] for key, doc in (await state(app)).items() if key > 9} == {10: "ann", 11: "ann"}
    refused: list[dict[str, Any]] = [{"owner": "eve"}, {"margin": 3}, {"status": "done"}, {"pages": 1000}]
    for values in refused:
        with pytest.raises(ValidationError) as caught:
            async with app.session(ANN) as session:
                session.add(Doc(id=12, title="x", **values))
        (error,) = caught.value.errors
        assert error.path in (*values, "")
        assert (error.code == "unknown") == ("margin" in values)
    assert 12 not in await state(app)


async def test_a_hidden_field_is_an_unknown_name(app: Holdall) -> None:
    async with app.session(ANN) as session:
        for query in (
            Doc.where(Doc.margin > 1),
            Doc.where().sort(Doc.margin),
            Doc.where().only(Doc.margin),
            Doc.where().only(Doc.margin.sum()),  # type: ignore[attr-defined]
            Doc.where().group_by(Doc.margin),
            Doc.where(Doc.margin + Doc.id > 3),
            Team.where(Team.docs.any(Doc.margin > 1)),
        ):
            with pytest.raises(QueryError, match="no field 'margin'") as caught:
                await session.query(query)
            assert str(caught.value).count("margin") == 1
        doc = await session.require(Doc, 1)
        assert "margin" not in doc.to_dict()
        assert "margin" not in repr(doc)
        assert "5" not in repr(doc.margin)
        with pytest.raises(Forbidden):
            _ = bool(doc.margin)
    async with app.session(User("ann", roles=frozenset({"accounting"}))) as session:
        assert (await session.require(Doc, 1)).margin == 5


async def test_what_is_hidden_is_neither_erased_nor_left_in_the_session(app: Holdall) -> None:
    async with app.session(ANN) as session:
        doc = await session.require(Doc, 1)
        doc.title = "new"
        await session.commit()
        assert "5" not in repr(doc.margin)
        await session.refresh(doc)
        assert "5" not in repr(doc.margin)
    assert (await state(app))[1]["margin"] == 5


async def test_bulk_changes_mean_visible_records_and_check_each(app: Holdall) -> None:
    async with app.session(ANN) as session:
        assert await session.update(Doc.where(Doc.owner == "ann", Doc.status == "draft"), title="bulk") == 1
    assert {key for key, doc in (await state(app)).items() if doc["title"] == "bulk"} == {1}
    async with app.session(ANN) as session:
        assert await session.update(Doc.where(Doc.id == 2), title="bulk") == 0
    before = await state(app)
    with pytest.raises(Forbidden):
        async with app.session(ANN) as session:
            await session.update(Doc.where(), title="all")
    with pytest.raises(Forbidden):
        async with app.session(ANN) as session:
            await session.delete(Doc.where())
    with pytest.raises(ValidationError):
        async with app.session(ANN) as session:
            await session.update(Doc.where(), margin=1)
    assert await state(app) == before
    async with app.session(ANN) as session:
        await session.delete(Doc.where(Doc.owner == "ann"))
    assert (await state(app)).keys() == {2, 3}


async def test_other_ends_lead_to_visible_records_alone(app: Holdall) -> None:
    async with app.session(ANN) as session:
        team = await session.require(Team, 1)
        assert [doc.id for doc in await team.docs] == [3]
        team.docs.add(await session.require(Doc, 1))
    assert (await state(app))[1]["team"] == 1
    for key in (2, 88):
        with pytest.raises(ValidationError, match="does not exist"):
            async with app.session(ANN) as session:
                (await session.require(Team, 1)).docs.add(key)


async def changed_in_a_transaction(app: Holdall, values: dict[str, Any]) -> None:
    async with app.session(ANN) as session, session.transaction("main"):
        doc = await session.require(Doc, 1)
        for name, value in values.items():
            setattr(doc, name, value)


async def test_a_transaction_is_judged_as_a_commit_is(app: Holdall) -> None:
    store = next(binding for binding in app.collections() if binding.model is Doc).store
    if store.name != "main" or not hasattr(store, "transaction"):
        pytest.skip("this store has no transactions")
    for values in ({"owner": "eve"}, {"team": 2}, {"margin": 2}):
        with pytest.raises((Forbidden, ValidationError)):
            await changed_in_a_transaction(app, values)


async def test_a_tenant_sees_and_writes_its_own(app: Holdall) -> None:
    north, south = (User(name, attributes={"tenant": name}) for name in ("north", "south"))
    async with app.session(north) as session:
        session.add(Memo(id=1))
    async with app.session(south) as session:
        session.add(Memo(id=2))
        assert await session.get(Memo, 1) is None
        assert await session.count(Memo.where()) == 0
    for key in (1, 99):
        with pytest.raises(ValidationError, match="does not exist"):
            async with app.session(south) as session:
                session.add(Memo(id=3, answers=key))
    for act in ({"tenant": "south"}, {"tenant": "x"}):
        with pytest.raises((Forbidden, ValidationError)):
            async with app.session(north) as session:
                (await session.require(Memo, 1)).tenant = act["tenant"]
    with pytest.raises(ValidationError, match="tenant"):
        async with app.session(north) as session:
            session.add(Memo(id=4, tenant="south"))
    async with app.session(north) as session:
        session.remove(await session.require(Memo, 1))
    async with app.session() as session:
        assert [(memo.id, memo.tenant) for memo in await session.query(Memo.where())] == [(2, "south")]
    async with app.session(ANN) as session:
        with pytest.raises(Forbidden):
            await session.query(Memo.where())


async def test_a_rule_that_raises_denies_and_is_asked_again() -> None:
    calls = list[str]()

    def rule(user: User, doc: Any) -> bool:
        calls.append(doc.title)
        if doc.title == "bad":
            raise RuntimeError("no")
        return True

    app = Holdall("raising")
    app.add_store("main", "memory:")
    app.add(Team, store="main")
    app.add(Doc, store="main", policy=Policy(read=rule, write=rule))
    async with app.session() as session:
        session.add_all([Doc(id=1, title="good"), Doc(id=2, title="bad")])
    for _ in range(2):
        async with app.session(ANN) as session:
            assert [doc.id for doc in await session.query(Doc.where())] == [1]
            assert await session.count(Doc.where()) == 1
            session.add(Doc(id=3, title="bad"))
            with pytest.raises(Forbidden):
                await session.commit()
            session.rollback()
    assert calls.count("bad") > 3


async def test_a_bulk_change_refers_to_no_record_that_the_user_may_not_see(app: Holdall) -> None:
    told = list[str]()
    for team in (2, 777):  # one that is hidden from Ann, and one that is not there
        async with app.session(ANN) as session:
            with pytest.raises(ValidationError) as caught:
                await session.update(Doc.where(Doc.id == 1), team=team)
        told.append(str(caught.value))
    assert told == ["Doc is not valid: team: refers to a record that does not exist"] * 2
    async with app.session(ANN) as session:
        assert await session.update(Doc.where(Doc.id == 1), team=1) == 1
