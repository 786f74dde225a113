"""Transactions of a session: what was written is read in them, lasts if the block ends well, and leaves no trace if
not, in the store and in the records.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from holdall import ANONYMOUS, Everyone, Holdall, Many, Model, Policy, Ref, Session, State, back, field, state_of
from holdall.errors import (
    AlreadyExists,
    CommitAborted,
    Forbidden,
    HoldallError,
    StateError,
    StillReferenced,
    Unsupported,
    ValidationError,
)
from holdall.model import OnDelete
from tests.support.dropping import drop

pytestmark = pytest.mark.anyio


class Owner(Model):
    id: int = field(pk=True)
    name: str = ""
    accounts: Many[Account] = back("owner")


class Account(Model):
    id: int = field(pk=True)
    balance: int = field(default=0, ge=-100)
    tags: list[str] = field(default_factory=list)
    owner: Ref[Owner | None] = field(default=None, on_delete=OnDelete.CASCADE)
    version: int = field(version=True)


class Note(Model):
    code: str = field(pk=True)


class Undo(Exception):
    pass


STORES = ["memory", "sqlite", "postgres_url", "mariadb_url", "mongo_url"]


@pytest.fixture(params=STORES)
async def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Holdall]:
    name = request.param
    folder = tmp_path_factory.mktemp("bank")
    url = {"memory": "memory:", "sqlite": f"sqlite:///{folder}/bank.db"}.get(name) or request.getfixturevalue(name)
    app = Holdall("bank", journal=f"sqlite:///{folder}/journal.db")
    app.add_store("main", url)
    app.add_store("files", f"yaml:{folder}/notes")
    app.add(Owner, Account, store="main")
    app.add(Note, store="files")
    await drop(app.stores["main"])
    await app.create()
    async with app.session() as session:
        owner = session.add(Owner(id=1, name="Ann"))
        session.add_all([Account(id=1, balance=10, owner=owner), Account(id=2, balance=20)])
    yield app
    await drop(app.stores["main"])
    await app.close()


def has_savepoints(app: Holdall) -> bool:
    return "savepoints" in app.stores["main"].capabilities.features


async def balances(app: Holdall) -> dict[int, int]:
    async with app.session() as session:
        return {account.id: account.balance for account in await session.query(Account.where())}


async def test_queries_see_what_was_changed_and_others_do_not_before_the_end(app: Holdall) -> None:
    async with app.session() as session:
        async with session.transaction("main"):
            one = await session.require(Account, 1)
            one.balance = 5
            new = session.add(Account(id=3, balance=7))
            assert await session.count(Account.where(Account.balance < 10)) == 2
            assert {each.balance for each in await session.query(Account.where())} == {5, 7, 20}
            assert new.id is not None
            assert await session.exists(Account.where(Account.balance == 7))
            assert await anext(aiter(session.stream(Account.where().sort(Account.balance)))) is one
            assert await session.rows(Account.where(Account.id == 1).only(Account.balance)) == [(5,)]
            session.remove(new)
            assert await session.count(Account.where()) == 2
            assert one.version == 2
        assert state_of(one) is State.CLEAN
    assert await balances(app) == {1: 5, 2: 20}


async def test_an_exception_leaves_no_trace_in_store_or_records(app: Holdall) -> None:
    async with app.session() as session:
        one, two = await session.require(Account, 1), await session.require(Account, 2)
        with pytest.raises(Undo):  # noqa: PT012 - the block is what is tested
            async with session.transaction("main"):
                one.balance, one.tags = 1, ["x"]
                await session.flush()
                one.balance = 2
                new = session.add(Account(id=3, balance=7))
                await session.flush()
                session.remove(two)
                await session.flush()
                session.remove(new)
                again = session.add(Account(id=2, balance=9))
                await session.flush()
                again.balance = 10
                raise Undo
        assert (one.balance, one.tags, one.version, state_of(one)) == (10, [], 1, State.CLEAN)
        assert (two.balance, state_of(two)) == (20, State.CLEAN)
        assert {state_of(new), state_of(again)} == {State.DISCARDED}
        assert await session.require(Account, 2) is two
        two.balance = 21
        one.tags.append("y")
    assert await balances(app) == {1: 10, 2: 21}


async def test_changes_made_before_the_block_are_part_of_it(app: Holdall) -> None:
    async with app.session() as session:
        one = await session.require(Account, 1)
        one.balance = 11
        async with session.transaction("main"):
            assert await session.count(Account.where(Account.balance == 11)) == 1
    assert await balances(app) == {1: 11, 2: 20}


async def test_what_goes_with_a_removed_record_is_removed_and_comes_back(app: Holdall) -> None:
    async with app.session() as session:
        owner = await session.require(Owner, 1)
        one = await session.require(Account, 1)
        with pytest.raises(Undo):  # noqa: PT012 - the block is what is tested
            async with session.transaction("main"):
                session.remove(owner)
                assert [each.id for each in await session.query(Account.where())] == [2]
                raise Undo
        assert (state_of(owner), state_of(one)) == (State.CLEAN, State.CLEAN)
        assert await session.get(Account, 1) is one
    async with app.session() as session:
        with pytest.raises(Undo):  # noqa: PT012 - the block is what is tested
            async with session.transaction("main"):
                session.remove(await session.require(Owner, 1))  # its account is not here, and only stood in for
                await session.flush()
                raise Undo
        assert len(await session.query(Account.where())) == 2
    assert await balances(app) == {1: 10, 2: 20}


async def test_a_refused_flush_is_a_commit_error_and_the_block_can_end(app: Holdall) -> None:
    if not has_savepoints(app):
        pytest.skip("a refused change ends a transaction of this store")
    async with app.session() as session, session.transaction("main"):
        (await session.require(Account, 1)).balance = 3
        twice = session.add(Account(id=2))
        with pytest.raises(CommitAborted) as caught:
            await session.flush()
        assert isinstance(caught.value.__cause__, AlreadyExists)
        session.unregister(twice)
    assert await balances(app) == {1: 3, 2: 20}


async def test_a_refusal_at_the_end_undoes_all(app: Holdall) -> None:
    async with app.session() as session:
        one = await session.require(Account, 1)
        with pytest.raises(CommitAborted):  # noqa: PT012 - the block is what is tested
            async with session.transaction("main"):
                one.balance = 3
                await session.flush()
                session.add(Account(id=2))
        assert one.balance == 10
        with pytest.raises(ValidationError):
            one.balance = -500
    assert await balances(app) == {1: 10, 2: 20}


async def test_a_stale_record_is_refused_and_may_be_repeated(app: Holdall) -> None:
    async with app.session() as session:
        one = await session.require(Account, 1)
        async with app.session() as other:
            (await other.require(Account, 1)).balance = 99
        with pytest.raises(CommitAborted) as caught:
            async with session.transaction("main"):
                one.balance += 1
        assert caught.value.is_retryable
    assert await balances(app) == {1: 99, 2: 20}


async def test_app_run_repeats_a_transaction(app: Holdall) -> None:
    tries = 0

    async def work(session: Session) -> None:
        nonlocal tries
        tries += 1
        one = await session.require(Account, 1)
        if tries == 1:
            async with app.session() as other:
                (await other.require(Account, 1)).balance = 50
        async with session.transaction("main"):
            one.balance += 1

    await app.run(work)
    assert (tries, await balances(app)) == (2, {1: 51, 2: 20})


async def test_savepoints_are_undone_by_themselves_in_store_and_records(app: Holdall) -> None:
    async with app.session() as session, session.transaction("main"):
        if not has_savepoints(app):
            with pytest.raises(Unsupported, match="savepoints"):
                async with session.savepoint():
                    pass
            return
        one, two = await session.require(Account, 1), await session.require(Account, 2)
        one.balance = 1
        with pytest.raises(Undo):  # noqa: PT012 - the block is what is tested
            async with session.savepoint():
                one.balance = 2
                new = session.add(Account(id=3, balance=3))
                session.remove(two)
                assert await session.count(Account.where()) == 2
                async with session.savepoint():
                    new.balance = 4
                    one.balance = 5
                assert await session.count(Account.where(Account.balance == 5)) == 1
                raise Undo
        assert (one.balance, state_of(one), state_of(two), state_of(new)) == (
            1, State.CLEAN, State.CLEAN, State.DISCARDED,
        )  # fmt: skip
        async with session.savepoint():
            two.balance = 22
    assert await balances(app) == {1: 1, 2: 22}


async def test_a_refused_part_leaves_the_rest(app: Holdall) -> None:
    if not has_savepoints(app):
        return
    async with app.session() as session, session.transaction("main"):
        one = await session.require(Account, 1)
        for balance, key in ((1, 3), (2, 2), (3, 4)):
            try:
                async with session.savepoint():
                    one.balance = balance
                    session.add(Account(id=key, balance=0))
            except CommitAborted as error:
                assert isinstance(error.__cause__, AlreadyExists)  # noqa: PT017 - the block is what is tested
                assert one.balance == 1
        assert await session.count(Account.where(Account.balance == 0)) == 2
    assert (await balances(app))[1] == 3


async def test_levels_are_given_or_refused_by_name(app: Holdall) -> None:
    able = app.stores["main"].capabilities.isolation
    async with app.session() as session:
        for level in ("read committed", "repeatable read", "snapshot", "serializable"):
            if level in able:
                async with session.transaction("main", isolation=level):
                    (await session.require(Account, 1)).balance += 1
            else:
                with pytest.raises(Unsupported, match=f"isolation '{level}'"):
                    async with session.transaction("main", isolation=level):
                        pass
        with pytest.raises(StateError, match="there is no level of isolation 'chaos'"):
            async with session.transaction("main", isolation="chaos"):
                pass
    assert (await balances(app))[1] == 10 + len(able)


async def test_serializable_transactions_that_cross_do_not_both_go_well(app: Holdall) -> None:
    if "serializable" not in app.stores["main"].capabilities.isolation:
        return
    failures = list[HoldallError]()

    async def withdraw(key: int, ready: Callable[[], object]) -> None:
        """Each takes from one account as long as both together have enough."""
        try:
            async with app.session() as session, session.transaction("main", isolation="serializable"):
                accounts = await session.query(Account.where())
                ready()
                await asyncio.sleep(0.05)
                if sum(each.balance for each in accounts) >= 30:
                    next(each for each in accounts if each.id == key).balance -= 30
        except HoldallError as error:
            failures.append(error)

    await asyncio.gather(withdraw(1, lambda: None), withdraw(2, lambda: None))
    assert sum((await balances(app)).values()) == 0
    assert all(error.is_retryable for error in failures)


async def test_other_stores_are_refused_by_name(app: Holdall) -> None:
    async with app.session() as session:
        with pytest.raises(StateError, match="note is in store 'files', and this transaction writes 'main' alone"):
            async with session.transaction("main"):
                session.add(Note(code="a"))
        note = session.add(Note(code="b"))
        with pytest.raises(Unsupported, match="'files': does not support transactions"):
            async with session.transaction("files"):
                pass
        assert state_of(note) is State.NEW
        async with session.transaction():  # the only store that has transactions
            assert session.context.bindings.inside is not None
            session.unregister(note)
        with pytest.raises(StateError, match="there is no store 'mine'"):
            async with session.transaction("mine"):
                pass


async def test_verbs_of_the_whole_session_wait_for_the_end(app: Holdall) -> None:
    async with app.session() as session:
        async with session.transaction("main"):
            for verb in (session.rollback, session.reset):
                with pytest.raises(StateError, match="is not for a transaction block"):
                    verb()
            for call in (session.commit, session.leave):
                with pytest.raises(StateError, match="is not for a transaction block"):
                    await call()
            with pytest.raises(StateError, match="this session is in a transaction of store 'main'"):
                async with session.transaction("main"):
                    pass
        with pytest.raises(StateError, match=r"async with session\.transaction"):
            await session.flush()
        with pytest.raises(StateError, match="a savepoint is part of a transaction"):
            async with session.savepoint():
                pass
    with pytest.raises(StateError, match="block has ended"):
        async with session.transaction("main"):
            pass


async def test_rights_are_asked_for_before_anything_is_written(app: Holdall) -> None:
    app.bindings.of_model(Account).policy = Policy(read=Everyone)
    async with app.session(ANONYMOUS) as session:
        one = await session.require(Account, 1)
        with pytest.raises(Forbidden):  # noqa: PT012 - the block is what is tested
            async with session.transaction("main"):
                one.balance = 0
                await session.query(Account.where())
        assert one.balance == 10


async def test_a_restricted_removal_is_refused_in_the_transaction(app: Holdall) -> None:
    class House(Model):
        id: int = field(pk=True)

    class Room(Model):
        id: int = field(pk=True)
        house: Ref[House]

    other = Holdall("houses")
    other.add_store("main", "memory:")
    other.add(House, Room, store="main")
    async with other.session() as session:
        house = session.add(House(id=1))
        session.add(Room(id=1, house=house))
    async with other.session() as session:
        with pytest.raises(CommitAborted) as caught:
            async with session.transaction():
                session.remove(await session.require(House, 1))
        assert isinstance(caught.value.__cause__, StillReferenced)


async def test_a_guard_is_compared_when_its_record_is_written(app: Holdall) -> None:
    async with app.session() as session:
        one, two = await session.require(Account, 1), await session.require(Account, 2)
        session.expect(one)
        async with session.transaction("main"):
            two.balance = 0
            await session.flush()
            one.balance = 0
        await session.commit()
    assert await balances(app) == {1: 0, 2: 0}


async def test_a_cancelled_block_is_undone(app: Holdall) -> None:
    written = asyncio.Event()

    async def work(session: Session) -> None:
        async with session.transaction("main"):
            (await session.require(Account, 1)).balance = 0
            await session.flush()
            written.set()
            await asyncio.sleep(60)

    async with app.session() as session:
        task = asyncio.ensure_future(work(session))
        await written.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await session.require(Account, 1)).balance == 10
    assert await balances(app) == {1: 10, 2: 20}


async def test_two_sessions_take_turns_or_meet(app: Holdall) -> None:
    async def deposit(amount: int) -> None:
        async def work(session: Session) -> None:
            async with session.transaction("main"):
                (await session.require(Account, 1)).balance += amount

        await app.run(work, retries=20)

    await asyncio.gather(*[deposit(1) for _ in range(5)])
    assert (await balances(app))[1] == 15


def test_the_sync_facade_has_the_same() -> None:
    app = Holdall("bank")
    app.add_store("main", "memory:")
    app.add(Owner, Account, store="main")
    with app.sync.session() as session:
        with session.transaction(isolation="serializable"):
            one = session.add(Account(id=1))
            session.flush()
            with pytest.raises(Undo), session.savepoint():  # noqa: PT012 - the block is what is tested
                one.balance = 3
                raise Undo
        assert one.balance == 0
        with pytest.raises(Undo), session.transaction():  # noqa: PT012 - the block is what is tested
            one.balance = 4
            assert session.count(Account.where(Account.balance == 4)) == 1
            raise Undo
        assert session.count(Account.where(Account.balance == 0)) == 1
    app.sync.close()
