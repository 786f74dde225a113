"""What is said of a call is what happened: a call that was made, and did not say no, is of unknown outcome."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from holdall import Holdall, Model, State, field, state_of
from holdall.dao import DAO
from holdall.errors import (
    CommitAborted,
    CommitPartial,
    CommitUnknown,
    Conflict,
    CorruptRecord,
    NotFound,
    StateError,
    StoreError,
    StoreTimeout,
    StoreUnavailable,
    UniqueViolation,
    Unsupported,
)
from holdall.session import Operation, Strategy, TaskState
from holdall.session.journal.log_record import CallState
from holdall.web.problem import problem_of

pytestmark = pytest.mark.anyio


class Invoice(Model):
    number: int = field(pk=True, generated=True, default=None)
    text: str = ""


class Order(Model):
    id: int = field(pk=True)


class Billing(DAO[Invoice]):
    """Sends invoices; ``error`` is raised once one was sent, ``key`` is what the other side calls it."""

    def __init__(self, error: BaseException | None = None, key: object = 17) -> None:
        self.error = error
        self.key = key
        self.sent: list[str] = []

    async def add(self, invoice: Invoice) -> None:
        self.sent.append(invoice.text)
        if self.error is not None:
            raise self.error
        invoice.number = self.key  # type: ignore[assignment]


def application(dao: DAO[Invoice]) -> Holdall:
    app = Holdall("billing")
    app.add_dao(dao)
    return app


def with_orders(folder: Path, dao: DAO[Invoice], compensation: object = None) -> Holdall:
    """Invoices by a DAO beside orders in a database."""
    app = Holdall("billing", journal=f"sqlite:///{folder / 'journal.db'}")
    app.add_store("main", f"sqlite:///{folder / 'orders.db'}", synchronous="off")
    app.add(Order, store="main")
    app.add_dao(dao, compensation=compensation)  # type: ignore[arg-type]
    return app


# --- errors after the call ------------------------------------------------------------------------------------------


async def test_an_answer_that_does_not_fit_the_field_leaves_the_call_unknown() -> None:
    dao = Billing(key="seventeen")
    async with application(dao).session() as session:
        invoice = session.add(Invoice(text="a"))
        with pytest.raises(CommitUnknown) as caught:
            await session.commit()
        assert [task.state for task in caught.value.tasks] == [TaskState.UNKNOWN]
        problem = problem_of(caught.value)
        assert problem is not None
        assert (problem.status, problem.code) == (503, "outcome-unknown")  # it does not blame the client
        with pytest.raises(StateError, match="the outcome of the last commit is unknown"):
            await session.commit()
        session.rollback()
        assert state_of(invoice) is State.DISCARDED
    assert dao.sent == ["a"]


@pytest.mark.parametrize(
    "error",
    [StateError("no"), NotFound("company", 1), CorruptRecord("api", "company 1", "no name"), RuntimeError("?")],
    ids=lambda error: type(error).__name__,
)
async def test_an_error_that_says_nothing_of_the_call_leaves_it_unknown(error: Exception) -> None:
    async with application(Billing(error)).session() as session:
        session.add(Invoice(text="a"))
        with pytest.raises(CommitUnknown) as caught:
            await session.commit()
        (task,) = caught.value.tasks
        assert task.state is TaskState.UNKNOWN
        assert task.error is not None
        assert task.error.__cause__ is error
        session.rollback()


@pytest.mark.parametrize(
    "error",
    [
        Conflict("api", "no"),
        UniqueViolation("api", "invoice", ["text"]),
        StoreError("api", "no"),
        StoreUnavailable("api", "away"),
        StoreTimeout("api", "slow"),
        Unsupported("api", "invoices"),
        KeyError("declared"),
        NotFound("invoice", 1),  # a LookupError, which is declared
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_definite_no_aborts(error: Exception) -> None:
    class Firm(Billing):
        refusals = (LookupError,)

    dao = Firm(error)
    async with application(dao).session() as session:
        invoice = session.add(Invoice(text="a"))
        with pytest.raises(CommitAborted):
            await session.commit()
        assert state_of(invoice) is State.NEW
        dao.error = None
        await session.commit()
        assert state_of(invoice) is State.CLEAN


async def test_what_another_store_says_to_a_read_within_the_call_is_no_answer_to_the_call() -> None:
    class Reading(Billing):
        async def add(self, invoice: Invoice) -> None:
            await super().add(invoice)
            await self.session.require(Order, 1)

    class Away(DAO[Order]):
        async def get(self, *, id: int) -> Order | None:  # noqa: A002 - the name of the key
            raise StoreUnavailable("orders", "away")

    app = application(Reading())
    app.add_dao(Away())
    async with app.session() as session:
        session.add(Invoice(text="a"))
        with pytest.raises(CommitUnknown):
            await session.commit()
        session.rollback()


async def test_a_call_that_leaves_no_key_is_unknown() -> None:
    async with application(Billing(key=None)).session() as session:
        session.add(Invoice(text="a"))
        with pytest.raises(CommitUnknown, match="the answer holds no key for the new") as caught:
            await session.commit()
        assert [task.state for task in caught.value.tasks] == [TaskState.UNKNOWN]
        session.rollback()


async def test_a_call_of_unknown_outcome_beside_a_database_is_listed(tmp_path: Path) -> None:
    dao = Billing(StateError("after the call"))
    async with with_orders(tmp_path, dao) as app:
        await app.create()
        async with app.session() as session:
            session.add(Order(id=1))
            session.add(Invoice(text="a"))
            with pytest.raises(CommitPartial):
                await session.commit()
            session.rollback()
        (left,) = await app.recovery.unfinished()
        assert [item.collection for item in left.orphans] == ["invoice"]
        await app.recovery.run()
        async with app.session() as session:
            assert await session.count(Order.where()) == 0
    assert dao.sent == ["a"]


async def test_a_call_of_unknown_outcome_is_undone_by_its_function(tmp_path: Path) -> None:
    seen: list[tuple[CallState, object]] = []

    async def cancel(operation: Operation) -> None:
        seen.append((operation.state, dict(zip(operation.fields, operation.values, strict=True))["text"]))

    dao = Billing(StateError("after the call"))
    async with with_orders(tmp_path, dao, cancel) as app:
        await app.create()
        async with app.session() as session:
            session.add(Order(id=1))
            session.add(Invoice(text="a"))
            with pytest.raises(CommitAborted, match="undone"):
                await session.commit()
            session.rollback()
        assert not await app.recovery.unfinished()
    assert seen == [(CallState.PLANNED, "a")]
    assert dao.sent == ["a"]


# --- cancelled, and out of time -------------------------------------------------------------------------------------


class Hanging(Billing):
    """Never answers."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()

    async def add(self, invoice: Invoice) -> None:
        self.sent.append(invoice.text)
        self.reached.set()
        await asyncio.Event().wait()


