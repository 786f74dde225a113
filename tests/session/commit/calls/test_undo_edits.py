"""Undoing edits and removals: what is there is looked at first, and nobody's newer data is written over."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdall.errors import HoldallError, StaleVersion, StoreError
from holdall.query import Query
from holdall.session import Compensate
from holdall.session.commit.calls.undo_calls import undo_calls
from holdall.session.journal.log_record import CallState, LogRecord, Operation, Part
from holdall.store import Change, CommitClass, Outcome, Verb
from tests.support.remote_customers import customers, states
from tests.support.remote_store import Remote

pytestmark = pytest.mark.anyio

_UNDONE, _ORPHANED = CallState.UNDONE, CallState.ORPHANED


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def _of_customer(verb: Verb, state: CallState, *, old: str | None = "c") -> LogRecord:
    """A call that renames the customer from c to d, or removes it."""
    fields: tuple[str, ...] = ("name",) if verb is Verb.UPDATE else ("id", "name")
    values: tuple[str, ...] = ("d",) if verb is Verb.UPDATE else ()
    before: tuple[object, ...] | None = None if old is None else (old,) if verb is Verb.UPDATE else (1, old)
    operation = Operation(verb, "customer", 1, fields, values, token="token-2", old=before, state=state)
    return LogRecord([Part("remote", [operation], by_call=True)])


async def _stands(remote: Remote, name: str | None) -> None:
    """Have the customer stand under a name in the API, or not at all."""
    await remote.apply([Change(Verb.REMOVE, "customer", 1, (), ())])
    if name is not None:
        await remote.apply([Change(Verb.ADD, "customer", 1, ("id", "name"), (1, name))])
    remote.log.clear()


async def _name(remote: Remote) -> str | None:
    rows = await remote.fetch(Query("customer"))
    return rows[0][1] if rows else None


@pytest.mark.parametrize(
    "verb, stands, end, after, sent",
    [
        (Verb.UPDATE, "d", _UNDONE, "c", [Verb.UPDATE]),
        (Verb.UPDATE, "c", _UNDONE, "c", []),  # it never had its effect
        (Verb.UPDATE, "e", _ORPHANED, "e", []),  # somebody has newer data
        (Verb.UPDATE, None, _ORPHANED, None, []),
        (Verb.REMOVE, None, _UNDONE, "c", [Verb.ADD]),
        (Verb.REMOVE, "c", _UNDONE, "c", []),
        (Verb.REMOVE, "e", _UNDONE, "e", []),
    ],
)
async def test_an_edit_or_a_removal_is_undone_unless_somebody_has_newer_data(
    tmp_path: Path, verb: Verb, stands: str | None, end: CallState, after: str | None, sent: list[Verb]
) -> None:
    async with customers(tmp_path, CommitClass.IDEMP, Compensate.INVERSE) as (app, remote):
        await _stands(remote, stands)
        entry = _of_customer(verb, CallState.APPLIED)
        assert await undo_calls(entry, app.bindings)
        assert (states(entry), await _name(remote)) == ([end], after)
        assert [verb for verb, *_ in remote.log] == sent


@pytest.mark.parametrize("verb", [Verb.UPDATE, Verb.REMOVE])
async def test_what_was_there_before_must_be_known(tmp_path: Path, verb: Verb) -> None:
    async with customers(tmp_path, CommitClass.IDEMP, Compensate.INVERSE) as (app, remote):
        entry = _of_customer(verb, CallState.APPLIED, old=None)
        assert await undo_calls(entry, app.bindings)
        assert (states(entry), remote.log) == ([_ORPHANED], [])
        assert "its old values are not known" in entry.parts[0].operations[0].error


@pytest.mark.parametrize(
    "verb, stands, end, after, sent",
    [
        (Verb.UPDATE, "d", _UNDONE, "c", [Verb.UPDATE, Verb.UPDATE]),
        (Verb.UPDATE, "c", _UNDONE, "c", [Verb.UPDATE, Verb.UPDATE]),
        (Verb.UPDATE, "e", _ORPHANED, "e", []),
        (Verb.REMOVE, "c", _UNDONE, "c", [Verb.REMOVE, Verb.ADD]),
        (Verb.REMOVE, "e", _UNDONE, "e", []),
    ],
)
async def test_a_call_whose_answer_never_came_is_sent_again_before_it_is_undone(
    tmp_path: Path, verb: Verb, stands: str | None, end: CallState, after: str | None, sent: list[Verb]
) -> None:
    """It may still be on its way, and must count for nothing when it arrives."""
    async with customers(tmp_path, CommitClass.IDEMP, Compensate.INVERSE) as (app, remote):
        await _stands(remote, stands)
        entry = _of_customer(verb, CallState.PLANNED)
        assert await undo_calls(entry, app.bindings)
        assert (states(entry), await _name(remote)) == ([end], after)
        assert [verb for verb, *_ in remote.log] == sent


async def test_a_call_that_is_refused_when_it_is_sent_again_is_looked_at(tmp_path: Path) -> None:
    async with customers(tmp_path, CommitClass.IDEMP, Compensate.INVERSE) as (app, remote):
        await _stands(remote, "d")
        refusals: list[HoldallError] = [StaleVersion("remote", "customer", 1)]
        remote.before = lambda change: refusals.pop() if refusals else None
        entry = _of_customer(Verb.UPDATE, CallState.PLANNED)
        assert await undo_calls(entry, app.bindings)
        assert (states(entry), await _name(remote)) == ([_UNDONE], "c")


async def test_a_call_that_fails_when_it_is_sent_again_is_an_orphan(tmp_path: Path) -> None:
    async with customers(tmp_path, CommitClass.IDEMP, Compensate.INVERSE) as (app, remote):

        async def fail(changes: object) -> list[Outcome]:
            return [Outcome(error=StoreError("remote", "500"))]

        remote.apply = fail  # type: ignore[method-assign]
        entry = _of_customer(Verb.UPDATE, CallState.PLANNED)
        assert await undo_calls(entry, app.bindings)
        assert states(entry) == [_ORPHANED]
        assert "500" in entry.parts[0].operations[0].error
