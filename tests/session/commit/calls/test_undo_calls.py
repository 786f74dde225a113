"""Undoing calls: what is asked, what is sent, and when nothing more is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from holdall.errors import StaleVersion, StoreTimeout, StoreUnavailable
from holdall.session import Compensate, Compensation
from holdall.session.commit.calls.undo_calls import undo_calls
from holdall.session.journal.log_format import decode_record, encode_record
from holdall.session.journal.log_record import CallState, LogRecord, Operation, Part
from holdall.store import CommitClass, Outcome, Verb
from tests.support.remote_customers import customers, states

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def _entry(*given: CallState) -> LogRecord:
    fields, values = ("id", "name"), (1, "c")
    operations = [Operation(Verb.ADD, "customer", 1, fields, values, token="token", state=state) for state in given]
    return LogRecord([Part("remote", operations, by_call=True)])


@pytest.mark.parametrize("kind", [CommitClass.ONCE, CommitClass.IDEMP])
async def test_a_function_is_asked_for_calls_whose_answer_never_came(tmp_path: Path, kind: CommitClass) -> None:
    seen: list[tuple[CallState, object]] = []

    async def cancel(operation: Operation) -> None:
        seen.append((operation.state, operation.key))

    async with customers(tmp_path, kind, cancel) as (app, remote):
        entry = _entry(CallState.PLANNED, CallState.APPLIED, CallState.REFUSED, CallState.UNDONE)
        assert await undo_calls(entry, app.bindings)
        assert seen == [(CallState.APPLIED, 1), (CallState.PLANNED, 1)]
        assert states(entry) == [CallState.UNDONE, CallState.UNDONE, CallState.REFUSED, CallState.UNDONE]
        assert not remote.log


async def test_an_inverse_is_not_guessed_where_nothing_may_be_sent_twice(tmp_path: Path) -> None:
    async with customers(tmp_path, CommitClass.ONCE, Compensate.INVERSE) as (app, remote):
        entry = _entry(CallState.PLANNED)
        assert await undo_calls(entry, app.bindings)
        assert states(entry) == [CallState.ORPHANED]
        assert not remote.log


@pytest.mark.parametrize("kind", [CommitClass.ONCE, CommitClass.IDEMP])
async def test_an_inverse_whose_answer_is_lost_is_repeated_only_where_it_may_be(
    tmp_path: Path, kind: CommitClass
) -> None:
    async with customers(tmp_path, kind, Compensate.INVERSE) as (app, remote):
        remote.before = lambda change: StoreTimeout("remote", "silence", is_outcome_unknown=True)
        entry = _entry(CallState.APPLIED)
        is_over = await undo_calls(entry, app.bindings)
        remote.before = lambda change: None
        if kind is CommitClass.ONCE:
            assert (is_over, states(entry)) == (True, [CallState.ORPHANED])
        else:
            assert (is_over, states(entry)) == (False, [CallState.APPLIED])
            assert await undo_calls(entry, app.bindings)
            assert states(entry) == [CallState.UNDONE]
        assert [verb for verb, *_ in remote.log] == [Verb.REMOVE] * (1 if kind is CommitClass.ONCE else 2)


async def test_a_function_that_cannot_reach_its_store_is_asked_again(tmp_path: Path) -> None:
    errors: list[Exception] = [StoreUnavailable("crm", "away")]

    async def cancel(operation: Operation) -> None:
        while errors:
            raise errors.pop()

    async with customers(tmp_path, CommitClass.ONCE, cancel) as (app, _):
        entry = _entry(CallState.APPLIED)
        assert not await undo_calls(entry, app.bindings)
        assert await undo_calls(entry, app.bindings)
        assert states(entry) == [CallState.UNDONE]


async def test_a_function_that_fails_leaves_an_orphan_and_the_rest_goes_on(tmp_path: Path) -> None:
    async def cancel(operation: Operation) -> None:
        if operation.state is CallState.PLANNED:
            inner = asyncio.create_task(asyncio.sleep(9))
            inner.cancel()
            await inner
        raise KeyError("no such customer")

    async with customers(tmp_path, CommitClass.ONCE, cancel) as (app, _):
        entry = _entry(CallState.APPLIED, CallState.PLANNED)
        assert await undo_calls(entry, app.bindings)
        assert states(entry) == [CallState.ORPHANED, CallState.ORPHANED]
        assert [item.error for item in entry.parts[0].operations] == [
            "KeyError: 'no such customer'",
            "what undoes it was cancelled from within",
        ]


async def test_whoever_is_cancelled_stops_undoing(tmp_path: Path) -> None:
    reached = asyncio.Event()

    async def cancel(operation: Operation) -> None:
        reached.set()
        await asyncio.Event().wait()

    async with customers(tmp_path, CommitClass.ONCE, cancel) as (app, _):
        entry = _entry(CallState.APPLIED)
        undoing = asyncio.create_task(undo_calls(entry, app.bindings))
        await reached.wait()
        undoing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await undoing
        assert states(entry) == [CallState.APPLIED]


def _held_for(asked: int) -> Callable[[], object]:
    """Asked so many times, the claim is still held; then it is lost."""
    left = [asked]

    async def still_held() -> None:
        if not left[0]:
            raise StaleVersion("main", "holdall_journal", "c")
        left[0] -= 1

    return still_held


@pytest.mark.parametrize(
    "state, compensation, writes",
    [
        (CallState.APPLIED, Compensate.INVERSE, 1),
        (CallState.PLANNED, Compensate.INVERSE, 2),  # it is sent again first, to learn what became of it
        (CallState.APPLIED, None, 1),
        (CallState.PLANNED, None, 1),
    ],
)
async def test_whoever_lost_the_claim_sends_nothing_more(
    tmp_path: Path, state: CallState, compensation: Compensation | None, writes: int
) -> None:
    """Lost before any of the writes that undoing takes."""
    calls: list[Operation] = []

    async def cancel(operation: Operation) -> None:
        calls.append(operation)

    for held in range(writes):
        async with customers(tmp_path, CommitClass.IDEMP, compensation or cancel) as (app, remote):
            entry = _entry(state)
            with pytest.raises(StaleVersion):
                await undo_calls(entry, app.bindings, _held_for(held))  # type: ignore[arg-type]
            assert len(remote.log) + len(calls) == held
            assert states(entry) == [state]
    async with customers(tmp_path, CommitClass.IDEMP, compensation or cancel) as (app, remote):
        entry = _entry(state)
        assert await undo_calls(entry, app.bindings, _held_for(writes))  # type: ignore[arg-type]
        assert len(remote.log) + len(calls) == writes
        assert states(entry) == [CallState.UNDONE]


class _Wordless(Exception):
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize("error", [ValueError("half \ud800"), _Wordless(), StoreUnavailable("remote", "half \ud800")])
async def test_what_undoes_calls_may_fail_with_words_that_no_store_keeps(tmp_path: Path, error: Exception) -> None:
    async def cancel(operation: Operation) -> None:
        raise error

    async with customers(tmp_path, CommitClass.ONCE, cancel) as (app, _):
        entry = _entry(CallState.APPLIED)
        await undo_calls(entry, app.bindings)
        kept = decode_record(encode_record(entry)).parts[0].operations[0].error
        assert "half \\ud800" in kept or kept == "_Wordless: (its text cannot be made: RuntimeError)"


async def test_a_refused_inverse_is_an_orphan(tmp_path: Path) -> None:
    async with customers(tmp_path, CommitClass.ONCE, Compensate.INVERSE) as (app, remote):

        async def refuse(changes: object) -> list[Outcome]:
            return [Outcome(error=StaleVersion("remote", "customer", 1))]

        remote.apply = refuse  # type: ignore[method-assign]
        entry = _entry(CallState.APPLIED)
        assert await undo_calls(entry, app.bindings)
        assert states(entry) == [CallState.ORPHANED]