class Doomed(Billing):
    """Awaits a task of its own that was cancelled, for one of the invoices."""

    async def add(self, invoice: Invoice) -> None:
        if invoice.text == "doomed":
            self.sent.append(invoice.text)
            inner = asyncio.create_task(asyncio.sleep(9))
            inner.cancel()
            await inner
        await super().add(invoice)


@pytest.mark.parametrize("strategy", Strategy)
async def test_a_cancelled_task_within_a_call_is_no_cancelled_commit(strategy: Strategy) -> None:
    task = asyncio.current_task()
    assert task is not None
    async with application(Doomed()).session(strategy=strategy) as session:
        session.add(Invoice(text="doomed"))
        with pytest.raises(CommitUnknown) as caught:
            await session.commit()
        assert [item.state for item in caught.value.tasks] == [TaskState.UNKNOWN]
        assert not task.cancelling()
        session.rollback()


async def test_a_cancelled_task_within_a_call_counts_by_the_strategy() -> None:
    class Narrow(Doomed):
        concurrent_changes = 1

    dao = Narrow()
    async with application(dao).session(strategy=Strategy.CONTINUE_ON_ERROR) as session:
        session.add_all([Invoice(text="doomed"), Invoice(text="fine")])
        with pytest.raises(CommitPartial) as caught:
            await session.commit()
        assert [item.state for item in caught.value.tasks] == [TaskState.UNKNOWN, TaskState.APPLIED]
        session.rollback()
    assert dao.sent == ["doomed", "fine"]


async def test_the_budget_holds_for_calls_alone() -> None:
    dao = Hanging()
    async with application(dao).session() as session:
        session.add(Invoice(text="a"))
        with pytest.raises(CommitUnknown, match=r"0\.01 seconds") as caught:
            await session.commit(timeout=0.01)
        assert [item.state for item in caught.value.tasks] == [TaskState.UNKNOWN]
        session.rollback()
    assert dao.sent == ["a"]


async def test_what_the_budget_leaves_no_time_for_is_not_sent() -> None:
    class Narrow(Hanging):
        concurrent_changes = 1

    dao = Narrow()
    async with application(dao).session() as session:
        session.add_all([Invoice(text="a"), Invoice(text="b")])
        with pytest.raises(CommitUnknown) as caught:
            await session.commit(timeout=0.01)
        assert [item.state for item in caught.value.tasks] == [TaskState.UNKNOWN, TaskState.NOT_RUN]
        session.rollback()
    assert dao.sent == ["a"]


async def test_being_cancelled_gives_up_the_calls_under_way() -> None:
    dao = Hanging()
    async with application(dao).session() as session:
        invoice = session.add(Invoice(text="a"))
        running = asyncio.create_task(session.commit())
        await dao.reached.wait()
        running.cancel()
        await asyncio.sleep(0)
        running.cancel()  # as an impatient caller does
        with pytest.raises(asyncio.CancelledError) as caught:
            await running
        unknown = caught.value.__cause__
        assert isinstance(unknown, CommitUnknown)
        assert [item.state for item in unknown.tasks] == [TaskState.UNKNOWN]
        session.rollback()
        assert state_of(invoice) is State.DISCARDED
    assert dao.sent == ["a"]


async def test_a_time_limit_of_the_callers_ends_calls_that_hang() -> None:
    async def block() -> None:
        async with application(dao).session() as session:
            session.add(Invoice(text="a"))
            await asyncio.wait_for(session.commit(), 0.01)

    dao = Hanging()
    with pytest.raises(TimeoutError):
        await block()
    assert dao.sent == ["a"]


async def test_a_call_that_ends_well_although_it_was_given_up_is_applied() -> None:
    class Stubborn(Hanging):
        async def add(self, invoice: Invoice) -> None:
            try:
                await super().add(invoice)
            except asyncio.CancelledError:
                invoice.number = 17

    dao = Stubborn()
    async with application(dao).session() as session:
        invoice = session.add(Invoice(text="a"))
        running = asyncio.create_task(session.commit())
        await dao.reached.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert (invoice.number, state_of(invoice)) == (17, State.CLEAN)


async def test_being_cancelled_before_any_call_was_made_sends_nothing() -> None:
    dao = Billing()
    async with application(dao).session() as session:
        invoice = session.add(Invoice(text="a"))
        running = asyncio.create_task(session.commit())
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert (dao.sent, state_of(invoice)) == ([], State.NEW)
        await session.commit()
    assert dao.sent == ["a"]
