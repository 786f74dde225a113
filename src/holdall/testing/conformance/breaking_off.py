"""Writes that are broken off: whatever becomes of them, those that follow on the same connections last."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence

from holdall.query import Query, Value
from holdall.store import Change, CommitClass, Transactional
from holdall.testing.conformance.case import Case

__all__ = ["BreakingOff"]

_ROUNDS = 36
_STEPS = 4  # of the loop, before a write is broken off: some send nothing by then, some wait for their answer
_PAUSE = 0.0004  # seconds, from round to round so much longer


class BreakingOff:
    """Cancelled tasks, as of clients that hang up and of timeouts."""

    def test_writes_broken_off_spoil_no_later_ones(self, case: Case) -> None:
        """Records acknowledged after a write was broken off are there once the store was closed and opened again.

        A write that was broken off may have been carried out, wholly or, where the store takes all or none, not at all.
        """
        case.clear()

        async def work() -> None:
            for number in range(_ROUNDS):
                writing = asyncio.create_task(_broken_off(case, number))
                for _ in range(number // 2 % _STEPS):
                    await asyncio.sleep(0)
                if number % 2:
                    await asyncio.sleep(number * _PAUSE)
                writing.cancel()
                await asyncio.gather(writing, return_exceptions=True)
                await case.store.apply([case.add("country", code=f"later {number}", name="x")])

        case.run(work())
        case.run(case.store.close())
        codes = set(case.rows("country"))
        assert {f"later {number}" for number in range(_ROUNDS)} <= codes
        if case.store.capabilities.commit in (CommitClass.TX, CommitClass.BATCH):
            halves = [number for number in range(_ROUNDS) if len(codes & {f"{number} a", f"{number} b"}) == 1]
            assert not halves
        case.clear()


def _broken_off(case: Case, number: int) -> Coroutine[Value, Value, None]:
    changes = [case.add("country", code=f"{number} {half}", name="x") for half in "ab"]
    return _within_transaction(case, changes) if number % 3 == 2 else _applied(case, changes)


async def _applied(case: Case, changes: Sequence[Change]) -> None:
    await case.store.apply(changes)


async def _within_transaction(case: Case, changes: Sequence[Change]) -> None:
    store = case.store
    if not isinstance(store, Transactional):
        await store.apply(changes)
        return
    async with store.transaction() as transaction:
        await transaction.apply(changes)
        await transaction.fetch(Query("country"))
