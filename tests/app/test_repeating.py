"""Work that is done anew: what may be is, as often as asked, and what may not be is not."""

from __future__ import annotations

from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from holdall import ANONYMOUS, Holdall, Model, Session, field
from holdall.errors import (
    AlreadyExists,
    CommitAborted,
    CommitUnknown,
    DeclarationError,
    Forbidden,
    HoldallError,
    LockConflict,
    NotFound,
    Reserved,
    StaleVersion,
    StoreTimeout,
    StoreUnavailable,
    UniqueViolation,
)
from holdall.policy import User
from holdall.session.sync_session import SyncSession

pytestmark = pytest.mark.anyio


class Account(Model):
    id: int = field(pk=True)
    balance: int = 0
    version: int = field(version=True)


@pytest.fixture
async def app(tmp_path: Path) -> Holdall:
    app = Holdall("bank")
    app.add_store("main", f"sqlite:///{tmp_path}/bank.db")
    app.add(Account, store="main")
    await app.create()
    async with app.session() as session:
        session.add(Account(id=1))
    return app


@pytest.mark.parametrize(
    "error, is_retryable",
    [
        (StaleVersion("main", "account", 1), True),
        (LockConflict("main", "waited"), True),
        (Reserved("main", []), True),
        (StoreUnavailable("main", "gone"), True),
        (StoreUnavailable("main", "gone", is_outcome_unknown=True), False),
        (StoreTimeout("main", "slow"), True),
        (StoreTimeout("main", "slow", is_outcome_unknown=True), False),
        (UniqueViolation("main", "account", ["id"]), False),
        (AlreadyExists("main", "account", ["id"]), False),
        (NotFound("account", 1), False),
        (HoldallError("any"), False),
    ],
    ids=repr,
)
def test_errors_say_whether_they_may_be_repeated(error: HoldallError, is_retryable: bool) -> None:
    assert error.is_retryable is is_retryable


async def test_twenty_at_once_count_to_twenty(app: Holdall) -> None:
    async def deposit(session: Session) -> int:
        account = await session.require(Account, 1)
        await anyio.lowlevel.checkpoint()
        account.balance += 1
        return account.balance

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(lambda: app.run(deposit, retries=200))
    async with app.session() as session:
        assert (await session.require(Account, 1)).balance == 20


async def test_the_last_error_is_raised_after_as_many_tries_as_asked(app: Holdall) -> None:
    tries = []

    async def work(session: Session) -> None:
        tries.append(session)
        account = await session.require(Account, 1)
        async with app.session() as other:
            (await other.require(Account, 1)).balance += 1
        account.balance = -1

    with pytest.raises(CommitAborted) as caught:
        await app.run(work, retries=2)
    assert caught.value.is_retryable
    assert len(set(map(id, tries))) == 3
    async with app.session() as session:
        assert (await session.require(Account, 1)).balance == 3


@pytest.mark.parametrize("error", [NotFound("account", 1), ValueError("a fault of the work")], ids=repr)
async def test_other_errors_end_the_work_at_once(app: Holdall, error: Exception) -> None:
    tries = []

    async def work(session: Session) -> None:
        tries.append(session)
        raise error

    with pytest.raises(type(error)):
        await app.run(work)
    assert len(tries) == 1


async def test_a_refusal_for_good_is_not_repeated(app: Holdall) -> None:
    tries = []

    async def work(session: Session) -> None:
        tries.append(session)
        session.add(Account(id=1))

    with pytest.raises(CommitAborted) as caught:
        await app.run(work)
    assert not caught.value.is_retryable
    assert len(tries) == 1


async def test_the_work_is_done_for_the_user(app: Holdall) -> None:
    async def work(session: Session) -> Account | None:
        return await session.get(Account, 1)

    assert await app.run(work, User("ann")) is not None
    with pytest.raises(Forbidden):
        await app.run(work, ANONYMOUS)


@pytest.mark.parametrize("retries", [-1, True, "3", 1.5, None])
async def test_a_number_of_tries_is_a_whole_number(app: Holdall, retries: object) -> None:
    async def work(session: Session) -> None:
        raise AssertionError("never begun")

    with pytest.raises(DeclarationError, match="retries is how many times"):
        await app.run(work, retries=retries)  # type: ignore[arg-type]


def test_the_same_without_async(tmp_path: Path) -> None:
    app = Holdall("bank")
    app.add_store("main", f"sqlite:///{tmp_path}/bank.db")
    app.add(Account, store="main")
    app.sync.create()
    tries = []

    def work(session: SyncSession) -> int:
        tries.append(session)
        account = session.get(Account, 1) or session.add(Account(id=1))
        if len(tries) == 2:
            with app.sync.session() as other:
                other.require(Account, 1).balance += 10
        account.balance += 1
        return account.balance

    assert app.sync.run(work) == 1
    assert app.sync.run(work) == 12
    assert len(tries) == 3
    with pytest.raises(DeclarationError):
        app.sync.run(work, retries=-1)
    app.sync.close()


def test_a_lost_answer_is_never_repeated() -> None:
    assert CommitUnknown.is_retryable is HoldallError.is_retryable
