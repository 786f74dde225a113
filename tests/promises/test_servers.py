"""A2 once more, with servers: the second store goes away just after the decision, and comes back."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdall import Holdall, Model, field
from holdall.errors import CommitAborted, CommitPending, StaleVersion, StoreUnavailable
from tests.crash.failpoints import Failpoint, arm
from tests.servers.killable import KillablePostgres, KillableValkey

pytestmark = pytest.mark.anyio


class Account(Model):
    id: int = field(pk=True)
    n: int = 100
    version: int = field(version=True)


class Points(Model):
    id: int = field(pk=True)
    n: int = 100
    version: int = field(version=True)


@pytest.fixture(params=["valkey", "postgresql"])
def server(request: pytest.FixtureRequest) -> Iterator[KillableValkey | KillablePostgres]:
    if request.param == "valkey":
        with KillableValkey() as valkey:
            yield valkey
    else:
        with KillablePostgres(max_prepared_transactions="20") as postgres:
            yield postgres


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    arm(None)


def _bank(folder: Path, url: str, first: str = "a") -> Holdall:
    """The stores' names say who decides: of two databases, the first by name."""
    app = Holdall("bank", journal=f"sqlite:///{folder}/journal.db")
    app.add_store(first, f"sqlite:///{folder}/main.db")
    app.add_store("b", url, timeout=2)
    app.add(Account, store=first)
    app.add(Points, store="b")
    return app


async def _move(app: Holdall, seconds: float) -> None:
    async with app.session() as session:
        (await session.require(Account, 1)).n -= 10
        (await session.require(Points, 1)).n += 10
        await session.commit(timeout=seconds)


async def _values(app: Holdall) -> list[int]:
    async with app.session() as session:
        return [(await session.require(Account, 1)).n, (await session.require(Points, 1)).n]


async def _add_a_point(app: Holdall) -> None:
    """Read again where the decided part was written first, or the pool had connections of the killed server."""
    for _ in range(20):
        try:
            async with app.session() as session:
                (await session.require(Points, 1)).n += 1
        except CommitAborted as error:
            if not isinstance(error.__cause__, StaleVersion | StoreUnavailable):
                raise
        except StoreUnavailable:
            await asyncio.sleep(0.05)
        else:
            return
    raise AssertionError("the points were never written")


async def test_what_is_decided_is_written_when_a_killed_server_is_back(
    tmp_path: Path, server: KillableValkey | KillablePostgres
) -> None:
    async with _bank(tmp_path, server.url) as app:
        await app.create()
        async with app.session() as session:
            session.add_all([Account(id=1), Points(id=1)])
        killed = False

        def kill(point: Failpoint) -> None:
            nonlocal killed
            if point is Failpoint.DECIDED and not killed:
                killed = True
                server.kill()

        arm(kill)
        pending: CommitPending | None = None
        try:
            await _move(app, 0.5)
        except CommitPending as error:
            pending = error
        assert killed
        server.start()
        await _add_a_point(app)
        assert await _values(app) == [90, 111]
        assert await app.recovery.unfinished() == []
        assert pending is None or await pending.resolve() is None


async def test_a_server_that_hangs_after_the_decision_is_waited_for_within_the_budget_only(tmp_path: Path) -> None:
    with KillableValkey() as server:
        async with _bank(tmp_path, server.url) as app:
            await app.create()
            async with app.session() as session:
                session.add_all([Account(id=1), Points(id=1)])

            def stop(point: Failpoint) -> None:
                if point is Failpoint.DECIDED:
                    os.kill(server._server, signal.SIGSTOP)

            arm(stop)
            async with asyncio.timeout(30):
                with pytest.raises(CommitPending) as caught:
                    await _move(app, 0.5)
            arm(None)
            os.kill(server._server, signal.SIGCONT)
            assert await caught.value.resolve() is None
            assert await _values(app) == [90, 110]
            assert await app.recovery.unfinished() == []
