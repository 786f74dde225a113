"""Every fault at every request of an operation: is what was answered true, in time, and are no connections left?"""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import msgspec

from holdall.errors import CommitAborted, CommitUnknown, Conflict, HoldallError, LockConflict, StoreError, StoreTimeout
from holdall.testing.fault import Fault
from holdall.testing.proxy import FaultProxy
from tests.faults.subject import BEFORE, KEPT, OPERATIONS, PATIENCE, Belief, Opened, Subject, within

__all__ = ["Case", "connections_given_back", "trials", "tried"]

_FAULTS = [fault for fault in Fault if fault is not Fault.NONE]
_SIZES = {Fault.CUT_REQUEST: (40, 1), Fault.CUT_ANSWER: (40, 1), Fault.SLOW: (64,)}
_TRIED_COLD = {"fetch", "session"}  # what connecting adds is the same for all
_AT_ONCE = 8
_ATTEMPTS = 5  # where nothing is to go wrong, but a busy machine may pass a limit
_NUMBERS = itertools.count(1)  # no two trials name their records alike


def trials(*left_out: str, turn: int = 0) -> list[tuple[str, Fault]]:
    """Each operation but those left out with every second fault, the other half where ``turn`` is 1; ANSWERS=1: all."""
    named = [name for name in OPERATIONS if name not in left_out]
    return [
        (name, fault)
        for row, name in enumerate(named)
        for column, fault in enumerate(_FAULTS)
        if (row + column + turn) % 2 == 0 or "ANSWERS" in os.environ
    ]


class Case(msgspec.Struct, frozen=True):
    """A fault that strikes an operation at its request of this number; on a warm store, or one not used before."""

    fault: Fault
    after: int
    size: int
    is_warm: bool

    def __str__(self) -> str:
        return f"after {self.after}, size {self.size}, {'warm' if self.is_warm else 'cold'}"


async def tried(subject: Subject, operation: str, fault: Fault) -> list[str]:
    """What is wrong with the operation under this fault, at each of its requests; empty if nothing is."""
    direct = subject.open()
    trial = _Trial(subject, operation, fault, direct)
    try:
        cases = [
            Case(fault, after, size, is_warm)
            for is_warm in ((True, False) if operation in _TRIED_COLD else (True,))
            for after in range(1 if fault is Fault.REFUSE else await trial.requests(is_warm))
            for size in _SIZES.get(fault, (16,))[: 2 if is_warm else 1]
        ]
        turns = asyncio.Semaphore(_AT_ONCE)

        async def one(case: Case) -> list[str]:
            async with turns:
                try:
                    return [f"{operation}, {fault}, {case}: {wrong}" for wrong in await trial.tried(case)]
                except (AssertionError, HoldallError) as error:
                    return [f"{operation}, {fault}, {case}: {error!r}"]

        return [wrong for found in await asyncio.gather(*map(one, cases)) for wrong in found]
    finally:
        await direct.app.close()


