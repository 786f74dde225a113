"""The server that fails on purpose says so itself where a test is wrong, and nothing else."""

from __future__ import annotations

import asyncio
import logging
import zlib

import pytest

from holdall.testing.fault_server import FAULTS, FaultServer, Reply, Request

pytestmark = pytest.mark.anyio


async def _sent(server: FaultServer, *requests: bytes) -> list[asyncio.StreamWriter]:
    writers = []
    for request in requests:
        _, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
        writer.write(request)
        await writer.drain()
        writers.append(writer)
    await asyncio.sleep(0.05)
    return writers


async def test_a_block_that_ends_with_open_connections_ends_quietly(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with FaultServer(lambda request: FAULTS["hanging"]) as server:
            writers = await _sent(server, b"", b"GET / HTTP/1.1\r\n\r\n", b"GET / HT", b"no HTTP\r\n\r\n")
            assert server.connections == 3
        assert server.connections == 0
        for writer in writers:
            writer.close()
        await asyncio.sleep(0)

    with caplog.at_level(logging.DEBUG, "asyncio"):
        await main()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_what_the_test_does_wrong_is_raised_when_the_block_ends() -> None:
    def wrong(request: Request) -> Reply:
        raise KeyError("page")

    async def main() -> None:
        async with FaultServer(wrong) as server:
            for writer in await _sent(server, b"GET / HTTP/1.1\r\n\r\n"):
                writer.close()

    with pytest.raises(KeyError, match="page"):
        await main()


def test_what_is_huge_once_unpacked_is_packed_rightly() -> None:
    assert zlib.decompress(FAULTS["huge once unpacked"].body) == b" " * 2**27
