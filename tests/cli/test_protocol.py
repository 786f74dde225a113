"""Heads of requests that are too long or never end, over real sockets."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
import uvicorn

from holdall.cli.protocol import BoundedProtocol

pytestmark = pytest.mark.anyio


class Impatient(BoundedProtocol):
    head_seconds = 0.1


async def _plain(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def _said(protocol: type[BoundedProtocol], *pieces: bytes) -> bytes:
    """What a server answers to these bytes until it ends the connection."""

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(_plain, http=protocol, lifespan="off", log_level="critical"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        received = b""
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            async with asyncio.timeout(20):
                received = await reader.read()
        except ConnectionError:
            received = received or b"reset"
        finally:
            writer.close()
            server.should_exit = True
            await serving
        return received


_HEAD = b"GET / HTTP/1.1\r\nhost: a\r\n"
_POST = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("piece", [b"x-1: " + b"v" * 200_000, b"x: 1\r\n" * 40_000], ids=["one long", "many"])
async def test_a_head_that_is_too_long_is_refused(piece: bytes) -> None:
    assert (await _said(BoundedProtocol, _HEAD + piece)).startswith((b"HTTP/1.1 431 ", b"reset"))


@pytest.mark.parametrize("sent", [b"", b"GET", _HEAD, _HEAD + b"\r\n" + _HEAD], ids=["nothing", "word", "half", "next"])
async def test_a_head_that_never_ends_is_refused(sent: bytes) -> None:
    answer = await _said(Impatient, sent)
    assert b"HTTP/1.1 408 " in answer
    assert answer.count(b"HTTP/1.1 200 ") == sent.count(b"\r\n\r\n")


async def test_fields_after_a_body_are_bounded_too() -> None:
    answer = await _said(BoundedProtocol, _POST + b"0\r\n" + b"x: 1234567890\r\n" * 20_000)
    assert b" 200 " not in answer


async def test_a_request_within_the_bounds_is_answered() -> None:
    last = _HEAD + b"x: " + b"v" * 50_000 + b"\r\nconnection: close\r\n\r\n"
    assert (await _said(BoundedProtocol, _HEAD + b"\r\n", last)).count(b"HTTP/1.1 200 ") == 2
