"""Six mistakes that a change could make in the protocol, each planted into the real code for one test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any
from unittest import mock

import msgspec

from holdall.errors import StaleVersion
from holdall.session.commit.two_phase import lease, roll_forward, take_back
from holdall.session.commit.two_phase import prepare as preparing
from holdall.session.commit.two_phase.participants import Participant, TwoPhaseCommit
from holdall.session.journal import finished, row
from holdall.session.journal.journal import Journal
from holdall.session.journal.markers import remove_markers
from holdall.session.journal.row import JournalRow, remove_row
from holdall.store import APPLIED, Change, Outcome, Store
from holdall.stores.memory.transaction import MemoryTransaction
from tests.session.interleaving.stepped_stores import HoldingStore
from tests.session.interleaving.stepping import Op

__all__ = ["MISTAKES"]


@contextmanager
def no_fence_on_undo() -> Iterator[None]:
    """Who takes a commit back does not look whether the row is still his."""

    def unfenced(after: JournalRow) -> Change:
        return msgspec.structs.replace(row.update_row(after), version=None)

    with mock.patch.object(take_back, "update_row", unfenced):
        yield


@contextmanager
def reservation_dropped_before_the_part_is_applied() -> Iterator[None]:
    """A store lets go in one step, and writes the part in the next."""

    async def in_two_steps(store: HoldingStore, commit: str, changes: Sequence[Change]) -> bool:
        if all(item.commit != commit for item in store.held()):
            return False
        await store.roll_back_prepared(commit)

        async def write() -> bool:
            MemoryTransaction(store._data).apply_all(changes)
            return True

        written: bool = await store.steps.ask(store, Op.COMMIT_PREPARED, write, changes=list(changes), subject=commit)
        return written

    with mock.patch.object(HoldingStore, "commit_prepared", in_two_steps):
        yield


@contextmanager
def marker_swept_early() -> Iterator[None]:
    """The markers of a finished commit go before its row."""

    async def remove(home: Store, over: list[Any]) -> None:
        for item in over:
            for store in item.marked:
                await remove_markers(store, [item.row.id])
        for item in over:
            try:
                await home.apply([remove_row(item.row)])
            except StaleVersion:
                continue

    with mock.patch.object(finished, "_remove_rows", remove):
        yield


@contextmanager
def helper_that_does_not_claim() -> Iterator[None]:
    """Whoever finds no row takes the commit for undecided, and leaves no tombstone."""
    with mock.patch.object(Journal, "bury", Journal.read):
        yield


@contextmanager
def decision_before_reservation() -> Iterator[None]:
    """The row is written first, and then the others are asked."""

    async def not_yet(commit: TwoPhaseCommit, participant: Participant, changes: Sequence[Change]) -> Sequence[Outcome]:
        participant.sent = changes
        return [APPLIED] * len(changes)

    async def only_now(commit: TwoPhaseCommit, participant: Participant) -> bool:
        store: Any = participant.store
        await store.prepare(commit.reservation, participant.sent)
        return bool(await store.commit_prepared(commit.id, participant.sent))

    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(preparing, "_hold", not_yet))
        stack.enter_context(mock.patch.object(roll_forward, "_commit_held", only_now))
        yield


@contextmanager
def lease_not_renewed() -> Iterator[None]:
    """A commit that takes its time lets its lease run out."""

    async def forget_to(commit: TwoPhaseCommit) -> None:
        pass

    with mock.patch.object(lease, "_renew", forget_to):
        yield


MISTAKES: dict[str, tuple[Callable[[], AbstractContextManager[None]], str]] = {
    "no fence on undo": (no_fence_on_undo, "plain+plain one dies"),
    "reservation dropped before the part is applied": (
        reservation_dropped_before_the_part_is_applied,
        "tx+batch same purse",
    ),
    "marker swept early": (marker_swept_early, "plain+plain same purse"),
    "helper that does not claim": (helper_that_does_not_claim, "tx+batch same purse"),
    "decision before reservation": (decision_before_reservation, "tx+batch same purse"),
    "lease not renewed": (lease_not_renewed, "tx+batch lease only"),
}
"""By name: the mistake, and the scenario in which it shows."""
