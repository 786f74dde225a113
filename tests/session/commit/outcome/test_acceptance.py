"""Records take over what was written of them, and what was not stays to be written."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from holdall import Holdall, Many, Model, Ref, Session, State, field, state_of
from holdall.errors import CommitPartial, CommitUnknown, Conflict, StateError, StoreTimeout
from holdall.store import Change, Verb
from tests.support.remote_store import Remote

pytestmark = pytest.mark.anyio

KEYS = [(), (7, 8)]


class Node(Model):
    id: int = field(pk=True, generated=True)
    name: str = ""
    tags: list[str] = field(default_factory=list)
    next: Ref[Node | None] = field(default=None)
    others: Many[Node] = field(default=())


class Api(Remote):
    """Somebody else's API, which may refuse changes of what is there."""

    def __init__(self) -> None:
        super().__init__("api")
        self.before = self._answer
        self.refusal: Exception | None = None
        self.updates: list[tuple[str, ...]] = []

    def _answer(self, change: Change) -> Exception | None:
        if change.verb is not Verb.UPDATE:
            return None
        self.updates.append(change.fields)
        return self.refusal


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
async def app(api: Api) -> AsyncIterator[Holdall]:
    app = Holdall("circles")
    app.add_store("api", api)
    app.add(Node, store="api")
    async with app:
        yield app


def circle(session: Session, *keys: int) -> tuple[Node, Node]:
    """Two new records that refer to each other, with keys that are given or made by the store."""
    a, b = (Node(name=name) for name in "ab")
    if keys:
        a.id, b.id = keys
    a.next, b.next, a.others = b, a, [a, b]
    session.add_all([a, b])
    return a, b


async def held(app: Holdall) -> dict[str, tuple[int | None, tuple[int, ...], list[str]]]:
    async with app.session() as session:
        found = await session.query(Node.where())
        return {node.name: (node.next.key, tuple(node.others.keys), node.tags) for node in found}


@pytest.mark.parametrize("keys", KEYS)
async def test_a_refused_call_that_closes_a_circle_is_still_to_be_made(
    app: Holdall, api: Api, keys: tuple[int, ...]
) -> None:
    api.refusal = Conflict("api", "not now")
    async with app.session() as session:
        a, b = circle(session, *keys)
        with pytest.raises(CommitPartial):
            await session.commit()
        assert [state_of(node) for node in (a, b)] == [State.DIRTY, State.CLEAN]
        assert [name for name in ("name", "next", "others") if a.is_field_modified(name)] == ["next", "others"]
        api.refusal = None
    assert api.updates == [("next", "others"), ("next", "others")]
    assert await held(app) == {"a": (b.id, (a.id, b.id), []), "b": (a.id, (), [])}


async def test_a_rollback_after_it_leaves_the_record_as_it_is_stored(app: Holdall, api: Api) -> None:
    api.refusal = Conflict("api", "not now")
    async with app.session() as session:
        a, b = circle(session)
        with pytest.raises(CommitPartial):
            await session.commit()
        session.rollback()
        assert [state_of(node) for node in (a, b)] == [State.CLEAN, State.CLEAN]
        assert (a.next.key, a.others.keys) == (None, ())
    assert await held(app) == {"a": (None, (), []), "b": (a.id, (), [])}


async def test_where_its_outcome_is_unknown_the_record_is_let_go_of(app: Holdall, api: Api) -> None:
    api.refusal = StoreTimeout("api", "no answer", is_outcome_unknown=True)
    async with app.session() as session:
        a, b = circle(session)
        with pytest.raises((CommitPartial, CommitUnknown)):
            await session.commit()
        with pytest.raises(StateError, match="unknown"):
            await session.commit()
        session.rollback()
        assert [state_of(node) for node in (a, b)] == [State.DISCARDED, State.CLEAN]


@pytest.mark.parametrize("keys", KEYS)
async def test_what_is_changed_in_place_before_the_circle_is_closed_stays_changed(
    app: Holdall, api: Api, keys: tuple[int, ...]
) -> None:
    async with app.session() as session:
        a, _ = circle(session, *keys)
        tags = a.tags

        def edit(change: Change) -> None:
            if change.verb is Verb.UPDATE and not tags:
                tags.append("late")

        api.before = edit
        await session.commit()
        assert state_of(a) is State.DIRTY
    assert (await held(app))["a"][2] == ["late"]
