"""The proxy does to connections what it says, and nothing while it is healed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from holdall.testing.fault import Fault
from holdall.testing.proxy import FaultProxy

pytestmark = pytest.mark.anyio

Ask = Callable[[bytes], Awaitable[bytes]]


class Echo:
    """A server that answers each line with itself, and remembers what reached it."""

    def __init__(self) -> None:
        self.heard = b""
        self.broken = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = b""
        try:
            while data := await reader.read(1000):
                self.heard += data
                line += data
                if line.endswith(b"\n"):
                    writer.write(line)
                    line = b""
        except ConnectionResetError:
            self.broken += 1
        writer.close()


@asynccontextmanager
async def proxied() -> AsyncIterator[tuple[Echo, FaultProxy, Ask]]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    async with server, FaultProxy(*server.sockets[0].getsockname()) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)

        async def ask(line: bytes) -> bytes:
            writer.write(line)
            async with asyncio.timeout(5):
                return await reader.read(1000)

        assert await ask(b"one\n") == b"one\n"
        yield echo, proxy, ask
        writer.close()


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come to that in five seconds")


async def test_what_is_healthy_is_passed_on_and_counted() -> None:
    async with proxied() as (echo, proxy, ask):
        assert await ask(b"two\n") == b"two\n"
        assert (proxy.connections, proxy.accepted, proxy.requests, echo.heard) == (1, 1, 2, b"one\ntwo\n")
        assert proxy.through("http://me:secret@host:1/a?b") == f"http://me:secret@127.0.0.1:{proxy.port}/a?b"
    await until(lambda: proxy.is_settled and proxy.connections == 0)


@pytest.mark.parametrize(
    "fault, reaches",
    [(Fault.RESET_REQUEST, b""), (Fault.RESET_ANSWER, b"two\n"), (Fault.CUT_REQUEST, b"tw"), (Fault.REFUSE, b"")],
)
async def test_connections_are_reset(fault: Fault, reaches: bytes) -> None:
    async with proxied() as (echo, proxy, ask):
        await proxy.fail(fault, size=2)
        with pytest.raises(ConnectionError):
            await ask(b"two\n")
        await until(lambda: proxy.is_settled and echo.broken == 1)
        assert (proxy.connections, echo.heard) == (0, b"one\n" + reaches)


async def test_an_answer_is_cut_after_so_many_bytes() -> None:
    async with proxied() as (_, proxy, ask):
        await proxy.fail(Fault.CUT_ANSWER, size=3)
        assert await ask(b"answer\n") == b"ans"
        with pytest.raises(ConnectionError):
            await ask(b"more\n")


async def test_a_fault_strikes_after_as_many_requests_as_asked() -> None:
    async with proxied() as (_, proxy, ask):
        await proxy.fail(Fault.RESET_ANSWER, after=2)
        assert [await ask(b"two\n"), await ask(b"three\n")] == [b"two\n", b"three\n"]
        with pytest.raises(ConnectionError):
            await ask(b"four\n")


@pytest.mark.parametrize("fault, heard", [(Fault.HANG_REQUEST, b""), (Fault.HANG_ANSWER, b"two\n")])
async def test_what_hangs_arrives_when_healed(fault: Fault, heard: bytes) -> None:
    async with proxied() as (echo, proxy, ask):
        await proxy.fail(fault)
        asking = asyncio.ensure_future(ask(b"two\n"))
        done, _ = await asyncio.wait([asking], timeout=0.1)
        assert (done, echo.heard) == (set(), b"one\n" + heard)
        await proxy.heal()
        assert await asking == b"two\n"


async def test_what_was_sent_before_its_client_went_arrives_late() -> None:
    async with proxied() as (echo, proxy, _):
        await proxy.fail(Fault.HANG_REQUEST)
        _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"late\n")
        writer.close()
        await until(lambda: proxy.accepted == 2 and proxy.connections == 1)
        assert (echo.heard, proxy.is_settled) == (b"one\n", False)
        await proxy.heal()
        await until(lambda: echo.heard == b"one\nlate\n")


async def test_slow_is_slow_and_garbage_is_garbage() -> None:
    async with proxied() as (echo, proxy, ask):
        await proxy.fail(Fault.SLOW, size=1, delay=0.001)
        answer = b""
        asking = await ask(b"slow\n")
        while len(answer + asking) < 5:
            answer += asking
            asking = await ask(b"")
        assert answer + asking == b"slow\n"
        assert len(answer) > 0
        await proxy.fail(Fault.GARBAGE)
        garbled = await ask(b"clear\n")
        assert len(garbled) == 6
        assert garbled != b"clear\n"
        assert echo.heard == b"one\nslow\nclear\n"


async def test_a_refused_port_is_ours_again_when_healed() -> None:
    async with proxied() as (_, proxy, _ask):
        await proxy.fail(Fault.REFUSE)
        for _ in range(3):
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", proxy.port)
        await proxy.heal()
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"back\n")
        assert await reader.readline() == b"back\n"
        writer.close()


async def test_a_server_that_is_not_there_looks_like_a_reset() -> None:
    async with FaultProxy("127.0.0.1", 1) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        with pytest.raises(ConnectionError):
            await reader.read(1)
        writer.close()
