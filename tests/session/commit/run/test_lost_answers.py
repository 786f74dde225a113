"""Answers to COMMIT that are lost: what took place is found out by the journal, and never guessed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall, Model, State, field, state_of
from holdall.errors import CommitAborted, CommitUnknown, StateError, StoreUnavailable
from holdall.query import Query, Schema
from holdall.session import Session
from holdall.store import Capabilities, Change, Outcome, Rows, Store, StoreTransaction, open_store
from tests.support.remote_store import Remote

pytestmark = pytest.mark.anyio


class Account(Model):
    id: int = field(pk=True, generated=True)
    name: str
    version: int = field(version=True)


class Note(Model):
    code: str = field(pk=True)


class Customer(Model):
    code: str = field(pk=True)


class _RollBack(Exception):
    pass


class Silent:
    """A database whose next COMMIT is not answered; ``takes_place`` tells whether it takes place all the same.

    ``stays_away`` is how many calls after that find nobody.
    """

    def __init__(self, store: Store) -> None:
        self.store: Any = store
        self.name = store.name
        self.is_silent = False
        self.takes_place = True
        self.stays_away = 0

    @property
    def capabilities(self) -> Capabilities:
        return self.store.capabilities  # type: ignore[no-any-return]

    def bind(self, schemas: Sequence[Schema]) -> None:
        self.store.bind(schemas)

    async def create(self) -> None:
        await self.store.create()

    async def inspect(self) -> list[str]:
        return await self.store.inspect()  # type: ignore[no-any-return]

    async def drop(self) -> None:
        await self.store.drop()

    async def fetch(self, query: Query[Any]) -> Rows:
        self._answer()
        return await self.store.fetch(query)  # type: ignore[no-any-return]

    async def count(self, query: Query[Any]) -> int:
        return await self.store.count(query)  # type: ignore[no-any-return]

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        self._answer()
        return await self.store.apply(changes)  # type: ignore[no-any-return]

    def _answer(self) -> None:
        if self.stays_away and not self.is_silent:
            self.stays_away -= 1
            raise StoreUnavailable(self.name, "away")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[StoreTransaction]:
        try:
            async with self.store.transaction() as transaction:
                yield transaction
                if self.is_silent and not self.takes_place:
                    raise _RollBack
        except _RollBack:
            pass
        if self.is_silent:
            self.is_silent = False
            raise StoreUnavailable(self.name, "the answer was lost", is_outcome_unknown=True)

    async def close(self) -> None:
        await self.store.close()


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[Holdall, Silent, Session]]:
    app = Holdall("bank", journal=f"sqlite:///{folder / 'local.db'}")
    silent = Silent(open_store("main", f"sqlite:///{folder / 'main.db'}", synchronous="off"))
    app.add_store("main", silent)
    app.add_store("files", f"yaml:{folder / 'files'}")
    app.add_store("remote", Remote("remote"))
    app.add(Account, store="main")
    app.add(Note, store="files")
    app.add(Customer, store="remote")
    await app.create()
    try:
        async with app.session() as session:
            session.add(Account(name="before"))
            session.add(Note(code="before"))
            await session.commit()  # the first commit looks for what others left, which is not what is tried here
            silent.is_silent = True
            yield app, silent, session
            session.rollback()
    finally:
        await app.close()


async def counts(app: Holdall) -> list[int]:
    async with app.session() as session:
        return [await session.count(Account.where()), await session.count(Note.where())]


@pytest.mark.parametrize("with_calls", [False, True])
@pytest.mark.parametrize("takes_place", [False, True])
async def test_whether_it_took_place_is_found_out(tmp_path: Path, takes_place: bool, with_calls: bool) -> None:
    async with opened(tmp_path) as (app, silent, session):
        silent.takes_place = takes_place
        account, _ = session.add(Account(name="x")), session.add(Note(code="x"))
        customer = session.add(Customer(code="x")) if with_calls else None
        if takes_place:
            await session.commit()
            assert state_of(account) is State.CLEAN
            assert await counts(app) == [2, 2]
            assert not await app.recovery.unfinished()
            return
        with pytest.raises(CommitAborted if customer is None else Exception):
            await session.commit()
        assert state_of(account) is State.NEW
        assert await counts(app) == [1, 1]
        assert len(await app.recovery.unfinished()) == with_calls  # the call stays listed


@pytest.mark.parametrize("takes_place", [False, True])
async def test_while_nobody_answers_it_is_unknown_and_resolved_later(tmp_path: Path, takes_place: bool) -> None:
    async with opened(tmp_path) as (app, silent, session):
        silent.takes_place, silent.stays_away = takes_place, 1
        session.add(Account(name="x"))
        session.add(Note(code="x"))
        with pytest.raises(CommitUnknown) as caught:
            await session.commit()
        with pytest.raises(StateError, match="rollback"):
            await session.commit()
        session.rollback()
        assert await caught.value.resolve() is None
        assert await counts(app) == ([2, 2] if takes_place else [1, 1])
        assert not await app.recovery.unfinished()
        assert await caught.value.resolve() is None


@pytest.mark.parametrize("takes_place", [False, True])
@pytest.mark.parametrize("act", ["change", "remove"])
async def test_a_commit_of_one_store_is_resolved_by_its_records(tmp_path: Path, act: str, takes_place: bool) -> None:
    async with opened(tmp_path) as (app, silent, session):
        account = await session.require(Account, 1)
        before = account.name
        if act == "change":
            account.name = "changed"
        else:
            session.remove(account)
        apply = type(silent).apply.__get__(silent)

        async def lost(changes: Any) -> Any:
            if takes_place:
                await apply(changes)
            raise StoreUnavailable("main", "lost", is_outcome_unknown=True)

        silent.apply = lost  # type: ignore[method-assign]
        with pytest.raises(CommitUnknown) as caught:
            await session.commit()
        del silent.apply
        session.rollback()
        assert caught.value.was_applied is None
        assert await caught.value.resolve() is None
        assert caught.value.was_applied is takes_place
        async with app.session() as other:
            names = [item.name for item in await other.query(Account.where().sort(Account.id))]
        after = {"change": ["changed"], "remove": []}[act]
        assert names == (after if takes_place else [before])


async def test_records_with_keys_of_their_store_do_not_tell(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, silent, session):
        session.add(Account(name="y"))

        async def lost(changes: Any) -> Any:
            raise StoreUnavailable("main", "lost", is_outcome_unknown=True)

        silent.apply = lost  # type: ignore[method-assign]
        with pytest.raises(CommitUnknown) as caught:
            await session.commit()
        with pytest.raises(StateError, match="keys of your own"):
            await caught.value.resolve()
        del silent.apply
        session.rollback()
