"""Whether a commit of one store was written, by what its records show: each change tells, or tells nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from holdall import Holdall, Model, field
from holdall.errors import LockConflict, StateError
from holdall.query import Query
from holdall.session.commit.run.lost_answer import LostAnswer
from holdall.store import Change, CommitClass, StoreTransaction, Verb, open_store
from holdall.stores.memory import MemoryStore
from tests.support.remote_store import Remote

pytestmark = pytest.mark.anyio


class Account(Model):
    id: int = field(pk=True)
    name: str
    version: int = field(version=True)


class Note(Model):
    id: int = field(pk=True)
    text: str


def _added(key: int = 2) -> Change:
    return Change(Verb.ADD, "note", key, ("id", "text"), (key, "new"))


def _edited(text: str = "new") -> Change:
    return Change(Verb.UPDATE, "note", 1, ("text",), (text,))


def _renamed(version: int = 1) -> Change:
    return Change(Verb.UPDATE, "account", 1, ("name", "version"), ("new", version + 1), version)


_REMOVED = Change(Verb.REMOVE, "note", 1, (), ())


async def _answer(changes: list[Change], *before: Change, has_transactions: bool = True) -> LostAnswer:
    """The changes were sent to a store in which these had been made before."""
    app = Holdall("bank")
    store = open_store("main", "memory:") if has_transactions else Remote("main", CommitClass.BATCH)
    app.add_store("main", store)
    app.add(Account, Note, store="main")
    app.bindings.configure()
    await store.apply(
        [
            Change(Verb.ADD, "note", 1, ("id", "text"), (1, "old")),
            Change(Verb.ADD, "account", 1, ("id", "name", "version"), (1, "old", 1)),
        ]
    )
    for change in before:
        await store.apply([change])
    answer = LostAnswer(store, changes, app.bindings)
    rows = await store.fetch(Query("note"))
    await answer.resolve()
    assert await store.fetch(Query("note")) == rows  # looking changes nothing
    return answer


@pytest.mark.parametrize("has_transactions", [False, True])
@pytest.mark.parametrize("change", [_added(), _REMOVED, _renamed(), _edited()], ids=lambda change: change.verb)
async def test_what_was_written_is_seen(change: Change, has_transactions: bool) -> None:
    assert (await _answer([change], change, has_transactions=has_transactions)).was_applied is True


@pytest.mark.parametrize("has_transactions", [False, True])
@pytest.mark.parametrize("change", [_added(), _REMOVED, _renamed()], ids=lambda change: change.verb)
async def test_what_was_not_written_is_seen(change: Change, has_transactions: bool) -> None:
    assert (await _answer([change], has_transactions=has_transactions)).was_applied is False


@pytest.mark.parametrize(
    "changes, before",
    [
        ([_edited()], []),  # without a version nobody knows whether it was changed back
        ([_edited()], [_edited(), _edited("newer")]),
        ([_edited()], [_REMOVED]),
        ([_renamed()], [_renamed(), Change(Verb.UPDATE, "account", 1, ("name", "version"), ("newer", 3), 2)]),
        ([_added()], [_added(), Change(Verb.UPDATE, "note", 2, ("text",), ("newer",))]),
    ],
)
async def test_what_was_changed_since_does_not_tell(changes: list[Change], before: list[Change]) -> None:
    with pytest.raises(StateError, match="every record of this commit was changed since"):
        await _answer(changes, *before)


async def test_one_record_tells_it_of_all() -> None:
    changed, there = _edited(), _added()
    assert (await _answer([changed, there], changed, _edited("newer"), there)).was_applied is True
    assert (await _answer([changed, _added(3)], changed, _edited("newer"))).was_applied is False


async def test_a_record_that_others_hold_is_waited_for_by_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be the commit itself that holds it."""

    @asynccontextmanager
    async def held(self: MemoryStore) -> AsyncIterator[StoreTransaction]:
        raise LockConflict("main", "note")
        yield

    monkeypatch.setattr(MemoryStore, "transaction", held)
    with pytest.raises(LockConflict):
        await _answer([_added()])


@pytest.mark.parametrize("act", ["retry", "compensate", "accept"])
async def test_there_is_no_part_left_over(act: str) -> None:
    answer = await _answer([_added()])
    with pytest.raises(StateError, match="leaves no part over"):
        await getattr(answer, act)()