class _Trial:
    """An operation, a fault, and a way past the proxy."""

    def __init__(self, subject: Subject, operation: str, fault: Fault, direct: Opened) -> None:
        self._subject = subject
        self._operation = OPERATIONS[operation]
        self._name = f"{operation}, {fault} #{next(_NUMBERS)}"
        self._has_old = operation == "session"
        self._direct = direct

    async def requests(self, is_warm: bool) -> int:
        """How many requests the operation makes where nothing goes wrong."""
        for attempt in range(_ATTEMPTS):
            name = f"{self._name}, healthy, {is_warm}, {attempt}"
            async with _proxied(self._subject) as (proxy, opened):
                await self._set_out(opened, name, is_warm)
                before = proxy.requests
                belief = await self._operation(opened, name)
                await opened.app.close()
                if belief.error is None:
                    return proxy.requests - before
        raise AssertionError("it goes wrong without a fault")

    async def tried(self, case: Case) -> list[str]:
        """What is wrong in this case."""
        timeout, name = self._subject.timeout, f"{self._name}, {case}"
        async with _proxied(self._subject) as (proxy, opened):
            await self._set_out(opened, name, case.is_warm)
            await proxy.fail(case.fault, after=case.after, size=case.size, delay=0.005)
            allowed = 2 * timeout if case.fault is Fault.SLOW else timeout
            belief: Belief = await within(allowed + 1, self._operation(opened, name), "the operation")
            if case.after % 2:
                await within(timeout + 1, opened.store.close(), "closing while it fails")
            await proxy.heal()
            wrong = []
            if not await _is_usable(opened):
                wrong.append("it was not usable after it was healed")
            await _until(lambda: proxy.is_settled)
            wrong += await self._untrue(belief)
            if belief.again is not None and not wrong and await _is_done(belief.again):
                wrong += await self._untrue(Belief(dict.fromkeys(belief.of, True)))
            await within(timeout + 1, opened.store.close(), "closing")
            del belief  # its error holds on to what the driver left lying about
            if not await _until(lambda: proxy.connections == 0):
                wrong.append(f"{proxy.connections} connections were left open")
            await opened.app.close()
            return wrong

    async def _set_out(self, opened: Opened, name: str, is_warm: bool) -> None:
        if self._has_old:
            await self._direct.put(f"{name} 2", BEFORE)
        for attempt in range(_ATTEMPTS if is_warm else 0):
            first = f"{name} warm {attempt}"
            if self._has_old:
                await self._direct.put(f"{first} 2", BEFORE)
            if (await self._operation(opened, first)).error is None:
                break

    async def _untrue(self, belief: Belief) -> list[str]:
        """Where what the answer says is not so."""
        if not belief.of:
            return []
        await asyncio.sleep(0.02)  # what was sent late is carried out by now
        there = await self._direct.texts(*belief.of)
        found = {key: there.get(key) == f"text of {key}" for key in belief.of}
        wrong = [
            f"{key!r} is {'there' if found[key] else 'not there'}, but the answer was {belief.error!r}"
            for key, said in belief.of.items()
            if said is not None and said is not found[key]
        ]
        if belief.is_atomic and len(set(found.values())) > 1:
            wrong.append(f"half of it is there: {found}")
        return wrong


async def connections_given_back(subject: Subject) -> int:
    """How many connections the server still counts, when it has had the time to notice that all were closed."""
    count = 0
    if subject.count_connections is None:
        return count
    for _ in range(int(PATIENCE / 0.01)):
        count = await subject.count_connections()
        if not count:
            break
        await asyncio.sleep(0.01)
    return count


async def _is_done(again: Callable[[], Awaitable[object]]) -> bool:
    """Whether it was done now; not where the server is still held up by the first attempt, which it takes for alive.

    Nor where a busy machine passes a limit, after which nobody knows.
    """
    try:
        await again()
    except (CommitAborted, CommitUnknown) as error:
        if type(error.__cause__) not in (Conflict, LockConflict, StoreTimeout):
            raise
        return False
    return True


async def _is_usable(opened: Opened) -> bool:
    """Whether it answers, and truly, in the end; until then it may refuse, for longer on a busy machine."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while loop.time() - begun < PATIENCE:
        try:
            return await opened.texts(KEPT) == {KEPT: "as it was"}
        except StoreError:
            await asyncio.sleep(0.01)
    return False


async def _until(condition: Callable[[], bool]) -> bool:
    for turn in range(int(PATIENCE / 0.01)):
        if condition():
            return True
        if turn == 50:
            gc.collect()
        await asyncio.sleep(0.01)
    return False


@asynccontextmanager
async def _proxied(subject: Subject) -> AsyncIterator[tuple[FaultProxy, Opened]]:
    parts = urlsplit(subject.url)
    async with FaultProxy(parts.hostname or "127.0.0.1", parts.port or 0) as proxy:
        yield proxy, subject.open(proxy)
