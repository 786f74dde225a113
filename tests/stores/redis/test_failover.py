"""A name that leads to another server than before: replicas that became primaries, servers started anew."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import TypeVar

import pytest

from holdall import Holdall, Model, field
from holdall.errors import HoldallError
from tests.servers.killable import KillableValkey
from tests.servers.relay import Relay
from tests.servers.valkey import Valkey, ValkeyCluster

pytestmark = [pytest.mark.early, pytest.mark.anyio]

T = TypeVar("T")


class Note(Model):
    id: int = field(pk=True)
    text: str = field(default="", index=True)


@pytest.fixture
def pair() -> Iterator[tuple[Valkey, Valkey]]:
    with Valkey() as one, Valkey() as two:
        two.ask("REPLICAOF", "127.0.0.1", str(one.port))
        yield one, two


def _url(relay: Relay) -> str:
    return f"redis://127.0.0.1:{relay.port}/0"


def opened(url: str) -> Holdall:
    app = Holdall("notes")
    app.add_store("main", url)
    app.add(Note, store="main")
    return app


async def add(app: Holdall, *numbers: int) -> None:
    async with app.session() as session:
        session.add_all([Note(id=number, text=str(number)) for number in numbers])


async def count(app: Holdall) -> int:
    async with app.session() as session:
        return await session.count(Note.where())


async def fail_over(relay: Relay, one: Valkey, two: Valkey) -> None:
    for _ in range(1_000):
        if b"master_link_status:up" in two.ask("INFO", "replication"):
            break
        await asyncio.sleep(0.01)
    assert two.ask("REPLICAOF", "NO", "ONE") == b"+OK\r\n"
    assert one.ask("REPLICAOF", "127.0.0.1", str(two.port)) == b"+OK\r\n"
    relay.target = ("127.0.0.1", two.port)


async def test_after_a_failover_the_next_write_is_done(pair: tuple[Valkey, Valkey]) -> None:
    one, two = pair

    async with asyncio.timeout(60):
        async with Relay("127.0.0.1", one.port) as relay:
            app = opened(_url(relay))
            await app.create()
            await asyncio.gather(*(add(app, number) for number in range(5)))
            await fail_over(relay, one, two)
            before = relay.accepted
            await add(app, 10)
            assert relay.accepted == before + 1  # the idle ones were ended
            await asyncio.gather(*(add(app, number) for number in range(20, 25)))
            async with app.session() as session:
                (await session.require(Note, 1)).text = "changed"
                session.remove(await session.require(Note, 2))
            assert await count(app) == 10
            await app.close()


async def test_a_server_that_stays_a_replica_is_told(pair: tuple[Valkey, Valkey]) -> None:
    _, two = pair

    async with asyncio.timeout(60):
        app = opened(two.url)
        with pytest.raises(HoldallError, match="connect to the primary"):
            await add(app, 1)
        await app.close()


@pytest.mark.parametrize("is_loop_blocked", [False, True])
async def test_a_server_that_was_started_anew_answers_the_next_call(is_loop_blocked: bool) -> None:
    async with asyncio.timeout(60):
        with KillableValkey() as server:
            app = opened(server.url)
            await app.create()
            await asyncio.gather(*(add(app, number) for number in range(3)))

            def restart() -> None:
                server.kill()
                server.start()

            for number in (10, 11):
                if is_loop_blocked:
                    thread = threading.Thread(target=restart)
                    thread.start()
                    thread.join()
                else:
                    await asyncio.to_thread(restart)
                await add(app, number)
            assert await count(app) == 5
            await app.close()


async def test_a_node_of_a_cluster_that_is_taken_for_a_single_server_is_told(redis_cluster: ValkeyCluster) -> None:
    async with asyncio.timeout(60):
        app = opened(f"redis://127.0.0.1:{redis_cluster.nodes[0].port}/0")
        with pytest.raises(HoldallError, match=r"redis\+cluster://"):
            await add(app, *range(30))
        await app.close()
